"""Nodes are killed at random moments, again and again: the account of what that costs is exact.

What lies in a node's flash and what the gateway has taken in is looked at in the moment of each
kill. In the end the gateway must have that, once, and of the boots that were over nothing else.
"""

import os
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axwire.cose import split
from axwire.parse import parse_up
from spilled import read_spilled

from gateway.profiles import GroupFit, LoopSensor, NodeFit, load_profile
from gateway.spool.format import Kind
from gateway.spool.segments import read_records
from hil.account import read_store
from hil.interpreter import find_interpreter
from hil.lockstep import START_US, LockstepTarget
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan
from simulators.locomotive import Locomotive

pytestmark = pytest.mark.timeout(300)

KILLS = int(os.environ.get("AXLEBOX_KILLS", "200"))
SEED = int(os.environ.get("AXLEBOX_SEED", "61"))
NODES = ("one", "two", "three", "four")
FLASH_BLOCKS = 160
PERIOD_MS = 20
SETTINGS = {"outbox_bytes": 16_384, "flush_ms": PERIOD_MS}
"""Each sample is a message of its own: RAM is three quarters full after a second and a half."""

IN_RAM = 128
"""Places for messages in so much RAM."""

Message = tuple[int, int]
"""Boot and sequence."""


@dataclass(frozen=True)
class Kill:
    """A node in the moment of its death: its flash, and how much the gateway had taken in."""

    node: str
    image: Path
    taken_in: int


@dataclass
class Deaths:
    """Takes note of each end of a node, just before it is switched on again."""

    rig: LockstepRig
    folder: Path
    kills: list[Kill] = field(default_factory=list)

    def watch(self, node: str, target: LockstepTarget) -> None:
        start = target.start

        def restart() -> None:
            image = self.folder / f"{len(self.kills)}.img"
            shutil.copyfile(target.image, image)
            self.kills.append(Kill(node, image, self.rig.gateway.core.ingest.messages))
            start()

        target.start = restart  # type: ignore[method-assign]


def test_200_kills_at_random_moments_lose_nothing_that_was_kept(tmp_path: Path) -> None:
    print(f"AXLEBOX_SEED={SEED} AXLEBOX_KILLS={KILLS}")
    draw = random.Random(SEED)
    profile = load_profile("te33a")
    locomotive = Locomotive(profile, SEED)
    fits = tuple((fit(name), locomotive, False) for name in NODES)
    settings: dict[str, dict[str, Any]] = dict.fromkeys(NODES, SETTINGS)
    plan = RigPlan(profile, "TE33A-0001", fits, tmp_path, SEED, settings=settings)
    rig = LockstepRig(plan, find_interpreter(), flash_blocks=FLASH_BLOCKS)
    deaths = Deaths(rig, tmp_path)
    try:
        rig.start()
        for name, target in rig.targets.items():
            deaths.watch(name, target)
        rig.run_for(5)
        while len(deaths.kills) < KILLS:
            kill_some(rig, draw)
        for cable in rig.cables.values():
            cable.plug()
        rig.run_for(10)
        drain(rig)
        for target in rig.targets.values():
            target.cut_sensors()
        rig.run_for(10)
        runs = {name: target.taken_in_runs for name, target in rig.targets.items()}
        last = {name: target.taken() - sum(runs[name]) for name, target in rig.targets.items()}
        told = rig.gateway.core.registry.health()
        present = {name: rig.gateway.core.downlink.boot(name) for name in NODES}
    finally:
        rig.stop()
    check_messages(rig, deaths.kills, tmp_path / "nodes" / NODES[0] / "sim")
    store = read_store(rig.spool)
    assert store.duplicated == 0
    for name in NODES:
        blocks = [block for block in store.blocks if block.node == name]
        of_last = sum(block.rows.samples for block in blocks if block.boot == present[name])
        samples = sum(block.rows.samples for block in blocks)
        dropped = store.lost_by[f"outbox of {name}"]
        in_ram = sum(runs[name]) - (samples - of_last) - dropped
        died = len(runs[name])
        print(f"{name}: {samples} stored, {dropped} counted, {in_ram} in RAM in {died} deaths")
        assert of_last == last[name]
        assert 0 < in_ram < IN_RAM * died
        assert dropped < samples / 100
        for field_name in ("dropped_messages", "earlier_dropped_messages", "flash_errors"):
            assert told[name][field_name] == 0, (name, field_name)


def check_messages(rig: LockstepRig, kills: list[Kill], sim: Path) -> None:
    """Of the boots that a kill found or ended, the gateway has in the end what it had taken in by
    then and what lay in flash."""
    order = stored(rig)
    final = by_boot(order)
    had: dict[str, dict[int, set[int]]] = by_boot([])
    taken_in = in_flash = 0
    for kill, segments in zip(kills, read_spilled([k.image for k in kills], sim), strict=True):
        for node, boot, sequence in order[taken_in : kill.taken_in]:
            had[node].setdefault(boot, set()).add(sequence)
        taken_in = kill.taken_in
        kept = {boot: set(sequences) for boot, sequences in had[kill.node].items()}
        for boot, sequences in segments:
            kept.setdefault(boot, set()).update(sequences)
            in_flash += 1
        for boot, sequences in kept.items():
            assert sequences <= final[kill.node].get(boot, set()), (kill, boot)
            # HELLO of an earlier boot comes again with each of its segments.
            assert final[kill.node][boot] - sequences <= {0}, (kill, boot)
    print(f"{len(kills)} kills, {in_flash} segments found in flash, {len(order)} messages")
    assert in_flash > len(kills) // 2


def stored(rig: LockstepRig) -> list[tuple[str, int, int]]:
    """Node, boot and sequence of each message, in the order in which the gateway took them in."""
    order = []
    for record in read_records(rig.spool, None):
        if record.kind == Kind.MESSAGE:
            envelope = split(record.body)
            up = parse_up(envelope.payload)
            order.append((envelope.name, up.boot, up.sequence))
    return order


def by_boot(messages: list[tuple[str, int, int]]) -> dict[str, dict[int, set[int]]]:
    """Sequences by node and boot."""
    found: dict[str, dict[int, set[int]]] = {name: {} for name in NODES}
    for node, boot, sequence in messages:
        found[node].setdefault(boot, set()).add(sequence)
    return found


def fit(name: str) -> NodeFit:
    sensor = LoopSensor(low=0, high=1200)
    group = GroupFit(
        quantity="motor.current", places=["motor 1"], period_ms=PERIOD_MS, sensor=sensor
    )
    return NodeFit(name=name, groups=[group])


def drain(rig: LockstepRig) -> None:
    """Until every node says that its flash is empty."""
    for _ in range(30):
        rig.run_for(10)
        health = rig.gateway.core.registry.health()
        if not any(health[name].get("flash_segments") for name in NODES):
            return
    raise AssertionError(f"flash is not empty: {health}")


def kill_some(rig: LockstepRig, draw: random.Random) -> None:
    """A while with some cables plugged in; then some nodes are killed where they stand, after
    others that were killed in an operation of their flash."""
    for name, target in rig.targets.items():
        (rig.cables[name].plug if draw.random() < 0.4 else rig.cables[name].unplug)()
        if draw.random() < 0.3:
            target.fail_power_in(draw.randrange(1, 40))
    rig.run_for(START_US / 1e6 + draw.uniform(0.01, 3.5))
    for target in rig.targets.values():
        if draw.random() < 0.8:
            target.cut_power()
