"""Reads closed segments through, slowly and over again: damage is found while the original of a
reading may still be somewhere, and before the card fails altogether."""

import logging
from collections.abc import Callable
from pathlib import Path

from gateway.spool.errors import NewerFormatError, SpoolError
from gateway.spool.format import Position
from gateway.spool.inspection import inspect_segment
from gateway.spool.salvage import Salvage, salvage_segment
from gateway.spool.segments import SegmentReader, list_segments, segment_end
from gateway.spool.storage import Storage
from gateway.timebase import Clock

__all__ = ["PASS_PERIOD_US", "Verifier"]

_log = logging.getLogger(__name__)

PASS_PERIOD_US = 86_400_000_000
"""A pass begins so long after the one before."""


class Verifier:
    """`step` reads on by about `step_bytes`, in any one thread; `salvage` belongs to the thread
    that commits, which alone changes segments."""

    def __init__(
        self,
        storage: Storage,
        folder: Path,
        committed: Callable[[], Position],
        clock: Clock,
        step_bytes: int = 64 * 1024,
    ) -> None:
        self.bytes = 0
        """Read since the start."""
        self.passes = 0
        """Passes through all closed segments, ended since the start."""
        self.passed_utc_us: int | None = None
        """When the last of them ended."""
        self.damaged = 0
        """Segments found damaged since the start."""
        self.lost_bytes = 0
        """What could not be salvaged of them."""
        self._storage = storage
        self._folder = folder
        self._committed = committed
        self._clock = clock
        self._step_bytes = step_bytes
        self._number = 0
        self._reader: SegmentReader | None = None
        self._stop = 0
        self._next_pass_us = 0
        self._to_salvage: list[int] = []
        self._known: set[int] = set()

    def step(self) -> bool:
        """False where nothing is to be read now."""
        if self._reader is None and not self._enter_next():
            return False
        assert self._reader is not None
        before = self._reader.offset
        try:
            records = self._reader.read(self._stop, self._step_bytes)
        except OSError as error:
            self._note_damage(str(error))
            records = []
        self.bytes += self._reader.offset - before
        if not all(record.stored for record in records):
            self._note_damage("bytes that hold no sound record")
        if not records or self._number in self._known:
            self._leave()
        return True

    def salvage(self) -> list[Salvage]:
        """Mend what was found, and keep the damaged originals."""
        salvaged = []
        while self._to_salvage:
            number = self._to_salvage.pop()
            try:
                report = inspect_segment(self._storage, self._folder, number, newest=False)
                if report.sound or report.unreadable:
                    continue
                salvaged.append(salvage_segment(self._storage, self._folder, report))
                self.lost_bytes += salvaged[-1].lost_bytes
            except (OSError, SpoolError) as error:
                _log.error("segment %d is damaged, and stays so for now: %s", number, error)
        return salvaged

    def close(self) -> None:
        if self._reader is not None:
            self._leave()

    def _enter_next(self) -> bool:
        if self._number == 0:
            now_us = self._clock.monotonic_us()
            if now_us < self._next_pass_us:
                return False
            self._next_pass_us = now_us + PASS_PERIOD_US
        try:
            numbers = list_segments(self._storage, self._folder)
        except SpoolError:
            return False
        last = self._committed().segment
        for number in numbers:
            if self._number < number < last and self._enter(number):
                return True
        self._number = 0
        self.passes += 1
        self.passed_utc_us = self._clock.utc_us()
        return False

    def _enter(self, number: int) -> bool:
        self._number = number
        try:
            end = segment_end(self._storage, self._folder, number)
            self._reader = SegmentReader(self._storage, self._folder, number)
            self._stop = end or self._reader.end()
        except FileNotFoundError:
            return False
        except (OSError, NewerFormatError) as error:
            self._note_damage(str(error))
            return False
        if self._reader.header is None:
            self._note_damage("the header")
        return True

    def _leave(self) -> None:
        assert self._reader is not None
        self._reader.close()
        self._reader = None

    def _note_damage(self, what: str) -> None:
        if self._number in self._known:
            return
        self._known.add(self._number)
        self.damaged += 1
        self._to_salvage.append(self._number)
        _log.error(
            "segment %d is damaged (%s): look into `dmesg` and at the age of the card",
            self._number,
            what,
        )
