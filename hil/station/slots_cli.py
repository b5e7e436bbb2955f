"""`axlebox station slots`: what is plugged in where, and labels for the sockets."""

from typing import Annotated

import typer

from hil.station.board import Board
from hil.station.depot_options import DEFAULT_FOLDER, FolderOption, SlotsOption, say, the_depot
from hil.station.errors import StationError
from hil.station.label import SlotLabel, write_label
from hil.station.scan import SlotCall, read_scan
from hil.station.slots import BY_PATH, Slot, called, find_slots, short_names

__all__ = ["slots"]


def slots(
    labels: Annotated[
        bool, typer.Option("--labels", help="make a label for each socket, and ask no board")
    ] = False,
    slot: Annotated[
        list[str] | None,
        typer.Option(help="a socket that gets a label though no board is in it, by its name"),
    ] = None,
    slots: SlotsOption = BY_PATH,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Say what is plugged in where, or make labels for the sockets."""
    there = find_slots(slots)
    if labels:
        names = [one.name for one in there]
        for name in sorted(map(_named, slot or []), key=len, reverse=True):
            names += [] if called(names, name) else [name]
        if not names:
            raise StationError(
                "there is no board in any slot", "Plug boards in, or name sockets with --slot"
            )
        where = the_depot(folder, new=True).labels
        for name, short in short_names(names).items():
            made = write_label(where, SlotLabel(name, short))
            say(f"{name}: slot:{short}, {' and '.join(map(str, made))}")
        return
    if slot:
        raise StationError("--slot names a socket for a label", "Add --labels, or leave it out")
    for one in there:
        say(f"{one.name}: {_what_is_in(one)}")
    if not there:
        say("There is no board in any slot.")


def _named(slot: str) -> str:
    """The name of a socket, that the line can be told. Raises StationError."""
    if read_scan(f"slot:{slot}") != SlotCall(slot):
        raise StationError(
            f"{slot} is no name of a socket", "Name it as `axlebox station slots` does, or 0:2.1"
        )
    return slot


def _what_is_in(slot: Slot) -> str:
    if not slot.port.exists():
        return "waits for MicroPython in its boot loader"
    try:
        with Board.open(str(slot.port)) as board:
            facts = board.kind()
    except StationError as error:
        return str(error)
    return f"{facts.machine}, MicroPython {facts.firmware_version}, number {facts.unique_id}" + (
        ", in safe mode" if facts.is_safe_mode else ""
    )
