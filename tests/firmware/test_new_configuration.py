"""A new configuration over the link: sent by the gateway's own code to a node that tries it."""

from binascii import crc32
from pathlib import Path
from typing import Any

import pytest
from axwire import down
from axwire.codes import (
    COMMAND_REBOOT,
    EVENT_COMMAND_DONE,
    EVENT_CONFIGURATION_KEPT,
    EVENT_CONFIGURATION_UNDONE,
    EVENT_COPY_REPAIRED,
    EVENT_NOT_CONFIGURED,
)
from axwire.parse import Event, Health, Hello, Readings
from stepped_node import BLOCKS, NAME, WINDOW_S, SteppedNode, stepped

from gateway.configuring import Configuring, State
from gateway.downlink import Downlink
from hil.lockstep import START_US
from hil.node_files import copy_of, encode
from hil.schedule import SimulatedClock

START_S = START_US / 1e6 + WINDOW_S
TRIAL_S = 120


class Link:
    """The line to the node, which loses the messages whose numbers are in `lose`."""

    name = "serial bench"

    def __init__(self, node: SteppedNode) -> None:
        self.lose: set[int] = set()
        self.sent = 0
        self._node = node

    def send(self, message: bytes) -> bool:
        self.sent += 1
        if self.sent not in self.lose:
            self._node.send(message)
        return True


class Sender:
    """The gateway's side of configuring a node."""

    def __init__(self, node: SteppedNode) -> None:
        self.clock = SimulatedClock(node.target.now_us)
        self.downlink = Downlink({NAME: node.key})
        self.downlink.begin_run(1)
        self.link = Link(node)
        self.configuring = Configuring(self.downlink, self.clock)
        self._node = node
        self._told = 0
        node.sequence_of = self._next
        node.each_step = self._step

    def send(self, configuration: bytes) -> None:
        self.configuring.send(NAME, configuration)

    @property
    def state(self) -> State:
        progress = self.configuring.progress(NAME)
        assert progress is not None
        return progress.state

    def _next(self) -> int:
        """Sequences rise over all that the node hears."""
        self.downlink._nodes[NAME].sequence += 1
        return self.downlink._nodes[NAME].sequence

    def _step(self) -> None:
        node = self._node
        self.clock.advance_to(node.target.now_us)
        seen = {(up.boot, up.sequence) for up in node.messages[: self._told]}
        for up in node.messages[self._told :]:
            self.downlink.heard(NAME, up.boot, self.link)
            if isinstance(up, Event) and (up.boot, up.sequence) not in seen:
                seen.add((up.boot, up.sequence))
                self.configuring.told(NAME, up)
        self._told = len(node.messages)
        if node.target.now_us >= node.target.on_us:
            self.configuring.tick()


def changed(node: SteppedNode, **keys: Any) -> bytes:
    """Its configuration with other values, some 1.5 KB."""
    return encode({**node.fitting.configuration, **keys})


def number_of(node: SteppedNode, boot: int | None = None) -> int:
    return int(node.of(Hello, boot)[0].configuration)


def running(node: SteppedNode) -> None:
    node.target.start()
    node.run_for(START_S + 3)
    assert number_of(node) == crc32(encode(node.fitting.configuration))


def test_it_is_tried_at_the_next_start_and_kept_once_the_gateway_is_reached(
    tmp_path: Path,
) -> None:
    with stepped(tmp_path) as node:
        running(node)
        sender = Sender(node)
        new = changed(node, flush_ms=200)
        sender.send(new)
        node.until(lambda: sender.state is State.KEPT, "kept configuration")
        assert number_of(node) == crc32(new)
        assert node.target.resets == {"hard": 1}
        assert node.events(EVENT_CONFIGURATION_KEPT) == [[crc32(new)]]
        progress = sender.configuring.progress(NAME)
        assert progress is not None
        assert progress.taken == progress.pieces == -(-len(new) // 512)
        node.run_for(1)
        assert {path.name for path in node.files.glob("trial*")} == set()
        node.say(down.command, COMMAND_REBOOT, [])
        node.run_for(2 + START_S + 3)
        assert number_of(node) == crc32(new)
        for copy in (0, 1):
            assert (node.files / f"node.json.{copy}").read_bytes() == copy_of(new, 2)
        assert not node.events(EVENT_COPY_REPAIRED), "brought up to date, not damaged"


def test_lost_pieces_and_lost_answers_come_again(tmp_path: Path) -> None:
    with stepped(tmp_path) as node:
        running(node)
        sender = Sender(node)
        sender.link.lose = {1, 2, 5, 7}
        new = changed(node, flush_ms=200)
        sender.send(new)
        node.until(lambda: sender.state is State.KEPT, "kept configuration", 120)
        assert number_of(node) == crc32(new)
        assert sender.link.sent > len(new) // 512 + 4


def test_a_node_that_restarts_in_between_gets_all_of_it_again(tmp_path: Path) -> None:
    with stepped(tmp_path) as node:
        running(node)
        sender = Sender(node)
        new = changed(node, flush_ms=200)
        sender.send(new)
        node.until(lambda: len(node.events(EVENT_COMMAND_DONE)) == 1, "answer")
        node.target.cut_power()
        node.until(lambda: sender.state is State.KEPT, "kept configuration")
        assert number_of(node) == crc32(new)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"chips": [{"name": "adc1", "kind": "ads1015"}]}, "chips[0].kind must be one of"),
        ({"groups": [{"period_ms": 0, "channels": []}]}, "groups[0].period_ms must be"),
        ({"flush_ms": "fast"}, "flush_ms must be an integer"),
        ({"colour": "red"}, "unknown key 'colour'"),
    ],
)
def test_one_that_cannot_be_used_gives_way_to_the_one_before(
    tmp_path: Path, what: dict[str, Any], words: str
) -> None:
    with stepped(tmp_path) as node:
        running(node)
        sender = Sender(node)
        good, bad = crc32(encode(node.fitting.configuration)), changed(node, **what)
        sender.send(bad)
        node.until(lambda: sender.state is State.UNDONE, "return")
        assert number_of(node) == good
        assert node.events(EVENT_CONFIGURATION_UNDONE) == [[crc32(bad), 1]]
        assert words in node.console()
        node.until(lambda: bool(node.of(Readings)), "readings")
        assert (node.files / "node.json.1").read_bytes() == copy_of(
            encode(node.fitting.configuration)
        )


