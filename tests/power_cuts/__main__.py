"""`make crash`: every cut of several runs under every model; prints a table, writes a record."""

import argparse
import json
import secrets
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from power_cuts.sweep import LYING, MODELS, Result, Sweep


def main() -> None:
    parser = argparse.ArgumentParser(description="cut the power at every operation")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31), help="of the runs")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--chances", type=int, default=10, help="of a model with chance in it")
    parser.add_argument("--out", type=Path, default=Path("build/crash.json"))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}, runs {arguments.runs}, chances {arguments.chances}")
    seeds = range(arguments.seed, arguments.seed + arguments.runs)
    sums = {model: Result() for model in MODELS}
    operations = 0
    with ProcessPoolExecutor() as pool:
        jobs = [
            (model, pool.submit(_sweep, seed, model, arguments.chances))
            for seed in seeds
            for model in MODELS
        ]
        for model, job in jobs:
            count, result = job.result()
            operations += count if model == MODELS[0] else 0
            sums[model].merge(result)
    _show(sums, operations)
    record = {model: asdict(result) for model, result in sums.items()}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(
        json.dumps(vars(arguments) | {"operations": operations} | record, indent=2, default=str)
        + "\n"
    )
    print(f"written to {arguments.out}")
    sys.exit(not all(result.holds(model == LYING) for model, result in sums.items()))


def _sweep(seed: int, model: str, chances: int) -> tuple[int, Result]:
    with tempfile.TemporaryDirectory(prefix="axlebox-crash-") as folder:
        sweep = Sweep(Path(folder), seed)
        return len(sweep.operations), sweep.result(model, chances)


def _show(sums: dict[str, Result], operations: int) -> None:
    table = Table(title=f"{operations} operations on files")
    figures = [name for name in asdict(Result()) if name != "first_faults"]
    table.add_column("model")
    for name in figures:
        table.add_column(name.replace("_", " "), justify="right")
    for model, result in sums.items():
        table.add_row(model, *(f"{getattr(result, name):,}" for name in figures))
    console = Console(width=160)
    console.print(table)
    for result in sums.values():
        for words in result.first_faults:
            console.print(words, markup=False)


if __name__ == "__main__":
    main()
