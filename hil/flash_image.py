"""The content of a board's flash as a file on the host, made and read by the interpreter."""

import subprocess
from pathlib import Path

from hil.errors import BenchError
from hil.interpreter import Interpreter
from simulators.board.flash import BLOCK_BYTES

__all__ = ["make_image", "read_image"]

_HEAP_BYTES = 4 * 1024 * 1024
_LIMIT_S = 60


def make_image(image: Path, blocks: int, files: Path, interpreter: Interpreter, sim: Path) -> None:
    """An erased flash of so many blocks, then a file system in it with what is in `files`.

    `sim` is a folder laid out by simulators.board.layout. Raises BenchError: it does not fit.
    """
    image.write_bytes(b"\xff" * (blocks * BLOCK_BYTES))
    _run("pack", image, files, interpreter, sim)


def read_image(image: Path, files: Path, interpreter: Interpreter, sim: Path) -> None:
    """Copy the files in the image into the folder `files`, which is made.

    Raises BenchError where the image has no file system that can be mounted.
    """
    files.mkdir(parents=True)
    _run("unpack", image, files, interpreter, sim)


def _run(what: str, image: Path, files: Path, interpreter: Interpreter, sim: Path) -> None:
    blocks = image.stat().st_size // BLOCK_BYTES
    call = f"{what}({str(image.resolve())!r}, {blocks}, {str(files.resolve())!r})"
    done = subprocess.run(
        [
            *interpreter.command,
            "-X",
            f"heapsize={_HEAP_BYTES}",
            "-c",
            f"from simulators.board.image import {what}; {call}",
        ],
        env={"MICROPYPATH": f"{sim.resolve()}:.frozen"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
    )
    if done.returncode:
        raise BenchError(f"{image}: {done.stderr.strip() or done.stdout.strip()}")
