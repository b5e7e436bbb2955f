"""A flashing that is cut off: between two steps, or in the middle of a write of the flash."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from station_boards import PICO, lay_out, plugged

from hil.station.board import Board
from hil.station.errors import ContactError
from hil.station.flash import MARK, flash_firmware, verify_firmware
from hil.station.tree import Tree
from hil.virtual_board import VirtualBoard

KINDS = ("cable", "killed", "power in the first run", "power")
"""The cable is pulled, the station's process is gone, or power fails in an operation of the flash:
while the old program is taken away, or while the new files are written."""

_RUN_OF = {"power in the first run": 1, "power": 2}
"""Runs of the board since it was plugged in: 0 to be found, 1 after a reset for its window, 2
without its program."""

_MAIN = b"""
from time import sleep_ms
sleep_ms(200)
from axnode.a import V as a
from axnode.b import V as b
from drivers.c import V as c
with open("ran", "a") as f:
    f.write("%d%d%d " % (a, b, c))
"""
"""Says which versions it was started with."""


class CutError(BaseException):
    """The station's process ends here: nothing that it would do afterwards is done."""


@dataclass
class Steps:
    """Counts what is asked of boards; before step number `last` calls `cut`. -1: never."""

    last: int = -1
    cut: Callable[[Any], None] = lambda board: None
    done: int = 0

    def taker(self) -> Callable[[str], Board]:
        """What opens boards whose steps count."""
        steps = self

        class Counted(Board):
            @classmethod
            def open(cls, port: str) -> Self:
                steps.step(None)
                return super().open(port)

            def execute(self, code: str) -> str:
                steps.step(self)
                return super().execute(code)

            def _leave(self, how: str) -> None:
                steps.step(self)
                super()._leave(how)

        return Counted.open

    def step(self, board: Any) -> None:
        number = self.done
        self.done += 1
        if number == self.last:
            self.cut(board)


def tree(version: int) -> Tree:
    """A small firmware whose parts are all of that version."""
    files = {f"axnode/{name}.py": b"V = %d\n" % version + b"#" * 2000 for name in "ab"}
    files["drivers/c.py"] = b"V = %d\n" % version
    files["main.py"] = _MAIN + b"# %d\n" % version
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return Tree("pico", f"0.{version}.0", files, digests)


def flash_with_cut(folder: Path, kind: str, last: int) -> bool:
    """Cut a flashing from version 1 to version 2 off at that step, look that the board never runs
    a mixture, and flash it to the end. False: it has no such step. Raises AssertionError."""
    with _old_board(folder, kind, last) as board:
        port = str(board.link)
        if kind in _RUN_OF:
            steps = Steps()
        else:
            steps = Steps(last, _pulled(board) if kind == "cable" else _gone)
        try:
            flash_firmware(port, PICO, tree(2), take=steps.taker())
            return False
        except (CutError, ContactError):
            pass
        board.unplug()
        left = board.files(folder / "left")
        board.plug()
        _wait_for_run(port)
        done = flash_firmware(port, PICO, tree(2))
        assert done.resumed == (MARK in left)
        verify_firmware(port, PICO, tree(2))
        board.unplug()
        board.plug()
        _wait_for_run(port)
        board.unplug()
        files = board.files(folder / "files")
        ran = set(files.pop("ran", b"").split())
        assert files == tree(2).files
        assert b"222" in ran
        assert ran <= {b"111", b"222"}, f"it ran a mixture: {ran}"
        return True


def _wait_for_run(port: str) -> None:
    """Until main.py has run: it ends at the prompt."""
    fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
    try:
        heard = b""
        while not heard.endswith(b">>> "):
            heard += os.read(fd, 1)
    finally:
        os.close(fd)


def _pulled(board: VirtualBoard) -> Callable[[Any], None]:
    def pull(taken: Any) -> None:
        board.unplug()
        # The fitter begins again; this flashing must not go on meanwhile.
        raise CutError

    return pull


def _gone(taken: Any) -> None:
    if taken is not None:
        taken._transport.serial.close()
    raise CutError


@contextmanager
def _old_board(folder: Path, kind: str, last: int) -> Iterator[VirtualBoard]:
    files = lay_out(folder / "old", {**tree(1).files, "axnode/old.py": b"V = 1\n"})
    with plugged(folder, files=files) as board:
        if kind in _RUN_OF:
            board.unplug()
            board.fail_power_in(last + 1, _RUN_OF[kind])
            board.plug()
        yield board
