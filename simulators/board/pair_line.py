"""A UART's wires in lock-step that lead to an RS-485 pair, through a driver that a pin enables.

The driver's receiver is off while it drives (RE joined with DE). So what the board sends counts
only while the pin is high, from the first bit of a byte to the last; what comes meanwhile is lost;
and of bytes that both sides send at once none arrives.
"""

from simulators.board.ticks import ticks_add, ticks_diff
from simulators.board.timed_line import TimedLine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.board.timed_line import Piece

_KEPT_US = 2_000_000
"""How long it is remembered who drove the pair: longer than any byte waits to be looked at."""


class PairLine(TimedLine):
    """Has `enable` besides what TimedLine has. `dropped` counts what the pair lost, both ways."""

    def __init__(
        self,
        ticks_us: "Callable[[], int]",
        send: "Callable[[int, memoryview | bytearray | bytes], None]",
        renew: "Callable[[], None]",
    ) -> None:
        self._leave = send
        self._leaving: "list[tuple[int, bytes]]" = []
        self._driven: "list[tuple[int, int]]" = []
        self._driving = False
        self._driven_from_us = 0
        self._heard: "list[tuple[int, int]]" = []
        super().__init__(ticks_us, self._begin_leaving, renew)

    def enable(self, on: bool) -> None:
        """The level of the driver's pin from now on."""
        now_us = self._ticks_us()
        if on and not self._driving:
            self._driven_from_us = now_us
        elif self._driving and not on:
            self._driven.append((self._driven_from_us, now_us))
        self._driving = on

    def arrive(self, begin_us: int, data: bytes) -> None:
        end_us = ticks_add(begin_us, len(data) * self._byte_ns // 1000)
        self._heard.append((begin_us, end_us))
        super().arrive(begin_us, data)

    def event_us(self) -> "int | None":
        event_us = super().event_us()
        if not self._leaving:
            return event_us
        end_us = self._leaving[0][0]
        sooner = event_us is None or ticks_diff(end_us, event_us) < 0
        return end_us if sooner else event_us

    def pending(self) -> int:
        """But the last byte, which may still be on the wire when an RP2040 says that all is sent:
        MicroPython's documentation of UART.txdone."""
        return max(super().pending() - 1, 0)

    def tend(self, now_us: int) -> None:
        super().tend(now_us)
        while self._leaving and ticks_diff(now_us, self._leaving[0][0]) >= 0:
            end_us, data = self._leaving.pop(0)
            arrived = self._arriving(end_us, data, now_us)
            self.dropped += len(data) - len(arrived)
            if arrived:
                self._leave(end_us, arrived)
        self._driven = [each for each in self._driven if self._is_recent(each, now_us)]
        self._heard = [each for each in self._heard if self._is_recent(each, now_us)]

    def _begin_leaving(self, end_us: int, data: "memoryview | bytearray | bytes") -> None:
        self._leaving.append((end_us, bytes(data)))

    def _arriving(self, end_us: int, data: bytes, now_us: int) -> bytes:
        """What of the board's bytes gets to the other side."""
        arrived = bytearray()
        for at in range(len(data)):
            begin = ticks_add(end_us, -((len(data) - at) * self._byte_ns // 1000))
            end = ticks_add(end_us, -((len(data) - at - 1) * self._byte_ns // 1000))
            if self._is_driven_through(begin, end, now_us) and not _touches(
                self._heard, begin, end
            ):
                arrived.append(data[at])
        return bytes(arrived)

    def _is_driven_through(self, begin: int, end: int, now_us: int) -> bool:
        for on, off in self._driven:
            if ticks_diff(begin, on) >= 0 and ticks_diff(off, end) >= 0:
                return True
        return self._driving and ticks_diff(begin, self._driven_from_us) >= 0

    def _kept(self, piece: "Piece", begin: int, end: int) -> bytes:
        """What of the other side's bytes gets to the board."""
        driven = list(self._driven)
        if self._driving:
            driven.append((self._driven_from_us, self._ticks_us()))
        kept = bytearray()
        for at in range(begin, end):
            if not _touches(driven, piece.begin_us(at), piece.begin_us(at + 1)):
                kept.append(piece.data[at])
        self.dropped += end - begin - len(kept)
        return bytes(kept)

    def _is_recent(self, stretch: "tuple[int, int]", now_us: int) -> bool:
        return ticks_diff(now_us, stretch[1]) < _KEPT_US


def _touches(stretches: "list[tuple[int, int]]", begin: int, end: int) -> bool:
    """Whether one of them has a moment in common with this one."""
    return any(ticks_diff(end, on) > 0 and ticks_diff(off, begin) > 0 for on, off in stretches)
