"""What lies in the other slot is run only at the start that the gateway asks for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axwire import down
from axwire.codes import (
    COMMAND_REBOOT,
    COMMAND_UPDATE,
    DONE,
    EVENT_COMMAND_DONE,
    NOT_POSSIBLE,
)
from stepped_node import BLOCKS, SteppedNode
from update_line import OLD, Gateway, firmwares, small_bundle


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SteppedNode]:
    node = SteppedNode(tmp_path, flash_blocks=BLOCKS)
    node.target.start()
    yield node
    node.target.stop()


def results(node: SteppedNode) -> list[list[int]]:
    """Code and result of each command that the present boot has answered."""
    return [arguments[1:] for arguments in node.events(EVENT_COMMAND_DONE)]


def test_only_the_start_that_the_gateway_asks_for_tries_what_lies_there(
    node: SteppedNode,
) -> None:
    gateway = Gateway(node, small_bundle(), moves=True)

    def in_boot(number: int, step: str) -> None:
        node.until(
            lambda: len(node.boots) == number and gateway.conversation.step == step, step, 100
        )

    in_boot(1, "switching")
    node.say(down.command, COMMAND_REBOOT, [3])
    node.run_for(3)
    assert [COMMAND_REBOOT, NOT_POSSIBLE] in results(node), "another release"
    node.target.cut_power()
    in_boot(2, "asking")
    in_boot(2, "switching")
    node.say(down.command, COMMAND_REBOOT, [])
    in_boot(3, "asking")
    in_boot(3, "switching")
    node.say(down.command, COMMAND_UPDATE, [])
    node.say(down.command, COMMAND_REBOOT, [2])
    node.run_for(3)
    assert results(node)[-2:] == [[COMMAND_UPDATE, DONE], [COMMAND_REBOOT, NOT_POSSIBLE]]
    assert firmwares(node) == [OLD] * 3
    gateway.moves = False
    node.until(lambda: gateway.conversation.ended, "end", 100)
    progress = gateway.conversation.progress()
    assert (progress.step, progress.cause) == ("undone", "crashed")
    assert set(firmwares(node)) == {OLD}


def test_another_firmware_takes_the_place_of_one_that_is_half_sent(node: SteppedNode) -> None:
    gateway = Gateway(node, small_bundle(), moves=True)
    half = len(small_bundle().content) // 2
    node.until(lambda: gateway.conversation.progress().bytes > half, "half", 100)
    gateway.begin(small_bundle(seed=2))
    node.until(lambda: gateway.conversation.step == "switching", "transfer", 100)
    node.run_for(20)
    assert not node.target.resets
    assert len(node.boots) == 1
