"""What sizes are foretold: a board counts on them before it writes."""

from axwire import MESSAGE_CAP, cose, table, up
from axwire.cbor import Writer
from axwire.parse import Hello, parse_up
from axwire.places import place
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import messages, run_vectors
from wire.reference import Fields

ROOM = 2 * MESSAGE_CAP - cose.sealed_size("n" * cose.NAME_CAP, MESSAGE_CAP)
"""Longest payload of a node with the longest name."""


def as_group(fields: Fields) -> table.Group:
    channels = [table.Channel(*row) for row in fields["channels"]]
    return table.Group(fields["number"], fields["first"], fields["period_ms"], channels)


def write_longest_hello(writer: Writer, group: list[table.Group]) -> None:
    about = up.About("v" * up.TEXT_CAP, "b" * up.TEXT_CAP, 6, 0xFFFFFFFF)
    pieces = [group] * table.GROUP_CAP
    up.hello(writer, 0xFFFFFFFF, 0xFFFFFFFF, about, 0xFFFF, table.GROUP_CAP - 1, pieces)


def test_a_hello_takes_at_most_its_overhead_beside_its_groups() -> None:
    writer = Writer(MESSAGE_CAP)
    write_longest_hello(writer, [])
    assert writer.length <= up.HELLO_OVERHEAD


def test_the_longest_group_fits_one_message_of_a_board() -> None:
    """With a quantity of 16 bits, which no quantity needs yet."""
    channel = table.Channel(0xFFFF, place(5, 63, 2), -(1 << 62), -(1 << 62), 0xFFFFFFFF)
    group = table.Group(15, 447, table.PERIOD_CAP_MS, [channel] * table.CHANNEL_CAP)
    writer = Writer(ROOM)
    write_longest_hello(writer, [group])
    assert table.group_size(group) + up.HELLO_OVERHEAD <= ROOM


@settings(max_examples=40)
@given(st.lists(messages.groups, max_size=16), st.text("v.0", min_size=1, max_size=23))
def test_a_table_is_shared_out_over_messages_that_fit(fields: list[Fields], version: str) -> None:
    groups = [as_group(group) for group in fields]
    writer = Writer(ROOM)
    pieces = up.hello_pieces(groups, ROOM)
    told: list[table.Group] = []
    for piece in range(len(pieces)):
        up.hello(writer, 1, piece, up.About(version, "board", 0, 0), 3, piece, pieces)
        hello = parse_up(bytes(writer.written()))
        assert isinstance(hello, Hello)
        assert (hello.piece, hello.pieces, hello.revision) == (piece, len(pieces), 3)
        told += hello.groups
    assert [group.channels for group in told] == [group.channels for group in groups]
    assert [group.number for group in told] == [group.number for group in groups]


@settings(max_examples=40)
@given(messages.groups)
def test_the_size_of_a_group_is_what_is_written(fields: Fields) -> None:
    writer = Writer(2048)
    table.write_group(writer, as_group(fields))
    assert writer.length == table.group_size(as_group(fields))


@given(messages.blocks())
def test_a_block_takes_at_most_what_is_foretold(block: Fields) -> None:
    message = {"boot": 0, "sequence": 0, "revision": 0, "blocks": [block]}
    head = len(b"\x85\x02\x00\x00\x00\x81")
    written = len(run_vectors.write("READINGS", message)) - head
    sample_bytes = len(block["samples"]) * block["bits"] // 8 + len(block["steps"] or [])
    channels = len(block["statuses"] or [0])
    assert written <= up.block_size(sample_bytes, channels, block["t_ms"])
