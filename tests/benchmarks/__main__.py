"""`make bench`: every figure in one run, printed and written to build/bench.json."""

import argparse
import secrets
import tempfile
from pathlib import Path

from benchmarks import (
    clock,
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
    with tempfile.TemporaryDirectory(prefix="axlebox-bench-", dir=Path.cwd()) as folder:
        figures |= wire.measure(arguments.seed)
        figures |= ingest.measure(Path(folder) / "ingest", arguments.seed)
        figures |= rubbish.measure(Path(folder) / "rubbish", arguments.seed)
        figures |= latency.measure(Path(folder) / "latency", arguments.seed)
        figures |= painted.measure(Path(folder) / "painted", arguments.seed)
        figures |= restart.measure(Path(folder) / "restart", arguments.seed)
        figures |= forward.measure(Path(folder) / "forward", arguments.seed)
        figures |= trend.measure(Path(folder) / "trend", arguments.seed)
        figures |= flash.measure(Path(folder) / "flash", arguments.seed)
        figures |= speedup.measure(Path(folder) / "speedup", arguments.seed)
        figures |= clock.measure(Path(folder) / "clock", arguments.seed)
        figures |= locomotive.measure(Path(folder) / "rig", arguments.seed)
    write_report(figures, arguments.out)


main()
