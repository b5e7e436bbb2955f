"""A node that is told to start again takes everything with it, or says what it had to drop."""

import shutil
from pathlib import Path

import pytest
from axwire.codes import COMMAND_REBOOT

from gateway.profiles import load_profile
from hil.account import Account
from hil.interpreter import find_interpreter
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan
from simulators.locomotive import Locomotive

pytestmark = pytest.mark.timeout(300)

NODE = "motors-a"
FLASH_BLOCKS = 352
A_SECOND = 612
FLUSH_MS = 90


def running(folder: Path, seed: int, spill_bytes: int, flush_ms: int = FLUSH_MS) -> LockstepRig:
    print(f"seed {seed}")
    profile = load_profile("te33a")
    locomotive = Locomotive(profile, seed)
    fits = tuple((fit, locomotive, False) for fit in profile.nodes if fit.name == NODE)
    settings = {NODE: {"spill_bytes": spill_bytes, "thin_rows": 0, "flush_ms": flush_ms}}
    plan = RigPlan(profile, "TE33A-0001", fits, folder, seed, settings=settings)
    return LockstepRig(plan, find_interpreter(), flash_blocks=FLASH_BLOCKS)


def restart(rig: LockstepRig) -> None:
    """Tell the node, and let it begin again, unheard."""
    rig.gateway.core.downlink.command(NODE, COMMAND_REBOOT, [])
    rig.run_for(0.5)
    rig.cables[NODE].unplug()
    rig.run_for(5)


def settled(rig: LockstepRig) -> Account:
    """Plug in, let the flash be emptied, and account for every sample."""
    rig.cables[NODE].plug()
    for _ in range(10):
        rig.run_for(10)
        health = rig.gateway.core.registry.health()[NODE]
        if health.get("flash_segments") == 0:
            break
    print(health)
    return rig.settle(20)


def test_ten_restarts_on_command_lose_no_sample_that_was_taken(tmp_path: Path) -> None:
    rig = running(tmp_path, 63, 524_288)
    try:
        rig.start()
        rig.run_for(5)
        for _ in range(10):
            restart(rig)
            rig.cables[NODE].plug()
            rig.run_for(5)
        account = settled(rig)
        resets = rig.targets[NODE].resets
    finally:
        rig.stop()
    print(account, resets)
    assert resets == {"hard": 10}
    assert account.duplicated == 0
    assert account.lost == 0
    assert account.taken - account.stored == 0


def test_a_gateway_that_never_heard_a_boot_places_its_rest_in_time(tmp_path: Path) -> None:
    """By the time that the boot was told last, which lies in flash with what it left."""
    rig = running(tmp_path, 65, 524_288)
    try:
        rig.start()
        rig.run_for(5)
        boot = rig.gateway.core.downlink.boot(NODE)
        assert boot is not None
        heard = rig.gateway.core.ledger.find(NODE, boot)
        assert heard is not None
        assert heard.clock is not None
        began_us = heard.clock.utc_at(0)
        restart(rig)
        rig.gateway.stop()
        shutil.rmtree(rig.spool)
        rig.gateway.start()
        rig.cables[NODE].plug()
        rig.run_for(20)
        known = rig.gateway.core.ledger.find(NODE, boot)
        assert rig.gateway.core.downlink.boot(NODE) != boot
    finally:
        rig.stop()
    assert known is not None
    assert known.samples > 0
    assert known.clock is not None
    off_us = known.clock.utc_at(0) - began_us
    print(f"{known.samples} samples, placed {off_us} us from where those heard live were")
    assert abs(off_us) < 10_000


@pytest.mark.parametrize("flush_ms", [50, FLUSH_MS, 100])
def test_what_a_restarted_node_drops_of_the_boot_before_is_counted(
    tmp_path: Path, flush_ms: int
) -> None:
    """Also where the last that it said of itself is among what is dropped."""
    rig = running(tmp_path, 64, 8 * 4096, flush_ms)
    try:
        rig.start()
        rig.run_for(5)
        rig.cables[NODE].unplug()
        rig.run_for(40)
        rig.cables[NODE].plug()
        rig.run_for(4.5)
        restart(rig)
        rig.run_for(25)
        account = settled(rig)
        counted = rig.gateway.core.ingest.lost_samples
    finally:
        rig.stop()
    print(account)
    assert account.duplicated == 0
    assert counted == account.lost
    assert account.lost_by[f"outbox of {NODE}"] > A_SECOND
    assert account.lost_by[f"flash of {NODE}, of earlier boots"] > A_SECOND
    assert account.taken - account.stored - account.lost == 0
