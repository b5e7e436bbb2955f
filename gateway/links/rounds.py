"""Many ports read together, some ten times a second, not each whenever a board speaks.

Twelve boards speak a hundred and thirty times a second. Woken for each, a gateway spends most of
its time on becoming awake; woken for a dozen of them at once, a fifth less. What must not wait is
the answer to a ping, by which clocks are compared, and a port that brings more than it can hold:
`hurry` says so.
"""

import asyncio
import select
from collections.abc import Callable

__all__ = ["Rounds"]

_REST_S = 0.1
"""At 921600 baud a line brings 9.2 KB meanwhile. Linux gives a reader 4,095 bytes of a port at
once and keeps what comes behind them: 64 KB or more, newer kernels 640 KB (TTYB_DEFAULT_MEM_LIMIT
in drivers/tty/tty_buffer.c). A pty, whose limit is 8 KB, kept 15 to 22 KB in all (Linux 6.18)."""

_HURRY_S = 0.03
"""An answer of a board takes up to a turn of its loop and the line: 20 ms."""


class Rounds:
    """Used in one event loop. A round calls each port that has something to be read, once."""

    def __init__(self) -> None:
        self._ports: dict[int, Callable[[], None]] = {}
        self._epoll: select.epoll | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._hurry_until_s = 0.0

    def add(self, port: int, readable: Callable[[], None]) -> None:
        """Call `readable` while that file descriptor has something, or has come to its end."""
        if self._epoll is None:
            self._epoll = select.epoll()
            self._listen()
        self._ports[port] = readable
        self._epoll.register(port, select.EPOLLIN)

    def remove(self, port: int) -> None:
        """Before it is closed; nothing is done where it was not added."""
        if self._epoll is None or self._ports.pop(port, None) is None:
            return
        self._epoll.unregister(port)
        if not self._ports:
            self._stop_resting()
            asyncio.get_running_loop().remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None

    def hurry(self) -> None:
        """Read whatever comes at once, for a moment."""
        self._hurry_until_s = asyncio.get_running_loop().time() + _HURRY_S
        if self._timer is not None:
            self._listen()

    def _listen(self) -> None:
        assert self._epoll is not None
        self._stop_resting()
        asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._round)

    def _round(self) -> None:
        assert self._epoll is not None
        for port, _ in self._epoll.poll(0):
            readable = self._ports.get(port)
            if readable is not None:
                readable()
        loop = asyncio.get_running_loop()
        if self._epoll is not None and loop.time() >= self._hurry_until_s:
            loop.remove_reader(self._epoll.fileno())
            self._timer = loop.call_later(_REST_S, self._listen)

    def _stop_resting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
