"""MicroPython into the flash of an ESP32, through esptool and the loader in the chip's ROM.

The chip is asked what it is before anything is written. What is in its flash already is not
written again; what was written is read back by the chip as an MD5 and compared, by esptool.
"""

import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from esptool.cmds import attach_flash, detect_chip, reset_chip, run_stub, write_flash
from esptool.logger import log
from esptool.util import FatalError
from serial import SerialException

from hil.station.errors import ContactError, StationError
from hil.station.images import Image

__all__ = ["OFFSETS", "write_image"]

OFFSETS = {"ESP32": 0x1000, "ESP32-S2": 0x1000}
"""Where MicroPython's image goes, in bytes; on every other chip at 0 (micropython.org's
instructions for each board)."""

_BAUD = 115_200


def write_image(port: str, image: Image, data: bytes) -> None:
    """The chip at this port has this image afterwards, and starts it.

    Raises StationError, before anything is written, where it is another chip; ContactError where
    it does not answer or was pulled: done again, all is written.
    """
    if not os.path.exists(port):
        raise ContactError(f"there is no board at {port}", "Plug one in there and begin again")
    at = OFFSETS.get(image.chip, 0) if image.offset is None else image.offset
    with _spoken_plainly(port):
        loader = detect_chip(port, _BAUD)
        try:
            if image.chip != loader.CHIP_NAME:
                raise StationError(
                    f"the chip at {port} is {loader.CHIP_NAME}, not {image.chip}",
                    "Plug in the right board, or name its kind with --board",
                    code="wrong_board",
                )
            loader = run_stub(loader)
            # A pulled board is a person's matter: it does not help to wait for it.
            loader.WRITE_FLASH_ATTEMPTS = 1
            attach_flash(loader)
            write_flash(loader, [(at, data)], skip_flashed=True, no_progress=True)
            reset_chip(loader, "hard-reset")
        finally:
            loader._port.close()


@contextmanager
def _spoken_plainly(port: str) -> Iterator[None]:
    """esptool says nothing, and its errors are ours."""
    log.set_verbosity("silent")
    try:
        yield
    except FatalError as error:
        said = str(error).strip().splitlines()[0].rstrip(".!")
        if "MD5" in said or "Write failed" in said:
            raise StationError(
                "the flash does not hold what was written to it",
                "Flash it again; if that does not help, set it aside",
                code="worn",
            ) from None
        raise ContactError(
            f"the chip at {port} does not do what it should: {said}",
            "Hold its BOOT button, press EN once, let go, and begin again",
            code="boot_button",
        ) from None
    except (SerialException, OSError, termios.error):
        raise ContactError(
            f"the board at {port} was pulled", "Plug it in and begin again"
        ) from None
