"""The operating system below the simulated hardware, through libc (MicroPython's `ffi`).

Each function also exists in descriptors_host.py for CPython; import them from descriptors_seam.
Reads and writes never block: they return the number of bytes moved, 0 when nothing can be moved
now, and GONE when the other side has closed or the descriptor is no good.
"""

import termios
from array import array

import ffi  # type: ignore[import-not-found]
import uctypes  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

GONE = -1

_libc = ffi.open("libc.so.6")
_open = _libc.func("i", "open", "sii")
_read = _libc.func("i", "read", "iPi")
_write = _libc.func("i", "write", "iPi")
_pread = _libc.func("i", "pread", "iPii")
_pwrite = _libc.func("i", "pwrite", "iPii")
_close = _libc.func("i", "close", "i")
_dup2 = _libc.func("i", "dup2", "ii")
_fcntl = _libc.func("i", "fcntl", "iii")
_ioctl = _libc.func("i", "ioctl", "iiP")
_socketpair = _libc.func("i", "socketpair", "iiiP")
_poll = _libc.func("i", "poll", "Pii")
_signal = _libc.func("P", "signal", "iP")
_setitimer = _libc.func("i", "setitimer", "iPP")
_exit = _libc.func("v", "_exit", "i")
_errno = uctypes.struct(_libc.func("P", "__errno_location", "")(), {"code": uctypes.INT32 | 0})

_NOT_NOW = (11, 4)
"""EAGAIN and EINTR."""
_F_SETFL = 4
_O_RDWR = 0x2
_O_RDWR_NOCTTY_NONBLOCK = 0x2 | 0x100 | 0x800
_O_NONBLOCK = 0x800
_FIONREAD = 0x541B
_POLLOUT = 4
_AF_UNIX, _SOCK_STREAM = 1, 1
_SIGALRM = 14

_count = array("i", [0])
_poll_fd = array("h", [0, 0, _POLLOUT, 0])
_timer = array("l", [0, 0, 0, 0])
_armed: "list[bool]" = []


def read_into(fd: int, buffer: "Any", limit: int) -> int:
    """Read at most `limit` bytes into the buffer."""
    count: int = _read(fd, buffer, limit)
    if count > 0:
        return count
    return 0 if count < 0 and _errno.code in _NOT_NOW else GONE


def write_from(fd: int, buffer: "Any", count: int) -> int:
    """Write at most the buffer's first `count` bytes."""
    written: int = _write(fd, buffer, count)
    if written >= 0:
        return written
    return 0 if _errno.code in _NOT_NOW else GONE


def waiting(fd: int) -> int:
    """How many bytes could be read now, or GONE."""
    if _ioctl(fd, _FIONREAD, _count) < 0:
        return GONE
    return _count[0]


def writable(fd: int) -> bool:
    """Whether a byte could be written now."""
    _poll_fd[0] = fd
    _poll_fd[3] = 0
    _poll(_poll_fd, 1, 0)
    return bool(_poll_fd[3] & _POLLOUT)


def set_nonblocking(fd: int) -> None:
    _fcntl(fd, _F_SETFL, _O_NONBLOCK)


def open_file(path: str) -> int:
    """A file opened for reading and writing, or GONE when there is none."""
    fd: int = _open(path, _O_RDWR, 0)
    return fd


def read_at(fd: int, buffer: "Any", count: int, offset: int) -> int:
    """Read so many bytes of a file; how many there were, or GONE."""
    done: int = _pread(fd, buffer, count, offset)
    return done


def write_at(fd: int, buffer: "Any", count: int, offset: int) -> int:
    """Write the buffer's first `count` bytes into a file; how many were taken, or GONE."""
    done: int = _pwrite(fd, buffer, count, offset)
    return done


def open_line(path: str) -> int:
    """A terminal opened for raw, non-blocking use, or GONE when there is none."""
    fd: int = _open(path, _O_RDWR_NOCTTY_NONBLOCK, 0)
    if fd < 0:
        return GONE
    try:
        termios.setraw(fd)  # type: ignore[attr-defined]
    except OSError:
        _close(fd)
        return GONE
    return fd


def open_idle() -> "tuple[int, int]":
    """Two ends of a connection on which nothing ever comes: one to be given out, one to keep."""
    ends = array("i", [0, 0])
    if _socketpair(_AF_UNIX, _SOCK_STREAM, 0, ends) < 0:
        raise OSError(_errno.code)
    set_nonblocking(ends[0])
    return ends[0], ends[1]


def replace(source: int, target: int) -> None:
    """Make `target` another name of what `source` is."""
    _dup2(source, target)


def close(fd: int) -> None:
    _close(fd)


def exit_now(code: int) -> None:
    """End the process at once: nothing is caught and nothing tidied up."""
    _exit(code)


def exit_after(duration_us: int) -> None:
    """End the process with code 14 after this time, unless called again before; 0 never ends it.

    SIGALRM's handler is libc's own `_exit`, which takes the signal's number for the code.
    """
    if not _armed:
        _armed.append(True)
        _signal(_SIGALRM, _libc.addr("_exit"))
    _timer[2] = duration_us // 1_000_000
    _timer[3] = duration_us % 1_000_000
    _setitimer(0, _timer, None)
