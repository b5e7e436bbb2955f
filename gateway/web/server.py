"""Serving the page from inside the gateway's own event loop."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.web.errors import PageError

__all__ = ["CONNECTION_LIMIT", "REQUEST_S", "UNREAD_S", "serve"]

CONNECTION_LIMIT = 256
"""Connections at once; one more is closed unanswered, so that a flood takes no file handles."""

REQUEST_S = 10.0
"""A request must be complete after this long."""

UNREAD_S = 10.0
"""A client that leaves a full send buffer (64 KiB) unread this long is cut off."""

_GRACE_S = 1


async def serve(
    app: Starlette,
    host: str,
    port: int,
    stop: asyncio.Event,
    *,
    listening: Callable[[str, int], None] = lambda host, port: None,
) -> None:
    """Serve `app` until `stop` is set; then end all streams and return within two seconds.

    `listening` is called with the bound address once clients can connect (port 0 asks for any
    free one). Raises PageError when the address cannot be used. Installs no signal handler.
    """
    listener = _listen(host, port)
    config = uvicorn.Config(
        app,
        http=_Connection,
        ws="none",
        lifespan="off",  # entered here, so that cancelling leaves nothing behind
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,  # who asks decides what they may do: no header changes that
        server_header=False,
        timeout_keep_alive=int(REQUEST_S),
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = _Server(config)
    stopper = asyncio.create_task(_stop(app, server, stop))
    try:
        async with app.router.lifespan_context(app):
            await server.announce(listener, listening)
    finally:
        stopper.cancel()
        await asyncio.gather(stopper, return_exceptions=True)
        for accepting in getattr(server, "servers", []):
            accepting.close()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65_535:
        raise PageError(f"the page cannot be served on port {port}: give a port from 0 to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise PageError(
            f"the page cannot be served on {host}:{port}: {error.strerror}. "
            "Give an address of this machine, such as 127.0.0.1"
        ) from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise PageError(_explain(host, port, error)) from error
    return listener


def _explain(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use by another program. Stop that program "
            f"(`ss -ltnp 'sport = :{port}'` names it), or give the page another port"
        )
    if error.errno == errno.EACCES:
        return f"port {port} on {host} needs special rights. Give the page a port above 1023"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine. Use 127.0.0.1, or one that `ip addr` shows"
    return f"the page cannot be served on {host}:{port}: {error.strerror}"


async def _stop(app: Starlette, server: "_Server", stop: asyncio.Event) -> None:
    await stop.wait()
    app.state.hub.close()
    for connection in list(server.server_state.connections):
        if isinstance(connection, _Connection) and connection.flow.write_paused:
            connection.transport.abort()
    server.should_exit = True


class _Server(uvicorn.Server):
    _announcement: Callable[[], None]

    async def announce(
        self, listener: socket.socket, listening: Callable[[str, int], None]
    ) -> None:
        host, port = listener.getsockname()[:2]
        self._announcement = lambda: listening(host, port)
        await self.serve(sockets=[listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announcement()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Connection(H11Protocol):
    """A connection that cannot be held open by saying, or reading, too little."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request_timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > CONNECTION_LIMIT:
            transport.abort()
            return
        self._request_timer = self.loop.call_later(REQUEST_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering:
            self._cancel_request_timer()
        elif self._request_timer is None:
            self._request_timer = self.loop.call_later(REQUEST_S, self.transport.abort)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._cancel_request_timer()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread_timer = self.loop.call_later(UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._cancel_request_timer()
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _cancel_request_timer(self) -> None:
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None
