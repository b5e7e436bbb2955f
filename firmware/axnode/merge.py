"""The oldest segments in flash become fewer and thinner, one bounded step at a time.

Thinning has levels: segments of one level and boot that lie behind each other are merged into one
of the next. It is built in RAM, written under a name of its own, and takes the place of the last
of them by a rename; then the others go. So whatever step the supply fails in, the old segments
are there, or the new one is. Those that it stands for and that are still there come before it, and
are removed before anything else is done; where they are sent, what it says of them is a repeat.
For no THINNED stands for messages of two of them.

The oldest segment stays as it is: it is what is being sent.
"""

import os
from binascii import crc32
from struct import calcsize, pack, pack_into, unpack

from micropython import const

from axnode.spill import HEAD, MAGIC, RECORD, SENT, room_for
from axnode.thin import Thinner
from axwire.errors import CborError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from axnode.spill import Spill

_ENOENT = const(2)
_LEVELS = const(6)
_FIRST_ROWS = const(100)
_STEEPNESS = const(8)
"""A triple of the first level stands for 100 rows, of each further one for eight times as many."""

_MANY = const(8)
_MOST = const(12)
"""Segments that are merged at a time: at most so many; rather at a higher level than too few."""

_CHUNK = const(256)
_HEAD_BYTES = calcsize(HEAD)
_RECORD_BYTES = calcsize(RECORD)
_RESIDUE = const(0x2144DF1C)
"""CRC-32 of anything with its own CRC-32, little-endian, behind it."""


