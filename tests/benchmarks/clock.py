"""How wrong board time becomes UTC, in simulated time on each kind of line."""

from pathlib import Path

from clock_error import LINES
from clock_error import measure as measure_line

from benchmarks.report import Figure

_SECONDS = 60.0
_QUIET_MS, _FULL_MS = 5.0, 20.0


def measure(folder: Path, seed: int) -> dict[str, Figure]:
    figures = {}
    for name, kind in LINES.items():
        found = measure_line(folder / name, seed, kind, _SECONDS)
        figures[f"clock.{name}.error_p99_ms"] = Figure(
            found.error_ms(99),
            "ms",
            _FULL_MS if kind.full else _QUIET_MS,
            seed,
            {
                "p50": found.error_ms(50),
                "max": found.error_ms(100),
                "admitted": found.admitted_ms(),
                "within it %": 100 * found.covered,
                "line in use %": 100 * found.load,
            },
        )
    return figures
