"""`make bench`: every figure in one run, printed and written to build/bench.json."""

import argparse
import secrets
import tempfile
from pathlib import Path

from benchmarks import (
    alarm_delays,
    alarms,
    clock,
    crew_page,
    flash,
    forward,
    ingest,
    latency,
    locomotive,
    painted,
    restart,
    rubbish,
    speedup,
    trend,
    wire,
)
from benchmarks.report import Figure, write_report


def main() -> None:
    parser = argparse.ArgumentParser(description="measure axlebox")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    figures: dict[str, Figure] = {}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=Path("build").resolve()) as folder:
        add(figures, wire.measure(arguments.seed))
        add(figures, ingest.measure(Path(folder) / "ingest", arguments.seed))
        add(figures, rubbish.measure(Path(folder) / "rubbish", arguments.seed))
        add(figures, latency.measure(Path(folder) / "latency", arguments.seed))
        add(figures, painted.measure(Path(folder) / "painted", arguments.seed))
        add(figures, alarm_delays.measure(Path(folder) / "alarm_delays", arguments.seed))
        add(figures, crew_page.measure(Path(folder) / "crew_page", arguments.seed))
        add(figures, restart.measure(Path(folder) / "restart", arguments.seed))
        add(figures, forward.measure(Path(folder) / "forward", arguments.seed))
        add(figures, trend.measure(Path(folder) / "trend", arguments.seed))
        add(figures, flash.measure(Path(folder) / "flash", arguments.seed))
        add(figures, speedup.measure(Path(folder) / "speedup", arguments.seed))
        add(figures, alarms.measure(Path(folder) / "alarms", arguments.seed))
        add(figures, clock.measure(Path(folder) / "clock", arguments.seed))
        add(figures, locomotive.measure(Path(folder) / "rig", arguments.seed))
    write_report(figures, arguments.out)


def add(figures: dict[str, Figure], measured: dict[str, Figure]) -> None:
    """Raises ValueError where two parts measure what has one name."""
    if twice := figures.keys() & measured.keys():
        raise ValueError(f"measured twice: {', '.join(sorted(twice))}")
    figures |= measured


main()
