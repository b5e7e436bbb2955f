"""Any sequence of appends, commits, rotations and restarts reads back exactly."""

import itertools
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock

from gateway.spool import Kind, Position, WriterSettings, open_spool, read_records

SMALL = WriterSettings(segment_bytes=700)

bodies = st.binary(max_size=400)
kinds = st.sampled_from([Kind.MESSAGE, Kind.CLOCK, Kind.STATE, Kind.RUN, Kind.QUARANTINE])
steps = st.lists(
    st.one_of(
        st.tuples(kinds, st.integers(0, 3), st.integers(0, 2**62), bodies),
        st.sampled_from(["commit", "reopen"]),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(steps)
def test_what_was_appended_reads_back_exactly(plan: list[object]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "spool"
        clock = ManualClock()
        spool = open_spool(folder, clock, settings=SMALL)
        appended = []
        for step in plan:
            if isinstance(step, tuple):
                kind, priority, received_us, body = step
                spool.writer.append(kind, priority, body, received_us)
                appended.append(step)
            elif step == "commit":
                assert spool.writer.commit()
            else:
                spool.close()
                spool = open_spool(folder, clock, settings=SMALL)
                assert spool.recovery.truncated_bytes == 0
                assert spool.recovery.salvaged == ()
                assert spool.recovery.problems == ()
        spool.close()
        records = list(read_records(folder))
        assert [(r.kind, r.priority, r.received_us, r.body) for r in records] == appended
        for earlier, later in itertools.pairwise(records):
            assert earlier.start < earlier.end <= later.start
        for index, record in enumerate(records):
            assert list(read_records(folder, record.start)) == records[index:]
        check_recovery(folder, appended)


def check_recovery(folder: Path, appended: list[tuple[Kind, int, int, bytes]]) -> None:
    """The snapshot is the newest state, and the records are those behind it."""
    states = [index for index, entry in enumerate(appended) if entry[0] == Kind.STATE]
    with open_spool(folder, ManualClock()) as spool:
        recovery = spool.recovery
        behind = appended[states[-1] + 1 :] if states else appended
        assert recovery.snapshot == (appended[states[-1]][3] if states else None)
        assert [r.body for r in recovery.records()] == [entry[3] for entry in behind]
        assert (recovery.end == Position(0, 0)) == (not appended)
