"""A node that writes real messages, and a spool that is filled as the gateway fills it.

Beside each sample stands what must reach the server, computed with exact fractions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from struct import pack

import msgspec
from axwire import GATEWAY_MESSAGE_CAP, cose, up
from axwire.cbor import INT16, INT32, Writer
from axwire.cose import split
from axwire.parse import Readings, parse_up
from axwire.places import place_name
from axwire.quantities import BY_NAME, QUANTITIES
from axwire.table import Channel, Group
from axwire.thinned import thinned, thinned_block
from manual_clock import ManualClock

from gateway.clock import ClockRecord
from gateway.forward import Log
from gateway.ledger import Ledger
from gateway.spool import Kind, Priority, Spool, WriterSettings, open_spool

LOCOMOTIVE = "TE33A-0001"
UTC_US = 1_763_755_200_000_000
KEY = cose.MacKey(bytes(range(32)))
ABOUT = up.About("0.1.0", "sim", 1, 7)
MISSING = -(1 << 15)


@dataclass(frozen=True)
class Sample:
    """One field of one point as the server must have it; `step` is a step of the converter."""

    measurement: str
    field: str
    tags: tuple[tuple[str, str], ...]
    time_us: int
    value: Fraction
    step: Fraction


def channel(quantity: str, place: int, scale: int, offset: int = 0) -> Channel:
    return Channel(BY_NAME[quantity].number, place, scale, offset, 0)


def groups(*channels: Sequence[Channel], period_ms: int = 10) -> list[Group]:
    """One group for each list of channels."""
    first = 0
    made = []
    for number, members in enumerate(channels):
        made.append(Group(number, first, period_ms, list(members)))
        first += len(members)
    return made


def samples_of(
    node: str,
    group: Group,
    t_ms: int,
    rows: Sequence[Sequence[int]],
    utc_at_boot_us: int,
    *,
    estimated: bool = False,
) -> list[Sample]:
    """What healthy rows must become when board time 0 was `utc_at_boot_us`, without drift."""
    expected = []
    for k, row in enumerate(rows):
        for raw, one in zip(row, group.channels, strict=True):
            if raw == MISSING:
                continue
            quantity = QUANTITIES[one.quantity]
            unit = Fraction(10) ** quantity.exponent
            measurement, name = quantity.name.split(".")
            tags = {
                "locomotive": LOCOMOTIVE,
                "node": node,
                "place": place_name(one.place),
                "unit": quantity.unit,
            }
            if estimated:
                tags["clock"] = "estimated"
            expected.append(
                Sample(
                    measurement,
                    name,
                    tuple(sorted(tags.items())),
                    utc_at_boot_us + (t_ms + k * group.period_ms) * 1000,
                    (raw * one.scale + one.offset) * unit,
                    abs(one.scale) * unit,
                )
            )
    return expected


@dataclass
class NodeDouble:
    """Writes sealed messages with rising sequences."""

    name: str
    table: list[Group]
    boot: int = 0x9F3A01C2
    sequence: int = 0
    writer: Writer = field(default_factory=lambda: Writer(GATEWAY_MESSAGE_CAP))

    def hello(self) -> bytes:
        up.hello(self.writer, self.boot, self._next(), ABOUT, 0, 0, [self.table])
        return self._sealed()

    def readings(
        self,
        t_ms: int,
        rows: Sequence[Sequence[int]],
        *,
        group: int = 0,
        statuses: Sequence[int] | None = None,
        wide: bool = False,
    ) -> bytes:
        """One block; rows of raw integers."""
        flat = [raw for row in rows for raw in row]
        data = pack(f"<{len(flat)}{'i' if wide else 'h'}", *flat)
        up.readings(self.writer, self.boot, self._next(), 0, 1)
        up.block(
            self.writer,
            group,
            t_ms,
            INT32 if wide else INT16,
            memoryview(data),
            None if statuses is None else bytearray(statuses),
        )
        return self._sealed()

    def thinned(
        self,
        t_ms: int,
        rows: Sequence[Sequence[int]],
        taken: int | list[int],
        *,
        messages: int = 10,
        group: int = 0,
        statuses: Sequence[int] | None = None,
    ) -> bytes:
        """In place of so many readings: minimum, mean and maximum, over a span of 990 ms."""
        flat = [raw for row in rows for raw in row]
        first = self._next()
        self.sequence = first + messages
        thinned(self.writer, self.boot, first, self.sequence - 1, messages, [], 0, 1)
        codes = None if statuses is None else bytes(statuses)
        samples = memoryview(pack(f"<{len(flat)}h", *flat))
        thinned_block(self.writer, group, t_ms, INT16, samples, None, 990, taken, codes)
        return self._sealed()

    def health(self, t_ms: int, oldest: int, fields: list[int | None]) -> bytes:
        up.health(self.writer, self.boot, self._next(), t_ms, oldest, fields)
        return self._sealed()

    def clock(
        self, utc_at_boot_us: int, *, trusted: bool = True, drift_ppb: int = 0, t_ms: int = 0
    ) -> bytes:
        """The body of a clock record that was made at `t_ms` and puts board time 0 at that UTC."""
        us = t_ms * 1000
        return msgspec.msgpack.encode(
            ClockRecord(self.name, self.boot, us, utc_at_boot_us + us, drift_ppb, 500, trusted)
        )

    def skip(self, count: int) -> None:
        """Messages that will never come."""
        self.sequence += count

    def _next(self) -> int:
        self.sequence += 1
        return self.sequence - 1

    def _sealed(self) -> bytes:
        return cose.seal(KEY, self.name, cose.UP, self.writer.written())


class FilledSpool:
    """A real spool with snapshots where the gateway would put them."""

    def __init__(
        self, folder: Path, clock: ManualClock, segment_bytes: int = 16 * 1024 * 1024
    ) -> None:
        self.folder = folder
        self.clock = clock
        self.spool: Spool = open_spool(
            folder, clock, settings=WriterSettings(segment_bytes=segment_bytes)
        )
        self.ledger = Ledger()
        self.log = Log(
            folder,
            lambda: self.spool.writer.committed,
            thinned=lambda: self.spool.writer.metrics.segments_thinned,
        )

    def __enter__(self) -> "FilledSpool":
        return self

    def __exit__(self, *_: object) -> None:
        self.spool.close()

    def message(self, body: bytes) -> None:
        self.append(Kind.MESSAGE, body)

    def append(self, kind: Kind, body: bytes) -> None:
        """Append without a commit, a snapshot first where the writer wants one."""
        writer, now_us = self.spool.writer, self.clock.utc_us()
        if kind != Kind.GAP and writer.wants_snapshot:
            writer.append(Kind.STATE, Priority.SERVICE, self.ledger.snapshot(), now_us)
        is_readings = kind == Kind.MESSAGE and isinstance(parse_up(split(body).payload), Readings)
        priority = Priority.READINGS if is_readings else Priority.SERVICE
        writer.append(kind, priority, body, now_us)
        self.ledger.replay(kind, body)

    def commit(self) -> None:
        assert self.spool.writer.commit()
