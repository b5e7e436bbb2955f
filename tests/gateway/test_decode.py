"""Blocks and channel tables: what the gateway reads is what the node measured."""

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from axwire.codes import OK, OPEN
from axwire.cose import split
from axwire.errors import MessageError
from axwire.parse import Hello, Readings, parse_up
from axwire.quantities import QUANTITIES
from axwire.table import Channel, Group
from board_peer import MISSING, Board, group_of
from hypothesis import given
from hypothesis import strategies as st

from gateway.decode import (
    ChannelTable,
    GroupTable,
    Rows,
    TableBuilder,
    count_samples,
    decode_readings,
)

INT16 = st.integers(-(1 << 15) + 1, (1 << 15) - 1)
INT32 = st.integers(-(1 << 31) + 1, (1 << 31) - 1)
SMALL = st.integers(-128, 127)


def table_of(groups: list[Group]) -> ChannelTable:
    tables = [GroupTable(g.number, g.first, g.period_ms, tuple(g.channels)) for g in groups]
    return ChannelTable(0, {table.number: table for table in tables})


def readings_of(message: bytes) -> Readings:
    up = parse_up(split(message).payload)
    assert isinstance(up, Readings)
    return up


def decoded(board: Board, message: bytes) -> Rows:
    """The only block of the message."""
    (rows,) = decode_readings(readings_of(message), table_of(board.groups))
    return rows


def hello_of(message: bytes) -> Hello:
    up = parse_up(split(message).payload)
    assert isinstance(up, Hello)
    return up


@st.composite
def blocks(draw: st.DrawFn, cell: st.SearchStrategy[int]) -> tuple[Board, list[list[int]]]:
    """A board with a group of some channels, and rows for it."""
    channels = draw(
        st.lists(
            st.tuples(
                st.sampled_from(sorted(QUANTITIES)),
                st.integers(-(1 << 40), 1 << 40).filter(bool),
                st.integers(-(1 << 40), 1 << 40),
            ),
            min_size=1,
            max_size=5,
        )
    )
    group = Group(3, 0, 20, [Channel(number, 0, scale, off, 0) for number, scale, off in channels])
    row = st.lists(cell, min_size=len(channels), max_size=len(channels))
    return Board(groups=[group]), draw(st.lists(row, min_size=1, max_size=8))


def assert_values(rows: Rows, expected: list[list[int]]) -> None:
    """Each value = (raw x scale + offset) x 10^exponent, within the last bits of a float."""
    assert rows.raw.tolist() == expected
    for got, raws in zip(rows.values.tolist(), expected, strict=True):
        for value, raw, channel in zip(got, raws, rows.group.channels, strict=True):
            unit = Fraction(10) ** QUANTITIES[channel.quantity].exponent
            exact = (raw * channel.scale + channel.offset) * unit
            largest = (abs(raw * channel.scale) + abs(channel.offset)) * unit
            assert abs(Fraction(value) - exact) <= largest * Fraction(1, 1 << 50)


@given(blocks(INT16))
def test_reads_rows_of_16_bits(case: tuple[Board, list[list[int]]]) -> None:
    board, rows = case
    assert_values(decoded(board, board.readings(rows, group=3)), rows)


@given(blocks(INT32))
def test_reads_rows_of_32_bits(case: tuple[Board, list[list[int]]]) -> None:
    board, rows = case
    assert_values(decoded(board, board.readings(rows, group=3, wide=True)), rows)


@pytest.mark.parametrize("wide", [False, True])
@given(case=blocks(SMALL), base=st.integers(-30_000, 30_000))
def test_reads_a_first_row_and_steps(
    wide: bool, case: tuple[Board, list[list[int]]], base: int
) -> None:
    board, steps = case
    rows = [[base] * len(steps[0])]
    for step in steps[1:]:
        rows.append([before + one for before, one in zip(rows[-1], step, strict=True)])
    assert_values(decoded(board, board.differences(rows, group=3, wide=wide)), rows)


def test_a_sample_that_was_not_taken_has_no_value(board: Board) -> None:
    rows = decoded(board, board.readings([[MISSING, 5], [6, MISSING], [7, 8]]))
    assert rows.missing.tolist() == [[True, False], [False, True], [False, False]]
    assert np.isnan(rows.values).tolist() == rows.missing.tolist()
    assert rows.samples == 4


def test_the_lowest_integer_marks_a_gap_in_its_own_width_only(board: Board) -> None:
    rows = decoded(board, board.readings([[MISSING, -(1 << 31)]], wide=True))
    assert rows.missing.tolist() == [[False, True]]


NEAR_THE_LOWEST = st.integers(MISSING, MISSING + 3)


@given(blocks(st.one_of(INT16, NEAR_THE_LOWEST)), st.booleans())
def test_samples_are_counted_without_the_table_too(
    case: tuple[Board, list[list[int]]], faulty: bool
) -> None:
    board, rows = case
    statuses = [OPEN] * len(rows[0]) if faulty else None
    message = board.readings(rows, group=3, statuses=statuses)
    assert count_samples(readings_of(message)) == decoded(board, message).samples