def test_one_without_a_way_to_the_gateway_is_given_up_after_two_minutes(tmp_path: Path) -> None:
    with stepped(tmp_path) as node:
        running(node)
        sender = Sender(node)
        uart = {**node.fitting.configuration["uart"], "id": 1}
        new = changed(node, uart=uart)
        sender.send(new)
        node.until(lambda: node.target.resets.total() == 1, "start")
        began_us = node.target.now_us
        node.until(lambda: node.target.resets.total() == 2, "return", TRIAL_S + 10)
        assert (node.target.now_us - began_us) / 1e6 == pytest.approx(TRIAL_S + START_S, abs=3)
        node.until(lambda: sender.state is State.UNDONE, "word of it")
        assert node.events(EVENT_CONFIGURATION_UNDONE) == [[crc32(new), 3]]
        assert number_of(node) == crc32(encode(node.fitting.configuration))


def test_a_reset_while_it_is_tried_gives_it_up(tmp_path: Path) -> None:
    with stepped(tmp_path) as node:
        running(node)
        sender = Sender(node)
        new = changed(node, flush_ms=200)
        sender.send(new)
        node.until(lambda: node.target.resets.total() == 1, "start")
        node.answers = False
        node.each_step = lambda: None
        node.run_for(START_S + 5)
        assert number_of(node) == crc32(new)
        node.target.cut_power()
        node.run_for(START_S + 5)
        assert number_of(node) == crc32(encode(node.fitting.configuration))
        assert node.events(EVENT_CONFIGURATION_UNDONE) == [[crc32(new), 2]]


def answers(node: SteppedNode, pieces: list[tuple[int, int, int, bytes]]) -> list[int]:
    """What it answers to these CONFIGUREs."""
    results = []
    for piece in pieces:
        sequence = node.say(down.configure, *piece)
        node.run_for(0.5)
        (done,) = [e for e in node.events(EVENT_COMMAND_DONE) if e[0] == sequence]
        assert done[1] == 0
        results.append(done[2])
    return results


def test_what_is_not_whole_or_not_its_own_is_refused_at_once(tmp_path: Path) -> None:
    with stepped(tmp_path) as node:
        running(node)
        new = changed(node, flush_ms=200)
        half, crc = len(new) // 2, crc32(new)
        first, second = (0, 2, crc, new[:half]), (1, 2, crc, new[half:])
        foreign = encode({**node.fitting.configuration, "node": "another"})
        assert answers(node, [second]) == [2], "without the first"
        assert answers(node, [first, (1, 2, crc, new[half:-1])]) == [0, 2], "cut short"
        assert answers(node, [first, (1, 2, crc ^ 1, new[half:])]) == [0, 2], "of another"
        assert answers(node, [(0, 1, crc32(b"{"), b"{")]) == [2], "not JSON"
        assert answers(node, [(0, 1, crc32(foreign), foreign)]) == [2], "for another node"
        big = bytes(900)
        results = answers(node, [(at, 20, 1, big) for at in range(20)])
        assert results[:18] == [0] * 18, "what fits into 16 KiB"
        assert results[18] == 2
        assert not (node.files / "trial").exists()
        assert (node.files / "node.json.1").read_bytes() == copy_of(
            encode(node.fitting.configuration)
        )
        assert answers(node, [first, first, second, second]) == [0, 0, 0, 0], "repeats"
        assert (node.files / "node.json.1").read_bytes() == copy_of(new, 2)
        assert (node.files / "trial").read_text() == "2"
        assert node.of(Health), "it measures on meanwhile"
        assert not node.target.resets


