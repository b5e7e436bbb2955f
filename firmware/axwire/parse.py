"""Up messages as the gateway reads them: every field checked, nothing guessed.

Needs no channel table; what does (the shape of a block) is checked by `Block.rows`.
"""

from axwire import ACCEPTED_VERSIONS
from axwire.cbor import INT8, INT16, INT32, Typed, decode
from axwire.codes import RESET_CAUSES, STATUSES
from axwire.errors import MessageError
from axwire.places import place_name
from axwire.quantities import QUANTITIES
from axwire.table import CHANNEL_CAP, GROUP_CAP, PERIOD_CAP_MS, Channel, Group, bounded
from axwire.thinned import DOUBT_CAP, RANGE_CAP
from axwire.up import EVENT, HEALTH, HELLO, PONG, READINGS, TEXT_CAP, THINNED, WAVEFORM

BLOCK_CAP = 64
PIECES_CAP = 4096
FIELDS_CAP = 64
ARGUMENTS_CAP = 16
WIDTHS = {INT16: 2, INT32: 4}
_MAX32 = 0xFFFFFFFF
_MAX63 = (1 << 63) - 1
_MAX_T_MS = 1 << 53


class Up:
    """What every up message has: type, boot and sequence."""

    def __init__(self, kind: int, boot: int, sequence: int) -> None:
        self.kind = kind
        self.boot = boot
        self.sequence = sequence


class Hello(Up):
    """A piece of a node's channel table, and what the node is."""

    def __init__(self, boot: int, sequence: int, fields: "list[object]") -> None:
        super().__init__(HELLO, boot, sequence)
        self.protocol = bounded(fields[0], 0, 0xFFFF, "protocol version")
        if self.protocol not in ACCEPTED_VERSIONS:
            raise MessageError(
                "protocol version %d; this gateway speaks %s" % (self.protocol, ACCEPTED_VERSIONS)
            )
        _count("HELLO", fields, 9)
        self.firmware = _text(fields[1], "firmware version")
        self.board = _text(fields[2], "board")
        self.reset_cause = bounded(fields[3], 0, len(RESET_CAUSES) - 1, "reset cause")
        self.configuration = bounded(fields[4], 0, _MAX32, "configuration")
        self.revision = bounded(fields[5], 0, 0xFFFF, "revision")
        self.pieces = bounded(fields[7], 1, GROUP_CAP, "pieces")
        self.piece = bounded(fields[6], 0, self.pieces - 1, "piece")
        self.groups: list[Group] = [_group(item) for item in _list(fields[8], GROUP_CAP, "groups")]


class Block:
    """Consecutive rows of one group: raw bytes, little-endian.

    Either all rows in `samples`, or the first in `samples` and int8 steps in `differences`.
    `statuses` = one code a channel, or None when all are ok.
    """

    def __init__(self, item: object) -> None:
        fields = _list(item, 4, "block")
        if len(fields) < 3:
            raise MessageError("a block is [group, t_ms, samples] or has statuses behind")
        self.group = bounded(fields[0], 0, GROUP_CAP - 1, "group")
        self.t_ms = bounded(fields[1], 0, _MAX_T_MS, "t_ms")
        samples = fields[2]
        self.differences: bytes | None = None
        if isinstance(samples, list):
            if len(samples) != 2:
                raise MessageError("differences are [first row, int8 steps]")
            self.differences = _typed(samples[1], (INT8,)).data
            samples = samples[0]
        typed = _typed(samples, (INT16, INT32))
        self.width = WIDTHS[typed.tag]
        self.samples = typed.data
        self.statuses: bytes | None = None
        if len(fields) == 4:
            self.statuses = bytes(
                [
                    bounded(code, 0, len(STATUSES) - 1, "status")
                    for code in _list(fields[3], CHANNEL_CAP, "statuses")
                ]
            )

    def rows(self, channels: int) -> int:
        """How many rows the block holds for that many channels. Raises MessageError: uneven."""
        row_bytes = channels * self.width
        if self.statuses is not None and len(self.statuses) != channels:
            raise MessageError(
                "%d statuses for %d channels of group %d"
                % (len(self.statuses), channels, self.group)
            )
        if self.differences is None:
            if not self.samples or len(self.samples) % row_bytes:
                raise MessageError(
                    "%d bytes are no rows of %d bytes" % (len(self.samples), row_bytes)
                )
            return len(self.samples) // row_bytes
        if len(self.samples) != row_bytes or len(self.differences) % channels:
            raise MessageError(
                "%d bytes and %d steps are no rows of %d channels"
                % (len(self.samples), len(self.differences), channels)
            )
        return 1 + len(self.differences) // channels


