"""descriptors.py for CPython: the same functions over the standard library.

Not on the board: the board's folder takes descriptors.py alone.
"""

import array
import fcntl
import os
import select
import signal
import socket
import termios
import tty
from typing import Any

GONE = -1


def read_into(fd: int, buffer: Any, limit: int) -> int:
    try:
        return os.readv(fd, [memoryview(buffer)[:limit]]) or GONE
    except (BlockingIOError, InterruptedError):
        return 0
    except OSError:
        return GONE


def write_from(fd: int, buffer: Any, count: int) -> int:
    try:
        return os.write(fd, memoryview(buffer)[:count])
    except (BlockingIOError, InterruptedError):
        return 0
    except OSError:
        return GONE


def waiting(fd: int) -> int:
    count = array.array("i", [0])
    try:
        fcntl.ioctl(fd, termios.FIONREAD, count)
    except OSError:
        return GONE
    return count[0]


def writable(fd: int) -> bool:
    poller = select.poll()
    poller.register(fd, select.POLLOUT)
    return any(events & select.POLLOUT for _, events in poller.poll(0))


def set_nonblocking(fd: int) -> None:
    os.set_blocking(fd, False)


def open_file(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR)
    except OSError:
        return GONE


def read_at(fd: int, buffer: Any, count: int, offset: int) -> int:
    return os.preadv(fd, [memoryview(buffer)[:count]], offset)


def write_at(fd: int, buffer: Any, count: int, offset: int) -> int:
    return os.pwrite(fd, memoryview(buffer)[:count], offset)


def open_line(path: str) -> int:
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return GONE
    try:
        tty.setraw(fd)
    except termios.error:
        os.close(fd)
        return GONE
    return fd


def open_idle() -> tuple[int, int]:
    given, kept = socket.socketpair()
    given.setblocking(False)
    return given.detach(), kept.detach()


def replace(source: int, target: int) -> None:
    os.dup2(source, target)


def close(fd: int) -> None:
    os.close(fd)


def exit_now(code: int) -> None:
    os._exit(code)


def exit_after(duration_us: int) -> None:
    signal.setitimer(signal.ITIMER_REAL, duration_us / 1_000_000)
