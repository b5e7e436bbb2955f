"""A gateway of which one board is a healthy one, and the bytes of another are whatever comes.

What is sent is chosen by a string of bytes, so that a fuzzer that sees which code they reach can
look for more. The same bytes make the same messages.
"""

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from axwire import GATEWAY_MESSAGE_CAP, cose
from axwire.framing import Deframer, frame
from board_peer import Board, Line
from collecting import Collecting, UnsyncedStorage
from manual_clock import ManualClock
from wire.run_fuzz import altered, changed

__all__ = ["Choices", "UnderFire"]

_COMMIT_EACH = 64
_EPISODE_FRAMES = 200_000
"""A boot is remembered for ever, and the fuzzer knows a key: it may make up any number of them."""


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


class UnderFire:
    """Takes strings of bytes by `take`; raises where a promise breaks.

    `payloads`: golden ones of every type. `frames`: sent so far, `accepted` of them and of the
    healthy board's; `refused` by reason.
    """

    def __init__(self, payloads: list[bytes]) -> None:
        self._payloads = payloads
        self.frames = 0
        self.accepted = 0
        self.refused: Counter[str] = Counter()
        self._runs = 0
        self._begin()

    def take(self, data: bytes) -> None:
        """Send what the bytes choose, and one message of the healthy board."""
        choices = Choices(data)
        sent = 0
        while choices.left > 0 and sent < 32:
            sent += 1
            self._send(choices)
        self.frames += sent
        message = self._healthy.readings([[sent, sent]] * 3, t_ms=self._runs)
        assert self._gateway.receive(message) == [True], "the healthy board is not heard"
        self._runs += 1
        if self._runs % _COMMIT_EACH == 0:
            self._commit()
        if self.frames - self._frames_before >= _EPISODE_FRAMES:
            self.close()
            self._begin()

    def close(self) -> None:
        """Commit, count, and give the folder back."""
        self._commit()
        ingest = self._gateway.ingest
        self.refused += ingest.refused + Counter(self._deframer.refused)
        self.accepted += ingest.messages
        self._gateway.close()
        self._folder.cleanup()

    def _begin(self) -> None:
        self._frames_before = self.frames
        self._folder = tempfile.TemporaryDirectory(prefix="axlebox-fuzz-")
        self._healthy = Board("healthy", 7)
        self._victim = Board("victim", 8, secret=bytes(range(1, 33)))
        self._clock = ManualClock()
        self._gateway = Collecting(
            Path(self._folder.name),
            [self._healthy, self._victim],
            self._clock,
            UnsyncedStorage(),
            limit_mb=16,
            segment_mb=1,
        )
        self._broker = Line(self._healthy, self._victim, name="mqtt")
        self._deframer = Deframer(GATEWAY_MESSAGE_CAP)
        self._gateway.receive(self._healthy.hello(), self._victim.hello())
        self._commit()

    def _commit(self) -> None:
        gateway = self._gateway
        self._clock.advance_us(100_000)
        gateway.ingest.tick()
        gateway.commit()
        gateway.gateway.make_room()
        gateway.line.raw.clear()
        self._broker.raw.clear()
        name, boot = self._healthy.name, self._healthy.boot
        durable = gateway.gateway.ledger.boot(name, boot).durable.next
        assert durable == self._healthy.sequence, "the healthy board is not acknowledged"

    def _send(self, choices: Choices) -> None:
        """One message of the victim, changed before or after it was sealed or framed, or whole."""
        sealed = self._message(choices)
        how = choices.below(8)
        if how < 3:
            payload = cose.split(sealed).payload
            sealed = self._victim.seal((altered if how else changed)(choices, payload))
        elif how < 5:
            sealed = changed(choices, sealed)
        if choices.below(2):
            self._gateway.ingest.receive(self._broker, sealed)
            return
        framed = frame(sealed)
        for message in self._deframer.feed(changed(choices, framed) if how == 5 else framed):
            self._gateway.ingest.receive(self._gateway.line, message)

    def _message(self, choices: Choices) -> bytes:
        """A good one, fresh from the board or one of the golden vectors."""
        kinds: list[Callable[[], bytes]] = [
            lambda: self._victim.readings([[1, 2]] * (1 + choices.below(8))),
            lambda: self._victim.differences([[1, 2]] * (2 + choices.below(8))),
            lambda: self._victim.health(outbox_bytes=choices.below(1 << 20)),
            self._victim.event,
            self._victim.hello,
        ]
        which = choices.below(256)
        if which & 1:
            return kinds[(which >> 1) % len(kinds)]()
        return self._victim.seal(self._payloads[(which >> 1) % len(self._payloads)])
