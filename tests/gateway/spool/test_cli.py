"""`axlebox spool` as a person uses it."""

import json
import os
from pathlib import Path

import pytest
from axwire import up
from axwire.cbor import Writer
from axwire.cose import UP, MacKey, seal
from manual_clock import ManualClock
from typer.testing import CliRunner

from gateway.spool import Kind, Priority, open_spool
from gateway.spool.cli import app
from gateway.spool.describe import describe_message, utc_text
from gateway.spool.format import Position, SegmentHeader, pack_header

from .folders import RECEIVED_US, SMALL, fill

runner = CliRunner()


def message(node: str, boot: int, sequence: int) -> bytes:
    writer = Writer(256)
    up.event(writer, boot, sequence, 1000, 2, (5000,))
    return seal(MacKey(bytes(32)), node, UP, writer.written())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with open_spool(tmp_path, ManualClock(), settings=SMALL) as spool:
        append = spool.writer.append
        append(Kind.STATE, Priority.SERVICE, bytes(40), RECEIVED_US)
        for sequence in range(12):
            node = ("motors-a", "brakes")[sequence % 2]
            body = message(node, 0x9F3A01C2, sequence)
            append(Kind.MESSAGE, Priority.READINGS, body, RECEIVED_US + sequence)
        append(Kind.MESSAGE, Priority.READINGS, b"not CBOR", RECEIVED_US + 12)
        append(Kind.CLOCK, Priority.SERVICE, b'{"offset_us":5}', RECEIVED_US + 13)
        append(Kind.QUARANTINE, Priority.READINGS, b"\x00\xff", RECEIVED_US + 14)
    return tmp_path


def cat(folder: Path, *options: str) -> list[dict[str, object]]:
    result = runner.invoke(app, ["cat", "--folder", str(folder), *options])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]


def test_cat_prints_a_json_object_a_record(folder: Path) -> None:
    shown = cat(folder)
    assert len(shown) == 16
    assert shown[0] == {
        "position": "1:32",
        "kind": "state",
        "priority": 2,
        "received": "2025-11-21T20:00:00.000000Z",
        "size": 40,
    }
    assert shown[1] == {
        "position": "1:92",
        "kind": "message",
        "priority": 1,
        "received": "2025-11-21T20:00:00.000000Z",
        "size": len(message("motors-a", 0x9F3A01C2, 0)),
        "node": "motors-a",
        "type": "event",
        "boot": "9f3a01c2",
        "sequence": 0,
    }
    assert shown[14]["body"] == {"offset_us": 5}
    assert shown[15]["hex"] == "00ff"


def test_cat_shows_what_it_cannot_read_as_hex_with_the_reason(folder: Path) -> None:
    (broken,) = [shown for shown in cat(folder) if "undecodable" in shown]
    assert broken["hex"] == b"not CBOR".hex()
    assert "COSE_Mac0" in str(broken["undecodable"])


def test_cat_selects_by_node_kind_place_and_number(folder: Path) -> None:
    everything = cat(folder)
    assert [s["sequence"] for s in cat(folder, "--node", "brakes")] == [1, 3, 5, 7, 9, 11]
    assert [s["kind"] for s in cat(folder, "--kind", "clock")] == ["clock"]
    assert cat(folder, "--limit", "3") == everything[:3]
    assert cat(folder, "--from", str(everything[10]["position"])) == everything[10:]
    assert cat(folder, "--from", "2") == [
        shown for shown in everything if str(shown["position"]).startswith("2:")
    ]


def test_cat_shows_gaps(folder: Path) -> None:
    shown = cat(folder)[3]
    offset = int(str(shown["position"]).split(":")[1])
    path = folder / "0000000001.seg"
    content = bytearray(path.read_bytes())
    content[offset + 30] ^= 1
    path.write_bytes(content)
    for _ in range(2):
        (gap,) = [s for s in cat(folder) if s["kind"] == "gap"]
        assert gap["position"] == shown["position"]
        assert isinstance(gap["gap"], dict)
        assert gap["gap"]["reason"] == "damaged"
        assert gap["gap"]["bytes"] == 20 + int(str(shown["size"]))
        open_spool(folder, ManualClock()).close()


def test_a_wrong_place_is_explained(folder: Path) -> None:
    result = runner.invoke(app, ["cat", "--folder", str(folder), "--from", "here"])
    assert result.exit_code == 2
    assert "write SEGMENT:OFFSET" in result.output


