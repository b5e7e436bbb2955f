"""From the fastest group to the slowest on one node, and how soon its readings are in."""

from collections import defaultdict
from pathlib import Path

import numpy as np
from axwire.cose import split
from axwire.parse import Readings, parse_up

from gateway.decode import Rows, decode_readings
from gateway.ledger import Ledger
from gateway.profiles import GroupFit, LoopSensor, NodeFit, Pt100Sensor, TachoSensor, load_profile
from gateway.spool.format import Kind
from gateway.spool.segments import read_records
from hil.interpreter import find_fast_interpreter
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan
from simulators.locomotive import Locomotive

SEED = 97
SECONDS = 130
PERIODS_MS = {1, 10, 60_000}
WITHIN_US = 100_000
"""So soon after it was begun a row of a fast group is at the gateway."""

NODE = NodeFit(
    name="bogie-a",
    groups=[
        GroupFit(
            quantity="axle.speed",
            places=["axle 1", "axle 2"],
            period_ms=1,
            sensor=TachoSensor(teeth=60, full_rpm=1500),
        ),
        GroupFit(
            quantity="motor.current",
            places=["motor 1", "motor 2", "motor 3"],
            period_ms=10,
            sensor=LoopSensor(low=0, high=1200),
        ),
        GroupFit(
            quantity="motor.winding_temperature",
            places=["motor 1", "motor 2", "motor 3"],
            period_ms=60_000,
            sensor=Pt100Sensor(),
        ),
    ],
)


def test_groups_from_a_millisecond_to_a_minute_lose_no_row_and_fast_ones_are_in_at_once(
    tmp_path: Path,
) -> None:
    print(f"seed {SEED}")
    profile = load_profile("te33a")
    plan = RigPlan(
        profile, "TE33A-0001", ((NODE, Locomotive(profile, SEED), False),), tmp_path, SEED
    )
    rig = LockstepRig(plan, find_fast_interpreter())
    try:
        rig.start()
        rig.run_for(SECONDS)
        account = rig.settle()
        health = rig.gateway.core.registry.health()[NODE.name]
    finally:
        rig.stop()
    assert account.balanced, account
    assert account.lost == 0
    assert health["missed_deadlines"] == 0
    begun, ages_us = arrivals(rig)
    assert begun.keys() == PERIODS_MS
    for period_ms, times in begun.items():
        assert set(np.diff(times)) == {period_ms}, period_ms
    for period_ms in sorted(PERIODS_MS - {60_000}):
        oldest_us = max(ages_us[period_ms])
        print(f"rows each {period_ms} ms: at the gateway after {oldest_us / 1000:.1f} ms at most")
        assert oldest_us <= WITHIN_US


def arrivals(rig: LockstepRig) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """By period: when each row began in ms of the board, and its age in us at the gateway, by the
    newest record of the board's clock."""
    ledger = Ledger()
    rows: list[tuple[int, int, Rows]] = []
    for record in read_records(rig.spool, None):
        ledger.replay(record.kind, record.body)
        if record.kind != Kind.MESSAGE:
            continue
        up = parse_up(split(record.body).payload)
        if isinstance(up, Readings):
            table = ledger.boot(NODE.name, up.boot).tables[up.revision]
            rows += [(record.received_us, up.boot, block) for block in decode_readings(up, table)]
    begun: dict[int, list[int]] = defaultdict(list)
    ages_us: dict[int, list[int]] = defaultdict(list)
    for received_us, boot, block in rows:
        clock = ledger.boot(NODE.name, boot).clock
        assert clock is not None
        period_ms = block.group.period_ms
        begun[period_ms] += [block.t_ms + row * period_ms for row in range(len(block.raw))]
        ages_us[period_ms].append(received_us - clock.utc_at(block.t_ms * 1000))
    return begun, ages_us