class Merging:
    """What there is in `folder`, and the merge that is under way.

    `path` makes a segment's path of its number; `temporary` is the path of one that is not whole
    yet. No triple stands for the time of more than about `rows` rows, no payload is longer than
    `room`; `oldest` is the segment that is being sent, `end` the number of the next to come.

    The last `step` removed `removed` segments and wrote `written`; in the new one `messages` with
    `samples` of `boot` were thinned for the first time, and `dropped` were left out. `is_idle`:
    it found nothing to do.
    """

    def __init__(
        self,
        folder: str,
        path: "Callable[[int], str]",
        temporary: str,
        rows: int,
        room: int,
        oldest: int,
        end: int,
    ) -> None:
        self.removed = self.written = 0
        self.boot = self.messages = self.samples = self.dropped = 0
        self.is_idle = False
        self._folder = folder
        self._path = path
        self._temporary = temporary
        self._rows = rows
        self._oldest = oldest
        self._end = end
        self._starts = [end] * _LEVELS
        self._counts = [0] * _LEVELS
        self._removals: list[int] = []
        self._job = _Job(path, room)
        self._works = False
        self._numbers = _numbers(folder, oldest, end)
        self._seen = 0

    def is_busy(self) -> bool:
        """Whether something is under way."""
        return bool(self._numbers or self._removals or self._works)

    def oldest_is(self, number: int) -> None:
        """Another segment is sent now."""
        self._oldest = number
        if self._works and number in self._job.numbers:
            self.close()

    def advance(self, spill: "Spill", end: int) -> bool:
        """A `step`, counted where the segments are; whether there was nothing to do."""
        self.step(end)
        if self.is_idle:
            return True
        spill.segments -= self.removed
        spill.written += self.written
        spill.thinned_messages += self.messages
        spill.thinned_samples += self.samples
        spill.lost(self.dropped, 0, self.boot)
        return False

    def step(self, end: int) -> None:
        """Do the next thing with the segments below `end`.

        At most one message is thinned, or one segment is read, written or removed. Raises OSError
        and MemoryError; then there must be no further call but `close`.
        """
        self.removed = self.written = 0
        self.messages = self.samples = self.dropped = 0
        self.is_idle = False
        if self._numbers:
            self._look(self._numbers[self._seen])
            self._seen += 1
            if self._seen == len(self._numbers):
                self._numbers = []
        elif self._removals:
            self._remove(self._removals.pop(0))
        elif not self._works:
            if end > self._end:
                if not self._counts[0]:
                    self._starts[0] = self._end
                self._counts[0] += end - self._end
                self._end = end
            self._choose(end)
        elif not self._job.is_over:
            self._job.go_on()
        else:
            self._finish(self._job)

    def close(self) -> None:
        """Leave the files alone."""
        self._works = False
        self._job.close()

    def _look(self, number: int) -> None:
        """What a segment is, and which others it stands for."""
        with open(self._path(number), "rb") as file:
            if not _is_whole(file):
                return
            head = file.read(_HEAD_BYTES)
        level, begin = unpack(HEAD, head)[7:9]
        if number == self._oldest or level >= _LEVELS:
            return
        stale = [each for each in self._numbers[: self._seen] if each >= begin]
        stale = [each for each in stale if each != self._oldest]
        if stale:
            self._removals += stale
            self._counts[level - 1] = max(0, self._counts[level - 1] - len(stale))
            self._starts[level - 1] = number + 1
        if not self._counts[level]:
            self._starts[level] = number
        self._counts[level] += 1

    def _remove(self, number: int) -> None:
        try:
            os.remove(self._path(number))
        except OSError as error:
            if error.args[0] != _ENOENT:
                raise
        else:
            self.removed = 1

    def _choose(self, end: int) -> None:
        for least in (_MANY, 2):
            for level in range(_LEVELS - 1):
                if self._counts[level] >= least and self._rows_at(level) < self._rows:
                    first = max(self._starts[level], self._oldest + 1)
                    numbers = _numbers(self._folder, first, end)
                    rows = self._rows_at(level + 1)
                    self._job.begin(level, numbers[:_MOST], rows)
                    self._works = True
                    return
        self.is_idle = True

    def _rows_at(self, level: int) -> int:
        """For how many rows a triple of that level stands; 0: for none."""
        rows = _FIRST_ROWS * _STEEPNESS ** (level - 1) if level else 0
        return min(rows, self._rows)

    def _finish(self, job: "_Job") -> None:
        self.close()
        merged = job.merged
        level = job.level
        counts = self._counts
        if merged < 2:
            # A segment that cannot be merged stays as it is: go on behind it.
            counts[level] = max(0, counts[level] - job.fitting) if job.has_more else merged
            if job.has_more:
                self._starts[level] = job.numbers[0] + 1
            return
        last = job.numbers[merged - 1]
        job.write(self._temporary)
        os.rename(self._temporary, self._path(last))
        self.written = 1
        self.boot = job.boot
        self.messages, self.samples, self.dropped = job.counts
        self._removals = job.numbers[: merged - 1]
        counts[level] = max(0, counts[level] - merged)
        self._starts[level] = last + 1
        if not counts[level + 1]:
            self._starts[level + 1] = last
        counts[level + 1] += 1


