"""One stretch of the log on its way: its reader, its batch, its delivery."""

from collections import Counter

from gateway.forward.batches import Batch, BatchReader
from gateway.forward.delivery import Delivery

__all__ = ["Lane"]


class Lane:
    """Not for two threads at once, but for its counters."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.reader: BatchReader | None = None
        self.batch: Batch | None = None
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
        self.batch = None
        reader, self.reader = self.reader, None
        if reader is not None:
            self._unreadable += reader.unreadable
            self._passed_segments += reader.passed_segments
            reader.close()

    def fetch(self) -> bool:
        """Whether there is a batch to deliver. Raises OSError or SpoolError."""
        if self.batch is None and self.reader is not None:
            self.batch = self.reader.next()
            if self.batch is not None:
                self.delivery.load(self.batch.body)
        return self.batch is not None
