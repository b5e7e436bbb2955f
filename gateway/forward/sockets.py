"""HTTP connections that another thread can end: a stop must not wait for a silent server."""

import contextlib
import errno
import os
import select
import socket
import threading
import weakref
from collections.abc import Callable
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util import Timeout

__all__ = ["Sockets"]


class Sockets:
    """Every socket of one client, from its first packet on.

    `meanwhile` is called, once, when a request is on its way and its answer not read yet.
    """

    def __init__(self) -> None:
        self.meanwhile: Callable[[], None] | None = None
        self._connected: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._abort_seen, self._abort_end = socket.socketpair()
        self._aborted = False
        self._lock = threading.Lock()

    def watch(self, manager: urllib3.PoolManager) -> None:
        """Have the manager's connections, plain and TLS, open their sockets here."""
        sockets = self

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return sockets.connect(self)

            def getresponse(self) -> Any:
                sockets.sent()
                return super().getresponse()

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return sockets.connect(self)

            def connect(self) -> None:
                super().connect()
                if self.sock is not None:
                    sockets.add(self.sock)

            def getresponse(self) -> Any:
                sockets.sent()
                return super().getresponse()

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    def sent(self) -> None:
        """A request is on its way: do what there is to do meanwhile."""
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()

    def abort(self) -> None:
        """End what is under way and refuse what comes; from any thread."""
        with self._lock:
            self._aborted = True
            self._abort_end.close()
            for connected in list(self._connected):
                with contextlib.suppress(OSError):
                    connected.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give everything back; no connection may be in use any more."""
        self.abort()
        self._abort_seen.close()

    def add(self, connected: socket.socket) -> None:
        """Remember a connected socket. Raises ConnectionAbortedError after `abort`."""
        with self._lock:
            if self._aborted:
                connected.close()
                raise ConnectionAbortedError("stopped")
            self._connected.add(connected)

    def connect(self, connection: HTTPConnection) -> socket.socket:
        """A connected socket to one of the host's addresses.

        Raises urllib3's NewConnectionError or ConnectTimeoutError.
        """
        timeout_s = Timeout.resolve_default_timeout(connection.timeout)
        failure = OSError("the name has no address")
        try:
            for family, kind, protocol, _, address in socket.getaddrinfo(
                connection.host.strip("[]"), connection.port, type=socket.SOCK_STREAM
            ):
                new = socket.socket(family, kind, protocol)
                try:
                    for option in connection.socket_options or ():
                        new.setsockopt(*option)
                    self._connect(new, address, timeout_s)
                except OSError as error:
                    new.close()
                    failure = error
                else:
                    self.add(new)
                    return new
        except OSError as error:
            failure = error
        if isinstance(failure, TimeoutError):
            text = f"no connection within {timeout_s} s"
            raise ConnectTimeoutError(connection, text) from failure
        reason = failure.strerror or str(failure)
        raise NewConnectionError(connection, f"no connection: {reason}") from failure

    def _connect(self, new: socket.socket, address: Any, timeout_s: float | None) -> None:
        """Like `new.connect`, but `abort` ends it."""
        new.setblocking(False)
        code = new.connect_ex(address)
        if code == errno.EINPROGRESS:
            poll = select.poll()
            poll.register(new, select.POLLOUT)
            poll.register(self._abort_seen, select.POLLIN)
            ready = dict(poll.poll(None if timeout_s is None else timeout_s * 1000))
            if self._abort_seen.fileno() in ready:
                raise ConnectionAbortedError("stopped")
            if not ready:
                raise TimeoutError
            code = new.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        new.settimeout(timeout_s)
