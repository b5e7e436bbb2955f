"""The line in a terminal, and how it is begun."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from line_in_memory import TestLine
from line_served import busy
from rich.console import Console

from hil.station.line_state import LineState
from hil.station.line_terminal import Typing, picture
from hil.station.line_texts import LANGUAGES, text

COMMAND = (sys.executable, "-c", "from gateway.cli import main; main()", "station", "run")


def shown(state: LineState, language: str, typed: str = "") -> str:
    """What is on a terminal of 130 columns, its lines joined where a panel breaks them."""
    console = Console(file=io.StringIO(), width=130, force_terminal=False)
    console.print(picture(state, language, typed))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_scanner_types_and_presses_enter() -> None:
    typing = Typing("kk")
    assert list(typing.take("TE33A-0123/mot")) == []
    assert typing.buffer == "TE33A-0123/mot"
    assert list(typing.take("x\x7fors-a\r2\n")) == ["TE33A-0123/motors-a", "2"]
    assert typing.buffer == ""
    assert list(typing.take("ru\r")) == []
    assert typing.language == "ru"
    assert list(typing.take("x" * 400 + "\x1b\x00\r")) == ["x" * 300]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_state_is_shown_with_its_word_and_what_to_do(language: str) -> None:
    line = TestLine()
    finish = busy(line)
    try:
        seen = shown(line.line.state(), language, "TE33")
    finally:
        finish()
    for phase in ("asks", "queued", "works", "pass", "fail"):
        assert text(f"phase.{phase}", language) in seen
    assert text("step.flash", language) in seen
    assert "TE33A-0123/motors-b" in seen
    assert f"{text('scan.ask', language)}: TE33" in seen
    assert f"18 {text('phase.pass', language)}" in seen
    assert f"5 {text('phase.fail', language)}" in seen
    assert text("scan.given", language) in seen


def test_an_empty_line_asks_for_a_board() -> None:
    assert "Plug in a board" in shown(TestLine().line.state(), "en")


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    passphrase = tmp_path / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text("a long passphrase\n")
    return [
        *("--usb", "--language", "en", "--slots", str(tmp_path / "by-path")),
        *("--folder", str(tmp_path / "station"), "--passphrase-file", str(passphrase)),
    ]


def test_the_page_is_served_until_it_is_ended(options: list[str]) -> None:
    begun = subprocess.Popen(
        [*COMMAND, *options, "--page", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True
    )
    assert begun.stdout is not None
    try:
        address = begun.stdout.readline().split()[0]
        with urllib.request.urlopen(address + "api/state") as answer:
            state = json.load(answer)
        assert (state["cards"], state["passed"], state["failed"]) == ([], 0, 0)
    finally:
        begun.send_signal(signal.SIGINT)
        assert begun.wait(20) == 0
        begun.stdout.close()


def test_the_line_is_drawn_in_a_terminal_that_is_as_before_afterwards(options: list[str]) -> None:
    keys, terminal = pty.openpty()
    begun = subprocess.Popen(
        [*COMMAND, *options],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
        start_new_session=True,
    )
    os.close(terminal)
    seen = read_until(keys, "Plug in a board")
    os.write(keys, b"nonsense\r")
    seen += read_until(keys, "no place and no slot")
    begun.send_signal(signal.SIGINT)
    assert begun.wait(20) == 0
    os.close(keys)
    assert "Traceback" not in seen


def read_until(keys: int, wanted: str) -> str:
    seen = ""
    while wanted not in seen:
        seen += os.read(keys, 4096).decode("utf-8", "replace")
    return seen


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--page", "8478"], "HOST:PORT"),
        (["--language", "de"], "kk, ru, en"),
        (["--link", "/dev/x"], "BOARD=PORT"),
    ],
)
def test_a_mistake_in_the_options_is_told(options: list[str], wrong: list[str], told: str) -> None:
    done = subprocess.run([*COMMAND, *options, *wrong], capture_output=True, text=True)
    assert done.returncode != 0
    assert told in done.stderr + done.stdout
