"""`axlebox gateway`, as people type it: what it prints and how it ends."""

import asyncio
import errno
import json
import socket
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from board_peer import Board
from collecting import write_keys

from gateway.cli import main
from gateway.config import load_config
from gateway.service import serve_gateway
from gateway.spool import FileStorage, open_spool
from gateway.timebase import SystemClock

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def axlebox(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command in this process; gives its exit code and what it printed."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["axlebox", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with one node, and a free port for the page."""
    write_keys(tmp_path, [Board()])
    path = tmp_path / "axlebox.toml"
    path.write_text(
        '[locomotive]\nid = "TE33A-0001"\n'
        '[[nodes]]\nname = "motors-a"\nkey_file = "motors-a.key"\n'
        '[[serial]]\nname = "motors"\nport = "nowhere"\n'
        f'[clock]\ntrust = "always"\n[page]\nport = {free_port()}\n',
        encoding="utf-8",
    )
    return path


@pytest.fixture
def running(config: Path) -> Iterator[Path]:
    """The configuration of a gateway that runs."""
    with served(config):
        yield config


@contextmanager
def served(config: Path) -> Iterator[None]:
    """A gateway of that configuration runs in a thread."""
    settings = load_config(config)
    up, stopped = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await serve_gateway(
            settings,
            SystemClock(settings.clock.trust),
            stopped,
            listening=lambda host, port: up.set(),
        )

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(30)
    yield
    loops[0].call_soon_threadsafe(stopped.set)
    thread.join(30)
    assert not thread.is_alive()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def problems(config: Path) -> list[str]:
    """What /healthz says is wrong."""
    port = load_config(config).page.port
    with pytest.raises(urllib.error.HTTPError) as answer:
        DIRECT.open(f"http://127.0.0.1:{port}/healthz", timeout=10)
    assert answer.value.status == 503
    with answer.value:
        return list(json.load(answer.value)["reasons"])


def test_check_says_what_it_understood(axlebox: Command, config: Path) -> None:
    (config.parent / "nowhere").touch()
    assert axlebox("gateway", "check", "-c", config) == (
        0,
        f"{config}: good. TE33A-0001 (TE33A), 1 nodes, 1 serial ports, forwarding off\n",
        "",
    )


def test_check_waits_for_a_port_that_is_not_there(axlebox: Command, config: Path) -> None:
    config.write_text(config.read_text().replace("nowhere", "[nowhere]"))
    code, out, _ = axlebox("gateway", "check", "-c", config)
    assert code == 0
    assert out.startswith(
        f"note: {config.parent}/[nowhere] (motors) is not there now; it is waited for\n"
    )


@pytest.mark.parametrize("command", ["check", "run", "status"])
def test_a_mistake_in_the_file_is_one_line_and_exit_code_1(
    axlebox: Command, config: Path, command: str
) -> None:
    with config.open("a") as text:
        text.write("prot = 1\n")
    assert axlebox("gateway", command, "--config", config) == (
        1,
        "",
        f"error: {config}: unknown key page.prot; remove it or correct its spelling "
        "(docs/configuration.md lists the keys)\n",
    )


def test_check_without_nodes_is_an_error(axlebox: Command, tmp_path: Path) -> None:
    path = tmp_path / "axlebox.toml"
    path.write_text('[locomotive]\nid = "TE33A-0001"\n')
    code, _, err = axlebox("gateway", "check", "-c", path)
    assert code == 1
    assert err == (f"error: {path}: no [[nodes]]: nothing would be believed; add one a board\n")


def test_an_unknown_profile_names_those_that_there_are(axlebox: Command, config: Path) -> None:
    config.write_text(config.read_text().replace("[[nodes]]", 'profile = "te44"\n[[nodes]]', 1))
    code, _, err = axlebox("gateway", "check", "-c", config)
    assert code == 1
    assert err.startswith("error: there is no locomotive profile te44; there are: ")
    assert "te33a" in err


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_missing_key_is_told_before_anything_runs(
    axlebox: Command, config: Path, command: str
) -> None:
    (config.parent / "motors-a.key").unlink()
    code, _, err = axlebox("gateway", command, "-c", config)
    assert code == 1
    assert err.startswith("error: key of node motors-a: ")


def test_status_without_a_gateway_says_how_to_start_one(axlebox: Command, config: Path) -> None:
    port = load_config(config).page.port
    code, _, err = axlebox("gateway", "status", "-c", config)
    assert code == 1
    assert err.startswith(f"error: no gateway answers at http://127.0.0.1:{port}/ (")
    assert err.endswith(f"start it with: axlebox gateway run -c {config}\n")


def test_status_shows_the_picture(axlebox: Command, running: Path) -> None:
    code, out, _ = axlebox("gateway", "status", "-c", running)
    assert code == 0
    assert out.startswith("TE33A-0001 (TE33A), axlebox ")
    for words in ("motors-a", "waiting", "spool: 0.0 MB", "forwarding is off", "refused: none"):
        assert words in out


def test_status_gives_the_state_to_programs(axlebox: Command, running: Path) -> None:
    code, out, _ = axlebox("gateway", "status", "--json", "-c", running)
    assert code == 0
    assert json.loads(out)["nodes"][0]["name"] == "motors-a"


def test_a_port_that_cannot_be_used_is_a_problem_that_monitoring_sees(
    config: Path, running: Path
) -> None:
    told = "; ".join(problems(config))
    assert f"{config.parent}/nowhere is not there: plug the board in" in told


def test_status_asks_the_gateway_and_not_a_proxy(
    axlebox: Command, running: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port()}")
    assert axlebox("gateway", "status", "-c", running)[0] == 0


def test_a_page_port_in_use_is_an_error_that_says_what_to_do(
    axlebox: Command, config: Path
) -> None:
    port = load_config(config).page.port
    with socket.create_server(("127.0.0.1", port)):
        code, out, err = axlebox("gateway", "run", "-c", config)
    assert (code, out) == (1, "")
    said = err.splitlines()[-1]
    assert said == (
        f"error: port {port} on 127.0.0.1 is in use by another program. Stop that program "
        f"(`ss -ltnp 'sport = :{port}'` names it), or give the page another port"
    )


def test_a_spool_that_the_gateway_may_not_write_to_is_an_error_that_says_what_to_do(
    axlebox: Command, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refused)
    folder = load_config(config).spool.folder
    code, _, err = axlebox("gateway", "run", "-c", config)
    assert code == 1
    assert err == (
        f"error: cannot make the spool's folder {folder}: Permission denied; make it, or set "
        "another path, and give it to the user the gateway runs as\n"
    )


def test_a_command_socket_that_cannot_be_made_is_a_problem_and_no_reason_to_stop(
    config: Path,
) -> None:
    path = load_config(config).spool.folder / "control.sock"
    path.parent.mkdir()
    path.touch()
    with served(config):
        assert (
            f"the socket for commands, {path}, cannot be made: there is a file of that name; "
            "name another with control.socket"
        ) in problems(config)


def test_a_clock_that_nobody_set_is_told_in_status_and_to_monitoring(
    axlebox: Command, config: Path
) -> None:
    config.write_text(config.read_text().replace('trust = "always"', 'trust = "never"'))
    with served(config):
        code, out, _ = axlebox("gateway", "status", "-c", config)
        assert code == 0
        assert (
            "clock: not set by any time source; times are estimates until GNSS or NTP is there, "
            "`timedatectl` shows what is missing\n"
        ) in out
        assert (
            "the clock is not set by any time source: times are estimates until GNSS or NTP is "
            "there; `timedatectl` shows what is missing"
        ) in problems(config)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "the disk is full: free space on it or lower the spool's limit"),
        (
            errno.EROFS,
            "the file system is read-only, often after an error of the card: look into `dmesg`, "
            "remount it writable, replace the card if it happens again",
        ),
        (
            errno.EIO,
            "the disk answers with input/output errors: look into `dmesg`, replace the disk",
        ),
    ],
)
def test_a_disk_that_refuses_is_told_in_status_on_the_page_and_to_monitoring(
    axlebox: Command, config: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    """The gateway starts all the same, and shows what comes."""

    def refuse(storage: FileStorage, fd: int) -> None:
        raise OSError(code, "refused")

    monkeypatch.setattr(FileStorage, "datasync", refuse)
    folder = load_config(config).spool.folder
    told = (
        f"the spool in {folder} cannot be written: {words}. Nothing is acknowledged until then; "
        "the nodes keep their readings"
    )
    with served(config):
        assert f"! {told}\n" in axlebox("gateway", "status", "-c", config)[1]
        shown = json.loads(axlebox("gateway", "status", "--json", "-c", config)[1])
        assert told in problems(config)
    assert shown["spool"]["fault"] == told


def test_a_second_gateway_on_a_spool_is_an_error_that_says_what_to_do(
    axlebox: Command, config: Path
) -> None:
    folder = load_config(config).spool.folder
    with open_spool(folder, SystemClock("always")):
        code, _, err = axlebox("gateway", "run", "-c", config)
    assert code == 1
    assert err.startswith(f"error: the spool in {folder} is in use by another gateway")
    assert "stop that one, or give this one a folder of its own" in err


def test_a_spool_that_cannot_be_made_is_an_error_that_says_what_to_do(
    axlebox: Command, config: Path
) -> None:
    folder = load_config(config).spool.folder
    folder.write_text("a file")
    code, _, err = axlebox("gateway", "run", "-c", config)
    assert code == 1
    assert err.startswith(f"error: cannot make the spool's folder {folder}")


def test_help_lists_the_commands(axlebox: Command) -> None:
    code, out, _ = axlebox("--help")
    assert code == 0
    for command in ("gateway", "spool", "demo"):
        assert command in out
