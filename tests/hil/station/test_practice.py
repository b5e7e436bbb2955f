"""A person without boards tries the station: with the commands that they are told, as they are."""

import json
import shlex
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

AXLEBOX = (sys.executable, "-m", "gateway")
WORK_S = 240
"""How long a board may take on a machine that has other work too."""


def begun(*words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*AXLEBOX, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def end(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


@pytest.fixture
def practice() -> Iterator["subprocess.Popen[str]"]:
    process = begun("station", "practice", "--boards", "2")
    yield process
    end(process)


def read_until(said: IO[str], words: str) -> list[str]:
    """The lines up to the one with these words."""
    lines = []
    for line in said:
        lines.append(line.strip())
        if words in line:
            return lines
    raise AssertionError(f"{words!r} was not among {lines}")


def wait(page: str, *phases: str) -> dict[str, Any]:
    """The state once the cards have these phases."""
    with urllib.request.urlopen(page + "api/events", timeout=WORK_S) as events:
        for line in events:
            if line.startswith(b"data:") and b'"cards"' in line:
                state: dict[str, Any] = json.loads(line[5:])
                if tuple(card["phase"] for card in state["cards"]) == phases:
                    return state
    raise AssertionError(f"the page ended before there was {phases}")


def scan(page: str, text: str) -> None:
    request = urllib.request.Request(
        page + "api/scan",
        json.dumps({"text": text}).encode(),
        {"content-type": "application/json", "origin": page.rstrip("/")},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200


@pytest.mark.timeout(400)
def test_what_practice_says_is_enough_to_bring_a_board_through_the_line(
    practice: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text("a long passphrase\n")
    assert practice.stdout is not None
    assert practice.stdin is not None
    told = read_until(practice.stdout, "Ctrl-C ends")
    (place,) = [line.rpartition(" ")[2] for line in told if line.startswith("1: ")]
    (command,) = [line for line in told if line.startswith("axlebox station run")]
    folder = Path(command.partition("--slots ")[2].partition("/by-path")[0])
    line = begun(
        *shlex.split(command)[1:],
        *("--page", "127.0.0.1:0", "--seconds", "1", "--passphrase-file", str(passphrase)),
    )
    try:
        assert line.stdout is not None
        page = line.stdout.readline().split()[0]
        wait(page, "asks", "asks")
        practice.stdin.write("2\n9\n")
        practice.stdin.flush()
        assert read_until(practice.stdout, "from 1 to 2")[0] == "2: out"
        wait(page, "asks")
        scan(page, place)
        (card,) = wait(page, "pass")["cards"]
        assert card["place"] == place
    finally:
        end(line)
    assert folder.is_dir()


def test_practice_leaves_nothing_behind(practice: "subprocess.Popen[str]") -> None:
    assert practice.stdout is not None
    told = "\n".join(read_until(practice.stdout, "Ctrl-C ends"))
    folder = Path(told.partition("--slots ")[2].partition("/by-path")[0])
    ports = list((folder / "by-path").iterdir())
    assert len(ports) == 2
    practice.send_signal(signal.SIGINT)
    practice.wait(60)
    assert not folder.exists()
