"""A Raspberry Pi Pico in an emulator, with a MicroPython image that the user supplies.

AXLEBOX_UF2 names the image. The emulator is rp2040py, which is none of the locked dependencies:
it is installed beside them by whoever wants this. It runs the image's machine code instruction by
instruction, flash and USB console and all, on the clock of the board that it emulates.
"""

import asyncio
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hil.flash_image import make_image
from hil.interpreter import find_interpreter
from simulators.board.flash import BLOCK_BYTES
from simulators.board.layout import lay_out

__all__ = ["EMULATOR", "IMAGE", "EmulatedBoard", "why_not"]

IMAGE = "AXLEBOX_UF2"
EMULATOR = "rp2040py==0.3.6"

_START_S = 600.0
_FLASH_START = 0xA0000
_FLASH_BLOCKS = 352
"""Where MicroPython for the Raspberry Pi Pico has its file system: the last 1408 KB of 2 MB."""


def why_not() -> str | None:
    """Why there is no emulated board here, or None: there is."""
    image = os.environ.get(IMAGE)
    if not image:
        return f"{IMAGE} names no MicroPython image for the Raspberry Pi Pico (a .uf2 file)"
    if not Path(image).is_file():
        return f"{IMAGE}: there is no file {image}"
    if importlib.util.find_spec("rp2040py") is None:
        return f"the emulator is missing: .venv/bin/python -m pip install {EMULATOR}"
    return None


class EmulatedBoard:
    """A board with the files of a folder in its flash. `sent` = what it wrote to UART 0.

    `scratch`: an empty folder for what is made on the way.
    """

    def __init__(self, files: Path, scratch: Path) -> None:
        from rp2040py.boards import BoardSpec, FlashLayout
        from rp2040py.device import MicroPythonDevice

        flash = scratch / "flash"
        lay_out(scratch / "sim")
        make_image(flash, _FLASH_BLOCKS, files, find_interpreter(), scratch / "sim")
        layout = FlashLayout(_FLASH_START, _FLASH_BLOCKS, BLOCK_BYTES)
        self.sent = bytearray()
        self._runner = asyncio.Runner()
        self._device: Any = MicroPythonDevice(
            board=BoardSpec(image=os.environ[IMAGE], layout=layout), filesystem=flash
        )
        self._device.mcu.uart[0].on_byte = self.sent.append
        self._runner.run(self._device.astart(_START_S))

    def close(self) -> None:
        """Switch it off."""
        self._device.stop()
        self._runner.run(self._stopped())
        self._runner.close()

    def reset(self) -> None:
        """As by the reset button: what is in flash stays."""
        self._runner.run(self._device.ahard_reset(_START_S))

    def run(self, code: str, limit_s: float = 600) -> str:
        """What the code prints, run through the raw REPL. An exception in it is one here.

        Stops what runs, `main.py` for one.
        """
        printed, raised = self._runner.run(self._device.aexec(code, limit_s))
        if raised:
            raise AssertionError(printed.decode() + raised.decode())
        text: str = printed.decode()
        return text.replace("\r\n", "\n")

    def go_on_until(self, done: Callable[[], bool], limit_s: float) -> None:
        """Let it run what it runs until that is so. Raises TimeoutError."""
        self._runner.run(self._wait(done, limit_s))

    async def _wait(self, done: Callable[[], bool], limit_s: float) -> None:
        async with asyncio.timeout(limit_s):
            while not done():
                await asyncio.sleep(0)

    async def _stopped(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
