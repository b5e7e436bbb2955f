"""Recorded runs of a locomotive, real or simulated: each channel's values over time.

A CSV file of four columns, sorted by nothing in particular: seconds since the first sample of the
recording, quantity, place, value in the quantity's unit. No name of a locomotive or node, no date
and no place on earth is in it.
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from gateway.errors import ConfigError

__all__ = ["COLUMNS", "RecordedRun", "load_run", "write_run"]

COLUMNS = ("t_s", "quantity", "place", "value")

Floats = NDArray[np.float64]
Sample = tuple[float, str, str, float]


class RecordedRun:
    """Plays a run: straight lines between samples, and from the end it begins again."""

    def __init__(self, channels: dict[tuple[str, str], tuple[Floats, Floats]]) -> None:
        self._channels = channels
        self.seconds = max(float(times[-1]) for times, _ in channels.values())

    @property
    def channels(self) -> list[tuple[str, str]]:
        """Quantity and place of each."""
        return list(self._channels)

    def samples(self, quantity: str, place: str) -> tuple[Floats, Floats]:
        """Times in s and values, as they were recorded. Raises KeyError."""
        return self._channels[quantity, place]

    def values(self, quantity: str, place: str, t_s: Floats) -> Floats:
        """As hil.feeder.Source. Raises ConfigError for a channel that was not recorded."""
        try:
            times, values = self._channels[quantity, place]
        except KeyError:
            raise ConfigError(f"the recording has no {quantity} at {place}") from None
        length_s = self.seconds or 1.0
        played: Floats = np.interp(np.mod(t_s, length_s), times, values)
        return played


def write_run(samples: Iterable[Sample], stream: TextIO) -> int:
    """Write samples; returns how many."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for t_s, quantity, place, value in samples:
        writer.writerow((f"{t_s:.3f}", quantity, place, f"{value:.6g}"))
        count += 1
    return count


def load_run(path: Path) -> RecordedRun:
    """Read a recorded run. Raises ConfigError, which names the line."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            if tuple(next(rows, ())) != COLUMNS:
                raise ConfigError(
                    f"{path}: not a recorded run: its first line must be {','.join(COLUMNS)}; "
                    "`axlebox bench record` makes one of a gateway's spool"
                )
            for number, row in enumerate(rows, 2):
                try:
                    t_s, quantity, place, value = row
                    found.setdefault((quantity, place), []).append((float(t_s), float(value)))
                except ValueError:
                    what = ",".join(row)
                    raise ConfigError(
                        f"{path}, line {number}: {what!r} is not seconds, quantity, place, value"
                    ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: not a CSV file: {error}") from None
    if not found:
        raise ConfigError(f"{path}: it has no samples")
    return RecordedRun({channel: _sorted(samples) for channel, samples in found.items()})


def _sorted(samples: list[tuple[float, float]]) -> tuple[Floats, Floats]:
    both = np.array(samples)
    both = both[np.argsort(both[:, 0], kind="stable")]
    return both[:, 0], both[:, 1]
