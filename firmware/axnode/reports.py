"""All messages of the node, written, and put into the outbox where they are kept."""

from axwire import MESSAGE_CAP, up
from axwire.cbor import INT16, Writer
from axwire.codes import EVENT_BURST, EVENT_STATUS
from axwire.cose import sealed_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from axnode.block import Block
    from axnode.outbox import Outbox
    from axnode.ticks import BootClock
    from axwire.table import Group
    from axwire.up import About
    from drivers.features import Features

_READINGS_HEAD = 1 + 1 + 5 + 5 + 3 + 2
"""At most what READINGS takes beside its blocks."""

_WAVEFORM_HEAD = 1 + 1 + 5 + 5 + 3 + 3 + 5 + 3 + 3 + 9 + 5 + 2 + 3
"""At most what WAVEFORM takes beside its samples."""

_LONGEST_T_MS = (1 << 53) - 1


class Reports:
    """Writes messages of one boot. `revision` is that of the channel table they are read with,
    `table_sequence` that of the first HELLO that told it."""

    def __init__(
        self, name: str, boot: int, clock: "BootClock", outbox: "Outbox", groups: "list[Group]"
    ) -> None:
        self.revision = 0
        self.table_sequence = 0
        self._burst = 0
        self._boot = boot
        self._clock = clock
        self._outbox = outbox
        self._groups = groups
        self._room = payload_cap(name)
        self._writer = Writer(self._room)

    def room(self) -> int:
        """Longest payload, in bytes."""
        return self._room

    def hello(self, about: "About") -> None:
        """The channel table, in as many pieces as it needs."""
        pieces = up.hello_pieces(self._groups, self._room)
        for piece in range(len(pieces)):
            sequence = self._outbox.sequence
            up.hello(self._writer, self._boot, sequence, about, self.revision, piece, pieces)
            self._outbox.put_report(self._writer.written())

    def tables(self, about: "About") -> "list[bytes]":
        """The HELLOs that told the present table first, as they were."""
        pieces = up.hello_pieces(self._groups, self._room)
        tables = []
        for piece in range(len(pieces)):
            sequence = self.table_sequence + piece
            up.hello(self._writer, self._boot, sequence, about, self.revision, piece, pieces)
            tables.append(bytes(self._writer.written()))
        return tables

    def flush(self, blocks: "list[Block]") -> None:
        """All finished rows, in as few READINGS as hold them."""
        first = 0
        while first < len(blocks):
            count = 0
            room = self._room - _READINGS_HEAD
            last = first
            while last < len(blocks):
                block = blocks[last]
                if block.rows:
                    room -= block.size(self._clock.ms_at(block.began))
                    if room < 0 and count:
                        break
                    count += 1
                last += 1
            if count:
                self._readings(blocks, first, last, count)
            first = last

    def status_changed(self, channel: int, old: int, new: int, tick: int) -> None:
        self.event(EVENT_STATUS, (channel, old, new), tick)

    def event(self, code: int, arguments: "tuple[int, ...]", tick: int) -> int:
        """Something happened at `tick`; codes in axwire.codes. Returns the outbox's number."""
        t_ms = self._clock.ms_at(tick)
        up.event(self._writer, self._boot, self._outbox.sequence, t_ms, code, arguments)
        return self._outbox.put_report(self._writer.written())

    def waveform(self, channel: int, features: "Features", period_ns: int) -> None:
        """A window as it was taken, in as many pieces as it needs, and that there is one."""
        self._burst += 1
        data = memoryview(features.data)
        room = (self._room - _WAVEFORM_HEAD) & ~1
        pieces = (len(data) + room - 1) // room
        t_ms = self._clock.ms_at(features.began)
        for piece in range(pieces):
            part = data[piece * room : (piece + 1) * room]
            up.waveform(
                self._writer,
                self._boot,
                self._outbox.sequence,
                self.revision,
                channel,
                self._burst,
                piece,
                pieces,
                t_ms,
                period_ns,
                INT16,
                part,
            )
            self._outbox.put_readings(self._writer.written(), 0)
        self.event(EVENT_BURST, (self._burst, channel), features.began)

    def health(self, fields: "list[int | None]") -> None:
        """How the node is now."""
        t_ms = self._clock.ms_at(self._clock.tick())
        outbox = self._outbox
        up.health(self._writer, self._boot, outbox.sequence, t_ms, outbox.oldest(), fields)
        outbox.put_health(self._writer.written())

    def pong(self, ping_sequence: int, t_us: int) -> bytes:
        """The answer to a PING, which is not kept."""
        up.pong(self._writer, self._boot, ping_sequence, t_us)
        return bytes(self._writer.written())

    def _readings(self, blocks: "list[Block]", first: int, last: int, count: int) -> None:
        writer = self._writer
        samples = 0
        up.readings(writer, self._boot, self._outbox.sequence, self.revision, count)
        for index in range(first, last):
            block = blocks[index]
            if block.rows:
                block.write(writer, self._clock.ms_at(block.began))
                samples += block.present
                block.clear()
        self._outbox.put_readings(writer.written(), samples)


def payload_cap(name: str) -> int:
    """Longest payload that the node `name` may send."""
    return MESSAGE_CAP - (sealed_size(name, MESSAGE_CAP) - MESSAGE_CAP)


def rows_cap(name: str, channels: int, width: int) -> int:
    """Most rows of a block that fit into a message of their own, as they are."""
    room = payload_cap(name) - _READINGS_HEAD - up.block_size(0, channels, _LONGEST_T_MS)
    return room // (channels * width)
