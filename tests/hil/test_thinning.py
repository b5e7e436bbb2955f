"""An outage longer than the flash holds, in simulated time: thinned, delivered, accounted for."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axwire.codes import EVENT_OUTBOX_THINNED
from axwire.cose import split
from axwire.parse import Event, Thinned, Up, parse_up

from gateway.profiles import load_profile
from gateway.spool.format import Kind
from gateway.spool.segments import read_records
from gateway.thinned import Summary, decode_thinned
from hil.account import read_store
from hil.interpreter import find_interpreter
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan
from simulators.locomotive import Locomotive

pytestmark = pytest.mark.timeout(900)

NODE = "motors-a"
SEGMENTS = 24


@contextmanager
def running(folder: Path, seed: int, **settings: Any) -> Iterator[LockstepRig]:
    """One node on a cable, with flash for SEGMENTS segments."""
    print(f"seed {seed}")
    profile = load_profile("te33a")
    fits = tuple(
        (node, Locomotive(profile, seed), False) for node in profile.nodes if node.name == NODE
    )
    own = {NODE: {"spill_bytes": 4096 * SEGMENTS, **settings}}
    plan = RigPlan(profile, "TE33A-0001", fits, folder, seed, settings=own)
    rig = LockstepRig(plan, find_interpreter(), flash_blocks=352)
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()


def messages(rig: LockstepRig) -> list[Up]:
    """What is in the store, in its order."""
    records = [r for r in read_records(rig.spool, None) if r.kind == Kind.MESSAGE]
    return [parse_up(split(record.body).payload) for record in records]


def summaries(rig: LockstepRig) -> list[Summary]:
    store = read_store(rig.spool)
    return [
        summary
        for up in messages(rig)
        if isinstance(up, Thinned)
        for summary in decode_thinned(up, store.ledger.boot(NODE, up.boot).tables[up.revision])
    ]


def health(rig: LockstepRig) -> dict[str, int | None]:
    return rig.gateway.core.registry.health()[NODE]


def outage(rig: LockstepRig, seconds: float, recovery_s: float = 60) -> None:
    rig.run_for(20)
    rig.cables[NODE].unplug()
    rig.run_for(seconds)
    rig.cables[NODE].plug()
    rig.run_for(recovery_s)


def test_an_outage_beyond_the_flash_is_thinned_delivered_and_accounted_for_to_the_sample(
    tmp_path: Path,
) -> None:
    with running(tmp_path, 61) as rig:
        outage(rig, 400)
        known = health(rig)
        account = rig.settle()
        told = messages(rig)
        found = summaries(rig)
        ingest = rig.gateway.core.ingest
        counted = (ingest.thinned_samples, ingest.lost_samples)
    print(account, known)
    assert account.balanced, account
    assert (account.thinned, account.lost) == counted
    assert (account.lost, account.duplicated) == (0, 0)
    assert account.thinned > account.taken // 3
    assert known["thinned_samples"] == account.thinned
    assert (known["dropped_samples"], known["flash_segments"]) == (0, 0)
    events = [up for up in told if isinstance(up, Event) and up.code == EVENT_OUTBOX_THINNED]
    assert [up.arguments for up in events] == [[known["thinned_messages"], account.thinned]]
    for summary in found:
        low, mean, high = summary.rows.raw
        assert np.all((low <= mean) & (mean <= high))
        assert max(summary.taken) <= 1 + summary.span_ms // summary.rows.group.period_ms


def test_rows_before_during_and_after_the_outage_lie_in_one_time(tmp_path: Path) -> None:
    """What was thinned covers the time between what was stored, with no overlap and no hole but
    the rows that writing flash cost."""
    with running(tmp_path, 62) as rig:
        outage(rig, 300)
        account = rig.settle()
        store = read_store(rig.spool)
        found = summaries(rig)
    assert (account.balanced, account.lost) == (True, 0)
    for group in (0, 1):
        spans = [
            (each.rows.t_ms, each.rows.last_t_ms)
            for each in store.blocks
            if each.rows.group.number == group
        ]
        spans += [
            (each.rows.t_ms, each.last_t_ms) for each in found if each.rows.group.number == group
        ]
        spans.sort()
        period_ms = next(
            each.rows.group.period_ms for each in found if each.rows.group.number == group
        )
        gaps = [after[0] - before[1] for before, after in pairwise(spans)]
        assert min(gaps) >= period_ms
        assert max(gaps) <= 400 + period_ms


def test_with_thinning_off_the_same_outage_drops(tmp_path: Path) -> None:
    with running(tmp_path, 61, thin_rows=0) as rig:
        outage(rig, 400)
        account = rig.settle()
    print(account)
    assert account.balanced, account
    assert account.thinned == 0
    assert account.lost > account.taken // 3
