"""Recordings from real machines, as the physical values that a simulated node's sensors see.

README.md beside this file says what is shipped, whence, and under which licence.
"""

import csv
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.errors import ConfigError
from gateway.profiles import GroupFit, LoopSensor, NodeFit, Pt100Sensor

__all__ = ["RECORDED_NODE", "Recording", "load_recording", "shipped_recording"]

_BAR_KPA = 100.0
_PRESSURE = LoopSensor(low=-100, high=1500)
_COLUMNS: dict[str, tuple[str, str, float]] = {
    "TP2": ("air.compressor_pressure", "compressor 1", _BAR_KPA),
    "TP3": ("air.panel_pressure", "locomotive", _BAR_KPA),
    "Reservoirs": ("brake.main_reservoir_pressure", "locomotive", _BAR_KPA),
    "Oil_temperature": ("compressor.oil_temperature", "compressor 1", 1.0),
    "Motor_current": ("compressor.motor_current", "compressor 1", 1.0),
}

RECORDED_NODE = NodeFit(
    name="brakes-a",
    groups=[
        GroupFit(
            quantity="air.compressor_pressure",
            places=["compressor 1"],
            period_ms=100,
            sensor=_PRESSURE,
        ),
        GroupFit(
            quantity="air.panel_pressure", places=["locomotive"], period_ms=100, sensor=_PRESSURE
        ),
        GroupFit(
            quantity="brake.main_reservoir_pressure",
            places=["locomotive"],
            period_ms=100,
            sensor=_PRESSURE,
        ),
        GroupFit(
            quantity="compressor.motor_current",
            places=["compressor 1"],
            period_ms=100,
            sensor=LoopSensor(low=0, high=20),
        ),
        GroupFit(
            quantity="compressor.oil_temperature",
            places=["compressor 1"],
            period_ms=500,
            sensor=Pt100Sensor(),
        ),
    ],
)
"""The brake node as it is fitted to play a recording."""


@dataclass(frozen=True)
class Recording:
    """Rows of a real machine; each holds from its time until the next row's.

    `columns`: by quantity and place, shape (rows,), in the quantity's unit.
    """

    name: str
    row_s: float
    columns: dict[tuple[str, str], NDArray[np.float64]]

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values())))

    def values(self, quantity: str, place: str, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """The row in force at each time since the start; the recording repeats at its end."""
        row = np.floor(t_s / self.row_s + 1e-9).astype(np.int64) % self.rows
        values: NDArray[np.float64] = self.columns[quantity, place][row]
        return values


def shipped_recording() -> Path:
    """The excerpt that comes with axlebox."""
    return Path(str(resources.files(__package__) / "metropt3.csv"))


def load_recording(path: Path, row_s: float | None = None) -> Recording:
    """Read a CSV recording; `row_s` overrules how long a row lasts. Raises ConfigError."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); "
            f"a recording that comes with axlebox is {shipped_recording()}"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: not a CSV file: {error}") from None
    if len(rows) < 2:
        raise ConfigError(f"{path}: a recording needs a line of names and at least two rows")
    missing = [name for name in (*_COLUMNS, "timestamp") if name not in rows[0]]
    if missing:
        raise ConfigError(
            f"{path}: no column {', '.join(missing)}; simulators/recordings/README.md "
            "describes the format"
        )
    columns = {
        (quantity, place): _column(path, rows, name) * factor
        for name, (quantity, place, factor) in _COLUMNS.items()
    }
    return Recording(path.name, row_s or _row_s(path, rows), columns)


def _column(path: Path, rows: list[dict[str, str]], name: str) -> NDArray[np.float64]:
    values = np.empty(len(rows))
    for index, row in enumerate(rows):
        try:
            values[index] = float(row[name])
        except (TypeError, ValueError):
            raise ConfigError(
                f"{path}, row {index + 2}: {name} is {row[name]!r}, not a number"
            ) from None
    if not np.isfinite(values).all():
        raise ConfigError(f"{path}: column {name} has a value that is not finite")
    return values


def _row_s(path: Path, rows: list[dict[str, str]]) -> float:
    try:
        first, second = (datetime.fromisoformat(row["timestamp"]) for row in rows[:2])
    except ValueError as error:
        raise ConfigError(f"{path}: timestamp: {error}") from None
    row_s = (second - first).total_seconds()
    if row_s <= 0:
        raise ConfigError(f"{path}: the second row is not later than the first")
    return row_s
