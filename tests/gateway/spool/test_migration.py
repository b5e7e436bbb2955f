"""Spools of every format that was ever in the field open, read and go on."""

import csv
import hashlib
import io
from pathlib import Path

import pytest
from board_peer import Board
from collecting import Collecting
from manual_clock import ManualClock

from gateway.forward import Log
from gateway.forward.fold import ledger_at
from gateway.history.export import write_csv
from gateway.history.rows import SelectedRows
from gateway.history.selection import Selection
from gateway.spool import Kind, SpoolReader, gap_of, read_records
from gateway.spool.format import HEADER_BYTES
from gateway.spool.inspection import inspect_spool
from gateway.spool.segments import segment_path

from .folders import copy
from .make_spools import BOOT, READINGS, SPOOL_V1, SPOOL_V2, write_v1

THINNED = 16

SUMS = {
    SPOOL_V1: "d879ab9b3c68031b975bf7e2a0dac8b0b244510cdc162d524b8152bb1f0f70a1",
    SPOOL_V2: "33edaeb7bfc3d98347daad7c913a1cc5003385c7de9df256ab81e6d01405c471",
}
both = pytest.mark.parametrize("spool", [SPOOL_V1, SPOOL_V2], ids=["v1", "v2"])


def sum_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


@both
def test_the_files_are_the_ones_that_were_checked_in(spool: Path) -> None:
    assert sum_of(spool) == SUMS[spool]


def test_todays_writer_still_makes_format_1(tmp_path: Path) -> None:
    """The same records under the same head. Bodies of the gateway's own grow, and with them the
    snapshots move: neither is part of the format."""
    write_v1(tmp_path / "spool")
    made, kept = list(read_records(tmp_path / "spool")), list(read_records(SPOOL_V1))
    heads = [
        segment_path(folder, 1).read_bytes()[:HEADER_BYTES]
        for folder in (tmp_path / "spool", SPOOL_V1)
    ]
    assert heads[0] == heads[1]
    told = [
        [
            (r.kind, r.priority, r.received_us, r.body if r.kind == Kind.MESSAGE else None)
            for r in records
            if r.kind != Kind.STATE
        ]
        for records in (made, kept)
    ]
    assert told[0] == told[1]


@both
def test_every_segment_is_sound_and_positions_mean_what_they_did(spool: Path) -> None:
    assert all(report.sound for report in inspect_spool(spool))
    whole = {record.start: record for record in read_records(SPOOL_V1)}
    records = list(read_records(spool))
    assert all(whole[r.start] == r for r in records if r.kind != Kind.GAP)
    told = sum(gap_of(r).messages or 0 for r in records if r.kind == Kind.GAP)
    found = sum(r.kind == Kind.MESSAGE for r in records)
    assert told + found == sum(r.kind == Kind.MESSAGE for r in whole.values())
    assert told == (0 if spool == SPOOL_V1 else THINNED)
    for place in whole:
        reader = SpoolReader(spool, place, lambda: records[-1].end)
        assert reader.read(1_000_000)[0].start == place
        reader.close()


@both
def test_a_gateway_goes_on_with_it_and_takes_nothing_in_twice(spool: Path, tmp_path: Path) -> None:
    board = Board(boot=BOOT)
    tmp_path.joinpath("gateway").mkdir()
    copy(spool, tmp_path / "gateway" / "spool")
    collecting = Collecting(tmp_path / "gateway", [board], ManualClock())
    known = collecting.gateway.ledger.boot("motors-a", BOOT)
    assert collecting.gateway.recovery.problems == ()
    assert collecting.gateway.unreadable_records == 0
    assert known.samples == READINGS * 20 - 40
    assert known.tables
    collecting.receive(*(board.readings() for _ in range(known.accepted.next)))
    assert collecting.ingest.refused["repeated"] == known.accepted.next
    collecting.receive(board.readings())
    collecting.commit()
    assert collecting.ingest.messages == 1
    collecting.close()


@both
def test_the_forwarder_takes_nothing_for_lost_by_the_node(spool: Path) -> None:
    end = [record.end for record in read_records(spool)][-1]
    boot = ledger_at(Log(spool, lambda: end), end).boot("motors-a", BOOT)
    assert boot.samples == READINGS * 20 - 40
    assert (boot.lost_messages, boot.lost_samples) == (0, 0)
    assert boot.accepted.next == 1 + READINGS + 5 + 1
    assert not boot.accepted.above


@both
def test_an_export_has_every_row_that_is_there(spool: Path) -> None:
    text = io.StringIO()
    rows = SelectedRows(spool, Selection(channel="0"))
    write_csv(rows, text)
    found = list(csv.DictReader(io.StringIO(text.getvalue())))
    gone = 0 if spool == SPOOL_V1 else THINNED
    assert len(found) == (READINGS - gone) * 10
    assert rows.gap_messages["thinned"] == gone
    assert found[-1]["value"] == "0.399"
    assert {row["time_quality"] for row in found} <= {"sure", "estimated"}
    assert found[-1]["time_quality"] == "sure"