@pytest.mark.parametrize("command", ["ls", "verify", "cat"])
def test_a_missing_folder_is_explained(tmp_path: Path, command: str) -> None:
    result = runner.invoke(app, [command, "--folder", str(tmp_path / "nowhere")])
    assert result.exit_code == 2
    assert "check the path" in result.output


def test_the_folder_may_come_from_the_environment(folder: Path) -> None:
    result = runner.invoke(app, ["verify"], env={"AXLEBOX_SPOOL": str(folder)})
    assert result.exit_code == 0


def test_ls_lists_each_segment(folder: Path) -> None:
    result = runner.invoke(app, ["ls", "--folder", str(folder)], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert "0000000001.seg" in lines[1]
    assert "1 state" in lines[1]
    assert "2025-11-21T20:00:00" in lines[1]
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert lines[-1] == f"{len(lines) - 2} segments, 16 records, {size} bytes"


def test_verify_finds_a_sound_spool_sound_while_it_is_written(folder: Path) -> None:
    with open_spool(folder, ManualClock()) as spool:
        spool.writer.append(Kind.RUN, Priority.SERVICE, b"run", RECEIVED_US)
        spool.writer.commit()
        result = runner.invoke(app, ["verify", "--folder", str(folder)])
    assert result.exit_code == 0
    assert "17 records: sound" in result.output


def test_verify_says_where_the_damage_is_and_what_to_do(folder: Path) -> None:
    path = folder / "0000000001.seg"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result = runner.invoke(app, ["verify", "--folder", str(folder)])
    assert result.exit_code == 1
    assert "0000000001.seg: 62 bytes at 1:92 hold no sound record" in result.output
    assert "1 faults" in result.output
    assert "15 records are sound" in result.output
    assert "look into `dmesg`" in result.output
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_verify_says_where_nothing_tells_how_far_a_segment_went(folder: Path) -> None:
    """The end of the first one is cut off, and the header that would tell is gone."""
    first, second = (folder / f"{number:010d}.seg" for number in (1, 2))
    last = [str(s["position"]) for s in cat(folder) if str(s["position"]).startswith("1:")][-1]
    os.truncate(first, Position.parse(last).offset)
    second.write_bytes(bytes(32) + second.read_bytes()[32:])
    words = "0000000001.seg: where it ended is not known"
    for exit_code in (1, 0):
        result = runner.invoke(app, ["verify", "--folder", str(folder)])
        assert result.exit_code == exit_code
        assert words in result.output
        open_spool(folder, ManualClock()).close()


def test_verify_says_that_the_end_before_a_missing_segment_is_not_known(tmp_path: Path) -> None:
    fill(tmp_path, 1, 30)
    (tmp_path / "0000000002.seg").unlink()
    result = runner.invoke(app, ["verify", "--folder", str(tmp_path)])
    assert result.exit_code == 1
    assert "0000000002.seg: missing" in result.output
    assert "0000000001.seg: where it ended is not known" in result.output
    assert result.output.count("not known") == 1


def test_verify_knows_a_torn_end_from_damage(folder: Path) -> None:
    with max(folder.glob("*.seg")).open("ab") as file:
        file.write(b"torn")
    result = runner.invoke(app, ["verify", "--folder", str(folder)])
    assert result.exit_code == 0
    assert "the last 4 bytes are an unfinished write" in result.output


def test_verify_names_missing_and_newer_segments(folder: Path) -> None:
    last = max(folder.glob("*.seg"))
    number = int(last.stem)
    (folder / f"{number + 2:010d}.seg").write_bytes(
        pack_header(SegmentHeader(number + 2, 0, 0, version=3))
    )
    result = runner.invoke(app, ["verify", "--folder", str(folder)])
    assert result.exit_code == 1
    assert f"{number + 1:010d}.seg: missing" in result.output
    assert "has format 3" in result.output


def test_verify_mentions_kept_damaged_files(folder: Path) -> None:
    (folder / "0000000001.bad").write_bytes(b"")
    result = runner.invoke(app, ["verify", "--folder", str(folder)])
    assert result.exit_code == 0
    assert "0000000001.bad: a damaged segment, kept" in result.output


def test_a_time_that_no_calendar_has_is_shown_as_it_is() -> None:
    assert utc_text(-1) == "1969-12-31T23:59:59.999999Z"
    assert utc_text(2**62) == str(2**62)


def test_a_message_is_described() -> None:
    assert describe_message(message("axles", 1, 2)) == {
        "node": "axles",
        "type": "event",
        "boot": "00000001",
        "sequence": 2,
    }
