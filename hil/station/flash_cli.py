"""`axlebox station flash` and `axlebox station verify`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gateway.timebase import SystemClock
from hil.boards import Board as BoardKind
from hil.boards import load_board
from hil.station.errors import StationError
from hil.station.flash import Identity, flash_firmware, verify_firmware
from hil.station.micropython import install_micropython
from hil.station.slots import port_of
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
) -> None:
    """Put MicroPython and the firmware on a board, and read all of it back."""
    if keep and replace:
        raise StationError("--keep and --replace say opposite things", "Give one of them")
    identity = Identity.KEEP if keep else Identity.REPLACE if replace else Identity.REFUSE
    console = Console(soft_wrap=True, highlight=False, markup=False)
    clock = SystemClock()
    kind, tree, port = _what(board, firmware, slot)
    begun_us = clock.monotonic_us()

    def tell(line: str) -> None:
        console.print(f"  {line}")

    if images is not None:
        install_micropython(port, kind, images, identity, drive=drive, tell=tell)
    done = flash_firmware(port, kind, tree, identity, tell=tell)
    facts = verify_firmware(port, kind, tree)
    seconds = (clock.monotonic_us() - begun_us) / 1e6
    console.print(
        f"PASS: number {facts.unique_id}, {kind.title}, firmware {tree.firmware_version}, "
        f"MicroPython {facts.firmware_version}; {done.written} files written, "
        f"{done.unchanged} as they were, {seconds:.1f} s"
    )


def verify(slot: _Slot = None, board: _Board = "pico", firmware: _Firmware = None) -> None:
    """Read the firmware of a board back and hold it against what it should be."""
    kind, tree, port = _what(board, firmware, slot)
    facts = verify_firmware(port, kind, tree)
    Console(soft_wrap=True, highlight=False, markup=False).print(
        f"PASS: number {facts.unique_id}, {kind.title}, firmware {tree.firmware_version}, "
        f"MicroPython {facts.firmware_version}"
    )


def _what(board: str, firmware: Path | None, slot: str | None) -> tuple[BoardKind, Tree, str]:
    kind = load_board(board)
    tree = tree_for(kind) if firmware is None else load_tree(firmware, kind)
    return kind, tree, port_of(slot)
