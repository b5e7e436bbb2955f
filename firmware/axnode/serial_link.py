"""A serial line to the gateway: whole messages in and out, framed by axwire.framing.

Any link has `send`, `receive`, `arrived`, `refused`, `errors` and `deaf` as they are here.
"""

import asyncio

from micropython import const

from axwire import MESSAGE_CAP
from axwire.cose import ROOM
from axwire.framing import Deframer, frame_in_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import UART

    from axnode.ticks import BootClock
    from axwire.cose import Sealer

_CHUNK = const(128)
_PAUSE_MS = const(5)
_STALLED_MS = const(1000)


class SerialLink:
    """Messages over a UART that neither read nor write makes wait (time-out 0).

    `arrived` is the tick of the last bytes read; `errors` counts messages that could not be sent.
    `deaf` when flash is written: bytes that come meanwhile are lost.
    """

    deaf = True

    def __init__(self, uart: "UART", clock: "BootClock") -> None:
        self.arrived = 0
        self.errors = 0
        self._uart = uart
        self._clock = clock
        self._reader = asyncio.StreamReader(uart)
        self._deframer = Deframer(MESSAGE_CAP)
        self._chunk = bytearray(_CHUNK)
        self._view = memoryview(self._chunk)
        self._torn = True

    async def send(self, sealed: "Sealer") -> bool:
        """Hand the whole message to the UART. False: it took nothing for a second."""
        end = frame_in_place(sealed.buffer, sealed.view, ROOM, sealed.end)
        begin = ROOM - 1
        if self._torn:
            begin -= 1
            sealed.buffer[begin] = 0
        data = sealed.view[begin:end]
        at = 0
        stalled_ms = 0
        while at < len(data):
            count = self._write(data[at:])
            if count:
                at += count
                stalled_ms = 0
                if at < len(data):
                    await asyncio.sleep_ms(0)
            elif stalled_ms < _STALLED_MS:
                stalled_ms += _PAUSE_MS
                await asyncio.sleep_ms(_PAUSE_MS)
            else:
                self._torn = True
                self.errors += 1
                return False
        self._torn = False
        return True

    async def receive(self) -> "list[bytes]":
        """Wait for bytes; the messages that they complete, often none."""
        count = await self._reader.readinto(self._chunk)
        if not count:
            await asyncio.sleep_ms(_PAUSE_MS)
            return []
        self.arrived = self._clock.tick()
        return self._deframer.feed(bytes(self._view[:count]))

    def _write(self, data: memoryview) -> "int | None":
        """How many of these bytes the line took."""
        return self._uart.write(data)

    def refused(self) -> int:
        """Frames that arrived damaged or too long."""
        return sum(self._deframer.refused.values())
