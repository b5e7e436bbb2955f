"""What a UART's wires lead to. A transport has the methods of Line; the UART knows no more."""

from simulators.board.ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Protocol

    class Line(Protocol):
        """`received`, `sent` and `dropped` count bytes. What the methods do: see PtyLine."""

        received: int
        sent: int
        dropped: int

        def configure(self, baud: int, receives: int, sends: int) -> None: ...
        def enable(self, on: bool) -> None: ...
        def fileno(self) -> int: ...
        def tend(self, now_us: int) -> None: ...
        def waiting(self) -> int: ...
        def read_into(self, buffer: "memoryview | bytearray", limit: int) -> int: ...
        def write_from(self, buffer: "memoryview | bytearray | bytes", count: int) -> int: ...
        def writable(self) -> bool: ...
        def pending(self) -> int: ...
        def close(self) -> None: ...


_RETRY_US = 200_000
"""How long a line that was closed or never there is left alone before it is opened again."""


class PtyLine:
    """A pseudo-terminal. While it is not there, what is sent is lost as on an open wire.

    The descriptor's number stays the same for good, so that whoever polls it need not know:
    a line that hung up, which poll would report for ever, is replaced by one that is silent.
    """

    def __init__(
        self, descriptors: "ModuleType", path: str, ticks_us: "Callable[[], int]"
    ) -> None:
        self.received = 0
        self.sent = 0
        self.dropped = 0
        self._os = descriptors
        self._path = path
        self._ticks_us = ticks_us
        self._fd: int
        self._idle_fd: int
        self._fd, self._idle_fd = descriptors.open_idle()
        self._connected = False
        self._enabled = True
        self._retry_us = ticks_us()
        self.tend(self._retry_us)

    def configure(self, baud: int, receives: int, sends: int) -> None:
        """What the UART was set to: its rate and the bytes its buffers hold. No matter here."""

    def enable(self, on: bool) -> None:
        """Whether the driver of an RS-485 pair is on: what is sent without it is lost."""
        self._enabled = on

    def fileno(self) -> int:
        """The descriptor, for whoever waits for it."""
        return self._fd

    def tend(self, now_us: int) -> None:
        """Open the line again when it is time. To be called now and then."""
        if self._connected or ticks_diff(now_us, self._retry_us) < 0:
            return
        self._retry_us = ticks_add(now_us, _RETRY_US)
        fd = self._os.open_line(self._path)
        if fd < 0:
            return
        self._os.replace(fd, self._fd)
        self._os.close(fd)
        self._connected = True

    def waiting(self) -> int:
        """How many bytes have come."""
        if not self._connected:
            return 0
        count: int = self._os.waiting(self._fd)
        if count < 0:
            self._hang_up()
            return 0
        return count

    def read_into(self, buffer: "memoryview | bytearray", limit: int) -> int:
        """Move at most `limit` bytes that have come into the buffer; return how many."""
        if not self._connected or not limit:
            return 0
        count: int = self._os.read_into(self._fd, buffer, limit)
        if count < 0:
            self._hang_up()
            return 0
        self.received += count
        return count

    def write_from(self, buffer: "memoryview | bytearray | bytes", count: int) -> int:
        """Send at most `count` bytes; return how many have left."""
        if self._connected and self._enabled and count:
            written: int = self._os.write_from(self._fd, buffer, count)
            if written >= 0:
                self.sent += written
                return written
            self._hang_up()
        self.dropped += count
        return count

    def writable(self) -> bool:
        """Whether a byte would leave now."""
        return not self._connected or bool(self._os.writable(self._fd))

    def pending(self) -> int:
        """Bytes that were written and have not left: none here, for they leave at once."""
        return 0

    def close(self) -> None:
        """Give up the line for good."""
        self._os.close(self._fd)
        self._os.close(self._idle_fd)

    def _hang_up(self) -> None:
        self._connected = False
        self._retry_us = ticks_add(self._ticks_us(), _RETRY_US)
        given, kept = self._os.open_idle()
        self._os.replace(given, self._fd)
        self._os.close(given)
        self._os.close(self._idle_fd)
        self._idle_fd = kept
