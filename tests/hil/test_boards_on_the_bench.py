"""A node of each board on the bench: every channel is good, and every sample is accounted for."""

from pathlib import Path

import msgspec
import pytest
from rigs import running

from gateway.profiles import load_profile
from hil.boards import board_names
from simulators.locomotive import Locomotive

SEED = 31


@pytest.mark.parametrize("board", [name for name in board_names() if name != "pico"])
def test_a_node_measures_with_the_pins_of_its_board(tmp_path: Path, board: str) -> None:
    profile = load_profile("te33a")
    motors = msgspec.structs.replace(profile.nodes[0], board=board)
    replaced = {motors.name: (motors, Locomotive(profile, SEED), False)}
    with running(tmp_path, SEED, nodes=("motors-a",), replace=replaced) as rig:
        (node,) = rig.gateway.state()["nodes"]
        assert node["board"] == board
        account = rig.settle()
    assert account.taken > 0
    assert account.balanced, account
