"""An RS-485 pair to the gateway: as axnode.serial_link, but only one side may talk at a time.

The node talks when the line has been quiet for a while, with its driver on from before the first
bit to after the last. Nobody settles who is next: where both begin at once both messages are lost,
and said again as any that is not acknowledged.
"""

import asyncio
from time import sleep_us, ticks_diff

from micropython import const

from axnode.serial_link import SerialLink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import UART, Pin

    from axnode.ticks import BootClock
    from axwire.cose import Sealer

_QUIET_US = const(3000)
"""Longer than the gaps that a USB converter leaves in a message: it gets bytes each ms."""

_LONGEST_WAIT_MS = const(200)
"""A line that is never quiet, an open one say, is talked on all the same."""

_LONGEST_TALK_MS = const(200)
"""The longest message takes 95 ms at 115200 baud."""


class Rs485Link(SerialLink):
    """`enable` is the pin of the driver (DE, with RE joined to it), low to begin with."""

    def __init__(self, uart: "UART", enable: "Pin", baud: int, clock: "BootClock") -> None:
        super().__init__(uart, clock)
        self._enable = enable
        self._byte_us = 10_000_000 // baud + 1

    async def send(self, sealed: "Sealer") -> bool:
        """As SerialLink's; returns when the last stop bit has left."""
        await self._quiet()
        # What a receiver takes for a byte when a driver comes on must not become part of a frame.
        self._torn = True
        self._enable(1)
        sent = await super().send(sealed)
        for _ in range(_LONGEST_TALK_MS):
            if self._uart.txdone():
                break
            await asyncio.sleep_ms(1)
        # On RP2 the last byte may still be going out (MicroPython's documentation of txdone).
        sleep_us(self._byte_us)
        self._enable(0)
        return sent

    async def _quiet(self) -> None:
        for _ in range(_LONGEST_WAIT_MS):
            silent_us = ticks_diff(self._clock.tick(), self.arrived)
            if not 0 <= silent_us < _QUIET_US and not self._uart.any():
                return
            await asyncio.sleep_ms(1)
