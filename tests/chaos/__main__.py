"""`make chaos`: prints what happened and the verdict, writes build/chaos.json."""

import argparse
import json
import secrets
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chaos.run import Report, run


def main() -> int:
    parser = argparse.ArgumentParser(description="kill, freeze, fill and cut, and count")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--pause", type=float, default=1.0, help="mean seconds between troubles")
    parser.add_argument("--kills", type=int, help="end after so many")
    parser.add_argument("--out", type=Path, default=Path("build/chaos.json"))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=Path("build").resolve()) as folder:
        report = run(
            Path(folder),
            arguments.seed,
            arguments.seconds,
            pause_s=arguments.pause,
            kills=arguments.kills,
        )
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")
    _print(report)
    print(f"written to {arguments.out}")
    return 0 if report.verdict is not None and report.verdict.good else 1


def _print(report: Report) -> None:
    console = Console(width=100)
    happened = Table("what happened", "times")
    for name, count in sorted(report.troubles.items()):
        happened.add_row(name, str(count))
    happened.add_row("kills in all", str(sum(report.kills.values())))
    happened.add_row("messages stored meanwhile", f"{report.messages:,}")
    console.print(happened)
    counted = Table("counted", "")
    for name, value in asdict(report.verdict).items() if report.verdict else ():
        counted.add_row(name, f"{value:,}" if isinstance(value, int) else str(value))
    console.print(counted)


if __name__ == "__main__":
    sys.exit(main())
