"""Simulated time end to end: real firmware, the gateway's core, one clock that the test owns."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axwire import GATEWAY_MESSAGE_CAP, cose, down
from axwire.cbor import Writer
from axwire.codes import COMMAND_REBOOT, OPEN
from axwire.framing import Deframer, frame
from axwire.parse import Pong, Up, parse_up

from gateway.profiles import load_profile
from gateway.timebase import SystemClock
from hil.account import read_store, settle
from hil.cable import LineNoise
from hil.fitting import fit_node
from hil.interpreter import Interpreter, find_fast_interpreter, find_interpreter
from hil.lockstep import START_US, LockstepTarget
from hil.lockstep_gateway import LockstepCable
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan
from hil.schedule import Schedule, SimulatedClock
from simulators.board.ticks import PERIOD
from simulators.locomotive import Locomotive

pytestmark = pytest.mark.timeout(900)

SECONDS = float(os.environ.get("AXLEBOX_LOCKSTEP_SECONDS", "1200"))
"""How long the long run takes, in simulated time."""

MINUTE_US = 60_000_000
WINDOW_S = 1.5
"""In which a person may take a board over at its start (firmware/main.py)."""

BUSIEST = "motors-a"
SAMPLES_A_SECOND = {"motors-a": 612, "axles-a": 60, "brakes-a": 200}


@contextmanager
def running(
    folder: Path,
    seed: int,
    nodes: tuple[str, ...] = (BUSIEST,),
    noise: dict[str, LineNoise] | None = None,
    settings: dict[str, dict[str, Any]] | None = None,
    interpreter: Interpreter | None = None,
    **options: Any,
) -> Iterator[LockstepRig]:
    """A rig that was just started; its tick counters wrap a minute later."""
    print(f"seed {seed}")
    folder.mkdir(exist_ok=True)
    profile = load_profile("te33a")
    locomotive = Locomotive(profile, seed)
    fits = tuple((node, locomotive, False) for node in profile.nodes if node.name in nodes)
    plan = RigPlan(
        profile, "TE33A-0001", fits, folder, seed, noise=noise or {}, settings=settings or {}
    )
    rig = LockstepRig(
        plan, interpreter or find_interpreter(), start_us=PERIOD - MINUTE_US, **options
    )
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()


def node_state(rig: LockstepRig, name: str = BUSIEST) -> dict[str, Any]:
    return next(node for node in rig.state()["nodes"] if node["name"] == name)


def digest(rig: LockstepRig) -> str:
    """Of all that the gateway stored."""
    found = hashlib.sha256()
    for path in sorted(rig.spool.iterdir()):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()


def test_a_long_run_stores_every_sample_on_its_grid_across_all_wraps(tmp_path: Path) -> None:
    real = SystemClock()
    with running(tmp_path, 40) as rig:
        begun_us = real.monotonic_us()
        rig.run_for(SECONDS)
        took_s = (real.monotonic_us() - begun_us) / 1e6
        assert node_state(rig)["status"] == "live"
        account = rig.settle()
        assert rig.targets[BUSIEST].resets == {}
        assert rig.state()["refused"].keys() <= {"repeated"}
        wraps = rig.clock.monotonic_us() // PERIOD
    print(f"{SECONDS:.0f} s in {took_s:.1f} s: {SECONDS / took_s:.0f} times real time; {account}")
    assert wraps >= SECONDS // 1075
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)
    assert account.taken == pytest.approx(SECONDS * SAMPLES_A_SECOND[BUSIEST], rel=0.01)
    starts: dict[int, list[float]] = {}
    for block in sorted(read_store(rig.spool).blocks, key=lambda block: block.sequence):
        period_ms = block.rows.group.period_ms
        times = block.rows.t_ms + np.arange(len(block.rows.raw)) * period_ms
        starts.setdefault(period_ms, []).extend(times.tolist())
    assert starts.keys() == {10, 500}
    for period_ms, times in starts.items():
        assert set(np.diff(times)) == {period_ms}


def eventful(folder: Path, seed: int) -> tuple[str, bytes, dict[str, Any]]:
    """Three nodes for 40 seconds with noise, an outage and a reset; what came of it."""
    with running(
        folder, seed, tuple(SAMPLES_A_SECOND), noise={"axles-a": LineNoise(0.001, seed)}
    ) as rig:
        rig.cables["brakes-a"].record()
        rig.run_for(10)
        rig.cables[BUSIEST].unplug()
        rig.run_for(12)
        rig.cables[BUSIEST].plug()
        rig.gateway.core.downlink.command("brakes-a", COMMAND_REBOOT, [])
        rig.run_for(18)
        told = {
            name: (target.waits, target.account(), dict(target.resets))
            for name, target in rig.targets.items()
        }
        recorded = bytes(rig.cables["brakes-a"].recorded or b"")
        rig.gateway.core.writer.commit()
        return digest(rig), recorded, told


def test_a_run_repeats_byte_for_byte_from_its_seed(tmp_path: Path) -> None:
    first = eventful(tmp_path / "first", 41)
    again = eventful(tmp_path / "again in a folder with a longer name", 41)
    other = eventful(tmp_path / "other", 42)
    assert first[2]["brakes-a"][2] == {"hard": 1}
    assert len(first[1]) > 10_000
    assert again == first
    assert other[0] != first[0]
    assert other[1] != first[1]


def test_an_outage_of_minutes_costs_what_ram_cannot_hold_where_flash_is_not_used(
    tmp_path: Path,
) -> None:
    nodes = ("motors-a", "axles-a")
    settings = {node: {"spill_bytes": 0} for node in nodes}
    with running(tmp_path, 43, nodes, settings=settings) as rig:
        rig.run_for(30)
        for cable in rig.cables.values():
            cable.unplug()
        rig.run_for(4)
        assert {node_state(rig, name)["status"] for name in rig.targets} == {"stale"}
        rig.run_for(236)
        for cable in rig.cables.values():
            cable.plug()
        rig.run_for(30)
        assert {node_state(rig, name)["status"] for name in rig.targets} == {"live"}
        account = rig.settle()
        losses = {name: node_state(rig, name)["lost_samples"] for name in rig.targets}
    print(account)
    assert account.balanced, account
    assert account.lost_by == {
        f"outbox of {name}": count for name, count in losses.items() if count
    }
    assert losses["motors-a"] > 200 * SAMPLES_A_SECOND["motors-a"]


def test_a_reset_loses_what_was_in_its_memory_and_nothing_else(tmp_path: Path) -> None:
    with running(tmp_path, 44, flash_blocks=352) as rig:
        target = rig.targets[BUSIEST]
        rig.run_for(30)
        boot = node_state(rig)["boot"]
        rig.gateway.core.downlink.command(BUSIEST, COMMAND_REBOOT, [])
        rig.run_for(2.5)
        assert target.resets == {"hard": 1}
        rig.run_for(7.5)
        after_reset = node_state(rig)
        target.cut_power(off_us=10_000_000)
        off_until_us = target.now_us
        rig.run_for(5)
        assert node_state(rig)["status"] == "stale"
        assert rig.cables[BUSIEST].dropped_bytes > 0
        rig.run_for(30)
        after_cut = node_state(rig)
        rig.settle(5)
        store = read_store(rig.spool)
        account = settle(target.taken(), store)
        assert target.account()["flash"]["erased"] == 0
    assert off_until_us == PERIOD - MINUTE_US + 50_000_000 + START_US
    assert after_reset["reset_cause"] == "hard"
    assert after_cut["reset_cause"] == "power_on"
    assert len({boot, after_reset["boot"], after_cut["boot"]}) == 3
    assert not any(OPEN in block.rows.statuses for block in store.blocks), "fed through a reset"
    in_memory = account.taken - account.stored - account.lost
    a_second = SAMPLES_A_SECOND[BUSIEST]
    assert 0 < in_memory < 4 * a_second, account
    assert account.duplicated == 0
    assert account.taken == pytest.approx((62 - 3 * WINDOW_S) * a_second, rel=0.05)


def test_a_peer_of_the_tests_own_speaks_with_the_node_to_the_microsecond(tmp_path: Path) -> None:
    """The node tells when a ping arrived, in its own time: it begins on the first edge of a
    millisecond after it was switched on."""
    fit = next(node for node in load_profile("te33a").nodes if node.name == "axles-a")
    key = cose.MacKey(bytes(range(32)))
    clock = SimulatedClock(PERIOD - 3_000_000)
    schedule = Schedule(clock)
    target = LockstepTarget(
        fit_node(fit, "e66038b7132a5b2f", 46),
        bytes(range(32)),
        find_interpreter(),
        tmp_path,
        clock.monotonic_us(),
    )
    cable = LockstepCable(target, schedule)
    deframer, writer = Deframer(GATEWAY_MESSAGE_CAP), Writer(64)
    heard: list[Up] = []

    def listen(data: bytes) -> None:
        heard.extend(parse_up(cose.split(message).payload) for message in deframer.feed(data))

    cable.listen = listen
    on_us = (clock.monotonic_us() // 1000 + 1) * 1000 + round(WINDOW_S * 1e6)
    target.start()
    schedule.add(target, cable)
    arrivals_us = []
    try:
        schedule.run_for(WINDOW_S)
        for sequence in range(1, 9):
            schedule.run_for(0.9876543)
            down.ping(writer, heard[0].boot, sequence, None)
            piece = frame(cose.seal(key, "axles-a", cose.DOWN, writer.written()))
            cable.to_board(piece)
            arrivals_us.append(clock.monotonic_us() + len(piece) * target.byte_us - on_us)
        schedule.run_for(1)
    finally:
        target.stop()
    pongs = [up for up in heard if isinstance(up, Pong)]
    assert [pong.sequence for pong in pongs] == list(range(1, 9))
    late_us = [pong.t_us - arrived for pong, arrived in zip(pongs, arrivals_us, strict=True)]
    assert late_us == pytest.approx([late_us[0]] * 8, abs=1)
    assert -1 <= late_us[0] < 4 * target.byte_us


def test_code_that_takes_its_time_misses_nothing_it_need_not(tmp_path: Path) -> None:
    """300 us a wake-up: what a task switch takes on an RP2040."""
    with running(tmp_path, 45, wake_up_us=300) as rig:
        rig.run_for(30)
        account = rig.settle()
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)
    assert account.taken == pytest.approx(30 * SAMPLES_A_SECOND[BUSIEST], rel=0.05)


def test_the_fast_interpreter_measures_the_same(tmp_path: Path) -> None:
    """Sample by sample, and at the same times."""
    stored = []
    both = {"board": find_interpreter(), "fast": find_fast_interpreter()}
    for name, interpreter in both.items():
        with running(tmp_path / name, 47, interpreter=interpreter) as rig:
            rig.run_for(70)
            rig.gateway.core.writer.commit()
            assert rig.targets[BUSIEST].resets == {}
        blocks = read_store(rig.spool).blocks
        stored.append([(b.sequence, b.rows.t_ms, b.rows.raw.tolist()) for b in blocks])
    assert len(stored[0]) > 700
    assert stored[0] == stored[1]


def test_a_board_sends_nothing_while_it_said_that_it_would_sleep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, finish = LockstepTarget.begin, LockstepTarget.finish
    stood: dict[str, tuple[int, int]] = {}
    sleeps_us: list[int] = []
    early: list[tuple[str, int, int]] = []

    def ahead(target: LockstepTarget, us: int) -> list[int]:
        return [sent.end_us for sent in target._writing if sent.end_us > us]

    def begins(target: LockstepTarget, until_us: int) -> None:
        begin(target, until_us)
        if not ahead(target, target.now_us):
            stood[target.fitting.node] = target.now_us, target.quiet_until_us

    def finishes(target: LockstepTarget) -> None:
        ran = target.runs
        finish(target)
        if ran and target.fitting.node in stood:
            from_us, quiet_until_us = stood.pop(target.fitting.node)
            for leaves_us in ahead(target, from_us):
                sleeps_us.append(quiet_until_us - from_us)
                if leaves_us <= quiet_until_us:
                    early.append((target.fitting.node, leaves_us, quiet_until_us))

    monkeypatch.setattr(LockstepTarget, "begin", begins)
    monkeypatch.setattr(LockstepTarget, "finish", finishes)
    nodes = tuple(SAMPLES_A_SECOND)
    with running(tmp_path, 48, nodes, interpreter=find_fast_interpreter()) as rig:
        rig.run_for(30)
    assert early == []
    assert len(sleeps_us) > 600
    assert np.mean(sleeps_us) > 500
