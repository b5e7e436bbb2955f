"""A configuration on its way to a node, from the gateway's side; the node is the test."""

import json
from binascii import crc32

import pytest
from axwire import cose
from axwire.codes import (
    COMMAND_REBOOT,
    EVENT_COMMAND_DONE,
    EVENT_CONFIGURATION_KEPT,
    EVENT_CONFIGURATION_UNDONE,
)
from axwire.down import COMMAND, CONFIGURE, Down, parse_down
from axwire.parse import Event
from manual_clock import ManualClock

from gateway.configuring import BYTES_CAP, PIECE_BYTES, Configuring, Progress, State
from gateway.downlink import Downlink
from gateway.errors import ConfigError

NODE = "motors-a"
KEY = cose.MacKey(bytes(range(32)))
CONFIGURATION = json.dumps({"node": NODE, "x": "." * 1200}).encode()
PIECES = 3
AGAIN_S = 3


class Wire:
    """The link, the node behind it, and the gateway's clock."""

    name = "serial motors"

    def __init__(self) -> None:
        self.heard: list[Down] = []
        self.clock = ManualClock()
        self.downlink = Downlink({NODE: KEY})
        self.downlink.begin_run(1)
        self.configuring = Configuring(self.downlink, self.clock)

    def send(self, message: bytes) -> bool:
        envelope = cose.split(message)
        envelope.check(KEY, cose.DOWN)
        self.heard.append(parse_down(envelope.payload))
        return True

    def hear(self, boot: int = 1) -> None:
        self.downlink.heard(NODE, boot, self)

    def wait(self, seconds: float) -> None:
        """Let time pass in ticks of a tenth of a second."""
        for _ in range(round(seconds * 10)):
            self.clock.advance_us(100_000)
            self.configuring.tick()

    def tell(self, code: int, *arguments: int, boot: int = 1) -> None:
        self.configuring.told(NODE, Event(boot, 0, [0, code, list(arguments)]))
        self.configuring.tick()

    def answer(self, result: int = 0) -> None:
        """The node's answer to what it heard last."""
        last = self.heard[-1]
        self.tell(EVENT_COMMAND_DONE, last.sequence, 0, result, boot=last.boot)

    @property
    def progress(self) -> Progress:
        progress = self.configuring.progress(NODE)
        assert progress is not None
        return progress


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_pieces_go_one_by_one_then_a_restart(wire: Wire) -> None:
    wire.hear()
    wire.configuring.send(NODE, CONFIGURATION)
    for number in range(PIECES):
        wire.wait(1)
        assert len(wire.heard) == number + 1, "nothing unasked"
        last = wire.heard[-1]
        part = CONFIGURATION[number * PIECE_BYTES : (number + 1) * PIECE_BYTES]
        assert last.kind == CONFIGURE
        assert last.fields == [number, PIECES, crc32(CONFIGURATION), part]
        wire.answer()
    assert (wire.heard[-1].kind, wire.heard[-1].fields) == (COMMAND, [COMMAND_REBOOT, []])
    assert wire.progress == Progress(crc32(CONFIGURATION), State.RESTARTING, PIECES, PIECES)
    wire.hear(boot=2)
    wire.wait(10)
    assert len(wire.heard) == PIECES + 1, "a new boot is not restarted again"
    wire.tell(EVENT_CONFIGURATION_KEPT, crc32(b"another"), boot=2)
    assert not wire.progress.ended
    wire.tell(EVENT_CONFIGURATION_KEPT, crc32(CONFIGURATION), boot=2)
    assert wire.progress.state is State.KEPT
    assert wire.progress.ended


def test_what_is_not_answered_goes_out_again(wire: Wire) -> None:
    wire.hear()
    wire.configuring.send(NODE, CONFIGURATION)
    wire.wait(2 * AGAIN_S + 0.5)
    assert [down.fields[0] for down in wire.heard] == [0, 0, 0]
    first = wire.heard[0].sequence
    wire.tell(EVENT_COMMAND_DONE, first, 0, 0)
    assert wire.heard[-1].fields[0] == 1, "an answer to any of them counts"
    wire.tell(EVENT_COMMAND_DONE, wire.heard[1].sequence, 0, 0)
    assert wire.progress.taken == 1, "and counts once"
    for _ in range(2):
        wire.answer()
    wire.wait(2 * AGAIN_S + 0.5)
    assert [down.kind for down in wire.heard[-3:]] == [COMMAND] * 3


