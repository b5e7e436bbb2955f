"""The one thread that writes: waits until a commit is due, and commits."""

import logging
import threading
from collections.abc import Callable

from gateway.spool.writer import SpoolWriter
from gateway.timebase import Clock

__all__ = ["CommitThread"]

_log = logging.getLogger(__name__)


class CommitThread:
    """Drives a SpoolWriter by the clock; everything it calls back runs in its thread.

    `after_commit` is called after each attempt, successful or not: the place to make room.
    """

    def __init__(
        self,
        writer: SpoolWriter,
        clock: Clock,
        after_commit: Callable[[], None] | None = None,
    ) -> None:
        self.crashes = 0
        self._writer = writer
        self._clock = clock
        self._after_commit = after_commit
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="spool-commit", daemon=True)

    def start(self) -> None:
        self._writer.on_due_changed = self._wake.set
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it runs, be it in a disk that hangs."""
        return self._thread.is_alive()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Commit what is left and end; False where the disk did not let it within the time."""
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive() and self._writer.buffered_bytes == 0

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(self._seconds_until_due())
            self._wake.clear()
            if self._writer.due(self._clock.monotonic_us()):
                self._attempt()
        self._attempt()

    def _attempt(self) -> None:
        try:
            self._writer.commit()
            if self._after_commit is not None:
                self._after_commit()
        except Exception:
            self.crashes += 1
            _log.exception("the spool's writer goes on after an error of its own")

    def _seconds_until_due(self) -> float | None:
        due_us = self._writer.next_due_us
        if due_us is None:
            return None
        return max(0.0, (due_us - self._clock.monotonic_us()) / 1e6)
