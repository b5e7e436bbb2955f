"""`axlebox station records`: what the depot knows of its boards."""

import enum
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from hil.station.depot_options import (
    DEFAULT_FOLDER,
    FolderOption,
    PassphraseOption,
    say,
    the_depot,
    the_vault,
)
from hil.station.errors import StationError
from hil.station.inventory import Known
from hil.station.label import Label, write_label
from hil.station.swap import swap as take_out

__all__ = ["records"]

records = typer.Typer(help="What the depot knows of its boards.", no_args_is_help=True)


class Table(enum.StrEnum):
    """What can be exported."""

    BOARDS = "boards"
    HISTORY = "history"
    MEASURES = "measures"
    CALIBRATIONS = "calibrations"


@records.command()
def search(
    words: Annotated[
        list[str] | None, typer.Argument(help="all must be found: locomotive, node, number ...")
    ] = None,
    folder: FolderOption = DEFAULT_FOLDER,
    as_json: Annotated[bool, typer.Option("--json", help="print them as JSON")] = False,
) -> None:
    """List the boards in whose descriptions all words are found."""
    found = the_depot(folder).inventory.search(words or [])
    if as_json:
        print(json.dumps([vars(board) for board in found]))
        return
    for board in found:
        say(_line(board))
    if not found:
        say("no board is described so")


@records.command()
def show(
    unique_id: Annotated[str, typer.Argument(help="the number of the board's chip")],
    folder: FolderOption = DEFAULT_FOLDER,
    as_json: Annotated[bool, typer.Option("--json", help="print it as JSON")] = False,
) -> None:
    """Tell all that is known of a board, and what was done to it."""
    inventory = the_depot(folder).inventory
    board = inventory.board(unique_id)
    history, calibrations = inventory.history(unique_id), inventory.calibrations(unique_id)
    if board is None and not history:
        raise StationError(
            f"no board {unique_id} is known", "Search for it: axlebox station records search"
        )
    if as_json:
        known = None if board is None else vars(board)
        print(
            json.dumps(
                {
                    "board": known,
                    "history": [vars(entry) for entry in history],
                    "calibrations": [vars(one) for one in calibrations],
                }
            )
        )
        return
    if board is not None:
        say(_line(board))
        say(f"{board.machine}, firmware {board.firmware} ({board.firmware_sha256[:16]})")
    for one in calibrations:
        drift = "the first" if one.drift is None else f"drift {one.drift:.4g} {one.unit}"
        say(
            f"{one.at} calibration {one.number}, {one.quantity} at {one.place}: {drift}, "
            f"certificate {one.certificate}, {one.initials}"
        )
    for entry in history:
        say(f"{entry.at} {entry.what} as {entry.node} of {entry.locomotive}: {entry.result}")
        if entry.said:
            say(f"  {entry.said}" + (f" (record {entry.record})" if entry.record else ""))


@records.command()
def swap(
    locomotive: Annotated[str, typer.Argument(help="the locomotive")],
    node: Annotated[str, typer.Argument(help="the node whose board leaves it")],
    folder: FolderOption = DEFAULT_FOLDER,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Take a board out of its place: its key is revoked, and another one can be put there."""
    depot = the_depot(folder)
    found = take_out(depot, the_vault(depot, passphrase_file), locomotive, node)
    say(
        f"board {found.unique_id} is not {node} of {locomotive} any more; provision the one that "
        f"takes its place, then export the locomotive's list anew and enrol it there"
    )


@records.command()
def label(
    locomotive: Annotated[str, typer.Argument(help="the locomotive")],
    node: Annotated[str, typer.Argument(help="the node")],
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Make a board's label once more."""
    depot = the_depot(folder)
    found = depot.inventory.holder(locomotive, node)
    if found is None:
        raise StationError(
            f"no board is {node} of {locomotive}",
            f"Ask which there are: axlebox station records search {locomotive}",
        )
    for path in write_label(depot.labels, Label.of(found)):
        say(str(path))


@records.command()
def export(
    table: Annotated[Table, typer.Argument(help="which table")] = Table.BOARDS,
    out: Annotated[
        Path | None, typer.Option(help="the CSV file; without it, to standard output")
    ] = None,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Write what is known as CSV."""
    inventory = the_depot(folder).inventory
    if out is None:
        inventory.export(table.value, sys.stdout)
        return
    with out.open("w", encoding="utf-8", newline="") as file:
        rows = inventory.export(table.value, file)
    say(f"{out}: {rows} rows")


def _line(board: Known) -> str:
    return (
        f"{board.locomotive} {board.node}: board {board.unique_id}, {board.state} since "
        f"{board.since}, {board.places}, firmware {board.firmware}"
    )
