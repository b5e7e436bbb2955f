"""A Raspberry Pi Pico in an emulator, with a MicroPython image that the user supplies.

AXLEBOX_UF2 names the image. The emulator is rp2040py, which is none of the locked dependencies:
it is installed beside them by whoever wants this. It runs the image's machine code instruction by
instruction, flash and USB console and all, on the clock of the board that it emulates.
"""

import asyncio
import importlib.util
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from hil.flash_image import make_image
from hil.interpreter import find_interpreter
from simulators.board.flash import BLOCK_BYTES
from simulators.board.layout import lay_out

__all__ = ["EMULATOR", "IMAGE", "EmulatedBoard", "why_not"]

IMAGE = "AXLEBOX_UF2"
EMULATOR = "rp2040py==0.3.6"

_START_S = 5.0
_UART_0 = 0x40034
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
    """A board with the files of a folder in its flash, and a cable to its UART 0.

    `listen` is given each byte that it sends there. All times are the board's own, so that no
    limit depends on how busy the machine is that emulates it. `scratch`: an empty folder for what
    is made on the way.
    """

    def __init__(self, files: Path, scratch: Path) -> None:
        from emulated_parts import Uart, wait_for_console_data
        from rp2040py.boards import BoardSpec, FlashLayout
        from rp2040py.device import MicroPythonDevice

        flash = scratch / "flash"
        lay_out(scratch / "sim")
        make_image(flash, _FLASH_BLOCKS, files, find_interpreter(), scratch / "sim")
        layout = FlashLayout(_FLASH_START, _FLASH_BLOCKS, BLOCK_BYTES)
        self.listen: Callable[[bytes], None] = lambda data: None
        self._runner = asyncio.Runner()
        self._device: Any = MicroPythonDevice(
            board=BoardSpec(image=os.environ[IMAGE], layout=layout), filesystem=flash
        )
        mcu = self._device.mcu
        self._clock = self._device.simulator.clock
        self._uart = mcu.uart[0] = mcu.peripherals[_UART_0] = Uart(mcu.uart[0])
        self._uart.on_byte = lambda byte: self.listen(bytes([byte]))
        wait_for_console_data(self._device)
        self._do(self._device.astart(None), _START_S)

    def close(self) -> None:
        """Switch it off."""
        self._device.stop()
        self._runner.run(self._stopped())
        self._runner.close()

    def run(self, code: str, limit_s: float) -> str:
        """What the code prints, run through the raw REPL. An exception in it is one here.

        Stops what runs, `main.py` for one.
        """
        printed, raised = self._do(self._device.aexec(code, None), limit_s)
        if raised:
            raise AssertionError(printed.decode() + raised.decode())
        text: str = printed.decode()
        return text.replace("\r\n", "\n")

    def go_on_until(self, done: Callable[[], bool], limit_s: float) -> None:
        """Let it run what it runs until that is so."""
        self._do(self._wait(done), limit_s)

    def every(self, us: int, action: Callable[[], None]) -> None:
        """Do that again and again, so long apart."""

        def act() -> None:
            alarm.schedule(us * 1000)
            action()

        alarm = self._clock.create_alarm(act)
        alarm.schedule(us * 1000)

    def to_board(self, data: bytes) -> None:
        """Send it to UART 0, at the baud rate that is set there."""
        self._uart.receive(data)

    def lost(self) -> int:
        """Bytes that its UART 0 had no room for."""
        overruns: int = self._uart.overruns
        return overruns

    def _do(self, work: Coroutine[Any, Any, Any], limit_s: float) -> Any:
        return self._runner.run(self._within(work, limit_s))

    async def _within(self, work: Coroutine[Any, Any, Any], limit_s: float) -> Any:
        """What comes of it. Raises TimeoutError when the board's clock has gone on so long.

        Raises also what stopped the board: an error in `listen`, for one.
        """
        end_ns = self._clock.nanos + limit_s * 1e9
        task = asyncio.ensure_future(work)
        while not task.done():
            error = self._device.simulator.engine_room_error
            if error is None and self._clock.nanos > end_ns:
                error = TimeoutError(f"not done within {limit_s} s of the board's time")
            if error is not None:
                task.cancel()
                await asyncio.wait([task])
                raise error
            await asyncio.sleep(0)
        return task.result()

    async def _wait(self, done: Callable[[], bool]) -> None:
        while not done():
            await asyncio.sleep(0)

    async def _stopped(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
