"""Collects figures, prints them beside what each is compared with, writes build/bench.json."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One measured number. `goal` is what DESIGN wants of it; `beside` what others do, measured
    in the same run."""

    value: float
    unit: str
    goal: float | None
    seed: int
    beside: dict[str, float] = field(default_factory=dict)


def write_report(figures: dict[str, Figure], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({name: asdict(figure) for name, figure in figures.items()}, indent=2) + "\n"
    )
    table = Table("metric", "value", "goal", "unit", "beside")
    for name, figure in figures.items():
        beside = ", ".join(f"{other} {value:,.4g}" for other, value in figure.beside.items())
        goal = "-" if figure.goal is None else f"{figure.goal:,.4g}"
        table.add_row(name, f"{figure.value:,.4g}", goal, figure.unit, beside)
    console = Console(width=160)
    console.print(table)
    console.print(f"written to {path}")
