"""Power fails while new firmware is sent, switched to, tried and undone: a node is always left.

AXLEBOX_UPDATE_CUTS: while it is sent, each so manyth operation of the flash is cut in a run of its
own; 1: each.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from axwire.codes import EVENT_FIRMWARE_KEPT
from axwire.parse import Readings
from field_update import made_bundle
from stepped_node import BLOCKS, WINDOW_S, SteppedNode
from update_line import KEY, OLD, SEED, UPDATED, Gateway, firmware, firmwares, small_bundle

from gateway.update.bundle import Bundle, public_key, read_bundle
from hil.lockstep import START_US

pytestmark = pytest.mark.timeout(7200)

START_S = START_US / 1e6 + WINDOW_S
SPACING = int(os.environ.get("AXLEBOX_UPDATE_CUTS", "8"))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    data = made_bundle(tmp_path_factory.mktemp("bundle"), key=KEY)
    return read_bundle(data, [public_key(KEY)])


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SteppedNode]:
    node = SteppedNode(tmp_path, flash_blocks=BLOCKS)
    yield node
    node.target.stop()


def test_power_may_fail_while_it_is_sent_and_it_goes_on(node: SteppedNode, bundle: Bundle) -> None:
    print(f"seed {SEED}")
    draw = random.Random(SEED)
    node.target.start()
    node.run_for(START_S + 2)
    gateway = Gateway(node, bundle)
    cuts = -1
    while gateway.conversation.step in ("asking", "sending"):
        if node.target.resets["power_on"] > cuts:
            cuts = node.target.resets["power_on"]
            node.target.fail_power_in(draw.randint(60, 240))
        node.run_for(1)
        assert node.target.now_us < 7200e6, gateway.conversation.progress()
    node.target.fail_power_in(0)
    node.until(lambda: gateway.conversation.ended, "end", 300)
    print(f"{cuts} cuts, {len(node.boots)} boots, {node.target.now_us / 1e6:.0f} s")
    assert cuts >= 3
    assert gateway.conversation.step == "done", gateway.conversation.progress()
    *before, last = firmwares(node)
    assert (set(before), last) == ({OLD}, UPDATED)
    node.run_for(5)
    assert node.of(Readings)


def cut_while_sent(
    node: SteppedNode, image: bytes, bundle: Bundle, operation: int, then: int
) -> int:
    """Send it to a node with that flash, cut in the so manyth operation and, counted from there,
    in another; how many cuts there were. The node has it all in the end and runs what it ran."""
    begin_life(node, image, operation)
    gateway = Gateway(node, bundle, moves=True)
    before = cuts = node.target.resets["power_on"]
    while gateway.conversation.step != "switching":
        if cuts == before and node.target.resets["power_on"] > cuts:
            node.target.fail_power_in(then)
            cuts = node.target.resets["power_on"]
        node.run_for(0.5)
        assert not gateway.conversation.ended, (operation, gateway.conversation.progress())
        assert node.target.now_us - node.target.on_us < 300e6, operation
    node.each_step = lambda: None
    return node.target.resets["power_on"] - before


def test_power_may_fail_in_any_operation_while_it_is_sent(
    node: SteppedNode, tmp_path: Path
) -> None:
    print(f"seed {SEED}")
    draw = random.Random(SEED)
    small = small_bundle()
    node.target.start()
    node.run_for(START_S + 2)
    node.target.stop()
    image = node.target.image.read_bytes()
    wanted = {
        f"b/{file.path}": small.content[file.offset : file.offset + file.size]
        for file in small.files
    }
    counts = []
    for operation in range(1, 2000, SPACING):
        cuts = cut_while_sent(node, image, small, operation, draw.randint(1, 120))
        samples = len(node.of(Readings))
        node.run_for(2)
        assert len(node.of(Readings)) > samples, f"it measures on, {operation}"
        node.target.stop()
        assert set(firmwares(node)) == {OLD}, operation
        held = node.in_flash(tmp_path / f"held-{operation}")
        assert {path: held.get(path) for path in wanted} == wanted, operation
        if cuts == 0:
            break
        counts.append(cuts)
    print(f"{len(counts)} runs, {sum(counts)} cuts, up to operation {operation}")
    assert counts
    assert cuts == 0, "the last run was not cut"


def sent(node: SteppedNode, bundle: Bundle) -> bytes:
    """The flash of a node that has all of it and was told to start again with it, and lost its
    supply before it did."""
    node.target.start()
    node.run_for(START_S + 2)
    gateway = Gateway(node, bundle, moves=True)
    node.until(lambda: gateway.conversation.step == "switching", "transfer", 400)
    gateway.moves = False
    node.run_for(0.6)
    node.each_step = lambda: None
    node.target.stop()
    return node.target.image.read_bytes()


def begin_life(node: SteppedNode, image: bytes, operation: int) -> None:
    """Switch it on with that flash, to be cut in the so manyth operation."""
    node.target.image.write_bytes(image)
    node.messages.clear()
    node._unread = 0
    node.target.now_us += 1_000_000
    node.target.fail_power_in(operation)
    node.target.start()


def live(node: SteppedNode, image: bytes, operation: int, seconds: float) -> bool:
    """One life from that image, cut in its so manyth operation; whether it was."""
    cuts = node.target.resets["power_on"]
    begin_life(node, image, operation)
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
