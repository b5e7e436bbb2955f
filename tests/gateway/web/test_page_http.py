"""The page over real HTTP: what each address answers, and what bad or slow clients cannot do."""

import asyncio
import contextlib
import http.client
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import msgspec
import pytest
from crew_page.live_picture import (
    NOW_MS,
    OwnedLive,
    server_away,
    te33a,
    troubled,
    with_channel,
)
from crew_page.served_page import ServedPage
from prometheus_client import CollectorRegistry, Counter

from gateway.state import State
from gateway.web import server
from gateway.web.app import create_app
from gateway.web.errors import PageError
from gateway.web.server import serve

Serve = Callable[..., ServedPage]
WAIT_S = 20


@pytest.fixture(scope="module")
def page() -> Iterator[ServedPage]:
    """One for all tests that leave it as it was."""
    page = ServedPage(te33a())
    yield page
    page.stop()


class Answer(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(page: ServedPage, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=WAIT_S)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, response.read())
    finally:
        connection.close()


def ended(connection: socket.socket) -> bool:
    """Whether the server closes the connection without a word."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


class Listener:
    """A raw client of /api/events."""

    def __init__(self, page: ServedPage) -> None:
        self._socket = socket.create_connection(("127.0.0.1", page.port), WAIT_S)
        self._socket.sendall(b"GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n")
        self._rest = b""
        self.status = int(self.until(b"\r\n\r\n").split()[1])

    def until(self, mark: bytes) -> bytes:
        """Everything up to and with the next `mark`."""
        while mark not in self._rest:
            received = self._socket.recv(65536)
            assert received, "the connection ended"
            self._rest += received
        found, _, self._rest = self._rest.partition(mark)
        return found + mark

    def picture(self) -> State:
        """The next picture, past any comment."""
        while True:
            event = self.until(b"\n\n")
            if b"data: " in event:
                data = event[event.index(b"data: ") + 6 :]
                return msgspec.json.decode(data.strip(), type=State)

    def rest(self) -> bytes:
        """Everything until the server closes."""
        while received := self._socket.recv(65536):
            self._rest += received
        return self._rest

    def close(self) -> None:
        self._socket.close()


def test_the_state_is_the_contract(page: ServedPage) -> None:
    answer = ask(page, "/api/state")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert msgspec.json.decode(answer.body, type=State) == te33a()
    assert answer.json["channels"][0] == {
        "id": "motors-a/0",
        "node": "motors-a",
        "quantity": "motor.current",
        "place": "motor 1",
        "unit": "A",
        "value": 412.3,
        "decimals": 0,
        "age_ms": 90,
        "quality": "ok",
        "stale_after_ms": 2000,
    }


def test_the_state_tells_of_links_backlog_and_rates(serve_page: Serve) -> None:
    state = ask(serve_page(server_away()), "/api/state").json
    assert state["nodes"][0] == {
        "name": "motors-a",
        "status": "live",
        "age_ms": 120,
        "boot": "9f3a01c2",
        "link": "serial motors-a",
        "firmware": None,
        "board": None,
        "reset_cause": None,
        "outbox_messages": None,
        "frames_refused": None,
        "resent_messages": None,
        "link_errors": None,
        "lost_samples": 0,
        "thinned_samples": None,
        "dropped_samples": None,
        "round_trip_ms": None,
        "clock_error_ms": None,
        "clock_drift_ppm": None,
    }
    assert state["forward"] == {
        "state": "waiting",
        "backlog_messages": 52_000,
        "backlog_bytes": 12_400_000,
        "waiting_since_ms": NOW_MS - 7_200_000,
        "oldest_unsent_ms": NOW_MS - 7_204_000,
        "sent_up_to_ms": NOW_MS - 7_204_000,
        "sent_bytes": 0,
        "error": None,
    }
    assert state["rates"] == {
        "samples_per_s": 1920.0,
        "messages_per_s": 36.0,
        "bytes_per_s": 8200.0,
        "sent_bytes_per_s": 0.0,
    }


def test_events_begin_with_the_picture_and_follow_it(serve_page: Serve) -> None:
    page = serve_page()
    with contextlib.closing(Listener(page)) as listener:
        assert listener.status == 200
        assert listener.picture() == te33a()
        changed = with_channel(te33a(), "motors-a/0", value=500.0)
        page.show(changed)
        assert listener.picture() == changed


def test_the_page_shows_its_first_state_without_script(serve_page: Serve) -> None:
    page = serve_page(troubled())
    answer = ask(page, "/", **{"Accept-Language": "en"})
    html = answer.body.decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    plain = html[html.index('<div id="plain">') :]
    assert "JavaScript is off" in plain
    assert "<td>412 A</td>" in plain
    assert '<td>\u2013</td><td class="abnormal">\u25b2 stale</td><td>12 s</td>' in plain
    assert "1204" not in plain, "a sensor fault's number is no measurement"


def test_the_page_comes_in_the_readers_language(page: ServedPage) -> None:
    russian = ask(page, "/", **{"Accept-Language": "ru-KZ"})
    assert '<html lang="ru" ' in russian.body.decode()
    assert "23,1 т" in russian.body.decode()
    assert '<html lang="kk" ' in ask(page, "/").body.decode()


def test_names_from_outside_are_text_in_the_page(serve_page: Serve) -> None:
    wild = with_channel(te33a(), "motors-a/0", place="<script>alert(1)</script>")
    html = ask(serve_page(wild), "/").body.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_files_may_be_kept_for_ever_because_their_address_names_their_content(
    page: ServedPage,
) -> None:
    html = ask(page, "/").body.decode()
    addresses = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', html))
    assert {address.rpartition(".")[2] for address in addresses} == {"js", "css", "svg"}
    kinds = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
    for address in addresses:
        answer = ask(page, address)
        assert answer.status == 200, address
        assert "immutable" in answer.headers["cache-control"]
        suffix = address.rpartition(".")[2]
        assert answer.headers["content-type"] == kinds.get(suffix, "image/svg+xml")
    digest = html[html.index("/static/") :].split("/")[2]
    stale = ask(page, f"/static/{'0' * len(digest)}/main.js")
    assert stale.status == 404
    assert stale.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/static/x/../../errors.py", "/static//etc/passwd", "/static/%2e%2e/app.py", "/x"]
)
def test_nothing_else_can_be_fetched(page: ServedPage, path: str) -> None:
    answer = ask(page, path)
    assert answer.status == 404
    assert "the page is at /" in answer.json["error"]


def test_all_of_the_page_is_light(page: ServedPage) -> None:
    html = ask(page, "/").body
    digest = html.decode().partition("/static/")[2].partition("/")[0]
    modules = {"main.js"}
    weight = len(html)
    for name in re.findall(r'/static/[^/]+/([a-z]+\.(?:css|svg))"', html.decode()):
        weight += len(ask(page, f"/static/{digest}/{name}").body)
    weight += len(ask(page, f"/static/{digest}/mode.js").body) + len(ask(page, "/api/rules").body)
    seen: set[str] = set()
    while modules - seen:
        name = (modules - seen).pop()
        seen.add(name)
        source = ask(page, f"/static/{digest}/{name}").body
        weight += len(source)
        modules |= set(re.findall(r'from "\./([a-z0-9]+\.js)"', source.decode()))
    static = {file.name for file in files("gateway.web").joinpath("static").iterdir()}
    scripts = {name for name in static if name.endswith(".js")} | {"texts.js"}
    assert seen | {"mode.js"} == scripts, "no file is carried that the page does not use"
    assert weight < 300_000


@pytest.mark.parametrize(
    "path",
    ["/", "/api/state", "/api/events", "/api/alarms", "/api/rules", "/api/trend",
     "/api/openapi.json", "/healthz", "/metrics"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_what_is_read_cannot_be_changed(page: ServedPage, path: str, method: str) -> None:
    answer = ask(page, path, method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json["error"] == f"{method} is not allowed: this address takes GET, HEAD"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_what_acts_takes_post_alone(page: ServedPage, method: str) -> None:
    answer = ask(page, "/api/alarms/acknowledge", method)
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/", "/api/state", "/api/events", "/healthz", "/metrics"])
def test_head_tells_the_headers_alone(page: ServedPage, path: str) -> None:
    answer = ask(page, path, "HEAD")
    assert answer.status == 200
    assert answer.body == b""
    assert answer.headers["content-type"]


@pytest.mark.parametrize("path", ["/", "/api/state", "/healthz", "/metrics", "/nowhere"])
def test_every_answer_forbids_what_the_page_does_not_need(page: ServedPage, path: str) -> None:
    headers = ask(page, path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


def test_an_error_inside_says_so_and_keeps_the_rest_alive(
    serve_page: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    page = serve_page()

    def fail() -> None:
        page.live.failing = ValueError("secret of the house")

    page.call(fail)
    answer = ask(page, "/api/state")
    assert answer.status == 500
    assert answer.json == {"error": "an error inside the gateway, see its log"}
    assert "content-security-policy" in answer.headers
    assert ask(page, "/healthz").status == 200
    assert "secret of the house" in caplog.text


def test_health_gives_its_reasons(serve_page: Serve) -> None:
    page = serve_page()
    well = ask(page, "/healthz")
    assert (well.status, well.json) == (200, {"status": "ok", "reasons": []})
    page.reasons.append("the spool cannot write: No space left on device")
    ill = ask(page, "/healthz")
    assert ill.status == 503
    assert ill.json == {"status": "failing", "reasons": page.reasons}


def test_metrics_are_those_of_the_registry_given(page: ServedPage) -> None:
    Counter("axlebox_probe", "A counter of the test", registry=page.metrics).inc(7)
    answer = ask(page, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b"axlebox_probe_total 7.0" in answer.body
    assert b"axlebox_page_clients 0.0" in answer.body


def test_one_page_too_many_is_told_so(serve_page: Serve) -> None:
    page = serve_page(client_limit=2)
    listeners = [Listener(page) for _ in range(2)]
    refused = ask(page, "/api/events")
    assert refused.status == 503
    assert refused.headers["retry-after"] == "5"
    assert refused.json["error"].startswith("2 pages are listening already")
    for listener in listeners:
        listener.close()


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x00\xff\x13\x37 garbage\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nbad name: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_rubbish_is_refused_and_the_next_one_is_served(page: ServedPage, rubbish: bytes) -> None:
    with socket.create_connection(("127.0.0.1", page.port), WAIT_S) as connection:
        connection.sendall(rubbish)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
    assert ask(page, "/api/state").status == 200


def test_a_request_that_never_ends_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, serve_page: Serve
) -> None:
    monkeypatch.setattr(server, "REQUEST_S", 0.05)
    page = serve_page()
    with socket.create_connection(("127.0.0.1", page.port), WAIT_S) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: slow")
        assert ended(connection)


def test_a_request_without_measure_is_cut_off(page: ServedPage) -> None:
    with socket.create_connection(("127.0.0.1", page.port), WAIT_S) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(64):
                connection.sendall(b"y" * 1_000_000)
            pytest.fail("64 MB of one header were taken")


def test_too_many_connections_are_closed_and_the_open_ones_work(
    monkeypatch: pytest.MonkeyPatch, serve_page: Serve
) -> None:
    monkeypatch.setattr(server, "CONNECTION_LIMIT", 3)
    page = serve_page()
    listener = Listener(page)
    held = [socket.create_connection(("127.0.0.1", page.port), WAIT_S) for _ in range(2)]
    with socket.create_connection(("127.0.0.1", page.port), WAIT_S) as surplus:
        assert ended(surplus)
    page.show(with_channel(te33a(), "motors-a/0", value=500.0))
    assert listener.picture().channels[0].value in (412.3, 500.0)
    for connection in held:
        connection.close()
    listener.close()


def test_a_page_that_never_reads_costs_a_bounded_buffer_and_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, serve_page: Serve
) -> None:
    monkeypatch.setattr(server, "UNREAD_S", 0.05)
    page = serve_page(_large_picture())
    deaf = _deaf_client(page)
    listener = Listener(page)
    versions = 0
    while ask(page, "/metrics").body.count(b"axlebox_page_clients 1.0") == 0 or versions == 0:
        page.show(_large_picture())
        assert listener.picture().channels
        versions += 1
        assert versions < 200, "the deaf page was never cut off"
    assert ask(page, "/api/state").status == 200
    deaf.close()
    listener.close()


def _deaf_client(page: ServedPage) -> socket.socket:
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.settimeout(WAIT_S)
    deaf.connect(("127.0.0.1", page.port))
    deaf.sendall(b"GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n")
    return deaf


def _large_picture() -> State:
    state = te33a()
    many = tuple(
        msgspec.structs.replace(channel, id=f"{channel.id}.{n}")
        for n in range(200)
        for channel in state.channels
    )
    return msgspec.structs.replace(state, channels=many)


def test_stopping_ends_the_streams_and_takes_under_two_seconds(serve_page: Serve) -> None:
    page = serve_page(_large_picture())
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(contextlib.closing(Listener(page))) for _ in range(10)]
        for listener in listeners:
            listener.picture()
        deaf = stack.enter_context(_deaf_client(page))
        page.stop(within_s=2.0)
        ends = [listener.rest() for listener in listeners]
        assert all(b": end\n\n" in end and end.endswith(b"0\r\n\r\n") for end in ends)
        assert deaf.fileno() > 0


def test_a_port_in_use_is_named_with_a_way_out(page: ServedPage) -> None:
    with pytest.raises(PageError, match=f"port {page.port} on 127.0.0.1 is in use") as caught:
        _serve_at("127.0.0.1", page.port)
    assert "give the page another port" in str(caught.value)


@pytest.mark.parametrize(
    ("host", "port", "told"),
    [
        ("no.such.host.invalid", 8080, "no.such.host.invalid:8080"),
        ("192.0.2.1", 8080, "192.0.2.1 is no address of this machine"),
        ("127.0.0.1", 70_000, "a port from 0 to 65535"),
    ],
)
def test_an_impossible_address_is_explained(host: str, port: int, told: str) -> None:
    with pytest.raises(PageError, match=told):
        _serve_at(host, port)


def _serve_at(host: str, port: int) -> None:
    app = create_app(OwnedLive(te33a()), health=list, metrics=CollectorRegistry())
    asyncio.run(serve(app, host, port, asyncio.Event()))


def test_cancelling_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        app = create_app(OwnedLive(te33a()), health=list, metrics=CollectorRegistry())
        bound: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(
            serve(
                app,
                "127.0.0.1",
                0,
                asyncio.Event(),
                listening=lambda host, port: bound.set_result(port),
            )
        )
        port = await bound
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"data: ")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await reader.read()
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        for _ in range(5):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


def test_serving_leaves_signal_handlers_alone() -> None:
    program = """
import asyncio, signal
from crew_page.live_picture import OwnedLive, te33a
from prometheus_client import CollectorRegistry
from gateway.web.app import create_app
from gateway.web.server import serve

async def main():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    stop = asyncio.Event()
    seen = []
    def note(host, port):
        seen.extend(signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM))
        stop.set()
    app = create_app(OwnedLive(te33a()), health=lambda: [], metrics=CollectorRegistry())
    await serve(app, "127.0.0.1", 0, stop, listening=note)
    assert seen == before, seen

asyncio.run(main())
"""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert result.returncode == 0, result.stderr
