"""The station's end of a node's own link: the protocol of the gateway, for one board, for minutes.

What the board says of its present boot is acknowledged and looked at, and goes into no store: what
a board measures at a depot is nobody's reading. What it still holds of earlier boots may be a
locomotive's: that is not acknowledged, so the board keeps it for its gateway.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import serial
from axwire import GATEWAY_MESSAGE_CAP, codes, down
from axwire.cbor import Writer
from axwire.cose import DOWN, UP, MacKey, Sealer, split
from axwire.down import RUN_BITS, SINGLES_CAP
from axwire.errors import WireError
from axwire.framing import Deframer, frame
from axwire.parse import Event, Health, Hello, Pong, Readings, parse_up

from gateway.decode import ChannelTable, TableBuilder, decode_readings
from gateway.timebase import Clock
from hil.station.errors import ContactError, StationError

__all__ = ["BAUD", "NodeLink", "Samples"]

BAUD = 921_600

_START_S = 60.0
"""How long a node may take from its reset to its first word; a board that hangs resets after 8."""

_ANSWER_S = 15.0
_READ_S = 0.1
_READ_BYTES = 4096
_PAUSE_S = 0.1
_EPOCH_S = 1_577_836_800
"""2020-01-01: runs are numbered by seconds from here, so that each is above those before it."""

_T = TypeVar("_T")


@dataclass
class Samples:
    """What a channel gave while it was listened to: rows, from when to when on the board's clock,
    values in the quantity's unit of those with status ok, and the statuses that were told."""

    quantity: str
    place: str
    unit: str
    rows: int = 0
    first_ms: int | None = None
    last_ms: int = 0
    values: list[float] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)


