"""The promises of the design, end to end: real firmware, real bytes, a real gateway process."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axwire import cose, up
from axwire.cbor import INT16, Writer
from axwire.framing import frame
from rigs import running

from gateway.timebase import SystemClock
from hil.account import read_store
from hil.cable import LineNoise
from hil.rig import Rig
from simulators.recordings import RECORDED_NODE, load_recording, shipped_recording

pytestmark = pytest.mark.timeout(300)

KILLS = 50
STALE_WITHIN_S = 3.0


def node_state(state: dict[str, Any], name: str) -> dict[str, Any]:
    return next(node for node in state["nodes"] if node["name"] == name)


def accepted(rig: Rig) -> int:
    """Messages that the gateway has stored so far, as its spool says."""
    return len(read_store(rig.spool).messages)


def test_an_acknowledged_reading_is_never_lost_nor_stored_twice_by_kills(tmp_path: Path) -> None:
    randomness = random.Random(20)
    with running(tmp_path, 20, spool={"commit_ms": 100}) as rig:
        for _ in range(KILLS):
            rig.run_for(randomness.uniform(0.01, 0.6))
            rig.gateway.kill()
            rig.gateway.start()
        rig.wait(lambda state: all(n["status"] == "live" for n in state["nodes"]), 20)
        account = rig.settle(60)
    print(account)
    assert account.taken > 1000
    assert account.balanced, "an acknowledged sample is missing, or one is stored twice"


def test_one_percent_of_flipped_bytes_is_refused_and_counted_and_the_rest_flows(
    tmp_path: Path,
) -> None:
    with running(tmp_path, 21) as rig:
        rig.cables["axles-a"].disturb(LineNoise(share=0.01, seed=21))
        state = rig.wait(
            lambda s: s["refused"].get("crc", 0) + s["refused"].get("cobs", 0) >= 20, 30
        )
        assert node_state(state, "brakes-a")["status"] == "live"
        assert node_state(state, "brakes-a")["lost_samples"] == 0
        rig.cables["axles-a"].disturb(None)
        account = rig.settle(60)
        assert rig.cables["axles-a"].flipped_bytes > 0
    assert account.balanced, account


def test_a_wrong_key_is_refused_and_counted(tmp_path: Path) -> None:
    with running(tmp_path, 22) as rig:
        writer = Writer(256)
        for sequence in range(30):
            up.readings(writer, 7, sequence, 0, 1)
            up.block(writer, 0, 0, INT16, memoryview(bytes(12)), None)
            stranger = cose.MacKey(bytes(32))
            message = cose.seal(stranger, "axles-a", cose.UP, writer.written())
            rig.cables["axles-a"].inject(b"\0" + frame(message))
        rig.wait(lambda s: s["refused"].get("bad_mac", 0) >= 30, 20)
        account = rig.settle()
        boots = {block.boot for block in read_store(rig.spool).blocks}
    assert 7 not in boots
    assert account.balanced
    assert account.lost == 0


def test_a_replayed_capture_is_refused_and_counted(tmp_path: Path) -> None:
    with running(tmp_path, 23) as rig:
        cable = rig.cables["brakes-a"]
        cable.record()
        before = accepted(rig)
        rig.until(lambda: accepted(rig) >= before + 20, 20)
        capture = bytes(cable.recorded or b"")
        rig.until(lambda: cable.waiting == 0, 5)
        cable.inject(b"\0" + capture)
        rig.wait(lambda s: s["refused"].get("repeated", 0) >= 10, 10)
        account = rig.settle()
    assert account.balanced
    assert (account.lost, account.duplicated) == (0, 0)


def test_a_megabyte_of_rubbish_is_refused_and_counted_and_the_rest_flows(tmp_path: Path) -> None:
    randomness = random.Random(24)
    with running(tmp_path, 24) as rig:
        cable = rig.cables["axles-a"]
        for _ in range(16):
            cable.inject(randomness.randbytes(64 * 1024))
            rig.until(lambda: cable.waiting == 0, 20)
        state = rig.wait(
            lambda s: sum(s["refused"].get(reason, 0) for reason in ("cobs", "crc")) > 1000, 20
        )
        assert node_state(state, "brakes-a")["status"] == "live"
        account = rig.settle(30)
    assert account.balanced
    assert account.lost == 0


def test_a_pulled_cable_shows_stale_within_three_seconds_and_resumes_without_loss(
    tmp_path: Path,
) -> None:
    clock = SystemClock()
    with running(tmp_path, 25) as rig:
        pulled_us = clock.monotonic_us()
        rig.cables["axles-a"].unplug()
        state = rig.wait(lambda s: node_state(s, "axles-a")["status"] == "stale", 10)
        assert clock.monotonic_us() - pulled_us < STALE_WITHIN_S * 1e6
        values = [c["value"] for c in state["channels"] if c["node"] == "axles-a"]
        assert values == [None] * 6
        assert node_state(state, "brakes-a")["status"] == "live"
        rig.cables["axles-a"].plug()
        rig.wait(
            lambda s: all(c["quality"] == "ok" for c in s["channels"] if c["node"] == "axles-a"),
            15,
        )
        account = rig.settle(30)
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)


def test_stored_values_equal_the_recording_within_one_step(tmp_path: Path) -> None:
    recording = load_recording(shipped_recording(), row_s=1.0)
    clock = SystemClock()
    wall_us = clock.utc_us() - clock.monotonic_us()
    with running(
        tmp_path,
        26,
        nodes=("brakes-a",),
        replace={"brakes-a": (RECORDED_NODE, recording, True)},
    ) as rig:
        rig.run_for(12)
        account = rig.settle()
        store = read_store(rig.spool)
        signals = rig.targets["brakes-a"].fitting.signals
        start_us = rig.feeder.start_us + wall_us
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)
    compared = 0
    for block in store.blocks:
        record = store.ledger.boot(block.node, block.boot).clock
        assert record is not None
        group = block.rows.group
        for column, signal in enumerate(signals[group.first : group.first + len(group.channels)]):
            times_ms = block.rows.t_ms + np.arange(len(block.rows.raw)) * group.period_ms
            t_s = np.array([record.utc_at(int(t) * 1000) - start_us for t in times_ms]) / 1e6
            true = recording.values(signal.quantity, signal.place, t_s)
            earlier = recording.values(signal.quantity, signal.place, t_s - 0.05)
            later = recording.values(signal.quantity, signal.place, t_s + 0.15)
            usable = (t_s > 0.1) & (earlier == true) & (later == true)
            usable &= ~block.rows.missing[:, column]
            error = np.abs(block.rows.values[:, column] - true)[usable]
            assert (error <= signal.step).all(), (signal, error.max(), signal.step)
            compared += int(usable.sum())
    assert compared > 300
