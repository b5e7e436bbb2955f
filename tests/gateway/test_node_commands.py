"""Commands to nodes without a loop: what is sent, how answers are matched, when it is over."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from axwire import codes
from axwire.down import COMMAND, CONFIGURE, Down
from board_peer import Board
from collecting import Collecting
from manual_clock import ManualClock

from gateway.commands import KNOWN, Answer, Request
from gateway.errors import CommandError

SECOND_US = 1_000_000


class Asking:
    """A gateway that hears one board, and the answers it gave."""

    def __init__(self, folder: Path) -> None:
        self.board = Board()
        self.collecting = Collecting(folder, [self.board], ManualClock())
        self.commands = self.collecting.gateway.commands
        self.answers: list[Answer] = []

    def hear(self) -> None:
        """The board is there, and what was said to it is forgotten."""
        self.collecting.receive(self.board.hello())
        self.collecting.answer_pings(self.board)
        self.collecting.line.said()

    def ask(self, command: str, *arguments: int, **more: object) -> None:
        request = Request(
            node=self.board.name,
            command=command,
            arguments=list(arguments),
            **more,  # type: ignore[arg-type]
        )
        self.commands.ask(request, "tester (uid 7, process 8)", self.answers.append)

    def told(self) -> list[Down]:
        """The commands the board got."""
        return [down for down in self.collecting.line.said() if down.kind == COMMAND]

    def answer(self, command: Down, result: int, boot: int | None = None) -> None:
        """The board's EVENT 5 to that command."""
        code = command.fields[0]
        assert isinstance(code, int)
        event = self.board.event(codes.EVENT_COMMAND_DONE, (command.sequence, code, result))
        assert self.collecting.receive(event) == [True]

    def tick(self, after_us: int) -> None:
        self.collecting.tick(after_us)
        self.commands.tick()


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Asking]:
    made = Asking(tmp_path)
    yield made
    made.collecting.close()


@pytest.mark.parametrize(
    ("command", "arguments", "code"),
    [
        ("hello", (), 1),
        ("identify", (10,), 2),
        ("self-test", (), 3),
        ("burst", (4,), 4),
        ("period", (1, 250), 5),
        ("maintenance", (), 7),
    ],
)
@pytest.mark.parametrize(("number", "word"), [(0, "done"), (1, "not_supported"), (9, "result_9")])
def test_a_command_is_sent_once_and_its_answer_found(
    asking: Asking, command: str, arguments: tuple[int, ...], code: int, number: int, word: str
) -> None:
    asking.hear()
    asking.ask(command, *arguments)
    (down,) = asking.told()
    assert (down.fields, down.boot) == ([code, list(arguments)], asking.board.boot)
    asking.tick(3 * SECOND_US)
    assert not asking.told()
    assert not asking.answers
    asking.answer(down, number)
    (answer,) = asking.answers
    assert (answer.result, answer.command, answer.took_ms) == (word, command, 3000)
    assert (answer.boot, answer.sequence) == (f"{asking.board.boot:08x}", down.sequence)
    assert asking.commands.sent == {command: 1}
    assert asking.commands.answered == {(command, word): 1}


def test_results_are_those_of_the_protocol() -> None:
    assert set(KNOWN) == {
        "hello", "identify", "self-test", "burst", "period", "reboot", "maintenance",
    }  # fmt: skip
    asked = {known.code for known in KNOWN.values()}
    of_the_depot, of_updates = {codes.COMMAND_PROVE}, {codes.COMMAND_UPDATE}
    assert set(codes.COMMANDS) - asked == of_the_depot | of_updates
    assert [words.split(":")[0] for words in codes.RESULTS.values()] == [
        "done", "not_supported", "not_possible", "failed",
    ]  # fmt: skip


def test_answers_to_others_are_not_mistaken_for_it(asking: Asking) -> None:
    asking.hear()
    asking.ask("identify", 5)
    (down,) = asking.told()
    other = Down(COMMAND, down.boot, down.sequence - 1, down.fields)
    asking.answer(other, 0)
    assert not asking.answers
    asking.answer(down, 2)
    assert [answer.result for answer in asking.answers] == ["not_possible"]
    asking.answer(down, 0)
    assert len(asking.answers) == 1


def test_what_the_gateway_asks_for_itself_is_nobodys_command(asking: Asking) -> None:
    asking.hear()
    asking.board.revision = 1
    asking.collecting.receive(asking.board.readings())
    (hello,) = asking.told()
    asking.answer(hello, 0)
    assert not asking.commands.sent
    assert not asking.commands.answered


