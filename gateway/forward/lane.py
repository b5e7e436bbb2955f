"""One stretch of the log on its way: its reader, its batch, its delivery."""

import contextlib
from collections import Counter

from gateway.forward.batches import Batch, BatchReader
from gateway.forward.delivery import Delivery
from gateway.spool.errors import SpoolError

__all__ = ["Lane"]


class Lane:
    """Not for two threads at once, but for its counters."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.reader: BatchReader | None = None
        self.batch: Batch | None = None
        self._next: Batch | None = None
        self._unreadable: Counter[str] = Counter()
        self._passed_segments = 0

    @property
    def unreadable(self) -> Counter[str]:
        """Records that could not be turned into lines, by reason."""
        return self._unreadable + (self.reader.unreadable if self.reader else Counter())

    @property
    def passed_segments(self) -> int:
        """Segments that were removed before they could be sent."""
        return self._passed_segments + (self.reader.passed_segments if self.reader else 0)

    def open(self, reader: BatchReader) -> None:
        """Go over to another stretch."""
        self.leave()
        self.reader = reader

    def leave(self) -> None:
        """Let go of the stretch and of a batch under way, whose bytes come again."""
        self.delivery.drop()
        self.batch = self._next = None
        reader, self.reader = self.reader, None
        if reader is not None:
            self._unreadable += reader.unreadable
            self._passed_segments += reader.passed_segments
            reader.close()

    def fetch(self) -> bool:
        """Whether there is a batch to deliver. Raises OSError or SpoolError."""
        if self.batch is None and self.reader is not None:
            self.batch, self._next = self._next or self.reader.next(), None
            if self.batch is not None:
                self.delivery.load(self.batch.body)
        return self.batch is not None

    def attempt(self) -> None:
        """Make one request, and the next batch while the server answers.

        Only where this one was full: what is newest is cut when it can go.
        """
        more = self.batch is not None and self.batch.is_full and self._next is None
        self.delivery.attempt(self._prepare if more else None)

    def _prepare(self) -> None:
        """What cannot be read now is met again by `fetch`."""
        if self.reader is not None:
            with contextlib.suppress(OSError, SpoolError):
                self._next = self.reader.next()
