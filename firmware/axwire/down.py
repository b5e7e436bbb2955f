"""Messages the gateway sends: written there, read on the node.

`[type, boot, sequence, ...]`: the boot they are meant for, and a sequence of the gateway's own
that must rise, so that nothing old can be played to a board.
"""

from axwire.cbor import Writer, decode
from axwire.errors import MessageError
from axwire.table import bounded

ACK = 16
PING = 17
CONFIGURE = 18
COMMAND = 19
UPDATE = 20

RUN_BITS = 32
"""The sequence above its lowest 32 bits counts the runs of the gateway."""

SINGLES_CAP = 64
"""Most single acknowledgements in one ACK."""

ARGUMENTS_CAP = 8
_ITEMS_CAP = 8 + SINGLES_CAP
_MAX64 = (1 << 64) - 1


class Down:
    """A message from the gateway: `fields` are what follows the sequence, already checked.

    ACK        [upto, singles]: every sequence below `upto` is stored, and each of `singles`
    PING       [utc_ms or None]: the gateway's time, None while it does not trust it
    CONFIGURE  [piece, pieces, crc32, bytes]: a part of a new configuration; CRC-32 of the whole
    COMMAND    [code, arguments]: see axwire.codes
    UPDATE     [offset, bytes]: a part of new firmware, and where in it
    """

    def __init__(self, kind: int, boot: int, sequence: int, fields: "list[object]") -> None:
        self.kind = kind
        self.boot = boot
        self.sequence = sequence
        self.fields = fields


def ack(writer: Writer, boot: int, sequence: int, upto: int, singles: "list[int]") -> None:
    _begin(writer, ACK, boot, sequence, 2)
    writer.integer(upto)
    _integers(writer, singles)


def ping(writer: Writer, boot: int, sequence: int, utc_ms: "int | None") -> None:
    _begin(writer, PING, boot, sequence, 1)
    writer.optional(utc_ms)


def configure(
    writer: Writer, boot: int, sequence: int, piece: int, pieces: int, crc: int, part: bytes
) -> None:
    _begin(writer, CONFIGURE, boot, sequence, 4)
    for field in (piece, pieces, crc):
        writer.integer(field)
    writer.data(part)


def update(writer: Writer, boot: int, sequence: int, offset: int, part: bytes) -> None:
    _begin(writer, UPDATE, boot, sequence, 2)
    writer.integer(offset)
    writer.data(part)


def command(writer: Writer, boot: int, sequence: int, code: int, arguments: "list[int]") -> None:
    _begin(writer, COMMAND, boot, sequence, 2)
    writer.integer(code)
    _integers(writer, arguments)


def parse_down(payload: bytes) -> Down:
    """Read and check a message from the gateway. Raises CborError or MessageError."""
    items = decode(payload, _ITEMS_CAP)
    if not isinstance(items, list) or len(items) < 4:
        raise MessageError("a message is [type, boot, sequence, ...]")
    kind = bounded(items[0], ACK, UPDATE, "type")
    boot = bounded(items[1], 0, 0xFFFFFFFF, "boot")
    sequence = bounded(items[2], 0, _MAX64, "sequence")
    fields = items[3:]
    if kind == PING:
        _count(kind, fields, 1)
        if fields[0] is not None:
            bounded(fields[0], 0, _MAX64, "time")
    elif kind == ACK:
        _count(kind, fields, 2)
        bounded(fields[0], 0, 0xFFFFFFFF, "upto")
        _check_integers(fields[1], SINGLES_CAP, "acknowledged sequence")
    elif kind == COMMAND:
        _count(kind, fields, 2)
        bounded(fields[0], 0, 0xFFFF, "command")
        _check_integers(fields[1], ARGUMENTS_CAP, "argument")
    else:
        if kind == CONFIGURE:
            _count(kind, fields, 4)
            pieces = bounded(fields[1], 1, 0xFFFF, "pieces")
            bounded(fields[0], 0, pieces - 1, "piece")
            bounded(fields[2], 0, 0xFFFFFFFF, "crc")
        else:
            _count(kind, fields, 2)
            bounded(fields[0], 0, 0xFFFFFFFF, "offset")
        if not isinstance(fields[-1], bytes):
            raise MessageError("a part of a configuration or of firmware is a byte string")
    return Down(kind, boot, sequence, fields)


def _begin(writer: Writer, kind: int, boot: int, sequence: int, fields: int) -> None:
    writer.clear()
    writer.array(3 + fields)
    writer.integer(kind)
    writer.integer(boot)
    writer.integer(sequence)


def _integers(writer: Writer, values: "list[int]") -> None:
    writer.array(len(values))
    for value in values:
        writer.integer(value)


def _count(kind: int, fields: "list[object]", expected: int) -> None:
    if len(fields) != expected:
        raise MessageError("type %d has %d fields, not %d" % (kind, 3 + len(fields), 3 + expected))


def _check_integers(values: object, most: int, what: str) -> None:
    if not isinstance(values, list) or len(values) > most:
        raise MessageError("a list of at most %d integers: %s" % (most, what))
    for value in values:
        bounded(value, 0, 0xFFFFFFFF, what)
