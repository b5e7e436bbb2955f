"""Boards in lock-step that run a script of the test's instead of the firmware."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.profiles import GroupFit, LoopSensor, NodeFit
from hil.fitting import fit_node
from hil.flash_image import make_image
from hil.interpreter import find_interpreter
from hil.lockstep import LockstepTarget, Sent

__all__ = ["Scripted", "scripted"]

NODE = NodeFit(
    name="bench",
    groups=[
        GroupFit(
            quantity="motor.current",
            places=["motor 1"],
            period_ms=100,
            sensor=LoopSensor(low=0, high=1200),
        )
    ],
)


class Scripted:
    """A board that runs a script; `files` lie beside it."""

    def __init__(
        self,
        folder: Path,
        script: str,
        seed: int = 1,
        files: dict[str, str] | None = None,
        **options: Any,
    ) -> None:
        self.folder = folder
        self.target = LockstepTarget(
            fit_node(NODE, "e66038b7132a5b2f", seed),
            bytes(32),
            find_interpreter(),
            folder,
            **options,
        )
        flash = folder / "flash"
        for name, content in {**(files or {}), "main.py": script}.items():
            (flash / name).write_text(content, encoding="utf-8")
        blocks = options.get("flash_blocks")
        if blocks:
            make_image(self.target.image, blocks, flash, find_interpreter(), folder / "sim")

    def run_until(self, us: int) -> list[Sent]:
        """Let it run until then; what it sent."""
        sent: list[Sent] = []
        while self.target.now_us < us:
            sent += self.target.advance(us)
        return sent

    def printed(self) -> list[str]:
        """The lines of its console so far."""
        console = self.folder / "console.log"
        return console.read_text(encoding="utf-8").splitlines() if console.exists() else []


@contextmanager
def scripted(folder: Path, script: str, seed: int = 1, **options: Any) -> Iterator[Scripted]:
    """A board that has just been switched on; options are LockstepTarget's."""
    board = Scripted(folder, script, seed, **options)
    board.target.start()
    try:
        yield board
    finally:
        board.target.stop()
