"""An outage longer than the board's memory, with a reset in the middle, end to end."""

import os
import signal
from itertools import pairwise
from pathlib import Path

import pytest
from axwire.cose import split
from axwire.errors import WireError
from axwire.parse import parse_up
from rigs import running
from spilled import whole_segment

from gateway.spool.format import Kind
from gateway.spool.segments import read_records
from hil.account import read_store
from hil.rig import Rig

pytestmark = pytest.mark.timeout(240)

NODE = "axles-a"


def held(folder: Path) -> dict[int, list[int]]:
    """Sequences by boot in the segments that are whole."""
    sequences: dict[int, list[int]] = {}
    for path in sorted(folder.glob("0*")):
        segment = whole_segment(path.read_bytes())
        if segment is not None:
            sequences.setdefault(segment[0], []).extend(segment[1])
    return sequences


def stored(rig: Rig) -> list[tuple[int, int]]:
    """Boot and sequence of each message in the spool, in its order."""
    order = []
    for record in read_records(rig.spool, None):
        if record.kind == Kind.MESSAGE:
            try:
                up = parse_up(split(record.body).payload)
            except WireError:
                continue
            order.append((up.boot, up.sequence))
    return order


def test_an_outage_beyond_ram_with_a_reset_in_it_costs_nothing_that_was_in_flash(
    tmp_path: Path,
) -> None:
    with running(tmp_path, 27, nodes=(NODE,)) as rig:
        target = rig.targets[NODE]
        flash = tmp_path / "nodes" / NODE / "flash" / "spill"
        rig.until(lambda: bool(read_store(rig.spool).blocks), 20)
        first = read_store(rig.spool).blocks[0].boot
        rig.gateway.stop()
        rig.until(lambda: len(list(flash.glob("0*"))) >= 3, 60)
        promised = held(flash)
        pid = target.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        rig.until(lambda: target.pid not in (None, pid), 10)
        rig.until(lambda: len(held(flash)) == 2, 60)
        second = next(boot for boot in held(flash) if boot != first)
        rig.gateway.start()
        rig.until(lambda: not list(flash.glob("0*")), 60)
        target.cut_sensors()
        taken = sum(target.account()["taken"].values())

        def samples() -> int:
            store = read_store(rig.spool)
            return sum(block.rows.samples for block in store.blocks if block.boot == second)

        rig.until(lambda: samples() == taken, 20)
        store = read_store(rig.spool)
        order = stored(rig)
    assert set(promised) == {first}
    old = [sequence for boot, sequence in order if boot == first]
    assert old == sorted(old)
    assert set(old) >= set(range(max(promised[first]) + 1))
    assert store.duplicated == 0
    assert not store.lost_by
    assert samples() == taken
    live = next(at for at, (boot, _) in enumerate(order) if boot == second)
    assert live < order.index((first, promised[first][-1])), "live data goes first"
    clock = store.ledger.boot(NODE, first).clock
    assert clock is not None
    times = [block.rows.t_ms for block in store.blocks if block.boot == first]
    assert all(later >= earlier for earlier, later in pairwise(times))
