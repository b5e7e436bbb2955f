"""What a broker brought and nobody took yet: bounded, with a share and a turn for each sender."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Hashable
from typing import NamedTuple

__all__ = ["Arrival", "Inbox"]


class Arrival(NamedTuple):
    """A message of `sender`; `connection` and `number` say where its receipt goes, if it wants
    one (`qos` above 0)."""

    sender: str
    connection: Hashable
    number: int
    qos: int
    message: bytes


class Inbox:
    """At most `cap` messages are held, those included that were taken and are not released yet.

    A sender may hold as many as it leaves free: alone half of them, beside one other that sends
    without end a third. Any thread may `put`; all else is for one.
    """

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Arrival]] = {}
        self._turns: deque[str] = deque()
        self._held: Counter[str] = Counter()
        self._total = 0
        self.depth = 0
        """Messages put and not taken."""

    def put(self, arrival: Arrival) -> bool:
        """False, and nothing is held, where it is above its sender's share."""
        sender = arrival.sender
        with self._lock:
            if self._held[sender] >= self._cap - self._total:
                return False
            self._held[sender] += 1
            self._total += 1
            self.depth += 1
            queue = self._waiting.setdefault(sender, deque())
            if not queue:
                self._turns.append(sender)
            queue.append(arrival)
            return True

    def offer(self, take: Callable[[Arrival], bool], most: int) -> bool:
        """Offer up to `most` messages, one of each sender by turns, each sender's in their order.

        `take` says whether it took it; what it took is held until `release`. A sender whose
        message was not taken keeps its place, and the others go on. Returns False where every
        sender that waits was refused in a row.
        """
        refusals = 0
        for _ in range(most):
            with self._lock:
                if not self._turns:
                    return True
                sender = self._turns[0]
                self._turns.rotate(-1)
                arrival = self._waiting[sender][0]
            if take(arrival):
                refusals = 0
                self._remove(sender)
            else:
                refusals += 1
                if refusals >= len(self._turns):
                    return False
        return True

    def release(self, sender: str) -> None:
        """One message of this sender that was taken is done with."""
        with self._lock:
            self._total -= 1
            self._held[sender] -= 1
            if not self._held[sender]:
                del self._held[sender]

    def _remove(self, sender: str) -> None:
        with self._lock:
            self.depth -= 1
            self._waiting[sender].popleft()
            if not self._waiting[sender]:
                del self._waiting[sender]
                self._turns.remove(sender)
