"""`machine.Counter`, as an ESP32 has it: counts the edges of a tacho's pulses in hardware."""

from simulators.board.board import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_UNITS = 8
_FILTER_MOST_NS = 12_787
"""1023 cycles of the 80-MHz bus clock."""


class Counter:
    """A pulse counter unit; a pin without a tacho never changes. Only rising edges are simulated,
    counted up. After the host's CUT the count is an OSError. Each look at it is a sample taken."""

    RISING, FALLING = 1, 2
    UP, DOWN = 1, 2

    def __init__(
        self,
        id: int,
        src: "Any" = None,
        *,
        edge: int = RISING,
        direction: int = UP,
        filter_ns: int = 0,
    ) -> None:
        if not 0 <= id < _UNITS:
            raise ValueError("Counter(%s) doesn't exist" % id)
        self._board = current()
        self.init(src, edge=edge, direction=direction, filter_ns=filter_ns)

    def init(
        self, src: "Any", *, edge: int = RISING, direction: int = UP, filter_ns: int = 0
    ) -> None:
        """Count from 0. ValueError for what is not simulated."""
        if edge != self.RISING or direction != self.UP:
            raise ValueError("only rising edges are simulated, counted up")
        tacho = self._board.hardware.wire(getattr(src, "id", src)).sensor
        filter_us = min(filter_ns, _FILTER_MOST_NS) // 1000
        self._edges = None if tacho is None else tacho.watch(filter_us)
        self._zero = 0

    def deinit(self) -> None:
        pass

    def value(self, value: "int | None" = None) -> int:
        """The count; with an argument it goes on from that."""
        self._board.touch()
        if self._edges is None:
            return 0
        self._edges.look()
        count = self._edges.count - self._zero
        if value is not None:
            self._zero = self._edges.count - value
        self._edges.take()
        return count
