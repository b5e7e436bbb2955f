"""`axlebox gateway replay` as people type it, with a gateway and without."""

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from gateway.cli import main
from gateway.commands import Commands
from gateway.control import Control, ask_replay
from gateway.errors import AxleboxError, CommandError
from gateway.forward import CursorFile, Replay, server_of
from gateway.forward.progress import Progress
from gateway.replay_cli import parse_since
from gateway.spool import FileStorage, Kind, Position, Priority, open_spool
from gateway.timebase import SystemClock
from gateway.update.updating import Updating

NOW_US = 1_795_888_800_000_000
CONFIG = """
[locomotive]
id = "TE33A-0001"

[influx]
url = "http://127.0.0.1:1"

[control]
socket = "s"
"""


@contextmanager
def gateway(path: Path, answer: Replay | BaseException | None) -> Iterator[list[int]]:
    """A gateway's socket in a thread of its own; None: it forwards nothing."""
    asked: list[int] = []
    opened = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def replay(since_us: int) -> "Future[Replay]":
        asked.append(since_us)
        future: Future[Replay] = Future()
        if isinstance(answer, Replay):
            future.set_result(answer)
        elif answer is not None:
            future.set_exception(answer)
        return future

    async def run() -> None:
        nobody = cast("Commands", None), cast("Updating", None)
        control = Control(*nobody, path, replay if answer else None)
        await control.open()
        opened.set()
        await stop.wait()
        await control.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    assert opened.wait(10)
    try:
        yield asked
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def config_in(folder: Path, text: str = CONFIG) -> Path:
    path = folder / "axlebox.toml"
    path.write_text(text)
    return path


def typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["axlebox", "gateway", "replay", *words])
    with pytest.raises(SystemExit) as exit_:
        main()
    out, err = capsys.readouterr()
    return int(exit_.value.code or 0), out, err


@pytest.mark.parametrize(
    ("text", "since_us"),
    [
        ("2h", NOW_US - 2 * 3_600_000_000),
        ("90s", NOW_US - 90_000_000),
        ("30m", NOW_US - 1_800_000_000),
        (" 3d ", NOW_US - 3 * 86_400_000_000),
        ("2026-11-28T18:00Z", 1_795_888_800_000_000),
        ("2026-11-28T18:00", 1_795_888_800_000_000),
        ("2026-11-28 23:00+05:00", 1_795_888_800_000_000),
        ("2026-11-28", 1_795_824_000_000_000),
    ],
)
def test_a_time_is_written_as_people_write_it(text: str, since_us: int) -> None:
    assert parse_since(text, NOW_US) == since_us


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yesterday", "--since yesterday: write a time in UTC like 2026-11-28T18:00Z, or how"),
        ("2 h", "write a time in UTC"),
        ("", "write a time in UTC"),
        ("2026-11-28T18:01Z", "that is still to come; it is 2026-11-28 18:00:00 UTC now"),
    ],
)
def test_what_is_no_time_gets_a_clear_answer(text: str, words: str) -> None:
    with pytest.raises(AxleboxError) as error:
        parse_since(text, NOW_US)
    assert words in str(error.value)


def test_the_running_gateway_is_asked_and_says_what_it_sends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(config_in(tmp_path))
    answer = Replay(since_us=NOW_US, bytes=12_340_000, first_us=NOW_US)
    with gateway(tmp_path / "s", answer) as asked:
        code, out, _ = typed(
            monkeypatch, capsys, "--since", "2026-11-28T18:00Z", "--config", config
        )
        assert asked == [NOW_US]
        assert code == 0
        assert out == (
            "what was received or sent since 2026-11-28 18:00:00 UTC is sent again now: 12.3 MB\n"
        )
        _, out, _ = typed(monkeypatch, capsys, "--since", "1h", "-c", config, "--json")
        assert json.loads(out)["bytes"] == 12_340_000


def test_what_cannot_be_sent_again_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(config_in(tmp_path))
    late_us = NOW_US + 1_000_000
    answer = Replay(since_us=NOW_US, bytes=9, oldest_us=late_us, forgotten_us=late_us)
    with gateway(tmp_path / "s", answer):
        code, out, _ = typed(monkeypatch, capsys, "--since", "1h", "-c", config)
    assert code == 0
    assert (
        "gone: the spool begins at 2026-11-28 18:00:01 UTC; what was received before that" in out
    )
    assert "unknown: which older readings went out late until 2026-11-28 18:00:01 UTC" in out


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "this gateway forwards nothing: it has no [influx]"),
        (OSError("input/output error"), "nothing is sent again: input/output error"),
    ],
)
def test_a_refusal_is_said_in_one_line(
    tmp_path: Path, answer: BaseException | None, words: str
) -> None:
    with (
        gateway(tmp_path / "s", answer),
        pytest.raises(CommandError) as error,
    ):
        ask_replay(tmp_path / "s", NOW_US)
    assert words in str(error.value)


def test_without_a_gateway_the_next_run_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(config_in(tmp_path))
    clock = SystemClock()
    with open_spool(tmp_path / "spool", clock) as spool:
        for _ in range(10):
            spool.writer.append(Kind.MESSAGE, Priority.READINGS, b"x" * 50_000, clock.utc_us())
        spool.writer.commit()
        end = spool.writer.committed
    server = server_of("http://127.0.0.1:1", "axlebox", "axlebox")
    CursorFile(tmp_path / "spool", server, FileStorage()).save(Progress(live=end))

    code, out, _ = typed(monkeypatch, capsys, "--since", "1h", "-c", config)

    assert code == 0
    assert "is sent again when the gateway runs next: 0.5 MB" in out
    progress = CursorFile(tmp_path / "spool", server).load()
    assert progress is not None
    assert [(one.start, one.end) for one in progress.behind] == [(Position(1, 32), end)]


def test_nothing_that_was_sent_is_nothing_to_send_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(config_in(tmp_path))
    with open_spool(tmp_path / "spool", SystemClock()):
        pass
    code, out, _ = typed(monkeypatch, capsys, "--since", "1h", "-c", config)
    assert code == 0
    assert "nothing in the spool was sent to this server since" in out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CONFIG.replace("[influx]\nurl", "[page]\nhost"), "no [influx]: nothing is forwarded"),
        (CONFIG, "cannot enter the spool's folder"),
    ],
)
def test_a_replay_that_cannot_be_gets_a_clear_answer(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    words: str,
) -> None:
    config = str(config_in(tmp_path, text))
    code, _, err = typed(monkeypatch, capsys, "--since", "1h", "-c", config)
    assert code == 1
    assert words in err