class Readings(Up):
    """Blocks of samples, to be read with the table of that revision."""

    def __init__(self, boot: int, sequence: int, fields: "list[object]") -> None:
        super().__init__(READINGS, boot, sequence)
        _count("READINGS", fields, 2)
        self.revision = bounded(fields[0], 0, 0xFFFF, "revision")
        self.blocks = [Block(item) for item in _list(fields[1], BLOCK_CAP, "blocks")]
        if not self.blocks:
            raise MessageError("READINGS without a block")


class ThinnedBlock(Block):
    """Minimum, mean and maximum of each channel of one group, as three rows.

    They stand for the rows from `t_ms` to `t_ms + span_ms`. `taken` has the number of samples of
    each channel, or one for all where they are alike.
    """

    def __init__(self, item: object) -> None:
        fields = _list(item, 6, "thinned block")
        if len(fields) < 5:
            raise MessageError("a thinned block is [group, t_ms, samples, span_ms, taken]")
        super().__init__(fields[:3] + fields[5:])
        self.span_ms = bounded(fields[3], 0, _MAX_T_MS, "span in ms")
        taken = fields[4]
        self.taken: int | list[int]
        if isinstance(taken, list):
            counts = _list(taken, CHANNEL_CAP, "samples taken")
            self.taken = [bounded(count, 0, _MAX32, "samples taken") for count in counts]
        else:
            self.taken = bounded(taken, 0, _MAX32, "samples taken")

    def rows(self, channels: int) -> int:
        """Three; for that many channels. Raises MessageError where it is another number."""
        rows = super().rows(channels)
        if rows != 3:
            raise MessageError("%d rows are no minimum, mean and maximum" % rows)
        if isinstance(self.taken, list) and len(self.taken) != channels:
            raise MessageError("%d counts for %d channels" % (len(self.taken), channels))
        return rows


class Thinned(Up):
    """What READINGS with sequences from `sequence` to `last` said, in short.

    It stands for `messages` of them. `in_doubt` are those that may have come before: (offset from
    `sequence`, samples), by rising offset.
    """

    def __init__(self, boot: int, sequence: int, fields: "list[object]") -> None:
        super().__init__(THINNED, boot, sequence)
        _count("THINNED", fields, 5)
        most = min(sequence + RANGE_CAP - 1, _MAX32)
        self.last = bounded(fields[0], sequence, most, "last sequence")
        self.messages = bounded(fields[1], 1, self.last - sequence + 1, "messages")
        self.in_doubt: list[tuple[int, int]] = []
        least = 1
        for item in _list(fields[2], DOUBT_CAP, "messages in doubt"):
            pair = _list(item, 2, "message in doubt")
            if len(pair) != 2:
                raise MessageError("a message in doubt is [offset, samples]")
            offset = bounded(pair[0], least, self.last - sequence, "offset")
            self.in_doubt.append((offset, bounded(pair[1], 0, 0xFFFF, "samples in doubt")))
            least = offset + 1
        self.revision = bounded(fields[3], 0, 0xFFFF, "revision")
        self.blocks = [ThinnedBlock(item) for item in _list(fields[4], BLOCK_CAP, "blocks")]
        if not self.blocks:
            raise MessageError("THINNED without a block")


class Event(Up):
    """Something happened on the node; codes in axwire.codes."""

    def __init__(self, boot: int, sequence: int, fields: "list[object]") -> None:
        super().__init__(EVENT, boot, sequence)
        _count("EVENT", fields, 3)
        self.t_ms = bounded(fields[0], 0, _MAX_T_MS, "t_ms")
        self.code = bounded(fields[1], 0, 0xFFFF, "event")
        self.arguments = [
            bounded(item, -_MAX63 - 1, _MAX63, "argument")
            for item in _list(fields[2], ARGUMENTS_CAP, "arguments")
        ]


class Health(Up):
    """How the node is. `values` follow axwire.codes.HEALTH_FIELDS; a newer node may send more."""

    def __init__(self, boot: int, sequence: int, fields: "list[object]") -> None:
        super().__init__(HEALTH, boot, sequence)
        _count("HEALTH", fields, 3)
        self.t_ms = bounded(fields[0], 0, _MAX_T_MS, "t_ms")
        self.oldest = bounded(fields[1], 0, sequence, "oldest sequence held")
        self.values = [
            None if item is None else bounded(item, -_MAX63 - 1, _MAX63, "health value")
            for item in _list(fields[2], FIELDS_CAP, "health values")
        ]


