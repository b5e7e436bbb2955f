"""Messages a node sends, written into a Writer; docs/wire.md shows each.

Every kept message carries boot and sequence; `[type, boot, sequence, ...]`.
"""

from axwire import PROTOCOL_VERSION
from axwire.cbor import INT8, Writer, head_size
from axwire.table import Group, group_size, write_group

HELLO = 1
READINGS = 2
EVENT = 3
HEALTH = 4
WAVEFORM = 5
PONG = 6
THINNED = 7

HELLO_OVERHEAD = 96
"""At most what a HELLO takes beside its groups, with texts of 23 bytes each."""

TEXT_CAP = 23


def begin(writer: Writer, kind: int, boot: int, sequence: int, fields: int) -> None:
    """The head of any message with `fields` fields behind the sequence."""
    writer.clear()
    writer.array(3 + fields)
    writer.integer(kind)
    writer.integer(boot)
    writer.integer(sequence)


class About:
    """What a node says of itself in each HELLO of a boot."""

    def __init__(self, firmware: str, board: str, reset_cause: int, configuration: int) -> None:
        self.firmware = firmware
        self.board = board
        self.reset_cause = reset_cause
        self.configuration = configuration


def hello_pieces(groups: "list[Group]", room: int) -> "list[list[Group]]":
    """Share the groups out over as many HELLOs as a payload of `room` bytes demands."""
    pieces: list[list[Group]] = [[]]
    used = HELLO_OVERHEAD
    for group in groups:
        size = group_size(group)
        if pieces[-1] and used + size > room:
            pieces.append([])
            used = HELLO_OVERHEAD
        pieces[-1].append(group)
        used += size
    return pieces


def hello(
    writer: Writer,
    boot: int,
    sequence: int,
    about: About,
    revision: int,
    piece: int,
    pieces: "list[list[Group]]",
) -> None:
    """One piece of the channel table; `revision` counts the tables of this boot from 0."""
    begin(writer, HELLO, boot, sequence, 9)
    writer.integer(PROTOCOL_VERSION)
    writer.text(about.firmware)
    writer.text(about.board)
    writer.integer(about.reset_cause)
    writer.integer(about.configuration)
    writer.integer(revision)
    writer.integer(piece)
    writer.integer(len(pieces))
    writer.array(len(pieces[piece]))
    for group in pieces[piece]:
        write_group(writer, group)


def readings(writer: Writer, boot: int, sequence: int, revision: int, blocks: int) -> None:
    """The head of READINGS; `blocks` calls of `block` or `block_of_differences` follow."""
    begin(writer, READINGS, boot, sequence, 2)
    writer.integer(revision)
    writer.array(blocks)


def block(
    writer: Writer, group: int, t_ms: int, tag: int, rows: memoryview, statuses: "bytearray | None"
) -> None:
    """Sample rows as they are; `tag` = INT16 or INT32, `t_ms` = ms since boot of the first row."""
    _block_head(writer, group, t_ms, statuses)
    writer.typed(tag, rows)
    _statuses(writer, statuses)


def block_of_differences(
    writer: Writer,
    group: int,
    t_ms: int,
    tag: int,
    first_row: memoryview,
    differences: memoryview,
    statuses: "bytearray | None",
) -> None:
    """The first row, then each further row as int8 steps from the one before."""
    _block_head(writer, group, t_ms, statuses)
    writer.array(2)
    writer.typed(tag, first_row)
    writer.typed(INT8, differences)
    _statuses(writer, statuses)


def block_size(sample_bytes: int, channels: int, t_ms: int) -> int:
    """At most what a block with that many bytes of samples takes."""
    return 1 + 2 + head_size(t_ms) + 1 + 2 * (2 + 3) + sample_bytes + 1 + channels + 1


def event(
    writer: Writer, boot: int, sequence: int, t_ms: int, code: int, arguments: "tuple[int, ...]"
) -> None:
    """Something happened; codes and arguments in axwire.codes."""
    begin(writer, EVENT, boot, sequence, 3)
    writer.integer(t_ms)
    writer.integer(code)
    writer.array(len(arguments))
    for argument in arguments:
        writer.integer(argument)


def health(
    writer: Writer,
    boot: int,
    sequence: int,
    t_ms: int,
    oldest: int,
    fields: "list[int | None]",
) -> None:
    """How the node is; `oldest` = lowest sequence it still holds: below it, nothing more comes."""
    begin(writer, HEALTH, boot, sequence, 3)
    writer.integer(t_ms)
    writer.integer(oldest)
    writer.array(len(fields))
    for field in fields:
        writer.optional(field)


def waveform(
    writer: Writer,
    boot: int,
    sequence: int,
    revision: int,
    channel: int,
    burst: int,
    piece: int,
    pieces: int,
    t_ms: int,
    period_ns: int,
    tag: int,
    samples: memoryview,
) -> None:
    """A piece of a high-rate burst of one channel, in the raw integers of its table entry.

    `revision` names that table.
    """
    begin(writer, WAVEFORM, boot, sequence, 8)
    for field in (revision, channel, burst, piece, pieces, t_ms, period_ns):
        writer.integer(field)
    writer.typed(tag, samples)


def pong(writer: Writer, boot: int, ping_sequence: int, t_us: int) -> None:
    """The answer to a PING: the board's own microseconds. Not kept: it has the ping's sequence."""
    begin(writer, PONG, boot, ping_sequence, 1)
    writer.integer(t_us)


def _block_head(writer: Writer, group: int, t_ms: int, statuses: "bytearray | None") -> None:
    writer.array(3 if statuses is None else 4)
    writer.integer(group)
    writer.integer(t_ms)


def _statuses(writer: Writer, statuses: "bytearray | None") -> None:
    if statuses is not None:
        writer.array(len(statuses))
        for status in statuses:
            writer.integer(status)
