"""A long outage at full rate in simulated time, without thinning: what fits is delivered, the rest
is counted."""

import os
from pathlib import Path

import pytest
from axwire.cose import split
from axwire.parse import parse_up
from spilled import read_spilled

from gateway.control import Control
from gateway.metrics import registry_for
from gateway.profiles import load_profile
from gateway.spool.commit_thread import CommitThread
from gateway.spool.format import Kind
from gateway.spool.segments import read_records
from gateway.upkeep import UpkeepThread
from hil.account import read_store, settle
from hil.interpreter import find_interpreter
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan
from simulators.locomotive import Locomotive

pytestmark = pytest.mark.timeout(900)

OUTAGE_S = float(os.environ.get("AXLEBOX_OUTAGE_SECONDS", "500"))
"""How long nobody hears the node, in simulated time. Its flash is full after 380 seconds."""

NODE = "motors-a"
FLASH_BLOCKS = 352
SEGMENTS = 524_288 // 4096
RECOVERY_S = 400
WINDOW_MESSAGES = 48
MOST_SAMPLES = 6 * 11 + 6
"""In a message of the node's: 100 ms of six channels at 100 Hz, and a row of those at 2 Hz."""


def test_of_a_long_outage_all_that_fits_is_delivered_in_order_and_the_rest_is_counted(
    tmp_path: Path,
) -> None:
    seed = 62
    print(f"seed {seed}, AXLEBOX_OUTAGE_SECONDS={OUTAGE_S:.0f}")
    profile = load_profile("te33a")
    locomotive = Locomotive(profile, seed)
    fits = tuple((fit, locomotive, False) for fit in profile.nodes if fit.name == NODE)
    plan = RigPlan(profile, "TE33A-0001", fits, tmp_path, seed, settings={NODE: {"thin_rows": 0}})
    rig = LockstepRig(plan, find_interpreter(), flash_blocks=FLASH_BLOCKS)
    target, cable = rig.targets[NODE], rig.cables[NODE]
    try:
        rig.start()
        rig.run_for(20)
        before_outage = rig.gateway.core.ingest.messages
        assert rig.gateway.core.registry.health()[NODE]["flash_segments_written"] == 0
        cable.unplug()
        rig.run_for(OUTAGE_S)
        image = tmp_path / "outage.img"
        image.write_bytes(target.image.read_bytes())
        flash = target.account()["flash"]
        cable.plug()
        waited_s = recover(rig)
        rig.settle(10)
        rig.run_for(10)
        taken = target.taken()
        metrics = metrics_of(rig)
        health = rig.gateway.core.registry.health()[NODE]
        assert target.resets == {}
    finally:
        rig.stop()
    store = read_store(rig.spool)
    account = settle(taken, store)
    print(f"{account}; flash {flash}; delivered in {waited_s} s; HEALTH {health}")
    order = stored(rig)
    segments = read_spilled([image], tmp_path / "nodes" / NODE / "sim")[0]
    in_flash = sorted(sequence for _, sequences in segments for sequence in sequences)
    lost = set(range(max(order) + 1)) - set(order)

    assert account.balanced, account
    assert store.duplicated == 0
    assert set(in_flash) <= set(order)
    assert [sequence for sequence in order if sequence in set(in_flash)] == in_flash
    assert order[:before_outage] == sorted(order[:before_outage])
    assert lost == set(range(before_outage, in_flash[0]))
    assert metrics["axlebox_messages_lost_total"] == len(lost)
    assert metrics["axlebox_lost_total"] == account.lost
    # What had arrived when the cable went, and whose acks were lost, counts as dropped too.
    known_twice = health["dropped_messages"] - len(lost)
    assert 0 <= known_twice <= WINDOW_MESSAGES
    counted = health["dropped_samples"] + health["thinned_samples"]
    assert 0 <= counted - account.lost <= known_twice * MOST_SAMPLES
    for name in ("dropped_messages", "dropped_samples", "thinned_samples", "flash_segments"):
        assert metrics[name] == health[name]
    assert health["flash_segments"] == health["flash_segments_damaged"] == 0
    if OUTAGE_S >= 450:
        # No more than docs/outbox.md computes the wear from.
        assert 1.1 < flash["erased"] / health["flash_segments_written"] < 1.45
        assert 4800 < flash["programmed"] / health["flash_segments_written"] < 5500
        assert len(segments) == SEGMENTS
        assert account.lost > (OUTAGE_S - 480) * 580


def recover(rig: LockstepRig) -> int:
    """Until the node says that its flash is empty; how many seconds that took."""
    for waited_s in range(10, RECOVERY_S, 10):
        rig.run_for(10)
        health = rig.gateway.core.registry.health()[NODE]
        if health["flash_segments"] == 0 and waited_s > 10:
            return waited_s
    raise AssertionError(health)


def metrics_of(rig: LockstepRig) -> dict[str, float]:
    """What /metrics shows of losses, and of the node's HEALTH by field."""
    core = rig.gateway.core
    committer = CommitThread(core.writer, core.clock)
    upkeep = UpkeepThread(core.upkeep, core.clock)
    control = Control(core.commands, core.updating, rig.plan.folder / "control.sock")
    registry = registry_for(core, [], committer, upkeep, None, control)
    return {
        sample.labels.get("field", sample.name): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.labels.get("by", "samples_dropped_by_nodes") == "samples_dropped_by_nodes"
    }


def stored(rig: LockstepRig) -> list[int]:
    """Sequences of the node's one boot, in the order in which the gateway took them in."""
    return [
        parse_up(split(record.body).payload).sequence
        for record in read_records(rig.spool, None)
        if record.kind == Kind.MESSAGE
    ]
