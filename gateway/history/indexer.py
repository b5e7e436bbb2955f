"""Follows the committed log and keeps its index: in memory for the segment that is written, in a
file for each closed one. A small step at a time, so that collecting does not feel it."""

import contextlib
import logging
import threading
from collections.abc import Callable, Generator
from pathlib import Path

from gateway.history.aggregate import Aggregate
from gateway.history.log_decoder import LogDecoder, decoder_for
from gateway.history.sidecar import (
    index_path,
    pack_sidecar,
    write_sidecar,
)
from gateway.spool.errors import SpoolError
from gateway.spool.format import Position
from gateway.spool.reader import SpoolReader
from gateway.spool.segments import SegmentReader, list_segments, segment_end
from gateway.spool.storage import Storage

__all__ = ["Indexer", "SegmentIndex"]

_log = logging.getLogger(__name__)


class SegmentIndex:
    """A segment on its way to an index."""

    def __init__(self, number: int, decoder: LogDecoder) -> None:
        self.number = number
        self.decoder = decoder
        self.aggregate = Aggregate()

    def pack(self, storage: Storage, folder: Path) -> bytearray:
        """The file's content; raises OSError where the segment is gone."""
        with SegmentReader(storage, folder, self.number) as reader:
            created_us = reader.header.created_us if reader.header else 0
        return pack_sidecar(self.number, created_us, self.aggregate, self.decoder)


class Indexer:
    """`step` reads on by about `step_bytes`; in one thread, beside whoever commits.

    `live` is the segment being written, to be read under `lock`. Segments without an index are
    made up for, newest first, whenever there is nothing newer to read.
    """

    def __init__(
        self,
        storage: Storage,
        folder: Path,
        committed: Callable[[], Position],
        step_bytes: int = 32 * 1024,
    ) -> None:
        self.lock = threading.Lock()
        self.written = 0
        """Index files written since the start."""
        self.failures = 0
        self.behind = 0
        """Closed segments without an index, when last looked at."""
        self._storage = storage
        self._folder = folder
        self._committed = committed
        self._step_bytes = step_bytes
        begin = Position(committed().segment, 0)
        self._reader = SpoolReader(folder, begin, committed, storage)
        self.live = SegmentIndex(begin.segment, LogDecoder())
        self._is_primed = False
        self._catching_up: Generator[None, None, None] | None = None
        self._given_up: set[int] = set()
        self._distrusted: set[int] = set()

    def step(self) -> bool:
        """False where nothing was left to do."""
        try:
            return self._follow() or self._catch_up()
        except (OSError, SpoolError) as error:
            self.failures += 1
            _log.warning("the index of %s has to wait: %s", self._folder, error)
            self._catching_up = None
            return False

    def make_anew(self, number: int) -> None:
        """The index of that segment was found damaged; from any thread."""
        self._distrusted.add(number)

    def close(self) -> None:
        self._reader.close()

    def _follow(self) -> bool:
        if not self._is_primed:
            with contextlib.suppress(FileNotFoundError):  # a spool that has no segment yet
                self.live.decoder = decoder_for(self._storage, self._folder, self.live.number)
            self._is_primed = True
        records = self._reader.read(self._step_bytes)
        for record in records:
            if record.segment != self.live.number:
                self._finish_live(record.segment)
            with self.lock:
                for block in self.live.decoder.decode(record):
                    self.live.aggregate.add(block)
        return bool(records)

    def _finish_live(self, following: int) -> None:
        finished, decoder = self.live, self.live.decoder
        try:
            self._write(finished)
        except FileNotFoundError:
            pass  # there was none, or it is removed already
        except OSError as error:
            _log.warning("segment %d has no index yet: %s", finished.number, error)
        with self.lock:
            self.live = SegmentIndex(following, decoder)

    def _write(self, index: SegmentIndex) -> None:
        content = index.pack(self._storage, self._folder)
        write_sidecar(self._storage, self._folder, index.number, content)
        self.written += 1
        if index.number not in list_segments(self._storage, self._folder):
            self._storage.unlink(index_path(self._folder, index.number))

    def _catch_up(self) -> bool:
        if self._catching_up is None:
            number = self._next_missing()
            if number is None:
                return False
            self._given_up.add(number)
            self._distrusted.discard(number)
            self._catching_up = self._index_old(number)
        if next(self._catching_up, self) is self:
            self._catching_up = None
        return True

    def _index_old(self, number: int) -> Generator[None, None, None]:
        index = SegmentIndex(number, decoder_for(self._storage, self._folder, number))
        end = segment_end(self._storage, self._folder, number)
        with SegmentReader(self._storage, self._folder, number) as reader:
            while records := reader.read(end or reader.end(), self._step_bytes):
                for record in records:
                    for block in index.decoder.decode(record):
                        index.aggregate.add(block)
                yield
        self._write(index)

    def _next_missing(self) -> int | None:
        """The newest closed segment without an index that was not tried yet."""
        closed = [n for n in list_segments(self._storage, self._folder) if n < self.live.number]
        names = set(self._storage.names(self._folder))
        missing = [n for n in closed if index_path(self._folder, n).name not in names]
        self.behind = len(missing)
        wanted = (set(missing) - self._given_up) | self._distrusted.intersection(closed)
        return max(wanted, default=None)
