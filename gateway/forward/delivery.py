"""A batch on its way through every kind of answer, until each line is stored or condemned.

Nothing is given up but a line that the server refused alone while it took others. A server that
refuses everything is not believed: it is asked with a line that is surely sound first.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from gateway.errors import AxleboxError
from gateway.forward.sink import Answer, Sink, Verdict
from gateway.timebase import Clock

__all__ = ["Delivery", "Quarantine"]

_log = logging.getLogger(__name__)

Quarantine = Callable[[bytes, str], None]
"""Told of each line that is given up, with the server's reason; an AxleboxError is survived."""

_PIECE_BYTES = 8 * 1024 * 1024
_SMALLEST_PIECE_BYTES = 1024
_GROW_AFTER = 64
"""So many accepted pieces in a row, and the next ones may be twice as large again."""

_RESETS_UNTIL_HALVED = 2
_SUSPECTS_UNTIL_PROBE = 8

_FIRST_WAIT_US = 500_000
_LONGEST_WAIT_US = 30_000_000
_REFUSED_WAIT_US = 30_000_000
_LONGEST_RETRY_AFTER_US = 3_600_000_000


@dataclass
class _Piece:
    body: bytes
    resets: int = 0


class Delivery:
    """One batch at a time; one request an `attempt`. Not for two threads at once."""

    def __init__(
        self,
        sink: Sink,
        clock: Clock,
        random: Random,
        probe: bytes,
        quarantine: Quarantine,
    ) -> None:
        self.retries: Counter[str] = Counter()
        """Requests that have to be made again, by verdict."""
        self.quarantined = 0
        self.error: str | None = None
        """What is wrong, for a person; None since the last success."""
        self.refused = False
        """Whether the server is there and will not have us: a person has to act."""
        self.retry_us = 0
        """Monotonic time before which no attempt is to be made."""
        self.own_trouble = False
        """Whether it waits for something that may be wrong with this body alone."""
        self._sink = sink
        self._clock = clock
        self._random = random
        self._probe = probe
        self._quarantine = quarantine
        self._pieces: deque[_Piece] = deque()
        self._suspects: list[tuple[bytes, str]] = []
        self._vouched = False
        self._distrusted = False
        self._failures = 0
        self._piece_bytes = _PIECE_BYTES
        self._accepted_in_row = 0

    @property
    def done(self) -> bool:
        """Whether every line of the batch is stored or condemned."""
        return not self._pieces and not self._suspects

    def load(self, body: bytes) -> None:
        """Take the next batch; the one before must be done."""
        self._vouched = False
        while len(body) > self._piece_bytes:
            head, body = _halves(body, self._piece_bytes)
            self._pieces.append(_Piece(head))
        if body:
            self._pieces.append(_Piece(body))

    def ask(self) -> bool:
        """Make one request with a line that is surely sound: whether the server took it."""
        answer = self._sink.write(self._probe)
        if answer.verdict is Verdict.OK:
            self._healthy()
        else:
            self._wait(answer)
        return answer.verdict is Verdict.OK

    def drop(self) -> None:
        """Let go of a batch that will come again; what was refused of it, too."""
        self._pieces.clear()
        self._suspects.clear()
        self._distrusted = False

    def attempt(self, meanwhile: Callable[[], None] | None = None) -> None:
        """Make one request and act on its answer; `meanwhile` is called while a piece is away."""
        if self._must_probe():
            self._take_probe(self._sink.write(self._probe))
        else:
            self._take(self._pieces[0], self._sink.write(self._pieces[0].body, meanwhile))

    def _must_probe(self) -> bool:
        if not self._suspects:
            return self._distrusted
        return not self._pieces or len(self._suspects) >= _SUSPECTS_UNTIL_PROBE

    def _take_probe(self, answer: Answer) -> None:
        if answer.verdict is Verdict.OK:
            self._distrusted = False
            self._healthy()
            self._vouch()
        elif answer.verdict is Verdict.BAD_LINES:
            self._distrusted = True
            self._pieces.extendleft(_Piece(line) for line, _ in reversed(self._suspects))
            self._suspects.clear()
            self._wait(
                Answer(Verdict.REFUSED, f"{answer.text} (to a line that is surely sound, too)")
            )
        else:
            self._wait(answer)

    def _take(self, piece: _Piece, answer: Answer) -> None:
        verdict = answer.verdict
        if verdict is Verdict.OK:
            self._pieces.popleft()
            self._healthy()
            self._grow()
            self._vouch()
        elif verdict is Verdict.TOO_LARGE:
            self._make_smaller(piece, answer)
        elif verdict is Verdict.BAD_LINES:
            if not self._halve(piece, answer):
                self._suspect(piece, answer)
        elif verdict is Verdict.RESET:
            piece.resets += 1
            if piece.resets < _RESETS_UNTIL_HALVED or b"\n" not in piece.body:
                self._wait(answer)
            else:
                self._make_smaller(piece, answer)
        else:
            self._wait(answer)

    def _make_smaller(self, piece: _Piece, answer: Answer) -> None:
        self._piece_bytes = max(_SMALLEST_PIECE_BYTES, len(piece.body) // 2)
        self._accepted_in_row = 0
        if not self._halve(piece, answer):
            self._suspect(piece, answer)

    def _halve(self, piece: _Piece, answer: Answer) -> bool:
        """Put two halves in place of the front piece; False where it is a single line."""
        if b"\n" not in piece.body:
            return False
        head, rest = _halves(piece.body, len(piece.body) // 2)
        self._pieces[0] = _Piece(rest)
        self._pieces.appendleft(_Piece(head))
        self.retries[answer.verdict.value] += 1
        return True

    def _suspect(self, piece: _Piece, answer: Answer) -> None:
        self._pieces.popleft()
        self._suspects.append((piece.body, answer.text))
        if self._vouched:
            self._vouch()

    def _vouch(self) -> None:
        """The server takes lines of this batch: what it refused singly is really wrong."""
        self._vouched = True
        while self._suspects:
            line, reason = self._suspects.pop(0)
            _log.warning("a line is not forwarded: %s", reason)
            self.quarantined += 1
            try:
                self._quarantine(line, reason)
            except AxleboxError as error:
                _log.error(
                    "a refused line could not be kept, the spool has its reading: %s", error
                )

    def _wait(self, answer: Answer) -> None:
        self.retries[answer.verdict.value] += 1
        if answer.text != self.error:
            _log.warning("%s", answer.text)
        self.error = answer.text
        self.refused = answer.verdict is Verdict.REFUSED
        self.own_trouble = answer.verdict is Verdict.RESET
        wait_us = min(_LONGEST_WAIT_US, _FIRST_WAIT_US << min(self._failures, 16))
        self._failures += 1
        if answer.verdict is Verdict.REFUSED:
            wait_us = _REFUSED_WAIT_US
        wait_us = round(wait_us * (0.5 + self._random.random() / 2))
        if answer.retry_after_us is not None:
            wait_us = max(wait_us, min(answer.retry_after_us, _LONGEST_RETRY_AFTER_US))
        self.retry_us = self._clock.monotonic_us() + wait_us

    def _healthy(self) -> None:
        if self.error is not None:
            _log.info("the server takes data again")
        self.error = None
        self.refused = self.own_trouble = False
        self._failures = 0
        self.retry_us = 0

    def _grow(self) -> None:
        self._accepted_in_row += 1
        if self._accepted_in_row >= _GROW_AFTER:
            self._accepted_in_row = 0
            self._piece_bytes = min(_PIECE_BYTES, 2 * self._piece_bytes)


def _halves(body: bytes, at: int) -> tuple[bytes, bytes]:
    """Cut at a line's end, before `at` if there is one; a single line has no second half."""
    cut = body.rfind(b"\n", 0, at)
    if cut < 0:
        cut = body.find(b"\n", at)
    return (body, b"") if cut < 0 else (body[:cut], body[cut + 1 :])