def test_no_answer_in_time(asking: Asking) -> None:
    asking.hear()
    asking.ask("identify", 5, limit_s=4)
    (down,) = asking.told()
    asking.tick(4 * SECOND_US - 1)
    assert not asking.answers
    asking.tick(1)
    (answer,) = asking.answers
    assert (answer.result, answer.took_ms) == ("no_answer", 4000)
    asking.answer(down, 0)
    assert asking.commands.answered == {("identify", "no_answer"): 1, ("identify", "late"): 1}
    asking.answer(down, 0)
    assert sum(asking.commands.answered.values()) == 2
    assert len(asking.answers) == 1


def test_one_command_a_node_at_a_time(asking: Asking) -> None:
    asking.hear()
    asking.ask("identify", 5)
    (down,) = asking.told()
    with pytest.raises(CommandError, match="has not answered identify yet") as refused:
        asking.ask("reboot")
    assert refused.value.reason == "busy"
    assert not asking.told()
    asking.answer(down, 0)
    asking.ask("hello")
    assert len(asking.told()) == 1


@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        ("identify", (), "identify takes SECONDS"),
        ("identify", (0,), r"SECONDS \(1 to 3600\)"),
        ("identify", (3601,), r"SECONDS \(1 to 3600\)"),
        ("period", (1,), r"GROUP \(0 to 15\), MS \(1 to 60000\)"),
        ("period", (1, 60_001), "MS"),
        ("reboot", (1,), "takes no arguments"),
        ("explode", (), "there is no command explode; there are: hello, identify"),
    ],
)
def test_what_cannot_be_asked_for(
    asking: Asking, command: str, arguments: tuple[int, ...], words: str
) -> None:
    asking.hear()
    with pytest.raises(CommandError, match=words):
        asking.ask(command, *arguments)
    assert not asking.told()


@pytest.mark.parametrize("limit_s", [0, -1, 301])
def test_a_limit_is_bounded(asking: Asking, limit_s: int) -> None:
    asking.hear()
    with pytest.raises(CommandError, match="1 to 300 s"):
        asking.ask("hello", limit_s=limit_s)


def test_a_node_that_is_not_there(asking: Asking) -> None:
    with pytest.raises(CommandError, match="was not heard yet") as refused:
        asking.ask("hello")
    assert refused.value.reason == "silent"
    asking.hear()
    asking.tick(10 * SECOND_US)
    asking.collecting.line.said()
    with pytest.raises(CommandError, match="node motors-a is silent"):
        asking.ask("reboot")
    assert not asking.told()
    request = Request(node="nobody", command="hello")
    with pytest.raises(CommandError, match="no node nobody; there are: motors-a") as unknown:
        asking.commands.ask(request, "tester", asking.answers.append)
    assert unknown.value.reason == "unknown_node"


def test_a_link_that_takes_nothing(asking: Asking) -> None:
    asking.hear()
    asking.collecting.line.cut = True
    with pytest.raises(CommandError, match="no link took"):
        asking.ask("identify", 5)
    asking.collecting.line.cut = False
    asking.ask("identify", 5)
    assert len(asking.told()) == 1


def test_a_reboot_is_over_when_the_node_is_back(asking: Asking) -> None:
    asking.hear()
    asking.ask("reboot")
    (down,) = asking.told()
    asking.answer(down, 0)
    asking.tick(SECOND_US)
    assert not asking.answers
    asking.board.reset(0x01020304)
    asking.hear()
    asking.tick(SECOND_US)
    (answer,) = asking.answers
    assert (answer.result, answer.new_boot) == ("done", "01020304")


def test_a_reboot_whose_answer_is_lost_is_seen_by_its_new_boot(asking: Asking) -> None:
    asking.hear()
    asking.ask("reboot")
    asking.board.reset(0x01020304)
    asking.hear()
    asking.tick(SECOND_US)
    assert [answer.result for answer in asking.answers] == ["done"]


def test_a_reboot_after_which_the_node_stays_away(asking: Asking) -> None:
    asking.hear()
    asking.ask("reboot")
    (down,) = asking.told()
    asking.answer(down, 0)
    asking.tick(30 * SECOND_US)
    assert [answer.result for answer in asking.answers] == ["not_back"]