@given(blocks(SMALL), st.integers(MISSING, MISSING + 300))
def test_samples_told_as_steps_are_counted_without_the_table_too(
    case: tuple[Board, list[list[int]]], base: int
) -> None:
    board, steps = case
    rows = [[base] * len(steps[0])]
    for step in steps[1:]:
        rows.append([max(MISSING, v + one) for v, one in zip(rows[-1], step, strict=True)])
    message = board.differences(rows, group=3)
    taken = sum(value != MISSING for row in rows for value in row)
    assert count_samples(readings_of(message)) == decoded(board, message).samples == taken


@pytest.mark.parametrize("count", [2, 9, 60])
def test_a_channel_that_falls_as_fast_as_steps_can_lacks_its_last_sample(
    board: Board, count: int
) -> None:
    rows = [[MISSING + 128 * (count - 1 - row), 30_000] for row in range(count)]
    assert decoded(board, board.differences(rows)).samples == 2 * count - 1


def test_each_row_has_its_time(board: Board) -> None:
    rows = decoded(board, board.readings([[0, 0]] * 4, t_ms=1_000))
    assert (rows.t_ms, rows.last_t_ms) == (1_000, 1_300)


def test_all_is_well_unless_the_block_says_otherwise(board: Board) -> None:
    assert list(decoded(board, board.readings()).statuses) == [OK, OK]
    assert list(decoded(board, board.readings(statuses=[OK, OPEN])).statuses) == [OK, OPEN]


@pytest.mark.parametrize(
    ("rows", "statuses", "words"),
    [
        ([[1, 2], [3]], None, "6 bytes are no rows of 4 bytes"),
        ([], None, "0 bytes are no rows of 4 bytes"),
        ([[1, 2]], [OK], "1 statuses for 2 channels of group 0"),
    ],
)
def test_a_block_that_does_not_fit_its_table_is_refused(
    board: Board, rows: list[list[int]], statuses: list[int] | None, words: str
) -> None:
    with pytest.raises(MessageError, match=words):
        decoded(board, board.readings(rows, statuses=statuses))


def test_steps_that_do_not_fit_are_refused(board: Board) -> None:
    with pytest.raises(MessageError, match="4 bytes and 3 steps are no rows of 2 channels"):
        decoded(board, board.raw_differences(b"\0\0\0\0", b"\1\1\1"))


def test_a_group_that_nobody_announced_is_refused(board: Board) -> None:
    with pytest.raises(MessageError, match="group 7 is not in the channel table"):
        decoded(board, board.readings(group=7))


THREE = [
    group_of("motor.current", 2),
    group_of("motor.voltage", 3, number=1, first=2),
    group_of("motor.speed", 1, number=5, first=5),
]


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_a_table_is_whole_whatever_the_order_of_its_pieces(order: tuple[int, ...]) -> None:
    pieces = Board().hello_pieces([[group] for group in THREE])
    builder = TableBuilder()
    tables = [builder.add(hello_of(pieces[number])) for number in order]
    assert tables[:2] == [None, None]
    assert tables[2] == table_of(THREE)
    assert tables[2] is not None
    assert tables[2].channel_count == 6


def test_pieces_of_two_revisions_do_not_mix() -> None:
    board, builder = Board(), TableBuilder()
    old = board.hello_pieces([[THREE[0]], [THREE[1]]])
    board.revision = 1
    new = board.hello_pieces([[THREE[0]], [THREE[1]]])
    tables = [builder.add(hello_of(piece)) for piece in (old[0], new[1], old[1], new[0])]
    assert [table and table.revision for table in tables] == [None, None, 0, 1]


def test_a_table_shared_out_anew_needs_all_its_pieces() -> None:
    board, builder = Board(), TableBuilder()
    builder.add(hello_of(board.hello_pieces([[THREE[0]], [THREE[1]], [THREE[2]]])[0]))
    first, second = board.hello_pieces([THREE[:2], THREE[2:]])
    assert builder.add(hello_of(second)) is None
    assert builder.add(hello_of(first)) == table_of(THREE)


@pytest.mark.parametrize(
    "groups",
    [
        [group_of("motor.current", 2), group_of("motor.voltage", 2, number=1, first=1)],
        [group_of("motor.current", 2), group_of("motor.voltage", 2, number=1, first=3)],
        [group_of("motor.current", 2), group_of("motor.voltage", 2, number=0, first=2)],
        [group_of("motor.current", 2, first=1)],
    ],
    ids=["overlapping", "with a hole", "same number twice", "not from 0"],
)
def test_a_table_that_contradicts_itself_is_refused(groups: list[Group]) -> None:
    builder = TableBuilder()
    *most, last = Board().hello_pieces([[group] for group in groups])
    for piece in most:
        assert builder.add(hello_of(piece)) is None
    with pytest.raises(MessageError, match="begins at channel"):
        builder.add(hello_of(last))


def test_a_refused_piece_leaves_no_trace() -> None:
    board, builder = Board(), TableBuilder()
    wrong = group_of("motor.voltage", 3, number=1, first=1)
    first, second = board.hello_pieces([[THREE[0]], [wrong]])
    builder.add(hello_of(first))
    with pytest.raises(MessageError):
        builder.add(hello_of(second))
    good = board.hello_pieces([[THREE[0]], [THREE[1]]])[1]
    assert builder.add(hello_of(good)) == table_of(THREE[:2])
