"""Ports of this machine for servers of the bench that are to be stopped and started anew.

They lie below those that the kernel hands out by itself (32768 and up on Linux, unless told
otherwise), so that nothing else takes one while its server is down: no other server that asked for
any port, and no client that keeps trying to reach it, which may get that very port for its own end
and then speaks with itself.
"""

import os
import socket
import threading
from contextlib import suppress

from hil.errors import BenchError

__all__ = ["free_port"]

_FIRST, _BEHIND = 20_000, 32_000
_EACH_PROCESS = 97
_given: set[int] = set()
_lock = threading.Lock()


def free_port() -> int:
    """One that nobody listens at and that this process was not given before. Raises BenchError."""
    count = _BEHIND - _FIRST
    begin = os.getpid() * _EACH_PROCESS
    with _lock:
        for number in range(count):
            port = _FIRST + (begin + number) % count
            if port not in _given and _is_free(port):
                _given.add(port)
                return port
    raise BenchError(f"no port from {_FIRST} to {_BEHIND - 1} is free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False
