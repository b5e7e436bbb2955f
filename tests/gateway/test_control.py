"""The socket for commands, and `axlebox gateway command` as people type it."""

import asyncio
import json
import os
import socket
import stat
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import served_control
from served_control import Typed, configuration, typist

from gateway import control
from gateway.commands import Answer, BoardTest, ChipTest, Commands, Request
from gateway.control import Control
from gateway.errors import CommandError, LinkError
from gateway.update.updating import Updating

ANSWER = Answer(
    node="motors-a",
    command="identify",
    arguments=[10],
    result="done",
    boot="9f3a01c2",
    sequence=7,
    took_ms=120,
)
REQUEST = b'{"node": "motors-a", "command": "identify", "arguments": [10]}\n'


class Scripted:
    """In place of the gateway's Commands: answers as the test says, or never."""

    def __init__(self, answer: Answer | CommandError | None = ANSWER) -> None:
        self.answer = answer
        self.asked: list[tuple[Request, str]] = []

    def ask(self, request: Request, who: str, done: Callable[[Answer], None]) -> None:
        self.asked.append((request, who))
        if isinstance(self.answer, CommandError):
            raise self.answer
        if self.answer is not None:
            done(self.answer)


def over(commands: Scripted, path: Path) -> Control:
    return Control(cast("Commands", commands), cast("Updating", None), path)


def with_socket(path: Path, commands: Scripted, use: Callable[[Control], Awaitable[None]]) -> None:
    async def run() -> None:
        opened = over(commands, path)
        await opened.open()
        try:
            await use(opened)
        finally:
            await opened.close()

    asyncio.run(run())


async def say(path: Path, data: bytes) -> bytes:
    """What the gateway writes until it closes."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(data)
    answer = await reader.read()
    writer.close()
    return answer


def test_one_line_in_and_one_line_out(tmp_path: Path) -> None:
    commands = Scripted()

    async def use(opened: Control) -> None:
        answer = await say(tmp_path / "s", REQUEST)
        assert answer.endswith(b"\n")
        assert msgspec.json.decode(answer, type=Answer) == ANSWER

    with_socket(tmp_path / "s", commands, use)
    ((request, who),) = commands.asked
    assert (request.node, request.command, request.arguments) == ("motors-a", "identify", [10])
    assert f"(uid {os.getuid()}, process {os.getpid()})" in who


def test_the_socket_is_its_owners_alone_and_goes_with_the_gateway(tmp_path: Path) -> None:
    path = tmp_path / "s"

    async def use(opened: Control) -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    with_socket(path, Scripted(), use)
    assert not path.exists()


def test_a_path_too_long_for_a_socket_works(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    answered: list[Answer] = []

    async def use(opened: Control) -> None:
        request = Request(node="motors-a", command="hello")
        answered.append(await asyncio.to_thread(control.ask_gateway, folder / "s", request))

    with_socket(folder / "s", Scripted(), use)
    assert answered == [ANSWER]


@pytest.mark.parametrize(
    "line",
    [
        b"rubbish\n",
        b"\xff\xfe\n",
        b"[]\n",
        b'{"node": "motors-a"}\n',
        b'{"node": "motors-a", "command": "hello", "arguments": ["10"]}\n',
        b'{"node": "motors-a", "command": "hello", "key": 1}\n',
        b'{"node": "' + b"a" * 1_400_000 + b'", "command": "hello"}\n',
        b"a" * 1_500_000,
    ],
)
def test_what_is_no_request_is_refused(tmp_path: Path, line: bytes) -> None:
    commands = Scripted()

    async def use(opened: Control) -> None:
        assert json.loads(await say(tmp_path / "s", line))["error"] == "request"

    with_socket(tmp_path / "s", commands, use)
    assert not commands.asked


def test_a_refusal_has_its_reason(tmp_path: Path) -> None:
    async def use(opened: Control) -> None:
        refusal = json.loads(await say(tmp_path / "s", REQUEST))
        assert refusal == {"error": "busy", "message": "wait"}

    with_socket(tmp_path / "s", Scripted(CommandError("busy", "wait")), use)


def test_clients_that_say_nothing_hold_nobody_up_and_are_sent_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_REQUEST_S", 0.2)

    async def use(opened: Control) -> None:
        silent = [await asyncio.open_unix_connection(str(tmp_path / "s")) for _ in range(7)]
        silent[0][1].write(b'{"node": ')
        assert b'"done"' in await say(tmp_path / "s", REQUEST)
        for reader, writer in silent:
            assert await reader.read() == b""
            writer.close()

    with_socket(tmp_path / "s", Scripted(), use)


def test_there_are_few_clients_at_once(tmp_path: Path) -> None:
    async def use(opened: Control) -> None:
        waiting = [await asyncio.open_unix_connection(str(tmp_path / "s")) for _ in range(8)]
        for _, writer in waiting:
            writer.write(REQUEST)
        refusal = json.loads(await say(tmp_path / "s", REQUEST))
        assert refusal["error"] == "busy"
        for _, writer in waiting:
            writer.close()

    with_socket(tmp_path / "s", Scripted(None), use)


def test_a_client_that_leaves_harms_nothing(tmp_path: Path) -> None:
    async def use(opened: Control) -> None:
        _, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        writer.close()
        await writer.wait_closed()
        assert b'"done"' in await say(tmp_path / "s", REQUEST)

    with_socket(tmp_path / "s", Scripted(), use)


def test_what_a_killed_gateway_left_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "s"))
    left.close()

    async def use(opened: Control) -> None:
        assert b'"done"' in await say(tmp_path / "s", REQUEST)

    with_socket(tmp_path / "s", Scripted(), use)


def test_a_socket_of_a_living_gateway_is_left_alone(tmp_path: Path) -> None:
    async def use(opened: Control) -> None:
        with pytest.raises(LinkError, match="another gateway listens there"):
            await over(Scripted(), tmp_path / "s").open()
        assert b'"done"' in await say(tmp_path / "s", REQUEST)

    with_socket(tmp_path / "s", Scripted(), use)


def test_a_file_of_that_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("precious")

    async def run() -> None:
        with pytest.raises(LinkError, match="there is a file of that name"):
            await over(Scripted(), tmp_path / "s").open()

    asyncio.run(run())
    assert (tmp_path / "s").read_text() == "precious"


# -- the command line


@pytest.fixture
def typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Runs `axlebox gateway command` in this process."""
    return typist("command", configuration(tmp_path), monkeypatch, capsys)