def test_a_reset_before_the_answer_leaves_open_whether_it_was_done(asking: Asking) -> None:
    asking.hear()
    asking.ask("identify", 5)
    asking.board.reset(0x01020304)
    asking.hear()
    asking.tick(SECOND_US)
    (answer,) = asking.answers
    assert (answer.result, answer.new_boot) == ("restarted", "01020304")


def test_a_second_reboot_can_be_tied_to_the_boot_of_the_first(asking: Asking) -> None:
    asking.hear()
    first = f"{asking.board.boot:08x}"
    asking.ask("reboot", boot=first, limit_s=5)
    asking.tick(5 * SECOND_US)
    assert [answer.result for answer in asking.answers] == ["no_answer"]
    asking.board.reset(0x01020304)
    asking.hear()
    with pytest.raises(CommandError, match=f"in boot 01020304, not {first}") as refused:
        asking.ask("reboot", boot=first)
    assert refused.value.reason == "other_boot"
    assert not asking.told()


def test_a_self_test_brings_what_it_found(asking: Asking) -> None:
    asking.hear()
    asking.ask("self-test")
    (down,) = asking.told()
    board = asking.board
    asking.collecting.receive(
        board.event(codes.EVENT_CHIP_TESTED, (2, 1, codes.NO_ANSWER)),
        board.event(codes.EVENT_CHIP_TESTED, (0, 0, codes.OK)),
        board.event(codes.EVENT_CHIP_TESTED, (3, 77, 99)),
        board.event(codes.EVENT_BOARD_TESTED, (0, 61_000, codes.UNKNOWN, 4987)),
    )
    asking.answer(down, codes.FAILED)
    (answer,) = asking.answers
    assert answer.result == "failed"
    assert [(test.chip, test.channel, test.status) for test in answer.chips] == [
        (0, "motor.current at motor 1", "ok"),
        (2, "motor.current at motor 2", "no_answer"),
        (3, "channel 77", "status_99"),
    ]
    assert answer.board is not None
    assert (answer.board.flash, answer.board.heap_free_bytes) == ("ok", 61_000)
    assert (answer.board.temperature_c, answer.board.supply_v) == (None, 4.987)


def test_it_is_logged_who_asked_and_how_it_ended(
    asking: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    asking.hear()
    with caplog.at_level(logging.INFO, logger="gateway.commands"):
        asking.ask("identify", 5)
        (down,) = asking.told()
        asking.answer(down, 0)
    first, last = caplog.messages
    assert first.startswith("tester (uid 7, process 8) asks node motors-a for identify 5")
    assert last == f"node motors-a, identify 5 (sequence {down.sequence}): done after 0 ms"


CONFIGURATION = '{"node": "motors-a"}'


def test_a_configuration_is_sent_answered_and_kept(asking: Asking) -> None:
    asking.hear()
    asking.ask("configure", configuration=CONFIGURATION)
    (piece,) = (down for down in asking.collecting.line.said() if down.kind == CONFIGURE)
    number = piece.fields[2]
    assert isinstance(number, int)
    board = asking.board
    stored = board.event(codes.EVENT_COMMAND_DONE, (piece.sequence, 0, codes.DONE))
    asking.collecting.receive(stored)
    asking.tick(SECOND_US)
    assert asking.told()[0].fields[0] == codes.COMMAND_REBOOT
    board.reset(board.boot + 1)
    asking.hear()
    asking.tick(SECOND_US)
    assert not asking.answers
    asking.collecting.receive(board.event(codes.EVENT_CONFIGURATION_KEPT, (number,)))
    asking.tick(SECOND_US)
    (answer,) = asking.answers
    assert (answer.result, answer.reason) == ("done", "")
    assert asking.commands.answered == {("configure", "done"): 1}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "takes a configuration"),
        ({"configuration": "{"}, "not JSON"),
        ({"configuration": '{"node": "axles-a"}'}, "not of node motors-a"),
        ({"configuration": " " * 20_000}, "1 to 16384 bytes"),
    ],
)
def test_a_configuration_of_nobody_is_not_sent(
    asking: Asking, more: dict[str, str], words: str
) -> None:
    asking.hear()
    with pytest.raises(CommandError, match=words):
        asking.ask("configure", **more)
    assert not asking.collecting.line.said()
    with pytest.raises(CommandError, match="takes no configuration"):
        asking.ask("reboot", configuration=CONFIGURATION)
