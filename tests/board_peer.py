"""A node in Python for tests of the gateway: speaks axwire with a key of its own."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from struct import pack

from axwire import GATEWAY_MESSAGE_CAP, cose, up
from axwire.cbor import INT16, INT32, Writer
from axwire.codes import HEALTH_FIELDS
from axwire.down import ACK, COMMAND, PING, Down, parse_down
from axwire.places import MOTOR, place
from axwire.quantities import BY_NAME
from axwire.table import Channel, Group

__all__ = ["MISSING", "Board", "Line", "currents", "group_of"]

MISSING = -(1 << 15)


def group_of(
    quantity: str, count: int, *, number: int = 0, first: int = 0, period_ms: int = 100
) -> Group:
    """So many channels of one quantity, on motors 1, 2, ...; one step is 0.001 of its unit."""
    known = BY_NAME[quantity]
    scale = 10 ** (-3 - known.exponent)
    channels = [Channel(known.number, place(MOTOR, 1 + n), scale, 0, 0) for n in range(count)]
    return Group(number, first, period_ms, channels)


def currents(count: int = 2, period_ms: int = 100) -> list[Group]:
    """A channel table with one group of motor currents in milliamperes."""
    return [group_of("motor.current", count, period_ms=period_ms)]


class Board:
    """One boot of a node. Every method returns a message ready for a link."""

    def __init__(
        self,
        name: str = "motors-a",
        boot: int = 0x9F3A01C2,
        groups: Sequence[Group] = (),
        secret: bytes = bytes(range(32)),
    ) -> None:
        self.name = name
        self.boot = boot
        self.groups = list(groups) or currents()
        self.secret = secret
        self.key = cose.MacKey(secret)
        self.revision = 0
        self.sequence = 0
        self._writer = Writer(2 * GATEWAY_MESSAGE_CAP)

    def reset(self, boot: int) -> None:
        """Begin another boot."""
        self.boot = boot
        self.sequence = 0
        self.revision = 0

    def next(self) -> int:
        """Use up a sequence."""
        self.sequence += 1
        return self.sequence - 1

    def hello(self) -> bytes:
        return self.hello_pieces([self.groups])[0]

    def hello_pieces(self, pieces: list[list[Group]]) -> list[bytes]:
        """The channel table, shared out as told."""
        return [self._hello_piece(number, pieces) for number in range(len(pieces))]

    def readings(
        self,
        rows: Sequence[Sequence[int]] = ((1000, 2000),),
        *,
        t_ms: int = 0,
        group: int = 0,
        statuses: Sequence[int] | None = None,
        wide: bool = False,
    ) -> bytes:
        """One block of raw integers, row by row."""
        samples = typed_rows(rows, wide)

        def write(writer: Writer, sequence: int) -> None:
            up.readings(writer, self.boot, sequence, self.revision, 1)
            tag = INT32 if wide else INT16
            up.block(writer, group, t_ms, tag, memoryview(samples), _codes(statuses))

        return self.send(write)

    def differences(
        self, rows: Sequence[Sequence[int]], *, group: int = 0, wide: bool = False
    ) -> bytes:
        """The same as `readings`: the first row, then int8 steps."""
        steps = b"".join(
            pack("b", value - before)
            for earlier, later in pairwise(rows)
            for before, value in zip(earlier, later, strict=True)
        )
        return self.raw_differences(typed_rows(rows[:1], wide), steps, group=group, wide=wide)

    def raw_differences(
        self, first_row: bytes, steps: bytes, *, group: int = 0, wide: bool = False
    ) -> bytes:
        """A block of differences with any bytes in it."""

        def write(writer: Writer, sequence: int) -> None:
            up.readings(writer, self.boot, sequence, self.revision, 1)
            tag = INT32 if wide else INT16
            up.block_of_differences(
                writer, group, 0, tag, memoryview(first_row), memoryview(steps), None
            )

        return self.send(write)

    def health(self, oldest: int | None = None, *, t_ms: int = 0, **fields: int) -> bytes:
        """`oldest`: its own sequence where not given; fields by the names of HEALTH_FIELDS."""
        values = [fields.pop(name, None) for name in HEALTH_FIELDS]
        assert not fields, fields
        return self.send(
            lambda writer, sequence: up.health(
                writer, self.boot, sequence, t_ms, sequence if oldest is None else oldest, values
            )
        )

    def event(self, code: int = 1, arguments: tuple[int, ...] = (0, 0, 1)) -> bytes:
        return self.send(
            lambda writer, sequence: up.event(writer, self.boot, sequence, 0, code, arguments)
        )

    def nonsense(self) -> bytes:
        """Authentic, with boot and sequence, and no message of the protocol: an empty READINGS."""
        return self.send(
            lambda writer, sequence: up.readings(writer, self.boot, sequence, self.revision, 0)
        )

    def pong(self, ping: Down, t_us: int) -> bytes:
        """The answer to that ping."""
        up.pong(self._writer, self.boot, ping.sequence, t_us)
        return self.seal(bytes(self._writer.written()))

    def send(self, write: Callable[[Writer, int], None]) -> bytes:
        """Whatever `write` writes, under the next sequence."""
        self._writer.clear()
        write(self._writer, self.next())
        return self.seal(bytes(self._writer.written()))

    def seal(self, payload: bytes, direction: bytes = cose.UP) -> bytes:
        return cose.seal(self.key, self.name, direction, payload)

    def open(self, message: bytes) -> Down:
        """What the gateway says, if it had the key. Raises WireError."""
        envelope = cose.split(message)
        envelope.check(self.key, cose.DOWN)
        return parse_down(envelope.payload)

    def _hello_piece(self, number: int, pieces: list[list[Group]]) -> bytes:
        about = up.About("0.1.0", "sim", 1, 7)
        return self.send(
            lambda writer, sequence: up.hello(
                writer, self.boot, sequence, about, self.revision, number, pieces
            )
        )


class Line:
    """A link of the gateway; `raw` is what it was given to send, oldest first."""

    def __init__(self, *boards: Board, name: str = "serial test") -> None:
        self.name = name
        self.raw: list[bytes] = []
        self.cut = False
        self._boards = {board.name: board for board in boards}

    def send(self, message: bytes) -> bool:
        if not self.cut:
            self.raw.append(message)
        return not self.cut

    def said(self) -> list[Down]:
        """What the nodes understood since the last call."""
        taken, self.raw = self.raw, []
        return [self._boards[cose.split(message).name].open(message) for message in taken]

    def acks(self) -> list[tuple[int, list[int]]]:
        """`(upto, singles)` of each ACK since the last call; all else is forgotten."""
        return [(down.fields[0], down.fields[1]) for down in self.said() if down.kind == ACK]  # type: ignore[misc]

    def commands(self) -> list[int]:
        """Codes of the COMMANDs since the last call; all else is forgotten."""
        return [down.fields[0] for down in self.said() if down.kind == COMMAND]  # type: ignore[misc]

    def pings(self) -> list[Down]:
        """The PINGs since the last call; all else is forgotten."""
        return [down for down in self.said() if down.kind == PING]


def typed_rows(rows: Sequence[Sequence[int]], wide: bool = False) -> bytes:
    """Rows as a typed array carries them."""
    flat = [value for row in rows for value in row]
    return pack(f"<{len(flat)}{'i' if wide else 'h'}", *flat)


def _codes(statuses: Sequence[int] | None) -> bytearray | None:
    return None if statuses is None else bytearray(statuses)
