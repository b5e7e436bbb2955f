"""Power fails while new firmware is sent, switched to, tried and undone: a node is always left.

AXLEBOX_UPDATE_CUTS is how many operations of the flash lie between two cuts while it is sent; a
cut costs the file that was being written, so below 60 the longest take many attempts.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from axwire.codes import EVENT_FIRMWARE_KEPT
from axwire.parse import Event, Hello, Readings
from field_update import made_bundle
from stepped_node import BLOCKS, NAME, WINDOW_S, SteppedNode

from gateway.downlink import Downlink
from gateway.update.bundle import Bundle, public_key, read_bundle
from gateway.update.conversation import Conversation
from hil.lockstep import START_US
from hil.schedule import SimulatedClock

pytestmark = pytest.mark.timeout(7200)

START_S = START_US / 1e6 + WINDOW_S
SPACING = int(os.environ.get("AXLEBOX_UPDATE_CUTS", "120"))
SEED = 41
KEY = bytes(range(32))
OLD, UPDATED = "0.1.0", "0.2.0"


class Gateway:
    """As much of it as an update of one node needs, on the node's line."""

    name = "serial bench"

    def __init__(self, node: SteppedNode, bundle: Bundle) -> None:
        self._node = node
        self.clock = SimulatedClock(node.target.now_us)
        self._downlink = Downlink({NAME: node.key})
        self._downlink.begin_run(1)
        self._told = 0
        self._seen: set[tuple[int, int]] = set()
        node.sequence_of = self._next
        node.each_step = self._step
        self.conversation = Conversation(
            NAME, bundle, self._downlink, self.clock, lambda: True, lambda: firmware(node)
        )

    def send(self, message: bytes) -> bool:
        self._node.send(message)
        return True

    def _next(self) -> int:
        self._downlink._nodes[NAME].sequence += 1
        return self._downlink._nodes[NAME].sequence

    def _step(self) -> None:
        node = self._node
        if node.target.now_us < node.target.on_us:
            return
        self.clock.advance_to(node.target.now_us)
        for up in node.messages[self._told :]:
            self._downlink.heard(NAME, up.boot, self)
            if isinstance(up, Event) and (up.boot, up.sequence) not in self._seen:
                self._seen.add((up.boot, up.sequence))
                self.conversation.told(up)
        self._told = len(node.messages)
        if self._told:
            self.conversation.tick()


def firmware(node: SteppedNode, boot: int | None = None) -> str | None:
    hellos = node.of(Hello, boot)
    return str(hellos[0].firmware) if hellos else None


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    data = made_bundle(tmp_path_factory.mktemp("bundle"), key=KEY)
    return read_bundle(data, [public_key(KEY)])


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SteppedNode]:
    node = SteppedNode(tmp_path, flash_blocks=BLOCKS)
    yield node
    node.target.stop()


def test_power_may_fail_anywhere_while_it_is_sent_and_it_goes_on(
    node: SteppedNode, bundle: Bundle
) -> None:
    print(f"seed {SEED}")
    draw = random.Random(SEED)
    node.target.start()
    node.run_for(START_S + 2)
    gateway = Gateway(node, bundle)
    cuts = 0
    armed = False
    while gateway.conversation.step in ("asking", "sending"):
        if node.target.resets["power_on"] > cuts or not armed:
            cuts = node.target.resets["power_on"]
            node.target.fail_power_in(draw.randint(SPACING // 2, 2 * SPACING))
            armed = True
        node.run_for(1)
        assert node.target.now_us < 7200e6, gateway.conversation.progress()
    node.target.fail_power_in(0)
    node.until(lambda: gateway.conversation.ended, "end", 300)
    boots = node.boots
    print(f"{cuts} cuts, {len(boots)} boots, {node.target.now_us / 1e6:.0f} s")
    assert cuts >= 3
    assert gateway.conversation.step == "done", gateway.conversation.progress()
    assert firmware(node) == UPDATED
    for boot in boots[:-1]:
        if node.of(Hello, boot):
            assert firmware(node, boot) == OLD
            assert node.of(Readings, boot) or boot != boots[-2]
    node.run_for(5)
    assert node.of(Readings)


def sent(node: SteppedNode, bundle: Bundle) -> bytes:
    """The flash of a node that has all of it and was not told to start again."""
    node.target.start()
    node.run_for(START_S + 2)
    gateway = Gateway(node, bundle)
    node.until(lambda: gateway.conversation.step == "switching", "transfer", 400)
    node.each_step = lambda: None
    node.target.stop()
    return node.target.image.read_bytes()


def live(node: SteppedNode, image: bytes, operation: int, seconds: float) -> bool:
    """One life from that image, cut in its so manyth operation; whether it was."""
    node.target.image.write_bytes(image)
    node.messages.clear()
    node._unread = 0
    node.target.now_us += 1_000_000
    cuts = node.target.resets["power_on"]
    node.target.fail_power_in(operation)
    node.target.start()
    node.run_for(START_S + seconds)
    was_cut = node.target.resets["power_on"] > cuts
    if was_cut:
        node.run_for(START_S + seconds)
    node.target.stop()
    return was_cut


def sweep(node: SteppedNode, image: bytes, seconds: float) -> list[str | None]:
    """What runs at the end of each life that was cut."""
    ends = []
    for operation in range(1, 400):
        if not live(node, image, operation, seconds):
            break
        ends.append(firmware(node))
        assert node.of(Readings), operation
        kept = any(node.events(EVENT_FIRMWARE_KEPT, boot=boot) for boot in node.boots)
        assert firmware(node) == UPDATED if kept else firmware(node) in (OLD, UPDATED), operation
    return ends


def test_power_may_fail_anywhere_while_it_is_switched_to_tried_and_undone(
    node: SteppedNode, bundle: Bundle
) -> None:
    image = sent(node, bundle)
    tried = sweep(node, image, 6)
    assert firmware(node) == UPDATED, "the life that was not cut"
    node.answers = False
    live(node, image, 0, 6)
    assert firmware(node) == UPDATED
    begun = node.target.image.read_bytes()
    node.answers = True
    undone = sweep(node, begun, 6)
    assert firmware(node) == OLD
    print(f"tried: {len(tried)} cuts, {tried.count(UPDATED)} times the new one; undone: {undone}")
    assert len(tried) >= 2
    assert undone
    assert set(undone) == {OLD}
