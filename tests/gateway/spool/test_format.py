"""The bytes on the disk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.spool.errors import NewerFormatError, PositionError
from gateway.spool.format import (
    HEADER_BYTES,
    MAX_BODY_BYTES,
    MAX_STATE_BYTES,
    RECORD_BYTES,
    Entry,
    Kind,
    Position,
    Record,
    SegmentHeader,
    body_limit,
    find_record,
    pack_header,
    pack_records,
    parse_records,
    unpack_header,
)
from gateway.spool.gaps import DAMAGED, REMOVED, Gap, gap_entry, gap_of, pieces

entries = st.lists(
    st.builds(
        Entry,
        st.sampled_from(list(Kind)),
        st.integers(0, 3),
        st.integers(-(2**63) + 1, 2**63 - 1),
        st.binary(max_size=300),
    ),
    max_size=20,
)


@given(entries, st.integers(1, 9_999_999_999), st.integers(HEADER_BYTES, 2**31))
def test_records_read_back_as_they_were(batch: list[Entry], number: int, offset: int) -> None:
    data = bytes(pack_records(batch, number, offset))
    records: list[Record] = []
    assert parse_records(data, number, offset, records) == (offset + len(data), 0)
    assert [(r.kind, r.priority, r.received_us, r.body) for r in records] == batch
    assert len(data) == sum(RECORD_BYTES + len(entry.body) for entry in batch)


def test_a_record_costs_at_most_24_bytes_beside_its_body() -> None:
    assert len(pack_records([Entry(1, 1, 0, b"")], 1, HEADER_BYTES)) <= 24


@pytest.mark.parametrize(("number", "offset"), [(2, 32), (1, 33), (1, 4128)])
def test_a_record_is_sound_only_in_its_own_place(number: int, offset: int) -> None:
    data = bytes(pack_records([Entry(1, 1, 5, b"here")], 1, 32))
    records: list[Record] = []
    assert parse_records(data, number, offset, records) == (offset, -1)
    assert records == []


def test_a_spool_inside_a_refused_message_is_not_taken_for_records() -> None:
    forged = bytes(pack_records([Entry(1, 1, 5, b"forged")], 1, 32))
    data = bytearray(pack_records([Entry(6, 2, 5, forged), Entry(1, 1, 5, b"true")], 1, 32))
    data[0] ^= 1
    assert find_record(bytes(data), 1, 32) == 32 + 2 * RECORD_BYTES + len(b"forged")


def test_a_length_above_the_cap_is_damage_and_not_waited_for() -> None:
    data = bytearray(pack_records([Entry(1, 1, 5, b"x" * 100)], 1, 32))
    data[8:12] = (MAX_BODY_BYTES + 1).to_bytes(4, "little")
    assert parse_records(bytes(data), 1, 32, []) == (32, -1)
    assert body_limit(Kind.STATE) == MAX_STATE_BYTES


def test_a_header_reads_back_and_belongs_to_its_file() -> None:
    header = SegmentHeader(7, 1_763_755_200_000_000, 4096)
    data = pack_header(header)
    assert len(data) == HEADER_BYTES
    assert unpack_header(data, 7) == header
    assert unpack_header(data, 8) is None
    assert unpack_header(data[:-1], 7) is None


def test_each_flipped_bit_of_a_header_is_noticed() -> None:
    data = pack_header(SegmentHeader(7, 1_763_755_200_000_000, 4096))
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert unpack_header(bytes(flipped), 7) is None


def test_a_newer_format_is_named_and_not_guessed_at() -> None:
    data = pack_header(SegmentHeader(7, 0, 0, version=3))
    with pytest.raises(NewerFormatError, match=r"0000000007\.seg has format 3.*install"):
        unpack_header(data, 7)


def test_positions_are_written_and_ordered() -> None:
    assert Position.parse("12:4096") == Position(12, 4096)
    assert Position.parse("12") == Position(12, 0)
    assert str(Position(12, 4096)) == "12:4096"
    assert Position(2, 32) > Position(1, 10_000)


@pytest.mark.parametrize("text", ["", "x", "1:x", "-1:2", ":5", "1:2:3"])
def test_a_wrong_position_says_how_to_write_one(text: str) -> None:
    with pytest.raises(PositionError, match="write SEGMENT:OFFSET"):
        Position.parse(text)


@given(st.integers(RECORD_BYTES, 400_000))
def test_gaps_fill_exactly_the_stretch_that_was_lost(size: int) -> None:
    fillers = pieces(size, 5)
    assert sum(RECORD_BYTES + len(entry.body) for entry in fillers) == size
    assert all(len(entry.body) <= MAX_BODY_BYTES for entry in fillers)


def test_gaps_fill_a_stretch_that_leaves_less_than_a_record_over() -> None:
    one = RECORD_BYTES + MAX_BODY_BYTES
    for size in range(one - 2, one + 2 * RECORD_BYTES):
        assert sum(RECORD_BYTES + len(entry.body) for entry in pieces(size, 5)) == size


def test_a_gap_says_what_is_lost() -> None:
    gap = Gap(REMOVED, 3, 32, 5000, 12, 100, 200)
    stored = gap_entry(gap, 300)
    record = Record(9, 64, 120, stored.kind, stored.priority, 300, stored.body)
    assert gap_of(record) == gap


def test_a_blank_gap_is_its_own_stretch() -> None:
    (filler,) = pieces(70, 5)
    record = Record(9, 64, 70, filler.kind, filler.priority, 5, filler.body)
    assert gap_of(record) == Gap(DAMAGED, 9, 64, 70, None, 5, 5)


def test_a_gap_of_an_unknown_form_is_still_a_gap() -> None:
    assert gap_of(Record(9, 64, 23, Kind.GAP, 3, 5, b"???")) == Gap("unreadable", 9, 64, 23)
