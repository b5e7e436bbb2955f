"""A UART's wires in lock-step: every byte takes its time, by the board's clock."""

from simulators.board.constant import const
from simulators.board.ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_BITS_A_BYTE = const(10)
_FIFO_BYTES = const(32)
_FIFO_STEP = const(4)
_IDLE_BITS = const(32)
"""The receiver hands bytes over four at a time, and the rest once the line has been idle for 32
bits, as an RP2040's FIFO does at its lowest level (unverified)."""


class TimedLine:
    """Has the methods of line.PtyLine. What the UART's buffers cannot hold is lost, and counted.

    `send(tick, data)` is told what was written, with the tick at which its last byte will have
    left. `renew()` is called when `event_us` may have come nearer.
    """

    def __init__(
        self,
        ticks_us: "Callable[[], int]",
        send: "Callable[[int, memoryview | bytearray | bytes], None]",
        renew: "Callable[[], None]",
    ) -> None:
        self.received = 0
        self.sent = 0
        self.dropped = 0
        self._ticks_us = ticks_us
        self._send = send
        self._renew = renew
        self._coming: "list[Piece]" = []
        self._unread = bytearray()
        self._free_us = ticks_us()
        self._full = False
        self._deaf = False
        self.configure(115_200, 256, 256)

    def configure(self, baud: int, receives: int, sends: int) -> None:
        """What the UART was set to: its rate, and how many bytes its buffers hold."""
        self._byte_ns = _BITS_A_BYTE * 1_000_000_000 // baud
        self._receives = receives
        self._sends = sends + _FIFO_BYTES

    def enable(self, on: bool) -> None:
        """There is no driver; see pair_line.PairLine."""

    def fileno(self) -> int:
        """No descriptor of the machine below."""
        return -1

    def tend(self, now_us: int) -> None:
        """Take over what has come and forget what has left. To be called every few minutes."""
        if self._coming and not self._deaf:
            self._take(now_us, self._receives)
        pending = self._pending(now_us)
        if not pending:
            self._free_us = now_us
        if pending < self._sends:
            self._full = False

    def arrive(self, begin_us: int, data: bytes) -> None:
        """From this tick on, these bytes come over the line, behind all others."""
        self._coming.append(Piece(begin_us, data, self._byte_ns))
        self._renew()

    def event_us(self) -> "int | None":
        """When a reader or writer that waits has to be looked at next; None: not in sight."""
        if self._full:
            return ticks_add(self._free_us, -((self._sends - 1) * self._byte_ns // 1000))
        if self._deaf or self._unread or not self._coming:
            return None
        return self._coming[0].next_us()

    def waiting(self) -> int:
        """How many bytes have come."""
        if self._coming:
            self._take(self._ticks_us(), self._receives)
        return len(self._unread)

    def read_into(self, buffer: "memoryview | bytearray", limit: int) -> int:
        """Move at most `limit` bytes that have come into the buffer; return how many."""
        waiting = self.waiting()
        count = waiting if waiting < limit else limit
        if count:
            buffer[0:count] = self._unread[0:count]
            self._unread = self._unread[count:]
            self.received += count
            self._renew()
        return count

    def write_from(self, buffer: "memoryview | bytearray | bytes", count: int) -> int:
        """Send at most `count` bytes; return how many the UART took."""
        now_us = self._ticks_us()
        pending = self._pending(now_us)
        room = max(self._sends - pending, 0)
        if count > room:
            count = room
            self._full = True
        if count > 0:
            begin_us = self._free_us if pending else now_us
            self._free_us = ticks_add(begin_us, (count * self._byte_ns + 999) // 1000)
            self.sent += count
            self._send(self._free_us, buffer[0:count])
        self._renew()
        return count

    def writable(self) -> bool:
        """Whether the UART would take a byte now."""
        self.tend(self._ticks_us())
        return not self._full

    def pending(self) -> int:
        """Bytes that were written and have not left."""
        return self._pending(self._ticks_us())

    def pause(self, now_us: int) -> None:
        """From now on nobody empties the receiver's FIFO."""
        self._take(now_us, self._receives)
        self._deaf = True

    def go_on(self, now_us: int) -> None:
        """What came since `pause`, as far as the FIFO could hold it, is handed over."""
        self._take(now_us, _FIFO_BYTES)
        self._deaf = False

    def close(self) -> None:
        """Nothing to give back."""

    def _pending(self, now_us: int) -> int:
        left_us = ticks_diff(self._free_us, now_us)
        return (left_us * 1000 + self._byte_ns - 1) // self._byte_ns if left_us > 0 else 0

    def _kept(self, piece: "Piece", begin: int, end: int) -> bytes:
        """What of these bytes the receiver gets."""
        return piece.data[begin:end]

    def _take(self, now_us: int, most: int) -> None:
        """Move what has come by now to where it is read, at most so many bytes."""
        while self._coming:
            piece = self._coming[0]
            fresh = piece.fresh(now_us)
            room = self._receives - len(self._unread)
            count = min(fresh, room, most)
            if count:
                self._unread.extend(self._kept(piece, piece.taken, piece.taken + count))
            most -= count
            self.dropped += fresh - count
            piece.taken += fresh
            if piece.taken < len(piece.data):
                return
            self._coming.pop(0)


class Piece:
    """Bytes on their way; `taken` of them have been handed over."""

    def __init__(self, begin_us: int, data: bytes, byte_ns: int) -> None:
        self.data = data
        self.taken = 0
        self._begin_us = begin_us
        self._byte_ns = byte_ns
        idle_ns = _IDLE_BITS * byte_ns // _BITS_A_BYTE
        self._end_us = ticks_add(begin_us, (len(data) * byte_ns + idle_ns) // 1000)

    def begin_us(self, at: int) -> int:
        """When that byte begins."""
        return ticks_add(self._begin_us, at * self._byte_ns // 1000)

    def fresh(self, now_us: int) -> int:
        """How many more bytes are there by now than were taken."""
        if ticks_diff(now_us, self._end_us) >= 0:
            return len(self.data) - self.taken
        elapsed_us = ticks_diff(now_us, self._begin_us)
        if elapsed_us <= 0:
            return 0
        whole = min(elapsed_us * 1000 // self._byte_ns, len(self.data))
        return max(whole // _FIFO_STEP * _FIFO_STEP - self.taken, 0)

    def next_us(self) -> int:
        """When the next bytes are there."""
        count = self.taken + _FIFO_STEP
        if count > len(self.data):
            return self._end_us
        return ticks_add(self._begin_us, (count * self._byte_ns + 999) // 1000)
