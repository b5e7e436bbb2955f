"""What the station put on a board is a node: its very flash boots on the bench, and the gateway
has every reading of it."""

import shutil
from pathlib import Path

from station_boards import PICO, pico_tree, plugged

from gateway.profiles import load_profile
from hil.interpreter import find_interpreter
from hil.lockstep_rig import LockstepRig
from hil.node_files import CONFIGURATION_FILE, KEY_FILE, copy_of, encode
from hil.rig import RigPlan
from hil.station.board import Board
from hil.station.flash import flash_firmware
from hil.virtual_board import PICO as VIRTUAL_PICO
from simulators.locomotive import Locomotive

_SEED = 91
_SECONDS = 12.0


def test_the_flash_of_a_board_from_the_station_boots_and_delivers(tmp_path: Path):
    print(f"seed {_SEED}")
    profile = load_profile("te33a")
    fit = next(node for node in profile.nodes if node.name == "brakes-a")
    plan = RigPlan(
        profile,
        "TE33A-0001",
        ((fit, Locomotive(profile, _SEED), False),),
        tmp_path / "bench",
        _SEED,
    )
    plan.folder.mkdir()
    rig = LockstepRig(plan, find_interpreter(), flash_blocks=VIRTUAL_PICO.blocks)
    target = rig.targets[fit.name]
    with plugged(tmp_path) as board:
        flash_firmware(str(board.link), PICO, pico_tree())
        with Board.open(str(board.link)) as taken:
            identity = {
                CONFIGURATION_FILE: encode(target.fitting.configuration),
                KEY_FILE: rig.keys[fit.name].hex().encode() + b"\n",
            }
            for name, content in identity.items():
                for copy in (0, 1):
                    taken.write(f"{name}.{copy}", copy_of(content))
        board.unplug()
        shutil.copyfile(board.image, target.image)
    try:
        rig.start()
        rig.run_for(_SECONDS)
        assert all(channel["quality"] == "ok" for channel in rig.state()["channels"])
        account = rig.settle()
    finally:
        rig.stop()
    print(account)
    assert account.balanced
    assert account.stored > 100 * _SECONDS
    assert account.lost == account.duplicated == 0
