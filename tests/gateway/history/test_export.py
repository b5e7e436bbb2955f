"""An export holds every selected sample once, with its time, unit and quality, and says what is
not in it."""

import csv
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest
from axwire.codes import STUCK
from board_peer import MISSING, Board, group_of
from collecting import Collecting
from manual_clock import ManualClock
from typer.testing import CliRunner

from gateway.errors import AxleboxError
from gateway.history.export import COLUMNS
from gateway.ledger import account_of
from gateway.spool import Limits, Thinner, make_room
from gateway.spool.cli import app

from .recorded import ROWS, board, record, thinned_message

Collect = Callable[..., Collecting]
Row = dict[str, str]


def run(collecting: Collecting, *arguments: str) -> tuple[list[Row], str]:
    """The rows of an export to standard output, and what it said beside them."""
    folder = str(collecting.gateway.writer.folder)
    result = CliRunner().invoke(app, ["export", "--folder", folder, *arguments])
    if result.exception is not None:
        raise result.exception
    return list(csv.DictReader(io.StringIO(result.stdout))), result.stderr


@pytest.fixture
def recorded(collect: Collect) -> Collecting:
    peer, other = board(), board("motors-b", 7)
    collecting = collect(peer, other)
    record(collecting, other, 3, seed=7)
    record(collecting, peer, 6, seed=8)
    return collecting


def test_each_sample_is_a_row_with_all_that_is_known_of_it(collect: Collect) -> None:
    peer = Board(groups=[group_of("motor.current", 2, period_ms=10)])
    collecting = collect(peer)
    collecting.receive(peer.hello())
    collecting.answer_pings(peer, collecting.clock.monotonic_us())
    rows = [[1500, -2], [MISSING, 3]]
    collecting.receive(peer.readings(rows, t_ms=1000, statuses=[0, STUCK]))
    collecting.commit()
    found, said = run(collecting)
    assert found == [
        {"time": f"2025-11-21T20:00:01.0{ms}0000Z", "time_quality": "sure", "node": "motors-a",
         "quantity": "motor.current", "place": place, "unit": "A", "value": value,
         "status": status}
        for place, ms, value, status in [
            ("motor 1", 0, "1.500", "ok"), ("motor 1", 1, "", "missing"),
            ("motor 2", 0, "-0.002", "stuck"), ("motor 2", 1, "0.003", "stuck"),
        ]
    ]  # fmt: skip
    assert tuple(found[0]) == COLUMNS
    assert said == "4 samples\n"


def test_rows_that_arrived_before_any_clock_are_placed_by_the_first_or_marked(
    collect: Collect,
) -> None:
    peer, lone = board(), board("motors-b", 7)
    collecting = collect(peer, lone)
    booted_us = collecting.clock.monotonic_us()
    collecting.receive(peer.hello(), lone.hello())
    collecting.receive(peer.readings([[1, 1]], t_ms=0), lone.readings([[1, 1]], t_ms=9000))
    collecting.clock.advance_us(2_000_000)
    collecting.answer_pings(peer, booted_us)
    collecting.commit()
    found, _ = run(collecting, "--channel", "0")
    quality = {row["node"]: (row["time_quality"], row["time"]) for row in found}
    assert quality["motors-a"] == ("sure", "2025-11-21T20:00:00.000000Z")
    assert quality["motors-b"] == ("estimated", "2025-11-21T20:00:00.000000Z")


def test_a_time_that_came_later_places_a_boot_that_was_over_by_then(
    collect: Collect, clock: ManualClock
) -> None:
    clock.trust(False)
    clock.step_wall_us(-86_400_000_000)
    peer = board()
    collecting = collect(peer)
    collecting.receive(peer.hello())
    collecting.answer_pings(peer, clock.monotonic_us())
    collecting.receive(peer.readings([[1, 1]], t_ms=0))
    peer.reset(8)
    collecting.receive(peer.hello())
    clock.set_wall()
    collecting.tick()
    collecting.commit()
    found, _ = run(collecting, "--channel", "0")
    assert [(row["time_quality"], row["time"]) for row in found] == [
        ("sure", "2025-11-21T20:00:00.000000Z")
    ]


def test_what_a_node_thinned_is_three_rows_that_say_so(collect: Collect) -> None:
    peer = board()
    collecting = collect(peer)
    collecting.receive(peer.hello())
    message = thinned_message(peer, [[100, 1], [200, 2], [300, 3]], 2000, 40)
    assert collecting.receive(message) == [True]
    collecting.commit()
    found, _ = run(collecting, "--channel", "0")
    assert [(row["value"], row["status"]) for row in found] == [
        ("0.100", "thinned_minimum"),
        ("0.200", "thinned_mean"),
        ("0.300", "thinned_maximum"),
    ]


