"""Segments in the field stay readable, and today's writer still makes the same bytes."""

import hashlib
import shutil
from pathlib import Path

from manual_clock import ManualClock

from gateway.spool import open_spool, read_records
from gateway.spool.gaps import Gap, gap_of

from .make_golden import GOLDEN_V1, RECORDS, segment_bytes

V1_SHA256 = "4bd33cb3e747dd27cce19b864b25b76ab26f248dec256ba2fedcec62411cfd67"


def test_the_file_of_format_1_is_the_one_that_was_checked_in() -> None:
    assert hashlib.sha256(GOLDEN_V1.read_bytes()).hexdigest() == V1_SHA256


def test_a_segment_of_format_1_reads_as_it_was_written(tmp_path: Path) -> None:
    shutil.copy(GOLDEN_V1, tmp_path / "0000000001.seg")
    records = list(read_records(tmp_path))
    assert [(r.kind, r.priority, r.received_us, r.body) for r in records] == list(RECORDS)
    assert gap_of(records[-2]).bytes == 50
    assert gap_of(records[-1]) == Gap("removed", 1, 32, 500, 3)
    with open_spool(tmp_path, ManualClock()) as spool:
        assert spool.recovery.snapshot == RECORDS[1][3]
        assert [r.body for r in spool.recovery.records()] == [r[3] for r in RECORDS[2:]]
        assert spool.recovery.salvaged == ()


def test_the_writer_makes_the_bytes_of_format_1() -> None:
    assert segment_bytes() == GOLDEN_V1.read_bytes()
