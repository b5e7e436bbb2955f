"""A server with a v2 write API on 127.0.0.1 that answers as it is told and keeps every body."""

import contextlib
import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from gateway.forward import Answer, Verdict


@dataclass(frozen=True)
class Reply:
    """An HTTP answer; `hang` gives none, `reset` ends the connection instead."""

    status: int = 204
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    reset: bool = False


OK = Reply()
HANG = Reply(hang=True)
RESET = Reply(reset=True)


class InfluxDouble:
    """Answers each request with what `rule(body)` says; 204 until one is set.

    Bodies are kept as they were before compression.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.rule: Callable[[bytes], Reply] = lambda body: OK
        self.requests: list[bytes] = []
        self.accepted: list[bytes] = []
        self.received_bytes = 0
        self.paths: list[str] = []
        self.queries: list[dict[str, list[str]]] = []
        self.headers: list[dict[str, str]] = []
        self.arrived = threading.Semaphore(0)
        self.released = threading.Event()
        self.connections: set[socket.socket] = set()
        self._http = _Server(("127.0.0.1", 0), _handler(self))
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._http.server_port}"

    def script(self, *replies: Reply) -> None:
        """Answer with these in turn, then with 204."""
        left = list(replies)
        self.rule = lambda body: left.pop(0) if left else OK

    def close(self) -> None:
        self.released.set()
        self._http.shutdown()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._http.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what some tests are about."""


def _handler(double: InfluxDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            double.connections.add(self.connection)

        def finish(self) -> None:
            double.connections.discard(self.connection)
            super().finish()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            double.received_bytes += len(body)
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            address = urlsplit(self.path)
            double.paths.append(address.path)
            double.queries.append(parse_qs(address.query))
            double.headers.append(dict(self.headers.items()))
            double.requests.append(body)
            reply = double.rule(body)
            double.arrived.release()
            if reply.hang:
                double.released.wait()
                self.close_connection = True
            elif reply.reset:
                self._reset()
            else:
                if reply.status < 300:
                    double.accepted.append(body)
                self._answer(reply)

        def _answer(self, reply: Reply) -> None:
            text = reply.text.encode("latin-1")
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if reply.status != 204:
                self.wfile.write(text)

        def _reset(self) -> None:
            self.close_connection = True
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()

        def log_message(self, *_: object) -> None:
            """Tests read `requests`."""

    return Handler


class SinkDouble:
    """A Sink without a network: answers by `rule`, keeps every body."""

    def __init__(self, rule: Callable[[bytes], Answer] | None = None) -> None:
        self.rule = rule or (lambda body: Answer(Verdict.OK))
        self.requests: list[bytes] = []
        self.accepted: list[bytes] = []

    def write(self, body: bytes, meanwhile: Callable[[], None] | None = None) -> Answer:
        if meanwhile is not None:
            meanwhile()
        self.requests.append(body)
        answer = self.rule(body)
        if answer.verdict is Verdict.OK:
            self.accepted.append(body)
        return answer

    def abort(self) -> None:
        """Nothing is ever under way."""
