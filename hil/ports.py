"""Ports of this machine for servers of the bench that are to be stopped and started anew.

Nothing else takes one while its server is down. They lie below those that the kernel hands out by
itself (32768 and up on Linux, unless told otherwise): so no other server gets one that asked for
any port, and no client that keeps trying to reach it, which may get that very port for its own end
and then speaks with itself. And each is held, as long as this process lives, by a socket that does
not listen: so no other process that runs scenarios is given it.
"""

import os
import socket
import threading

from hil.errors import BenchError

__all__ = ["free_port"]

_FIRST, _BEHIND = 20_000, 32_000
_EACH_PROCESS = 97
_given: dict[int, socket.socket] = {}
_lock = threading.Lock()


def free_port() -> int:
    """One that nobody listens at and that was given to nobody before, for a server that binds it
    with SO_REUSEADDR, as servers do. Raises BenchError."""
    count = _BEHIND - _FIRST
    begin = os.getpid() * _EACH_PROCESS
    with _lock:
        for number in range(count):
            port = _FIRST + (begin + number) % count
            if port not in _given and _take(port):
                return port
    raise BenchError(f"no port from {_FIRST} to {_BEHIND - 1} is free")


def _take(port: int) -> bool:
    """Bound by itself, and then shared with a server: until it listens, nobody is answered."""
    held = socket.socket()
    try:
        held.bind(("127.0.0.1", port))
    except OSError:
        held.close()
        return False
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _given[port] = held
    return True
