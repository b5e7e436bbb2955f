"""`axlebox doctor` as people type it, with a gateway, with something else, and without."""

import http.server
import json
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from board_peer import Board
from crew_page.live_picture import te33a
from crew_page.served_page import ServedPage
from gateway_process import CabledBoard, Process, readings
from prometheus_client import Gauge

from gateway.cli import main
from gateway.config import GatewayConfig, load_config
from gateway.control import knock
from gateway.doctor import examination
from gateway.doctor import running as running_module
from gateway.doctor.finding import Finding, as_told, exit_code, most_urgent_first
from gateway.doctor.running import ask
from gateway.errors import CommandError
from hil.broker import free_port

from .conftest import KEY, Depot, told

PASSWORD = "wheel-and-rail"
TOKEN = "a-token-of-the-depot"
LOG = "look into the gateway's log: journalctl -u axlebox-gateway"


@pytest.fixture
def page() -> Iterator[ServedPage]:
    served = ServedPage(te33a())
    yield served
    served.stop()


def typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str]:
    """Exit code and what was printed."""
    monkeypatch.setattr(sys, "argv", ["axlebox", "doctor", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    assert printed.err == ""
    return int(str(ended.value.code)), printed.out


def on_page(depot: Depot, port: int) -> GatewayConfig:
    return depot.write(f"[page]\nport = {port}\n")


def test_a_real_gateway_is_asked_how_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    board = Board()
    cable = CabledBoard(tmp_path / "port", board)
    port = free_port()
    process = Process(tmp_path, board, "[spool]\nreserve_mb = 1\nlimit_mb = 1\n[control]\n")
    config = tmp_path / "axlebox.toml"
    config.write_text(config.read_text().replace("port = 0", f"port = {port}"))
    try:
        assert urlsplit(process.start().removeprefix("page ").strip()).port == port
        cable.listen()
        cable.send(board.hello(), *readings(board, 3))
        cable.until_acknowledged(4)
        _, out = typed(monkeypatch, capsys, "-c", str(config), "--json")
        found = [(one["level"], one["part"], one["what"]) for one in json.loads(out)["findings"]]
        assert (
            "ok",
            "gateway",
            f"the gateway of TE33A-0001 runs, its page answers at http://127.0.0.1:{port}",
        ) in found
        assert ("ok", "ports", f"port motors ({tmp_path}/port) is open") in found
        assert ("ok", "boards", "node motors-a speaks by serial motors") in found
        assert ("ok", "boards", "all known starts of node motors-a were expected (1)") in found
        assert [what for level, _, what in found if level == "unknown"] == []
        knock(tmp_path / "spool" / "control.sock")
        assert process.end(signal.SIGTERM) == 0
        code, out = typed(monkeypatch, capsys, "-c", str(config))
        assert code == 1
        assert out.startswith(
            f"wrong    no gateway runs: nothing answers at http://127.0.0.1:{port} "
            "([Errno 111] Connection refused). All else was looked at from outside\n"
            "         -> start it: systemctl start axlebox-gateway, or axlebox gateway run\n"
        )
        with pytest.raises(CommandError):
            knock(tmp_path / "spool" / "control.sock")
    finally:
        process.close()
        cable.close()


def test_no_secret_is_printed(
    depot: Depot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    depot.file("broker.password", PASSWORD)
    depot.file("influx.token", TOKEN)
    depot.write(
        f"[page]\nport = {free_port()}\n"
        f'[mqtt]\nhost = "127.0.0.1"\nport = {free_port()}\nusername = "gateway"\n'
        'password_file = "broker.password"\n'
        f'[influx]\nurl = "http://somebody:hidden@127.0.0.1:{free_port()}"\n'
        'token_file = "influx.token"\n'
    )
    for words in ([], ["--json"]):
        code, out = typed(monkeypatch, capsys, "-c", str(depot.path), *words)
        assert code == 1
        assert "broker" in out
        assert "http://127.0.0.1" in out
        assert not [one for one in (KEY, PASSWORD, TOKEN, "hidden", "somebody") if one in out]


def test_json_says_the_same_as_the_exit_code(
    depot: Depot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_page(depot, free_port())
    code, out = typed(monkeypatch, capsys, "-c", str(depot.path), "--json")
    report = json.loads(out)
    assert (code, report["exit_code"]) == (1, 1)
    levels = [one["level"] for one in report["findings"]]
    assert levels == sorted(levels, key=["wrong", "unknown", "note", "ok"].index)
    assert all(one["advice"] or one["level"] == "ok" for one in report["findings"])


def test_a_configuration_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out = typed(monkeypatch, capsys, "-c", str(tmp_path / "none.toml"))
    assert code == 2
    assert out == (
        f"unknown  {tmp_path}/none.toml: there is no such file; name one with --config, "
        "docs/configuration.md has an example to start from\n"
        "         -> correct that first: nothing else was looked at\n"
        "0 wrong, 1 not looked at, 0 to note, 0 good\n"
    )


def test_a_configuration_that_is_wrong(
    depot: Depot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    depot.path.write_text('[locomotive]\nid = "TE33A-0001"\nprofil = "te33a"\n')
    code, out = typed(monkeypatch, capsys, "-c", str(depot.path))
    assert code == 1
    assert out.startswith(f"wrong    {depot.path}: unknown key locomotive.profil")


def test_a_check_that_fails_hides_no_other(
    depot: Depot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(examination, "look_at_store", fail)
    on_page(depot, free_port())
    _, out = typed(monkeypatch, capsys, "-c", str(depot.path))
    assert (
        "unknown  store could not be looked at: ZeroDivisionError\n"
        "         -> ask as the gateway's user; if it stays so, it is a defect of axlebox\n"
    ) in out
    assert "is installed, with firmware" in out


@pytest.mark.parametrize(
    ("levels", "code"),
    [
        (["ok", "note"], 0),
        (["ok", "unknown", "note"], 2),
        (["unknown", "wrong"], 1),
        ([], 0),
    ],
)
def test_the_exit_code(levels: list[Any], code: int) -> None:
    found = [Finding(level=level, part="store", what=level) for level in levels]
    assert exit_code(found) == code
    assert exit_code(most_urgent_first(found)) == code


@pytest.mark.parametrize(
    ("sentence", "what", "advice"),
    [
        ("it is broken: mend it", "it is broken", "mend it"),
        ("it: is broken; mend it: now", "it: is broken", "mend it: now"),
        ("it is broken", "it is broken", LOG),
    ],
)
def test_a_sentence_of_another_part(sentence: str, what: str, advice: str) -> None:
    assert told([as_told("store", sentence)]) == [("wrong", what, advice)]


def test_links_and_reasons_are_read_from_the_page(depot: Depot, page: ServedPage) -> None:
    gauge = Gauge("axlebox_link_open", "1 while open", ["link"], registry=page.metrics)
    gauge.labels("serial motors").set(0)
    gauge.labels("mqtt").set(1)
    page.reasons[:] = ["the disk is full: free space"]
    running, found = ask(on_page(depot, page.port))
    assert running is not None
    assert running.state == te33a()
    assert running.reasons == ("the disk is full: free space",)
    assert running.links_open == {"serial motors": False, "mqtt": True}
    assert running.words["link-silent"].title.en
    assert told(found)[0] == (
        "ok",
        f"the gateway of TE33A-0001 runs, its page answers at {page.url}",
        "",
    )


def test_a_socket_that_is_not_ones_own(depot: Depot, page: ServedPage) -> None:
    socket_path = depot.folder / "spool" / "control.sock"
    _, found = ask(on_page(depot, page.port))
    assert told(found)[1:] == [
        (
            "note",
            f"this user cannot ask for commands: no gateway answers at {socket_path} (No such "
            "file or directory): is it running?",
            "ask as the user that the gateway runs as, with `sudo -u axlebox` in front",
        )
    ]


def test_the_page_of_another_locomotive(depot: Depot, page: ServedPage) -> None:
    other = te33a().locomotive
    page.show(te33a(locomotive=msgspec.structs.replace(other, id="KZ8A-0002")))
    running, found = ask(on_page(depot, page.port))
    assert running is None
    assert told(found) == [
        (
            "wrong",
            f"the gateway at {page.url} is that of KZ8A-0002, not of TE33A-0001",
            "correct locomotive.id, or name the right file with --config; set another page.port "
            "where both run here",
        )
    ]


def test_a_gateway_that_hangs(
    depot: Depot, page: ServedPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_module, "_ANSWER_S", 0.05)
    thaw = page.freeze()
    try:
        _, found = ask(on_page(depot, page.port))
    finally:
        thaw.set()
    assert told(found) == [
        (
            "wrong",
            f"what listens at {page.url} says nothing: a gateway that hangs, or another program",
            "look into its log: journalctl -u axlebox-gateway; then start it again",
        )
    ]


class _Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response_only(200)
        self.end_headers()
        self.wfile.write(b'{"another": "program"}')

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def stranger() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Answering) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def answering_socket(path: Path) -> Iterator[None]:
    """A gateway's socket, of which each client is told that it asks for nothing."""
    stop = threading.Event()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        listening.settimeout(0.01)

        def serve() -> None:
            while not stop.is_set():
                try:
                    client, _ = listening.accept()
                except TimeoutError:
                    continue
                with client:
                    assert client.recv(100) == b"{}\n"
                    client.sendall(b'{"error": "request", "message": "this is no request"}\n')

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def test_another_program_on_the_pages_port(depot: Depot) -> None:
    with stranger() as port:
        running, found = ask(on_page(depot, port))
    assert running is None
    ((level, what, advice),) = told(found)
    assert level == "wrong"
    assert what.startswith(f"what answers at http://127.0.0.1:{port} is no gateway (")
    assert advice == "stop what listens there, or set another page.port"


def test_a_gateway_of_another_version(depot: Depot) -> None:
    settings_path = depot.folder / "spool" / "control.sock"
    with stranger() as port, answering_socket(settings_path):
        _, found = ask(on_page(depot, port))
    assert told(found) == [
        (
            "wrong",
            f"the gateway at http://127.0.0.1:{port} answers in a form that this version does "
            "not know",
            "start it again, so that it runs the version that is installed",
        )
    ]


def test_a_gateway_without_its_page(depot: Depot) -> None:
    port = free_port()
    with answering_socket(depot.folder / "spool" / "control.sock"):
        _, found = ask(on_page(depot, port))
        _, unknown = ask(on_page(depot, 0))
    assert told(found) == [
        (
            "wrong",
            f"the gateway answers at its socket, but its page at http://127.0.0.1:{port} does "
            "not ([Errno 111] Connection refused)",
            "look into its log: journalctl -u axlebox-gateway; then start it again",
        )
    ]
    assert told(unknown) == [
        (
            "unknown",
            "the gateway runs, but page.port is 0, so nobody knows where its page is",
            "give page.port a number and start the gateway again",
        )
    ]


def test_without_a_number_of_the_page_the_socket_tells_whether_it_runs(depot: Depot) -> None:
    running, found = ask(on_page(depot, 0))
    assert running is None
    assert told(found) == [
        (
            "wrong",
            f"no gateway runs: nothing answers at {depot.folder}/spool/control.sock. All else was "
            "looked at from outside",
            "start it: systemctl start axlebox-gateway, or axlebox gateway run",
        )
    ]
    assert load_config(depot.path).page.port == 0