class _Job:
    """One merge: takes in segment after segment, record by record, into a buffer.

    The first `merged` of `numbers` are in whole; `has_more`: there are others that cannot be.
    `fitting` is 1 where the first is of that level at all, and sound.
    """

    def __init__(self, path: "Callable[[int], str]", room: int) -> None:
        self._path = path
        self._file: Any = None
        self._thinner = Thinner(room, self._put)
        self._buffer = bytearray()
        self.begin(0, [], 0)

    def begin(self, level: int, numbers: "list[int]", rows: int) -> None:
        """Merge those of `numbers` that are of that level, to triples of `rows` rows."""
        self.level = level
        self.numbers = numbers
        self.merged = self.fitting = 0
        self.is_over = not numbers
        self.has_more = False
        self.boot = 0
        self.counts = 0, 0, 0
        self._thinner.begin(rows)
        self._length = self._mark = 0
        self._records = self._marked_records = 0
        self._left = 0
        self._told = self._marked_told = 0, 0
        self._fields: tuple[Any, ...] = ()
        self._tables_crc = 0

    def go_on(self) -> None:
        """Take in the next record of a segment, or open the next segment."""
        if self._file is not None:
            self._take()
        elif self.merged == len(self.numbers):
            self.is_over = True
        else:
            self._file = open(self._path(self.numbers[self.merged]), "rb")
            self._begin_segment()

    def write(self, path: str) -> None:
        """The segment of what was taken in."""
        magic, boot, sequence, board_ms, utc_ms, tables, _, _, begin, _, _ = self._fields
        head = pack(
            HEAD,
            magic,
            boot,
            sequence,
            board_ms,
            utc_ms,
            tables,
            self._marked_records,
            self.level + 1,
            begin,
            *self._marked_told,
        )
        body = memoryview(self._buffer)[: self._mark]
        with open(path, "wb") as file:
            file.write(head)
            file.write(body)
            file.write(pack("<I", crc32(body, crc32(head)) & 0xFFFFFFFF))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin_segment(self) -> None:
        """Take the next segment if it is whole and fits the others."""
        file = self._file
        if not _is_whole(file):
            self._end_before()
            return
        fields = unpack(HEAD, file.read(_HEAD_BYTES))
        boot = fields[1]
        tables, self._left, level = fields[5:8]
        self._told = fields[9:]
        size = crc = 0
        for _ in range(tables):
            record = file.read(_RECORD_BYTES)
            table = file.read(unpack(RECORD, record)[0])
            crc = crc32(table, crc)
            size += len(record) + len(table)
        if level != self.level or (self.merged and (boot != self.boot or crc != self._tables_crc)):
            self._end_before()
        elif not self.merged:
            self.fitting = 1
            self.boot = boot
            self._fields = fields
            self._tables_crc = crc
            room = size + room_for(size)
            if len(self._buffer) != room:
                self._buffer = bytearray(room)
            file.seek(_HEAD_BYTES)
            for _ in range(tables):
                length, sequence, _ = unpack(RECORD, file.read(_RECORD_BYTES))
                table = file.read(length)
                self._thinner.learn(table)
                self._append(table, sequence, 0)

    def _take(self) -> None:
        """Thin the next message of the segment, or end it."""
        try:
            if self._left:
                length, sequence, samples = unpack(RECORD, self._file.read(_RECORD_BYTES))
                sent = samples & SENT
                payload = self._file.read(length)
                self._thinner.add(payload, sequence, samples ^ sent, sent != 0)
                self._left -= 1
                return
            self._thinner.close()
        except (_FullError, CborError, KeyError, IndexError, ValueError):
            # It does not fit any more, or cannot be read: it stays as it is.
            self._end_before()
            return
        self.merged += 1
        self._mark, self._marked_records = self._length, self._records
        self._marked_told = self._told
        thinner = self._thinner
        self.counts = thinner.messages, thinner.samples, thinner.dropped
        self.close()

    def _end_before(self) -> None:
        """The segment that was begun is none of these."""
        self.is_over = self.has_more = True

    def _put(self, payload: bytes, sequence: int, samples: int, sent: bool) -> None:
        self._append(payload, sequence, samples | SENT if sent else samples)
        self._records += 1

    def _append(self, payload: bytes, sequence: int, samples: int) -> None:
        end = self._length + _RECORD_BYTES + len(payload)
        if end > len(self._buffer):
            raise _FullError
        pack_into(RECORD, self._buffer, self._length, len(payload), sequence, samples)
        self._buffer[self._length + _RECORD_BYTES : end] = payload
        self._length = end


class _FullError(Exception):
    """No room for a record."""


def _is_whole(file: "Any") -> bool:
    """Whether a file is a segment, undamaged to its end. It is then to be read from its start."""
    data = file.read(_CHUNK)
    begins = data[:4] == MAGIC and len(data) > _HEAD_BYTES
    crc = 0
    while data:
        crc = crc32(data, crc)
        data = file.read(_CHUNK)
    file.seek(0)
    return begins and crc & 0xFFFFFFFF == _RESIDUE


def _numbers(folder: str, first: int, end: int) -> "list[int]":
    """Those of the segments from `first` on, below `end`."""
    numbers = []
    for entry in os.ilistdir(folder):
        name = entry[0]
        if name.isdigit() and len(name) == 8 and first <= int(name) < end:
            numbers.append(int(name))
    numbers.sort()
    return numbers