def test_answers_to_others_move_nothing(wire: Wire) -> None:
    wire.hear()
    wire.configuring.send(NODE, CONFIGURATION)
    sequence = wire.heard[0].sequence
    wire.tell(EVENT_COMMAND_DONE, sequence + 1, 0, 0)
    wire.tell(EVENT_COMMAND_DONE, sequence, COMMAND_REBOOT, 0)
    wire.tell(EVENT_COMMAND_DONE, sequence, 0, 0, boot=2)
    wire.tell(EVENT_COMMAND_DONE, sequence)
    wire.configuring.told("unheard-of", Event(1, 0, [0, EVENT_COMMAND_DONE, [sequence, 0, 0]]))
    assert wire.progress.taken == 0


def test_a_node_that_began_a_new_boot_gets_all_of_it_again(wire: Wire) -> None:
    wire.configuring.send(NODE, CONFIGURATION)
    wire.wait(30)
    assert not wire.heard, "nobody has been heard"
    wire.hear()
    wire.wait(AGAIN_S)
    wire.answer()
    assert wire.heard[-1].fields[0] == 1
    wire.hear(boot=2)
    wire.wait(AGAIN_S)
    assert (wire.heard[-1].boot, wire.heard[-1].fields[0]) == (2, 0)


def test_a_node_that_goes_back_says_why(wire: Wire) -> None:
    wire.hear()
    wire.configuring.send(NODE, CONFIGURATION)
    for _ in range(PIECES):
        wire.answer()
    wire.tell(EVENT_CONFIGURATION_UNDONE, crc32(CONFIGURATION), 3, boot=2)
    assert wire.progress.state is State.UNDONE
    assert wire.progress.reason == "the node did not reach the gateway with it"


def test_refusals(wire: Wire) -> None:
    wire.hear()
    wire.configuring.send(NODE, CONFIGURATION)
    wire.answer(1)
    assert wire.progress.state is State.REFUSED
    assert "cannot be configured" in wire.progress.reason
    wire.configuring.send(NODE, CONFIGURATION)
    for _ in range(2):
        wire.answer()
        wire.answer(2)
        assert wire.heard[-1].fields[0] == 0, "once more from the beginning"
    wire.answer()
    wire.answer(2)
    assert wire.progress.state is State.REFUSED
    wire.configuring.send(NODE, CONFIGURATION)
    for result in (0, 0, 2):
        wire.answer(result)
    assert wire.progress.state is State.REFUSED, "the whole will not get better"
    sent = len(wire.heard)
    wire.wait(60)
    assert len(wire.heard) == sent


def test_a_silent_node_is_given_up(wire: Wire) -> None:
    wire.hear()
    wire.configuring.send(NODE, CONFIGURATION)
    wire.wait(599)
    assert not wire.progress.ended
    wire.wait(2)
    assert wire.progress.state is State.UNANSWERED
    assert wire.progress.reason == "the node has not answered for 10 min"


@pytest.mark.parametrize(
    ("node", "configuration", "words"),
    [
        ("axles-a", CONFIGURATION, "there is no node axles-a"),
        (NODE, b"", "has 1 to 16384 bytes, this one 0"),
        (NODE, b" " * (BYTES_CAP + 1), "this one 16385"),
        (NODE, b"{", "is not JSON"),
        (NODE, b"[]", "is not of node motors-a"),
        (NODE, b'{"node": "axles-a"}', "is not of node motors-a"),
    ],
)
def test_what_no_node_of_that_name_takes_is_not_sent(
    wire: Wire, node: str, configuration: bytes, words: str
) -> None:
    wire.hear()
    with pytest.raises(ConfigError, match=words):
        wire.configuring.send(node, configuration)
    assert not wire.heard
    assert wire.configuring.progress(node) is None