def test_the_filters_select(recorded: Collecting) -> None:
    everything, said = run(recorded)
    assert len(everything) == 9 * ROWS * 2
    assert said == f"{len(everything)} samples\n"
    for arguments, wanted in [
        (("--node", "motors-b"), lambda row: row["node"] == "motors-b"),
        (("--channel", "1"), lambda row: row["place"] == "motor 2"),
        (("--channel", "motor.current at motor 1"), lambda row: row["place"] == "motor 1"),
        (("--channel", "motor.current"), lambda row: True),
        (("--channel", "motor.voltage"), lambda row: False),
        (("--from", "2025-11-21T20:00:20Z"), lambda row: row["time"] >= "2025-11-21T20:00:20"),
        (("--to", "2025-11-21T20:00:20"), lambda row: row["time"] < "2025-11-21T20:00:20"),
        (
            ("--from", "2025-11-22T01:00:20+05:00", "--to", "2025-11-21T20:00:21"),
            lambda row: "2025-11-21T20:00:20" <= row["time"] < "2025-11-21T20:00:21",
        ),
    ]:
        found, _ = run(recorded, *arguments)
        assert found == [row for row in everything if wanted(row)], arguments


def test_parquet_holds_the_same_as_csv(recorded: Collecting, tmp_path: Path) -> None:
    rows, _ = run(recorded)
    path = tmp_path / "rows.parquet"
    run(recorded, "--format", "parquet", "--out", str(path))
    table = pyarrow.parquet.read_table(path)
    assert table.column_names == list(COLUMNS)
    assert str(table.schema.field("time").type) == "timestamp[us, tz=UTC]"
    for name in ("time_quality", "node", "quantity", "place", "unit", "status"):
        assert table[name].to_pylist() == [row[name] for row in rows]
    assert [f"{t:%Y-%m-%dT%H:%M:%S.%fZ}" for t in table["time"].to_pylist()] == [
        row["time"] for row in rows
    ]
    values = [None if row["value"] == "" else float(row["value"]) for row in rows]
    assert table["value"].to_pylist() == pytest.approx(values)
    assert None in values


def test_parquet_is_written_a_group_of_rows_at_a_time(
    recorded: Collecting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.history.export._ROWS_A_GROUP", 500)
    path = tmp_path / "rows.parquet"
    run(recorded, "--format", "parquet", "--out", str(path))
    file = pyarrow.parquet.ParquetFile(path)
    sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
    assert sizes == [600, 600, 600]
    assert sorted(set(file.read()["node"].to_pylist())) == ["motors-a", "motors-b"]


def test_without_pyarrow_the_words_say_what_to_do(
    recorded: Collecting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(AxleboxError, match=r"pip install 'axlebox\[parquet\]'.*--format csv"):
        run(recorded, "--format", "parquet", "--out", str(tmp_path / "rows.parquet"))
    assert not list(tmp_path.glob("*.parquet"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--format", "parquet"), "name it with --out"),
        (("--from", "yesterday"), "'yesterday' is no time: write it as 2026-03-01T14:30:00Z"),
        (("--out", "/nowhere/rows.csv"), "/nowhere/rows.csv cannot be written: No such file"),
    ],
)
def test_a_wrong_wish_gets_a_clear_answer(
    recorded: Collecting, arguments: tuple[str, ...], words: str
) -> None:
    with pytest.raises(AxleboxError, match=words):
        run(recorded, *arguments)


def test_what_is_not_in_the_file_is_said(collect: Collect) -> None:
    peer = board()
    collecting = collect(peer, segment_mb=1)
    core = collecting.gateway
    collecting.receive(peer.hello())
    n = 0
    while core.writer.committed.segment < 3:
        for _ in range(100):
            n += 1
            collecting.receive(peer.readings([[n % 7, 1]] * 400, t_ms=n * 20_000))
        collecting.commit()
    thinner = Thinner(core.writer.storage, core.writer.folder, account_of)
    make_room(core.writer, Limits(core.writer.total_bytes, 0), None, thinner=thinner)
    gone = core.writer.metrics.messages_thinned
    found, said = run(collecting, "--channel", "1")
    assert gone > 0
    assert len(found) == (n - gone) * 400
    assert f"{gone} messages are gone from the store (thinned)" in said


def test_a_damaged_stretch_costs_its_rows_alone(recorded: Collecting) -> None:
    whole, _ = run(recorded)
    path = next(recorded.gateway.writer.folder.glob("*.seg"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    left, _ = run(recorded)
    assert len(whole) - 2 * ROWS == len(left)


def test_a_trend_is_printed_with_what_is_unknown(recorded: Collecting) -> None:
    folder = str(recorded.gateway.writer.folder)
    question = ["--node", "motors-a", "--channel", "0", "--points", "4"]
    period = ["--from", "2025-11-21T20:00:00Z", "--to", "2025-11-21T20:01:00Z"]
    result = CliRunner().invoke(app, ["trend", "--folder", folder, *question, *period])
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["time"] for row in rows] == [
        f"2025-11-21T20:00:{s:02}.000000Z" for s in (0, 15, 30, 45)
    ]
    assert [row["status"] for row in rows][::3] == ["unknown", "unknown"]
    known = [row for row in rows if row["status"] != "unknown"]
    assert all(float(row["low"]) <= float(row["mean"]) <= float(row["high"]) for row in known)
    assert sum(int(row["missing"]) for row in rows) > 0
    assert rows[0]["mean"] == ""
