"""Hours of the busiest role in simulated time: its free heap, and that a fast run is no other."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from axwire import GATEWAY_MESSAGE_CAP, cose
from axwire.framing import Deframer
from axwire.parse import Readings, parse_up
from busiest_bench import busiest_bench
from busiest_role import SAMPLES_A_SECOND

from gateway.timebase import SystemClock
from hil.interpreter import Interpreter, find_fast_interpreter, find_interpreter
from hil.target import BOARD_HEAP_BYTES

pytestmark = pytest.mark.timeout(3600)

SECONDS = float(os.environ.get("AXLEBOX_LOCKSTEP_SECONDS", "300"))
"""How long each of the two parts takes, in simulated time; an hour is what is promised."""

LEAST_FREE_BYTES = BOARD_HEAP_BYTES * 3 // 10 + 1
FLASH_BLOCKS = 384
"""A file system of 1.5 MB in simulated flash, as a Pico has it."""

OUTAGE_S = 30

HEALTH_S = 5
"""HEALTH is as old as that, at most."""

STARTING_S = 3
SEED = 61


def test_the_heap_of_the_busiest_role_is_the_same_after_each_hour(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    with busiest_bench(tmp_path, find_interpreter(), SEED, FLASH_BLOCKS) as bench:
        timed(lambda: bench.schedule.run_for(SECONDS))
        first = bench.peer.health[-1]
        bench.schedule.run_for(SECONDS)
        second = bench.peer.health[-1]
        account = bench.target.account()
        console = (tmp_path / "console.log").read_text(encoding="utf-8")
        assert not bench.target.resets, console
    for part in (first, second):
        print(", ".join(f"{name} {value}" for name, value in part.items() if value))
    assert account["starved"] == {}
    assert account["refused"] == 0
    taken_s = (second["samples"] or 0) / SAMPLES_A_SECOND
    assert 2 * SECONDS - HEALTH_S - STARTING_S <= taken_s <= 2 * SECONDS
    for name in ("missed_deadlines", "chip_errors", "dropped_samples", "frames_refused"):
        assert second[name] == 0, name
    free, low = second["heap_free_bytes"] or 0, second["heap_low_water_bytes"] or 0
    print(f"free {free} = {100 * free / BOARD_HEAP_BYTES:.1f} %, at least {low}")
    assert low == first["heap_low_water_bytes"], "falls from one hour to the next"
    assert low >= LEAST_FREE_BYTES


def test_enough_is_free_with_the_code_loaded_that_an_outage_needs(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    with busiest_bench(tmp_path, find_interpreter(), SEED, FLASH_BLOCKS) as bench:
        bench.schedule.run_for(STARTING_S)
        bench.cable.unplug()
        bench.schedule.run_for(OUTAGE_S)
        bench.cable.plug()
        bench.schedule.run_for(OUTAGE_S)
        after = bench.peer.health[-1]
        assert not bench.target.resets
    print(", ".join(f"{name} {value}" for name, value in after.items() if value))
    assert (after["flash_segments_written"] or 0) > OUTAGE_S // 6
    assert after["dropped_samples"] == 0
    low = after["heap_low_water_bytes"] or 0
    print(f"at least {low} free = {100 * low / BOARD_HEAP_BYTES:.2f} %")
    assert low >= LEAST_FREE_BYTES


def test_a_fast_run_of_the_busiest_role_repeats_and_measures_what_a_board_does(
    tmp_path: Path,
) -> None:
    """From its seed byte by byte; and message by message the samples that the interpreter gives
    which is like a board's, vibration among them. Ticks wrap on the way."""
    print(f"seed {SEED}")
    fast, board = find_fast_interpreter(), find_interpreter()
    first = said(tmp_path / "fast", fast)
    assert said(tmp_path / "again in a folder with a longer name", fast) == first
    assert said(tmp_path / "other", fast, SEED + 1) != first
    samples = readings(first)
    assert len(samples) > SECONDS
    assert samples == readings(said(tmp_path / "board", board))


def said(folder: Path, interpreter: Interpreter, seed: int = SEED) -> bytes:
    """All that the node sends."""
    folder.mkdir()
    with busiest_bench(folder, interpreter, seed) as bench:
        bench.cable.record()
        timed(lambda: bench.schedule.run_for(SECONDS))
        assert bench.target.account()["starved"] == {}
        assert not bench.target.resets
        return bytes(bench.cable.recorded or b"")


def readings(sent: bytes) -> list[bytes]:
    """The sample messages in it."""
    messages = Deframer(GATEWAY_MESSAGE_CAP).feed(sent)
    payloads = [cose.split(message).payload for message in messages]
    return [payload for payload in payloads if isinstance(parse_up(payload), Readings)]


def timed(run: Callable[[], None]) -> None:
    """Run for SECONDS, and print how fast that was."""
    clock = SystemClock()
    begun_us = clock.monotonic_us()
    run()
    took_s = (clock.monotonic_us() - begun_us) / 1e6
    print(f"{SECONDS:.0f} s in {took_s:.1f} s: {SECONDS / took_s:.0f} times real time")
