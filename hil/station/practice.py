"""`axlebox station practice`: boards in software in slots of their own, to try the station with.

They are virtual boards (hil.virtual_board): their MicroPython is real, their chips are simulated,
and of USB there is what a serial port shows.
"""

import hashlib
import json
import signal
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated

import typer

from gateway.profiles import NodeFit, load_profile
from hil.bench_firmware import bench_firmware
from hil.firmware_build import MANIFEST, shipped_version
from hil.fitting import fit_node
from hil.interpreter import Interpreter, find_interpreter
from hil.station.depot_options import say
from hil.virtual_board import VirtualBoard

__all__ = ["ANY_SPEED", "firmware_of_boards", "practice"]

_BOARD = "pico"
_NUMBERS_FROM = 0xE661410300000000
ANY_SPEED = """\
[every.rate]
unit = "% of rows"
source = "any: a board in software"
verified = true

[every.missed]
unit = "samples"
source = "any: a board in software"
verified = true
"""
"""Limits for who does not judge how fast a machine is."""


def practice(
    boards: Annotated[int, typer.Option(min=1, max=8, help="how many")] = 3,
    profile: Annotated[
        str, typer.Option(help="the class of the locomotive whose nodes they are wired as")
    ] = "te33a",
) -> None:
    """Plug boards in software into slots of their own, to try the station without hardware."""
    interpreter = find_interpreter(tell=say)
    every = load_profile(profile)
    fits = [fit for fit in every.all_nodes if fit.board == _BOARD][:boards]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        tempfile.TemporaryDirectory(prefix="axlebox-practice-") as made,
        ExitStack() as stack,
        suppress(KeyboardInterrupt),
    ):
        folder = Path(made)
        firmware_of_boards(folder / "firmware", interpreter)
        (folder / "limits.toml").write_text(ANY_SPEED, encoding="utf-8")
        plugged = []
        for number, fit in enumerate(fits, 1):
            board = _board(folder, number, fit, interpreter)
            stack.callback(board.close)
            board.plug()
            plugged.append(board)
            say(f"{number}: slot 0:1.{number}, for {every.id.upper()}-0001/{fit.name}")
            say(f"  its port is {board.link}")
        say("In another terminal (other commands take a port, as --slot, and the same --folder):")
        say(
            f"  axlebox station run --usb --slots {folder}/by-path --firmware {folder}/firmware "
            f"--limits {folder}/limits.toml --folder {folder}/station"
        )
        say("A number and Enter takes that board out or plugs it in. Ctrl-C ends all of it.")
        _obey(plugged)


def firmware_of_boards(folder: Path, interpreter: Interpreter) -> Path:
    """What `axlebox firmware build` would make for the interpreter that a virtual board has."""
    built = bench_firmware(interpreter.command)
    digests = {}
    for path in sorted(built.rglob("*")):
        if path.is_file():
            name, content = path.relative_to(built).as_posix(), path.read_bytes()
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
            digests[name] = {"sha256": hashlib.sha256(content).hexdigest()}
    manifest = {"board": _BOARD, "firmware_version": shipped_version(), "files": digests}
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def _board(folder: Path, number: int, fit: NodeFit, interpreter: Interpreter) -> VirtualBoard:
    """In the slot of that number; its chips are those of the node."""
    unique_id = f"{_NUMBERS_FROM + number:016x}"
    return VirtualBoard(
        folder / "boards" / str(number),
        folder / "by-path" / f"pci-0000:00:14.0-usb-0:1.{number}:1.0",
        interpreter,
        unique_id=unique_id,
        wiring=fit_node(fit, unique_id, number).wiring,
    )


def _obey(boards: list[VirtualBoard]) -> None:
    """Until Ctrl-C; where nobody types, until a signal."""
    for line in sys.stdin:
        word = line.strip()
        if not word.isdigit() or not 1 <= int(word) <= len(boards):
            say(f"Type a number from 1 to {len(boards)}")
            continue
        board = boards[int(word) - 1]
        if board.is_plugged:
            board.unplug()
        else:
            board.plug()
        say(f"{word}: {'plugged in' if board.is_plugged else 'out'}")
    signal.pause()