class NodeLink:
    """The node `name` at a serial port, spoken to with its key, in one boot of it. The port may be
    missing at first, as that of a board is which was reset. Raises ContactError where it does not
    answer, StationError where it speaks with another key."""

    def __init__(self, port: str, name: str, key: bytes, clock: Clock, baud: int = BAUD) -> None:
        self.port = port
        self.boot: int | None = None
        self.hello: Hello | None = None
        self.table: ChannelTable | None = None
        self.health: dict[str, int | None] = {}
        self._name = name
        self._baud = baud
        self._key = MacKey(key)
        self._clock = clock
        self._sealer = Sealer(self._key, name, DOWN, GATEWAY_MESSAGE_CAP)
        self._writer = Writer(GATEWAY_MESSAGE_CAP)
        self._sequence = (clock.utc_us() // 1_000_000 - _EPOCH_S) << RUN_BITS
        self._deframer = Deframer(GATEWAY_MESSAGE_CAP)
        self._serial: serial.Serial | None = None
        self._tables = TableBuilder()
        self._heard: set[int] = set()
        self._below = 0
        self._events: list[Event] = []
        self._samples: dict[int, Samples] | None = None
        self._latest_ms = self._from_ms = -1
        self._strange = ""

    def __enter__(self) -> "NodeLink":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        if self._serial is not None:
            self._serial.close()
            self._serial = None

    def wait_for_start(self) -> Hello:
        """Listen until the node has told all that it measures; what it is."""
        asked = False

        def told() -> Hello | None:
            nonlocal asked
            if self.boot is not None and self.table is None and not asked:
                asked = True
                self._say(down.command, codes.COMMAND_HELLO, [])
            return self.hello if self.table is not None else None

        return self.until(told, _START_S, "did not start")

    def command(self, code: int, arguments: Sequence[int], limit_s: float) -> list[Event]:
        """Have the node do something; what it told until it answered that it was done.

        Raises StationError where the node says that it cannot, or that something is wrong.
        """
        self._events.clear()
        sequence = self._say(down.command, code, list(arguments))

        def answered() -> int | None:
            for event in self._events:
                if event.code == codes.EVENT_COMMAND_DONE and event.arguments[:2] == [
                    sequence,
                    code,
                ]:
                    return event.arguments[2]
            return None

        result = self.until(answered, limit_s, f"did not answer command {code}")
        told = [event for event in self._events if event.code != codes.EVENT_COMMAND_DONE]
        if result not in (codes.DONE, codes.FAILED):
            raise StationError(
                f"{self._name} refuses command {code} (result {result})",
                "Flash it again: axlebox station flash",
                code="firmware",
            )
        return told

    def prove(self, nonce: Sequence[int]) -> list[int]:
        """The words of its proof."""
        for event in self.command(codes.COMMAND_PROVE, nonce, 4 * _ANSWER_S):
            if event.code == codes.EVENT_PROOF:
                return list(event.arguments)
        raise StationError(
            f"{self._name} could not read its own files",
            "Flash it again: axlebox station flash",
            code="firmware",
        )

    def listen(self, duration_s: float) -> list[Samples]:
        """What each channel gives in that time, by its number: of what the node had kept from
        before, and sends meanwhile, nothing."""
        assert self.table is not None, "wait for the start first"
        self._from_ms = self._latest_ms
        self._samples = {
            group.first + at: Samples(quantity.name, place, quantity.unit)
            for group in self.table.groups.values()
            for at, (quantity, place) in enumerate(
                zip(group.quantities, group.places, strict=True)
            )
        }
        end_us = self._clock.monotonic_us() + round(duration_s * 1e6)
        self.until(
            lambda: True if self._clock.monotonic_us() >= end_us else None,
            duration_s + _ANSWER_S,
            "does not measure",
        )
        samples, self._samples = self._samples, None
        return [samples[number] for number in sorted(samples)]

    def until(self, found: Callable[[], _T | None], limit_s: float, what: str) -> _T:
        """Take in what the node says until `found` returns something."""
        end_us = self._clock.monotonic_us() + round(limit_s * 1e6)
        while True:
            if (value := found()) is not None:
                return value
            if self._clock.monotonic_us() >= end_us:
                self._give_up(what)
            self._take_in()

    def _give_up(self, what: str) -> None:
        if self._strange:
            raise StationError(
                f"the board speaks, but {self._strange}",
                "Provision it again, with --again",
                code="unproved",
            )
        raise ContactError(
            f"{self._name} {what} at {self.port}",
            "Check the cable of its link, name its port with --link, and begin again",
        )

    def _take_in(self) -> None:
        try:
            if self._serial is None:
                self._serial = serial.Serial(
                    self.port, self._baud, timeout=_READ_S, write_timeout=1.0, exclusive=True
                )
                self._deframer.reset()
            data = self._serial.read(1)
            data += self._serial.read(min(self._serial.in_waiting, _READ_BYTES))
        except (OSError, TypeError, ValueError):
            self.close()
            time.sleep(_PAUSE_S)
            return
        fresh = False
        for message in self._deframer.feed(data):
            try:
                fresh = self._receive(message) or fresh
            except WireError as error:
                if error.reason in ("bad_mac", "unknown_node"):
                    self._strange = str(error)
        if fresh:
            self._acknowledge()

    def _receive(self, message: bytes) -> bool:
        """Whether it is to be acknowledged."""
        envelope = split(message)
        if envelope.name != self._name:
            raise WireError("unknown_node", f"it is {envelope.name}, not {self._name}")
        envelope.check(self._key, UP)
        up = parse_up(envelope.payload)
        if isinstance(up, Pong):
            return False
        # A node says nothing of earlier boots before it was answered in the present one.
        if self.boot is None:
            self.boot = up.boot
        elif up.boot != self.boot:
            return False
        if up.sequence < self._below or up.sequence in self._heard:
            return True
        self._heard.add(up.sequence)
        if isinstance(up, Hello):
            self.hello = up
            self.table = self._tables.add(up) or self.table
        elif isinstance(up, Event):
            self._events.append(up)
        elif isinstance(up, Health):
            self.health = dict(zip(codes.HEALTH_FIELDS, up.values, strict=False))
        elif isinstance(up, Readings):
            self._keep(up)
        return True

    def _keep(self, readings: Readings) -> None:
        if self.table is None or self.table.revision != readings.revision:
            return
        for rows in decode_readings(readings, self.table):
            end_ms = rows.t_ms + (rows.count - 1) * rows.group.period_ms
            self._latest_ms = max(self._latest_ms, end_ms)
            if self._samples is None or rows.t_ms <= self._from_ms:
                continue
            for at in range(len(rows.group.channels)):
                samples = self._samples[rows.group.first + at]
                samples.rows += rows.count
                if samples.first_ms is None:
                    samples.first_ms = rows.t_ms
                samples.last_ms = end_ms
                samples.statuses.add(rows.statuses[at])
                if rows.statuses[at] == codes.OK:
                    column = rows.values[:, at]
                    samples.values += [float(v) for v in column if v == v]

    def _acknowledge(self) -> None:
        while self._below in self._heard:
            self._heard.discard(self._below)
            self._below += 1
        singles = sorted(self._heard)[:SINGLES_CAP]
        self._say(down.ack, self._below, singles)

    def _say(self, write: Callable[..., None], *fields: object) -> int:
        self._sequence += 1
        write(self._writer, self.boot, self._sequence, *fields)
        if self._serial is not None:
            try:
                self._serial.write(frame(self._sealer.seal(self._writer.written())))
            except (OSError, serial.SerialException):
                self.close()
        return self._sequence
