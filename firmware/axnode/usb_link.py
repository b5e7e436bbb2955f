"""The board's own USB as the line to the gateway: its console, as axnode.serial_link otherwise.

What MicroPython reads from it waits until as many bytes have come as were asked for, and what it
writes waits, up to 500 ms, while a host that has the port open takes nothing (MicroPython
shared/runtime/sys_stdio_mphal.c, shared/tinyusb/mp_usbd_cdc.c). So a byte at a time is moved, and
only when poll says that it can be. Ctrl-C is a byte like any other from now on. What is printed
goes to the gateway too, which counts it as noise.
"""

import asyncio
import select
import sys

import micropython
from micropython import const

from axnode.serial_link import SerialLink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from axnode.ticks import BootClock
    from axwire.cose import Sealer

_PIECE = const(32)
"""Bytes that are moved before a row that is due may begin: some 40 us each on an RP2040
(unverified)."""

_PAUSE_MS = const(5)


class UsbLink(SerialLink):
    """`console` has the streams `stdin` and `stdout`. What a board cannot take, the host keeps."""

    deaf = False

    def __init__(self, clock: "BootClock", console: "Any" = sys) -> None:
        micropython.kbd_intr(-1)
        self._in = console.stdin.buffer
        self._out = console.stdout.buffer
        super().__init__(self._in, clock)
        self._byte = bytearray(1)
        self._readable = select.poll()
        self._readable.register(self._in, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(self._out, select.POLLOUT)

    async def send(self, sealed: "Sealer") -> bool:
        """Hand the whole message to the port. False: nobody took anything for a second."""
        # What was printed since the last message must not become part of this one.
        self._torn = True
        return await super().send(sealed)

    async def receive(self) -> "list[bytes]":
        """Wait for bytes; the messages that they complete, often none."""
        count = await self._reader.readinto(self._view[:1])
        if not count:
            await asyncio.sleep_ms(_PAUSE_MS)
            return []
        while count < _PIECE and _is_ready(self._readable) and self._in.readinto(self._byte):
            self._chunk[count] = self._byte[0]
            count += 1
        self.arrived = self._clock.tick()
        return self._deframer.feed(bytes(self._view[:count]))

    def _write(self, data: memoryview) -> int:
        at = 0
        while at < min(len(data), _PIECE) and _is_ready(self._writable):
            self._byte[0] = data[at]
            self._out.write(self._byte)
            at += 1
        return at


def _is_ready(poller: "Any") -> bool:
    for _, events in poller.ipoll(0):
        return bool(events & (select.POLLIN | select.POLLOUT))
    return False
