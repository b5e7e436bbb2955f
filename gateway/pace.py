"""How much comes in and goes out a second, over the last ten seconds."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from gateway.state import Rates
from gateway.timebase import Clock

__all__ = ["Counts", "Pace"]

_LOOK_US = 1_000_000
_LOOKS = 11
"""The rate between the oldest and the newest of so many looks."""


class Counts(NamedTuple):
    """What rose since the start; bytes are those of the log."""

    samples: int
    messages: int
    bytes: int
    sent_bytes: int


class Pace:
    """Call `tick` often: it looks at the counts once a second."""

    def __init__(self, clock: Clock, counts: Callable[[], Counts]) -> None:
        self._clock = clock
        self._counts = counts
        self._looks: deque[tuple[int, Counts]] = deque(maxlen=_LOOKS)
        self.tick()

    def tick(self) -> None:
        now_us = self._clock.monotonic_us()
        if not self._looks or now_us - self._looks[-1][0] >= _LOOK_US:
            self._looks.append((now_us, self._counts()))

    def rates(self) -> Rates | None:
        """None before the second look."""
        (first_us, first), (last_us, last) = self._looks[0], self._looks[-1]
        if first_us == last_us:
            return None
        per_s = [
            (after - before) * 1e6 / (last_us - first_us)
            for before, after in zip(first, last, strict=True)
        ]
        return Rates(
            samples_per_s=per_s[0],
            messages_per_s=per_s[1],
            bytes_per_s=per_s[2],
            sent_bytes_per_s=per_s[3],
        )
