"""What asyncio and the firmware find as `select` in lock-step: a poll in which time passes.

It polls streams that are written in Python and have `ioctl`, as `machine.UART` does. A wait ends
on the edge of a millisecond, as on RP2, or when a stream is ready.
"""

from simulators.board.constant import const
from simulators.board.simulated_time import clock
from simulators.board.ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

POLLIN = 1
POLLOUT = 4
POLLERR = 8
POLLHUP = 16

_IOCTL_POLL = const(3)
_EINVAL = const(22)
_LONG_MS = const(60_000)


class poll:  # noqa: N801 MicroPython's name
    """Reports streams in the order in which they were registered; allocates only then.

    A stream that STIRS the clock where it may have become ready is asked only then.
    """

    made = 0

    def __init__(self) -> None:
        poll.made += 1
        self._looked = -1
        self._restless = False
        self._masks: "list[int]" = []
        self._entries: "list[list[Any]]" = []
        self._ready: "list[list[Any]]" = []

    def register(self, stream: "Any", mask: int = POLLIN | POLLOUT) -> None:
        """Raises OSError for a stream that cannot be asked."""
        if not hasattr(stream, "ioctl"):
            raise OSError(_EINVAL)
        at = self._index(stream)
        if at < 0:
            self._entries.append([stream, 0])
            self._masks.append(mask)
        else:
            self._masks[at] = mask
        self._changed()

    def unregister(self, stream: "Any") -> None:
        at = self._index(stream)
        if at >= 0:
            self._entries.pop(at)
            self._masks.pop(at)
        self._changed()

    def modify(self, stream: "Any", mask: int) -> None:
        """Raises OSError for a stream that is not registered."""
        at = self._index(stream)
        if at < 0:
            raise OSError(_EINVAL)
        self._masks[at] = mask
        self._changed()

    def poll(self, timeout_ms: int = -1) -> "list[tuple[Any, int]]":
        return [(stream, events) for stream, events in self.ipoll(timeout_ms)]

    def ipoll(self, timeout_ms: int = -1, flags: int = 0) -> "list[list[Any]]":
        """Pairs of a stream and what it is ready for, once there is one or the time is over; -1
        waits for good. Valid until the next call."""
        ready = self._ready
        if self._looked != clock.stirs or self._restless:
            self._look()
        if ready or not timeout_ms:
            return ready
        if timeout_ms > 0 and not self._restless and clock.skip_ms(timeout_ms):
            return ready
        end_ms = ticks_add(clock.ms, timeout_ms if timeout_ms > 0 else _LONG_MS)
        while True:
            clock.step_ms(end_ms)
            if timeout_ms < 0:
                end_ms = ticks_add(clock.ms, _LONG_MS)
            elif ticks_diff(end_ms, clock.ms) <= 0:
                break
            if self._look():
                break
        clock.wake()
        return ready

    def _look(self) -> "list[list[Any]]":
        ready = self._ready
        self._looked = clock.stirs
        if ready:
            ready.clear()
        for at in range(len(self._entries)):
            entry = self._entries[at]
            entry[1] = entry[0].ioctl(_IOCTL_POLL, self._masks[at])
            if entry[1]:
                ready.append(entry)
        clock.calm = not ready and not self._restless and poll.made == 1
        return ready

    def _changed(self) -> None:
        """What was found before holds no more."""
        clock.calm = False
        self._looked = -1
        self._restless = False
        for entry in self._entries:
            if not hasattr(entry[0], "STIRS"):
                self._restless = True

    def _index(self, stream: "Any") -> int:
        for at in range(len(self._entries)):
            if self._entries[at][0] is stream:
                return at
        return -1
