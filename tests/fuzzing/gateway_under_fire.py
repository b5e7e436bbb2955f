"""A gateway of which one board is a healthy one, and the bytes of another are whatever comes.

What is sent is chosen by a string of bytes, so that a fuzzer that sees which code they reach can
look for more. The same bytes make the same messages.
"""

import random
import tempfile
from collections import Counter
from pathlib import Path
from struct import pack

from axwire import GATEWAY_MESSAGE_CAP, cose
from axwire.cbor import INT16, Writer
from axwire.codes import EVENT_EARLIER_BOOT
from axwire.down import ACK, PING, Down
from axwire.framing import frame
from axwire.thinned import thinned, thinned_block
from axwire.up import pong
from board_peer import Board, Line
from collecting import Collecting, UnsyncedStorage
from manual_clock import ManualClock
from wire.run_fuzz import altered, changed

from fuzzing.samples import NODE, SECRET, body_of, golden_messages, golden_payloads
from gateway.links.serial_port import LineDeframer

__all__ = ["INLINE", "MESSAGE", "NOISE", "PAYLOAD", "Choices", "UnderFire", "mixture", "seeds"]

WHOLE, CHANGED, ALTERED, DEPENDENT, PAYLOAD, MESSAGE, NOISE, INLINE = range(8)
"""What a frame is: a good message; one with changed bytes, or with items exchanged, under its
node's seal; a good one that depends on what came before; or, from the input: a payload to seal, a
message, bytes of a line, what stands in a payload behind boot and sequence."""

_KINDS = (
    "good",
    "changed, then sealed",
    "items exchanged, then sealed",
    "good in another state",
    "payload made up, then sealed",
    "message made up",
    "bytes of a line made up",
    "body made up, then sealed",
)
_SERIAL = 8
_HIT = 0x30
"""Bits of the same byte: over the serial line, and where none of these is set, with an error."""

_COMMIT_EACH = 64
_FRAMES_AT_ONCE = 32
_SEALED_CAP = 2 * GATEWAY_MESSAGE_CAP
_PAYLOAD_CAP = GATEWAY_MESSAGE_CAP + 64
_LAST_SEQUENCE = 0xFFFF0000


