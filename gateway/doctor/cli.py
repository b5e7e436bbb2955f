"""`axlebox doctor`."""

import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from gateway.config import load_config
from gateway.doctor.examination import examine
from gateway.doctor.finding import LEVELS, Finding, Level, exit_code
from gateway.errors import ConfigError
from gateway.service_cli import DEFAULT_CONFIG, TOKEN_VARIABLE, ConfigPath
from gateway.timebase import SystemClock

__all__ = ["app"]

app = typer.Typer(
    help="Say what is wrong with this locomotive's gateway, and what to do.",
    invoke_without_command=True,
)

_STYLES: dict[Level, str] = {
    "wrong": "bold red",
    "unknown": "bold magenta",
    "note": "yellow",
    "ok": "green",
}
_SUMS: dict[Level, str] = {
    "wrong": "wrong",
    "unknown": "not looked at",
    "note": "to note",
    "ok": "good",
}


@app.callback()
def doctor(
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="print the findings as JSON")] = False,
) -> None:
    """Say what is wrong with this locomotive's gateway, and what to do. 1 if anything is wrong."""
    found = _examined(config)
    code = exit_code(found)
    if as_json:
        print(msgspec.json.encode({"exit_code": code, "findings": found}).decode())
    else:
        _print(Console(soft_wrap=True, highlight=False, markup=False), found)
    raise typer.Exit(code)


def _examined(path: Path) -> list[Finding]:
    try:
        settings = load_config(path)
    except ConfigError as error:
        there = path.exists()
        return [
            Finding(
                level="wrong" if there else "unknown",
                part="files",
                what=f"{error}",
                advice="correct that first: nothing else was looked at",
            )
        ]
    token = os.environ.get(TOKEN_VARIABLE)
    return examine(settings, SystemClock(settings.clock.trust), token)


def _print(console: Console, found: list[Finding]) -> None:
    width = max(map(len, LEVELS))
    for finding in found:
        level = f"{finding.level:<{width}}"
        console.print(Text.assemble((level, _STYLES[finding.level]), f"  {finding.what}"))
        if finding.advice:
            console.print(f"{'':<{width}}  -> {finding.advice}")
    counts = {level: sum(one.level == level for one in found) for level in LEVELS}
    console.print(", ".join(f"{count} {_SUMS[level]}" for level, count in counts.items()))
