"""The board's end of the channel to the host: never blocks, never grows."""

from simulators.board.control_frames import FrameReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_READS_A_PUMP = 2
"""What a flooding host gets handled at one access to the hardware."""


class Control:
    """Frames in from one descriptor and out to another. `connected` until the host has closed."""

    def __init__(self, descriptors: "ModuleType", in_fd: int, out_fd: int) -> None:
        self.connected = True
        self.unsent = 0
        self.reader = FrameReader()
        self._os = descriptors
        self._in_fd = in_fd
        self._out_fd = out_fd
        self._pending = b""
        self._source = self._read  # made once: a bound method is an object on the heap
        descriptors.set_nonblocking(in_fd)
        descriptors.set_nonblocking(out_fd)

    def pump(self, handle: "Callable[[int, memoryview], None]") -> None:
        """Give every frame that has come to `handle(kind, payload)`; go on with what is unsent."""
        if self._pending:
            self._flush()
        reader = self.reader
        for _ in range(_READS_A_PUMP):
            if not self.connected:
                return
            count = reader.fill(self._source)
            if count <= 0:
                return
            while reader.next():
                handle(reader.kind, reader.payload)

    def send(self, data: bytes) -> None:
        """Send a frame. While an earlier one is stuck it is dropped and counted in `unsent`."""
        if self._pending:
            self._flush()
        if self._pending or not self.connected:
            self.unsent += 1
            return
        self._pending = data
        self._flush()

    def _read(self, buffer: "memoryview", limit: int) -> int:
        count: int = self._os.read_into(self._in_fd, buffer, limit)
        if count < 0:
            self.connected = False
        return count

    def _flush(self) -> None:
        written = self._os.write_from(self._out_fd, self._pending, len(self._pending))
        if written < 0:
            self.connected = False
            self._pending = b""
        else:
            self._pending = self._pending[written:]
