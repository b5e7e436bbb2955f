"""`axlebox gateway enrol`: take over the boards that the depot fitted."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gateway.enrolment import enrol as take_over
from gateway.enrolment import open_roll
from gateway.sealed import plain_passphrase, read_passphrase

__all__ = ["enrol"]

DEFAULT_CONFIG = Path("axlebox.toml")


def enrol(
    file: Annotated[Path, typer.Argument(help="the sealed list that the depot exported")],
    config: Annotated[
        Path, typer.Option("--config", "-c", help="the configuration file")
    ] = DEFAULT_CONFIG,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="a private file with the passphrase; else it is asked for")
    ] = None,
    older: Annotated[
        bool, typer.Option("--older", help="also a list that is older than the one in use")
    ] = False,
) -> None:
    """Take over the depot's list of boards and keys, and revoke the one before."""
    if passphrase_file is None:
        typed = typer.prompt("passphrase that the depot told", hide_input=True)
    else:
        typed = read_passphrase(passphrase_file)
    roll = open_roll(file, plain_passphrase(typed))
    changes = take_over(config, roll, older=older)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for names, words in (
        (changes.added, "new"),
        (changes.changed, "has another key; the one before is revoked"),
        (changes.removed, "removed; its key is revoked"),
        (changes.kept, "kept: it is not from the depot"),
    ):
        for name in names:
            console.print(f"{name}: {words}")
    for path in changes.unused:
        console.print(f"{path} is not used any more: delete it")
    if not (changes.added or changes.changed or changes.removed):
        console.print(f"{config}: these boards were known already")
        return
    console.print(
        f"{config}: {len(roll.boards)} boards of list {roll.number}. A running gateway takes them "
        "up when it is started again: systemctl restart axlebox-gateway"
    )
