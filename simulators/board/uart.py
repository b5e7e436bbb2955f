"""`machine.UART`, over the line that the wiring file gives it."""

import io

from simulators.board.board import current
from simulators.board.constant import const
from simulators.board.ticks import sleep_us, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_POLL = const(3)
_CLOSE = const(4)
_GET_FILENO = const(10)
_POLL_IN = const(1)
_POLL_OUT = const(4)
_EINVAL = const(22)
_WAIT_STEP_US = const(500)


class UART(io.IOBase):
    """A port; with no line in the wiring file its bytes go nowhere. Bytes leave at once and the
    frame format is not checked. `write` may take fewer bytes than it is given, or none (None),
    while the line is full."""

    RTS, CTS = 2, 1
    STIRS = True
    """In lock-step: see simulated_select.py."""

    def __init__(self, id: int, baudrate: int = 115_200, *args: "Any", **kwargs: "Any") -> None:
        if id not in (0, 1, 2):
            raise ValueError("UART(%s) doesn't exist" % id)
        self._board = current()
        self._line = self._board.hardware.uart.get(str(id))
        self._timeout_us = 0
        self.init(baudrate, *args, **kwargs)

    def init(
        self,
        baudrate: int = 115_200,
        bits: int = 8,
        parity: "int | None" = None,
        stop: int = 1,
        *,
        tx: "Any" = None,
        rx: "Any" = None,
        rts: "Any" = None,
        cts: "Any" = None,
        txbuf: int = 256,
        rxbuf: int = 256,
        timeout: int = 0,
        timeout_char: int = 0,
        invert: int = 0,
        flow: int = 0,
    ) -> None:
        """`timeout` in ms is how long a read waits for its first byte. Rate and buffers matter
        in lock-step only."""
        self._timeout_us = timeout * 1000
        if self._line is not None:
            self._line.configure(baudrate, rxbuf, txbuf)

    def deinit(self) -> None:
        pass

    def any(self) -> int:
        """How many bytes have come."""
        self._board.touch()
        return 0 if self._line is None else self._line.waiting()

    def read(self, nbytes: int = -1) -> "bytes | None":
        """At most `nbytes` of what has come (all of it by default), or None."""
        self._await_byte()
        wanted = self.any()
        if 0 <= nbytes < wanted:
            wanted = nbytes
        if wanted == 0:
            return None
        buffer = bytearray(wanted)
        count = self.readinto(buffer)
        return bytes(buffer[:count]) if count else None

    def readinto(self, buf: "bytearray | memoryview", nbytes: int = -1) -> "int | None":
        """Fill the buffer from what has come; how many bytes, or None."""
        self._await_byte()
        if self._line is None:
            return None
        limit = len(buf) if nbytes < 0 else min(nbytes, len(buf))
        return self._line.read_into(buf, limit) or None

    def readline(self) -> "bytes | None":  # type: ignore[override]
        """What has come up to and with a newline, or without one; or None."""
        byte = bytearray(1)
        got = bytearray()
        while self.readinto(byte):
            got.extend(byte)
            if byte[0] == 0x0A:
                break
        return bytes(got) or None

    def write(self, buf: "bytes | bytearray | memoryview") -> "int | None":
        """How many bytes were taken, or None where there is no room now."""
        self._board.touch()
        if self._line is None:
            return len(buf)
        return self._line.write_from(buf, len(buf)) or None

    def flush(self) -> None:
        """Return once everything has left."""
        while not self.txdone():
            sleep_us(_WAIT_STEP_US)

    def txdone(self) -> bool:
        """Whether everything has left."""
        self._board.touch()
        return self._line is None or not self._line.pending()

    def sendbreak(self) -> None:
        pass

    def ioctl(self, request: int, arg: int) -> int:
        """MicroPython's stream protocol: select and asyncio poll the line's own descriptor."""
        line = self._line
        if request == _POLL:
            self._board.touch()
            ready = 0
            if arg & _POLL_IN and line is not None and line.waiting():
                ready |= _POLL_IN
            if arg & _POLL_OUT and (line is None or line.writable()):
                ready |= _POLL_OUT
            return ready
        if request == _GET_FILENO and line is not None:
            return line.fileno()
        return 0 if request == _CLOSE else -_EINVAL

    def _await_byte(self) -> None:
        self._board.touch()
        if not self._timeout_us or self._line is None:
            return
        begun_us = self._board.ticks_us()
        while not self._line.waiting():
            if ticks_diff(self._board.ticks_us(), begun_us) >= self._timeout_us:
                return
            sleep_us(_WAIT_STEP_US)
            self._board.touch()