def test_a_node_without_a_configuration_speaks_and_can_be_given_one(tmp_path: Path) -> None:
    with stepped(tmp_path) as node:
        running(node)
        node.target.stop()
        for copy in (0, 1):
            (node.files / f"node.json.{copy}").write_bytes(b"\xff" * 100)
        node.target.start()
        node.run_for(START_S + 7)
        hello = node.of(Hello)[0]
        assert (hello.groups, hello.configuration) == ([], 0)
        assert node.events(EVENT_NOT_CONFIGURED) == [[0]]
        assert not node.of(Readings)
        sender = Sender(node)
        new = encode(node.fitting.configuration)
        sender.send(new)
        node.until(lambda: node.of(Hello)[0].configuration == crc32(new), "configuration")
        node.until(lambda: bool(node.of(Readings)), "readings")
        assert node.events(EVENT_COPY_REPAIRED) == [[0, 1]]


@pytest.mark.parametrize("name", ["node.json", "node.key", "node.link"])
@pytest.mark.parametrize("copy", [0, 1])
def test_a_damaged_copy_is_repaired_and_reported(tmp_path: Path, name: str, copy: int) -> None:
    with stepped(tmp_path) as node:
        running(node)
        node.target.stop()
        path = node.files / f"{name}.{copy}"
        whole = path.read_bytes()
        damaged = bytearray(whole)
        damaged[len(damaged) // 2] ^= 4
        path.write_bytes(bytes(damaged))
        node.target.start()
        node.run_for(START_S + 7)
        number = ["node.json", "node.key", "node.link"].index(name)
        assert node.events(EVENT_COPY_REPAIRED) == [[number, 1]]
        assert node.health()["copies_repaired"] == 1
        assert path.read_bytes() == whole
        assert node.of(Readings)


class Sweep:
    """Power fails in each flash operation in turn of what a node does from one image on."""

    def __init__(self, folder: Path) -> None:
        self.node = SteppedNode(folder, flash_blocks=BLOCKS)
        self.old = encode(self.node.fitting.configuration)
        self.new = changed(self.node, flush_ms=200)

    def live(self, image: bytes, operation: int, configure: bool) -> bool:
        """One life from that image; False: it was over before so many operations."""
        node = self.node
        node.target.image.write_bytes(image)
        node.messages.clear()
        node.target.now_us += 1_000_000
        cuts = node.target.resets["power_on"]
        node.target.fail_power_in(operation)
        node.target.start()
        node.run_for(START_S + 1)
        half = len(self.new) // 2
        for number, part in ((0, self.new[:half]), (1, self.new[half:])) if configure else ():
            if node.messages:
                node.say(down.configure, number, 2, crc32(self.new), part)
            node.run_for(0.4)
        node.run_for(START_S + 2)
        failed = node.target.resets["power_on"] > cuts
        node.target.stop()
        return failed

    def run(self, image: bytes, configure: bool = False) -> list[bool]:
        """Of each life but the last: whether the new configuration runs at its end. The last one
        is not cut."""
        outcomes = []
        node = self.node
        for operation in range(1, 200):
            failed = self.live(image, operation, configure)
            kept = any(node.events(EVENT_CONFIGURATION_KEPT, boot=boot) for boot in node.boots)
            if failed:
                assert node.of(Readings), operation
                assert number_of(node) in (crc32(self.old), crc32(self.new)), operation
                if kept:
                    assert number_of(node) == crc32(self.new), operation
                outcomes.append(number_of(node) == crc32(self.new))
            else:
                break
        assert not failed
        return outcomes


def test_power_may_fail_anywhere_while_a_configuration_is_stored_tried_and_kept(
    tmp_path: Path,
) -> None:
    """What runs afterwards is the old or the new one, whole, and the new one once it is kept."""
    sweep = Sweep(tmp_path)
    node = sweep.node
    told: dict[str, list[bool]] = {}
    sweep.live(node.target.image.read_bytes(), 0, False)
    image = node.target.image.read_bytes()
    told["stored"] = sweep.run(image, configure=True)
    assert node.events(EVENT_COMMAND_DONE)[-1][2] == 0
    stored = node.target.image.read_bytes()
    told["tried and kept"] = sweep.run(stored)
    assert number_of(node) == crc32(sweep.new)
    image = node.target.image.read_bytes()
    told["brought up to date"] = sweep.run(image)
    assert all(told["brought up to date"])
    node.answers = False
    sweep.live(stored, 0, False)
    node.answers = True
    begun = node.target.image.read_bytes()
    told["undone"] = sweep.run(begun)
    assert number_of(node) == crc32(sweep.old)
    assert not any(told["undone"])
    for what, outcomes in told.items():
        print(f"{what}: {len(outcomes)} operations, {sum(outcomes)} times the new one")
        assert len(outcomes) >= 2
    assert set(told["stored"]) == {False, True}
