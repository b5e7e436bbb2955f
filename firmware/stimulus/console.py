"""The unit's own USB console as the line to the host, framed by axwire.framing.

What MicroPython reads from it waits until as many bytes have come as were asked for, and what it
writes waits while nobody takes it (axnode/usb_link.py names the sources): a byte at a time.
"""

import select
import sys

import machine
import micropython

from axwire.framing import Deframer, frame
from stimulus import MESSAGE_CAP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from stimulus.unit import Unit

_MOST = 64
"""Bytes that are read before the outputs are looked after again."""


def run(unit: "Unit", console: "Any" = sys) -> None:
    """Obey and play, for ever."""
    micropython.kbd_intr(-1)
    readable = select.poll()
    readable.register(console.stdin.buffer, select.POLLIN)
    deframer = Deframer(MESSAGE_CAP)
    while True:
        unit.play()
        for message in deframer.feed(_read(console.stdin.buffer, readable)):
            # The zero before it ends what was printed, or cut short.
            console.stdout.buffer.write(b"\0" + frame(unit.obey(message)))
        machine.idle()


def _read(stream: "Any", readable: "Any") -> bytes:
    chunk = bytearray()
    byte = bytearray(1)
    while len(chunk) < _MOST and _is_ready(readable) and stream.readinto(byte):
        chunk += byte
    return bytes(chunk)


def _is_ready(poller: "Any") -> bool:
    for _, events in poller.ipoll(0):
        return bool(events & select.POLLIN)
    return False
