"""`axlebox station flash` and `axlebox station verify`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gateway.timebase import SystemClock
from hil.boards import Board as BoardKind
from hil.boards import load_board
from hil.station.board import BoardFacts
from hil.station.errors import StationError
from hil.station.flash import Flashed, Identity, flash_firmware, verify_firmware
from hil.station.flash_many import Outcome, flash_many
from hil.station.micropython import install_micropython
from hil.station.slots import Slot, find_slots, port_of
from hil.station.tree import Tree, load_tree, tree_for

__all__ = ["flash", "verify"]

_Slot = Annotated[
    str | None,
    typer.Option(help="the slot, as `axlebox station slots` names it, or a serial port's path"),
]
_Board = Annotated[str, typer.Option(help="the kind of board: a file of firmware/boards")]
_Firmware = Annotated[
    Path | None,
    typer.Option(help="a folder that `axlebox firmware build` made, instead of building it"),
]


def flash(
    slot: _Slot = None,
    board: _Board = "pico",
    images: Annotated[
        Path | None,
        typer.Option(help="folder of MicroPython images; without it, the board must have one"),
    ] = None,
    firmware: _Firmware = None,
    drive: Annotated[
        Path | None, typer.Option(help="where an RP2040's boot loader is mounted, if not found")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="it is a node and stays that one")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="it is a node, and is to be a new board")
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help="the boards in all slots at once, all of one kind")
    ] = False,
) -> None:
    """Put MicroPython and the firmware on a board, and read all of it back."""
    if keep and replace:
        raise StationError("--keep and --replace say opposite things", "Give one of them")
    if every and (slot or drive):
        raise StationError(
            "--all names no slot and no drive", "Leave them out, or leave out --all"
        )
    identity = Identity.KEEP if keep else Identity.REPLACE if replace else Identity.REFUSE
    console = Console(soft_wrap=True, highlight=False, markup=False)
    clock = SystemClock()
    kind, tree = _what(board, firmware)

    def flash_one(port: str) -> tuple[Flashed, BoardFacts]:
        if images is not None:
            install_micropython(port, kind, images, identity, drive=drive, tell=tell)
        done = flash_firmware(port, kind, tree, identity, tell=tell)
        return done, verify_firmware(port, kind, tree)

    def tell(line: str) -> None:
        if not every:
            console.print(f"  {line}")

    def say(outcome: Outcome) -> None:
        console.print(f"{outcome.slot.name}: {_verdict(outcome, kind, tree)}")

    if every:
        outcomes = flash_many(find_slots(), flash_one, clock, say)
        failed = [outcome for outcome in outcomes if outcome.error is not None]
        if failed:
            raise StationError(
                f"{len(failed)} of {len(outcomes)} boards are not done", "Do what their lines say"
            )
        return
    port = port_of(slot)
    (outcome,) = flash_many([Slot(slot or "", Path(port))], flash_one, clock)
    if outcome.error is not None:
        raise outcome.error
    console.print(_verdict(outcome, kind, tree))


def verify(slot: _Slot = None, board: _Board = "pico", firmware: _Firmware = None) -> None:
    """Read the firmware of a board back and hold it against what it should be."""
    kind, tree = _what(board, firmware)
    facts = verify_firmware(port_of(slot), kind, tree)
    Console(soft_wrap=True, highlight=False, markup=False).print(
        f"PASS: number {facts.unique_id}, {kind.title}, firmware {tree.firmware_version}, "
        f"MicroPython {facts.firmware_version}"
    )


def _what(board: str, firmware: Path | None) -> tuple[BoardKind, Tree]:
    kind = load_board(board)
    return kind, tree_for(kind) if firmware is None else load_tree(firmware, kind)


def _verdict(outcome: Outcome, kind: BoardKind, tree: Tree) -> str:
    done = outcome.flashed
    if done is None:
        return f"FAIL: {outcome.error}"
    return (
        f"PASS: number {done.facts.unique_id}, {kind.title}, firmware {tree.firmware_version}, "
        f"MicroPython {done.facts.firmware_version}; {done.written} files written, "
        f"{done.unchanged} as they were, {outcome.seconds:.1f} s"
    )
