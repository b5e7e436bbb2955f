"""Options that several commands of the station have, and how a passphrase is asked for."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gateway.errors import SealError
from gateway.sealed import PASSPHRASE_LEAST, read_passphrase
from gateway.timebase import SystemClock
from hil.station.depot import Depot, open_depot
from hil.station.errors import StationError
from hil.station.vault import Vault

__all__ = [
    "DEFAULT_FOLDER",
    "FolderOption",
    "LimitsOption",
    "LinkOption",
    "PassphraseOption",
    "SlotOption",
    "SlotsOption",
    "say",
    "the_depot",
    "the_vault",
]

DEFAULT_FOLDER = Path("station")
FolderOption = Annotated[Path, typer.Option("--folder", help="the station's folder")]
PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file", help="a private file with the store's passphrase; else it is asked"
    ),
]

SlotOption = Annotated[
    str | None, typer.Option(help="the slot, or the serial port, that the board is in")
]
LinkOption = Annotated[
    str | None,
    typer.Option(help="the serial port that the node's own link is at; the board's without"),
]
SlotsOption = Annotated[Path, typer.Option("--slots", help="the folder of ports by their sockets")]
LimitsOption = Annotated[
    Path | None, typer.Option(help="a TOML file with a depot's own limits: docs/provisioning.md")
]


def the_depot(folder: Path, *, new: bool = False) -> Depot:
    """The station in this folder. Raises StationError where there is none that is not `new`."""
    if not new and not folder.is_dir():
        raise StationError(
            f"there is no station's folder {folder}", "Name the right one with --folder"
        )
    return open_depot(folder, SystemClock())


def the_vault(depot: Depot, passphrase_file: Path | None) -> Vault:
    """The sealed store; a new one is made with a passphrase that was typed twice."""
    is_new = not depot.has_vault()
    if passphrase_file is not None:
        passphrase = read_passphrase(passphrase_file)
    else:
        passphrase = typer.prompt(
            "a passphrase for this station's new store of keys"
            if is_new
            else "the store's passphrase",
            hide_input=True,
            confirmation_prompt="once more" if is_new else False,
        )
    if is_new and len(passphrase) < PASSPHRASE_LEAST:
        raise SealError(
            f"a passphrase has at least {PASSPHRASE_LEAST} characters: make up a longer one"
        )
    vault = depot.vault(passphrase)
    if vault.note:
        say(f"note: {vault.note}")
    return vault


def say(line: str) -> None:
    Console(soft_wrap=True, highlight=False, markup=False).print(line)