class Choices:
    """Numbers taken from a string of bytes; zeros behind its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def below(self, limit: int) -> int:
        return int.from_bytes(self.data(1 if limit <= 256 else 4), "little") % limit

    def data(self, length: int) -> bytes:
        taken = self._data[self._at : self._at + length]
        self._at += length
        return taken.ljust(length, b"\0")

    def piece(self) -> bytes:
        """As many bytes as the next two say, or as are left."""
        length = self.below(256) | self.below(4) << 8
        return self.data(max(0, min(length, self.left)))


def seeds() -> list[bytes]:
    """Inputs to begin with: one for each real message and each way to send it."""
    found = [bytes([way, which]) for way in range(64) if way & 7 < PAYLOAD for which in range(50)]
    for payload, message, framed in golden_messages():
        for way, piece in (
            (INLINE, body_of(payload)),
            (INLINE | _SERIAL | _HIT, body_of(payload)),
            (PAYLOAD, payload),
            (MESSAGE, message),
            (MESSAGE | _SERIAL | _HIT, message),
            (NOISE, framed),
        ):
            found.append(bytes([way]) + pack("<H", len(piece)) + piece)
    return found


def mixture(randomness: random.Random, pieces: list[bytes], most_bytes: int) -> bytes:
    """An input of many of these pieces, every other one of them with a byte changed."""
    mixed = bytearray()
    while len(mixed) < most_bytes:
        piece = bytearray(randomness.choice(pieces))
        if randomness.randrange(2):
            piece[randomness.randrange(len(piece))] = randomness.randrange(256)
        mixed += piece
    return bytes(mixed[:most_bytes])


class UnderFire:
    """Takes strings of bytes by `take`; raises where a promise breaks.

    `frames`: sent so far, without the healthy board's; `sent` has them by what they were.
    `accepted` of them; `refused` by reason, where a piece of a line counts like a message.
    `healthy`: messages of the healthy board, each heard, and `acknowledged` of them. `starts`: how
    often the gateway was started again on what it had stored, which is each `episode_frames`.
    """

    def __init__(self, episode_frames: int = 200_000) -> None:
        self._episode_frames = episode_frames
        self.frames = 0
        self.sent: Counter[str] = Counter()
        self.accepted = 0
        self.refused: Counter[str] = Counter()
        self.healthy = 0
        self.acknowledged = 0
        self.starts = 0
        self._runs = 0
        self._begin()

    def take(self, data: bytes) -> None:
        """Send what the bytes choose, and one message of the healthy board."""
        choices = Choices(data)
        sent = 0
        while choices.left > 0 and sent < _FRAMES_AT_ONCE:
            sent += 1
            self._send(choices)
        self.frames += sent
        self._runs += 1
        self._hear_the_healthy()
        if self._runs % _COMMIT_EACH == 0:
            self._commit()
        if self.frames - self._frames_before >= self._episode_frames:
            self.close()
            self._begin()

    def close(self) -> None:
        """Commit, count, start once more on what is stored, and give the folder back."""
        self._commit()
        ingest = self._gateway.ingest
        self.refused += ingest.refused + Counter(self._deframer.refused)
        self.accepted += ingest.messages - self._healthy.sequence - 1
        self._gateway.close()
        again = self._start()
        assert not again.gateway.unreadable_records, "a record that cannot be read again"
        state = again.gateway.ledger.boot(self._healthy.name, self._healthy.boot)
        assert state.durable.next == self._healthy.sequence, "the healthy board is forgotten"
        again.close()
        self.starts += 1
        self._folder.cleanup()

    def _begin(self) -> None:
        self._frames_before = self.frames
        self._folder = tempfile.TemporaryDirectory(prefix="axlebox-fuzz-")
        self._healthy = Board("healthy", 7, secret=bytes(range(1, 33)))
        self._victim = Board(NODE, 8, secret=SECRET)
        self._sealer = cose.Sealer(self._victim.key, self._victim.name, cose.UP, _SEALED_CAP)
        self._writer = Writer(GATEWAY_MESSAGE_CAP)
        self._bodies = [body_of(payload) for payload in golden_payloads()]
        self._sequences: dict[int, int] = {}
        self._ping = 0
        self._clock = ManualClock()
        self._gateway = self._start()
        self._broker = Line(self._healthy, self._victim, name="mqtt")
        self._deframer = LineDeframer(GATEWAY_MESSAGE_CAP)
        self._gateway.receive(self._healthy.hello(), self._victim.hello())
        self._told = self._healthy.sequence
        for message in (
            self._victim.hello(),
            self._victim.readings([[1, 2]]),
            self._victim.readings([[1, 2]] * 3, statuses=[1, 0]),
            self._victim.readings([[1, 2]] * 3, wide=True),
            self._victim.differences([[1, 2]] * 5),
            self._victim.health(),
            self._victim.event(),
        ):
            self._bodies.append(body_of(cose.split(message).payload))
        self._commit()

    def _start(self) -> Collecting:
        return Collecting(
            Path(self._folder.name),
            [self._healthy, self._victim],
            self._clock,
            UnsyncedStorage(),
            limit_mb=16,
            segment_mb=1,
        )

    def _hear_the_healthy(self) -> None:
        """One message of the healthy board, by turns over its own line and the victim's."""
        self.healthy += 1
        message = self._healthy.readings([[self._runs & 0xFFF, 1]] * 3, t_ms=self._runs)
        if self._runs & 1:
            messages = [message]
        else:
            messages = self._deframer.feed(b"\0" + frame(message))[-1:]
            assert messages == [message], "the healthy board's frame is lost behind rubbish"
        assert self._gateway.receive(*messages) == [True], "the healthy board is not heard"

    def _commit(self) -> None:
        """A tenth of a second goes by; the healthy board is answered, and answers."""
        gateway = self._gateway
        self._clock.advance_us(100_000)
        gateway.commit()
        gateway.ingest.tick()
        gateway.gateway.make_room()
        t_us = self._clock.monotonic_us()
        told = self._told
        for down in self._said():
            if down.kind == PING:
                gateway.receive(self._healthy.pong(down, t_us))
            elif down.kind == ACK:
                assert isinstance(down.fields[0], int)
                told = max(told, down.fields[0])
        assert told == self._healthy.sequence, "the healthy board is not acknowledged"
        self.acknowledged += told - self._told
        self._told = told

    def _said(self) -> list[Down]:
        """What the healthy board was told. Of what the victim was, only the ping is looked at."""
        said = []
        for line in (self._gateway.line, self._broker):
            for message in line.raw:
                envelope = cose.split(message)
                if envelope.name == self._healthy.name:
                    said.append(self._healthy.open(message))
                elif envelope.payload[1] == PING:
                    self._ping = self._victim.open(message).sequence
            line.raw.clear()
        return said

    def _send(self, choices: Choices) -> None:
        way = choices.below(256)
        kind = way & 7
        self.sent[_KINDS[kind]] += 1
        if kind == NOISE:
            self._feed(choices.piece())
            return
        made_up = kind == MESSAGE
        message = choices.piece() if made_up else self._seal(self._payload(kind, choices))
        if not way & _SERIAL:
            self._gateway.ingest.receive(self._broker, message)
            return
        framed = frame(message)
        self._feed(framed if way & _HIT else changed(choices, framed))

    def _feed(self, stream: bytes) -> None:
        for message in self._deframer.feed(stream):
            self._gateway.ingest.receive(self._gateway.line, message)

    def _seal(self, payload: bytes) -> bytes:
        return bytes(self._sealer.seal(payload[:_PAYLOAD_CAP]))

    def _payload(self, kind: int, choices: Choices) -> bytes:
        if kind == PAYLOAD:
            return choices.piece()
        if kind == DEPENDENT:
            return self._dependent(choices)
        if kind == INLINE:
            return self._fresh(choices.piece())
        payload = self._fresh(self._bodies[choices.below(256) % len(self._bodies)])
        if kind == WHOLE:
            return payload
        return (altered if kind == ALTERED else changed)(choices, payload)

    def _fresh(self, body: bytes) -> bytes:
        """The payload with this body: of the victim's boot and under its next sequence."""
        numbers = _integer(self._victim.boot) + _integer(self._victim.next())
        return body[:2] + numbers + body[2:]

    def _dependent(self, choices: Choices) -> bytes:
        """A good message that depends on the state: an answer to a ping, an account of what is
        lost or thinned, a gap, another boot."""
        how = choices.below(8)
        victim, writer = self._victim, self._writer
        writer.clear()
        if how == 0:
            pong(writer, victim.boot, self._ping, choices.below(1 << 31))
            return bytes(writer.written())
        if how < 3:
            first = victim.sequence
            last = first + choices.below(64)
            doubted = [(1, 2)] if last > first and how == 1 else []
            thinned(writer, victim.boot, first, last, last - first + 1, doubted, 0, 1)
            rows = memoryview(pack("<6h", 1, 2, 5, 6, 9, 9))
            thinned_block(writer, 0, self._runs, INT16, rows, None, 100, 2, None)
            victim.sequence = last + 1
            return bytes(writer.written())
        if how == 3:
            victim.sequence = min(victim.sequence + choices.below(1 << 16), _LAST_SEQUENCE)
        elif how == 4:
            self._sequences[victim.boot] = victim.sequence
            victim.reset(8 + choices.below(64))
            victim.sequence = self._sequences.get(victim.boot, 0)
            return cose.split(victim.hello()).payload
        elif how == 5:
            arguments = (8 + choices.below(64), choices.below(256), choices.below(1 << 20), 0)
            return cose.split(victim.event(EVENT_EARLIER_BOOT, arguments)).payload
        return cose.split(victim.health(samples=choices.below(1 << 16))).payload


def _integer(number: int) -> bytes:
    """A 32-bit one as CBOR writes it."""
    if number < 24:
        return bytes((number,))
    if number < 0x100:
        return bytes((0x18, number))
    return pack(">BH", 0x19, number) if number < 0x10000 else pack(">BI", 0x1A, number)