class Waveform(Up):
    """A piece of a high-rate burst of one channel."""

    def __init__(self, boot: int, sequence: int, fields: "list[object]") -> None:
        super().__init__(WAVEFORM, boot, sequence)
        _count("WAVEFORM", fields, 8)
        self.revision = bounded(fields[0], 0, 0xFFFF, "revision")
        self.channel = bounded(fields[1], 0, GROUP_CAP * CHANNEL_CAP - 1, "channel")
        self.burst = bounded(fields[2], 0, _MAX32, "burst")
        self.pieces = bounded(fields[4], 1, PIECES_CAP, "pieces")
        self.piece = bounded(fields[3], 0, self.pieces - 1, "piece")
        self.t_ms = bounded(fields[5], 0, _MAX_T_MS, "t_ms")
        self.period_ns = bounded(fields[6], 1, 1_000_000_000, "period in ns")
        typed = _typed(fields[7], (INT16, INT32))
        self.width = WIDTHS[typed.tag]
        self.samples = typed.data
        if not self.samples or len(self.samples) % self.width:
            raise MessageError("%d bytes are no waveform" % len(self.samples))


class Pong(Up):
    """The answer to the ping of that sequence: the board's microseconds since boot."""

    def __init__(self, boot: int, sequence: int, fields: "list[object]") -> None:
        super().__init__(PONG, boot, sequence)
        _count("PONG", fields, 1)
        self.t_us = bounded(fields[0], 0, _MAX63, "t_us")


_CLASSES: "dict[int, type[Hello | Readings | Event | Health | Waveform | Pong | Thinned]]" = {
    HELLO: Hello,
    READINGS: Readings,
    EVENT: Event,
    HEALTH: Health,
    WAVEFORM: Waveform,
    PONG: Pong,
    THINNED: Thinned,
}


def parse_up(
    payload: bytes,
) -> "Hello | Readings | Event | Health | Waveform | Pong | Thinned":
    """Read and check a node's message. Raises CborError or MessageError."""
    items = decode(payload)
    if not isinstance(items, list) or len(items) < 4:
        raise MessageError("a message is [type, boot, sequence, ...]")
    kind = items[0]
    if type(kind) is not int or kind not in _CLASSES:
        raise MessageError(
            "type %s is not known" % (kind if type(kind) is int else type(kind).__name__)
        )
    boot = bounded(items[1], 0, _MAX32, "boot")
    most = (1 << 64) - 1 if kind == PONG else _MAX32
    sequence = bounded(items[2], 0, most, "sequence")
    return _CLASSES[kind](boot, sequence, items[3:])


def _count(name: str, fields: "list[object]", expected: int) -> None:
    if len(fields) != expected:
        raise MessageError("%s has %d fields, not %d" % (name, 3 + len(fields), 3 + expected))


def _list(value: object, most: int, what: str) -> "list[object]":
    if not isinstance(value, list) or len(value) > most:
        raise MessageError("%s: a list of at most %d" % (what, most))
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or len(value.encode()) > TEXT_CAP or not value:
        raise MessageError("%s: a text of 1 to %d bytes" % (what, TEXT_CAP))
    return value


def _typed(value: object, tags: "tuple[int, ...]") -> Typed:
    if not isinstance(value, Typed) or value.tag not in tags:
        raise MessageError(f"samples are a typed array with one of the tags {tags}")
    return value


def _group(item: object) -> Group:
    """Check one group of a HELLO. Raises MessageError with what is wrong."""
    if not (isinstance(item, list) and len(item) == 4 and isinstance(item[3], list)):
        raise MessageError("a group is [number, first, period, channels]")
    number = bounded(item[0], 0, GROUP_CAP - 1, "group number")
    first = bounded(item[1], 0, GROUP_CAP * CHANNEL_CAP - 1, "first channel")
    period_ms = bounded(item[2], 1, PERIOD_CAP_MS, "period in ms")
    if not 0 < len(item[3]) <= CHANNEL_CAP:
        raise MessageError("group %d has %d channels" % (number, len(item[3])))
    return Group(number, first, period_ms, [_channel(channel) for channel in item[3]])


def _channel(item: object) -> Channel:
    if not (isinstance(item, list) and len(item) == 5):
        raise MessageError("a channel is [quantity, place, scale, offset, calibration]")
    channel = Channel(
        bounded(item[0], 0, 0xFFFF, "quantity"),
        bounded(item[1], 0, 0xFFFF, "place"),
        bounded(item[2], -(1 << 62), 1 << 62, "scale"),
        bounded(item[3], -(1 << 62), 1 << 62, "offset"),
        bounded(item[4], 0, 0xFFFFFFFF, "calibration"),
    )
    if channel.quantity not in QUANTITIES:
        raise MessageError("quantity %d is not known" % channel.quantity)
    if not channel.scale:
        raise MessageError("a channel with scale 0 says nothing")
    try:
        place_name(channel.place)
    except ValueError as error:
        raise MessageError(str(error)) from None
    return channel
