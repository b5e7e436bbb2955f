"""What a node measures: groups of channels sampled together. The node tells it, nobody assumes it.

Channels are numbered 0..n through the groups in order. The gateway keeps the table beside the
boot, so that a stored block can be read years later.
"""

from axwire.cbor import Writer, head_size
from axwire.errors import MessageError

GROUP_CAP = 16
CHANNEL_CAP = 28
"""Most groups of a node, most channels of a group: a group always fits one message."""

PERIOD_CAP_MS = 3_600_000


class Channel:
    """One quantity at one place. Value = (raw x scale + offset) x 10^exponent of the quantity.

    `calibration` names the record the numbers come from; 0 = the sensor's nominal values.
    """

    def __init__(
        self, quantity: int, place: int, scale: int, offset: int, calibration: int
    ) -> None:
        self.quantity = quantity
        self.place = place
        self.scale = scale
        self.offset = offset
        self.calibration = calibration

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Channel) and self.fields() == other.fields()

    def __hash__(self) -> int:
        return hash(self.fields())

    def fields(self) -> "tuple[int, int, int, int, int]":
        return (self.quantity, self.place, self.scale, self.offset, self.calibration)


class Group:
    """Channels sampled together each `period_ms`; `first` is the number of the first of them.

    `count` = how many there are. A node, which looks at none of them, packs them.
    """

    def __init__(self, number: int, first: int, period_ms: int, channels: "list[Channel]") -> None:
        self.number = number
        self.first = first
        self.period_ms = period_ms
        self.count = len(channels)
        self.channels = channels
        self.packed: bytes | None = None

    def pack(self) -> None:
        """Keep the channels only as they are written, in a seventh of the room."""
        writer = Writer(_channels_size(self.channels))
        _write_channels(writer, self.channels)
        self.packed = bytes(writer.written())
        self.channels = []


def write_group(writer: Writer, group: Group) -> None:
    """`[number, first, period_ms, [[quantity, place, scale, offset, calibration], ...]]`."""
    writer.array(4)
    writer.integer(group.number)
    writer.integer(group.first)
    writer.integer(group.period_ms)
    if group.packed is None:
        _write_channels(writer, group.channels)
    else:
        writer.raw(group.packed)


def group_size(group: Group) -> int:
    """Bytes that `write_group` will write."""
    packed = group.packed
    size = _channels_size(group.channels) if packed is None else len(packed)
    size += 1 + head_size(group.number) + head_size(group.first)
    return size + head_size(group.period_ms)


def _write_channels(writer: Writer, channels: "list[Channel]") -> None:
    writer.array(len(channels))
    for channel in channels:
        writer.array(5)
        for field in channel.fields():
            writer.integer(field)


def _channels_size(channels: "list[Channel]") -> int:
    size = head_size(len(channels))
    for channel in channels:
        size += 1
        for field in channel.fields():
            size += head_size(field if field >= 0 else -1 - field)
    return size


def bounded(value: object, low: int, high: int, what: str) -> int:
    """`value` when it is an integer from low to high. Raises MessageError otherwise."""
    if type(value) is not int:
        raise MessageError("%s is no integer but %s" % (what, type(value).__name__))
    if not low <= value <= high:
        raise MessageError("%s is %d, not %d to %d" % (what, value, low, high))
    return value
