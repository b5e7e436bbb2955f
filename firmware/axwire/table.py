"""What a node measures: groups of channels sampled together. The node tells it, nobody assumes it.

Channels are numbered 0..n through the groups in order. The gateway keeps the table beside the
boot, so that a stored block can be read years later.
"""

from axwire.cbor import Writer, head_size
from axwire.errors import MessageError
from axwire.places import place_name
from axwire.quantities import QUANTITIES

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
    """Channels sampled together each `period_ms`; `first` is the number of the first of them."""

    def __init__(self, number: int, first: int, period_ms: int, channels: "list[Channel]") -> None:
        self.number = number
        self.first = first
        self.period_ms = period_ms
        self.channels = channels


def write_group(writer: Writer, group: Group) -> None:
    """`[number, first, period_ms, [[quantity, place, scale, offset, calibration], ...]]`."""
    writer.array(4)
    writer.integer(group.number)
    writer.integer(group.first)
    writer.integer(group.period_ms)
    writer.array(len(group.channels))
    for channel in group.channels:
        writer.array(5)
        for field in channel.fields():
            writer.integer(field)


def group_size(group: Group) -> int:
    """Bytes that `write_group` will write."""
    size = 1 + head_size(group.number) + head_size(group.first)
    size += head_size(group.period_ms) + head_size(len(group.channels))
    for channel in group.channels:
        size += 1
        for field in channel.fields():
            size += head_size(field if field >= 0 else -1 - field)
    return size


def parse_group(item: object) -> Group:
    """Check one group of a HELLO. Raises MessageError with what is wrong."""
    if not (isinstance(item, list) and len(item) == 4 and isinstance(item[3], list)):
        raise MessageError("a group is [number, first, period, channels]")
    number = bounded(item[0], 0, GROUP_CAP - 1, "group number")
    first = bounded(item[1], 0, GROUP_CAP * CHANNEL_CAP - 1, "first channel")
    period_ms = bounded(item[2], 1, PERIOD_CAP_MS, "period in ms")
    if not 0 < len(item[3]) <= CHANNEL_CAP:
        raise MessageError("group %d has %d channels" % (number, len(item[3])))
    return Group(number, first, period_ms, [_parse_channel(channel) for channel in item[3]])


def _parse_channel(item: object) -> Channel:
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


def bounded(value: object, low: int, high: int, what: str) -> int:
    """`value` when it is an integer from low to high. Raises MessageError otherwise."""
    if type(value) is not int:
        raise MessageError("%s is no integer but %s" % (what, type(value).__name__))
    if not low <= value <= high:
        raise MessageError("%s is %d, not %d to %d" % (what, value, low, high))
    return value