def serving(commands: Scripted, path: Path) -> AbstractContextManager[None]:
    return served_control.serving(over(commands, path))


def answered(**fields: Any) -> Answer:
    return msgspec.structs.replace(ANSWER, **fields)


TESTED = {
    "chips": [ChipTest(chip=0, channel="motor.current at motor 1", status="no_answer")],
    "board": BoardTest(flash="ok", heap_free_bytes=61_000, temperature_c=31.5, supply_v=None),
}


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (ANSWER, 0, "motors-a: blinks for 10 s (0.1 s)"),
        (answered(command="hello", arguments=[]), 0, "told what it measures again"),
        (answered(command="burst", arguments=[4]), 0, "sends the next window of channel 4"),
        (answered(command="period", arguments=[1, 20]), 0, "group 1 is sampled each 20 ms"),
        (answered(command="reboot", new_boot="00000001"), 0, "started again, boot 00000001"),
        (answered(command="maintenance"), 0, "maintenance carried out"),
        (answered(command="self-test", **TESTED), 0, "all is well"),
        (answered(command="self-test", result="failed", **TESTED), 3, "found something wrong"),
        (answered(result="not_possible"), 3, "refuses identify: it has no lamp"),
        (answered(result="not_supported"), 4, "motors-a cannot identify"),
        (answered(result="no_answer", took_ms=9_960), 5, "within 10.0 s"),
        (answered(result="no_answer"), 5, "add --boot 9f3a01c2"),
        (answered(result="restarted"), 5, "started again before it answered"),
        (answered(result="not_back"), 5, "was not heard for"),
        (answered(result="result_9"), 3, "which is not known here"),
    ],
)
def test_what_happened_is_said_in_plain_words(
    tmp_path: Path, typed: Typed, answer: Answer, code: int, words: str
) -> None:
    with serving(Scripted(answer), tmp_path / "s"):
        ended, out, err = typed("motors-a", "identify", "10")
        assert (ended, err) == (code, "")
        assert words in out
        shown = typed("motors-a", "identify", "10", "--json")
        assert shown[0] == code
        assert msgspec.json.decode(shown[1], type=Answer) == answer


def test_a_self_test_is_told_line_by_line(tmp_path: Path, typed: Typed) -> None:
    answer = answered(command="self-test", arguments=[], result="failed", **TESTED)
    with serving(Scripted(answer), tmp_path / "s"):
        _, out, _ = typed("motors-a", "self-test")
    assert out.splitlines() == [
        "chip 0 (motor.current at motor 1): no_answer",
        "flash: ok",
        "memory: 61000 bytes free",
        "temperature: 31.5 °C",
        "supply: not measured on this board",
        "motors-a: self-test found something wrong (0.1 s)",
    ]


def test_options_reach_the_gateway(tmp_path: Path, typed: Typed) -> None:
    commands = Scripted()
    with serving(commands, tmp_path / "s"):
        typed("motors-a", "period", "1", "250", "--limit", "20", "--boot", "9f3a01c2")
    ((request, _),) = commands.asked
    assert request == Request(
        node="motors-a", command="period", arguments=[1, 250], limit_s=20, boot="9f3a01c2"
    )


@pytest.mark.parametrize(("reason", "code"), [("unknown_node", 1), ("silent", 1), ("busy", 6)])
def test_a_refusal_is_one_line(tmp_path: Path, typed: Typed, reason: str, code: int) -> None:
    with serving(Scripted(CommandError(reason, "why not")), tmp_path / "s"):
        assert typed("motors-a", "hello") == (code, "", "error: why not\n")
        ended, out, err = typed("motors-a", "hello", "--json")
    assert (ended, err) == (code, "")
    assert json.loads(out) == {"error": reason, "message": "why not"}


def test_no_gateway_runs(tmp_path: Path, typed: Typed) -> None:
    code, out, err = typed("motors-a", "hello")
    assert (code, out) == (1, "")
    assert err.startswith(f"error: no gateway answers at {tmp_path}/s (No such file")


def test_a_gateway_that_ends_meanwhile(tmp_path: Path, typed: Typed) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen()

        def take_one() -> None:
            client, _ = listening.accept()
            client.recv(4096)
            client.close()

        taker = threading.Thread(target=take_one)
        taker.start()
        assert typed("motors-a", "hello")[::2] == (
            1,
            "error: the gateway ended before it answered\n",
        )
        taker.join(10)


@pytest.mark.parametrize("word", ["ten", "-1", "1.5", "99999999999"])
def test_an_argument_that_is_no_number(typed: Typed, word: str) -> None:
    code, _, err = typed("motors-a", "identify", "--", word)
    assert code == 1
    assert err.startswith(f"error: {word} is no number")
