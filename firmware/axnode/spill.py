"""What RAM has no room for: whole segments in files, sent again oldest first, freed by acks.

A segment is one file of about a block of flash, written once and complete in itself: the boot,
when the gateway last told that boot the time, its channel table, how many samples it had put into
messages and dropped, and payloads with their sequence, up to a CRC-32. So a cut in a write costs
that segment alone, and any segment can go without harm to another. Files are numbered; the
numbers go on over all boots that still have one.

    "AXS2" boot first-sequence board-ms utc-ms tables messages level begin put dropped
    length sequence samples payload       `tables` HELLOs, then `messages` payloads
    CRC-32                                all little-endian
"""

import os
from array import array
from binascii import crc32
from struct import calcsize, pack, unpack
from time import ticks_diff

from micropython import const

from axnode.unloading import unload
from axwire import cbor
from axwire.codes import EVENT_EARLIER_BOOT, EVENT_EARLIER_OVER
from axwire.up import THINNED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from axnode.merge import Merging
    from axnode.outbox import Outbox
    from axnode.reports import Reports
    from axwire.up import About

SEGMENT_BYTES = const(4096)
"""A block of flash; a segment takes one more for each 2 KB of channel table."""

_ENOENT = const(2)
_ENOSPC = const(28)
MAGIC = b"AXS2"
HEAD = "<4sIIQQHHHIII"
_HEAD_BYTES = calcsize(HEAD)
RECORD = "<HII"
_RECORD_BYTES = const(10)
SENT = 1 << 29
"""In `samples` of a record: it was sent and not acknowledged, so it may have arrived."""

_TEMPORARY = "thinner"
_ROOM_SHARE = const(8)
"""Thinning begins when all but an eighth of the segments is taken."""

_WAITS = const(25)
"""Calls of `write` that wait for thinning to make room before one drops."""

_TABLE_BYTES = const(2048)
_THINNED_HEAD = const(24)
_RESEND_US = const(3_000_000)
_DOUBLINGS = const(3)
_PAUSE = const(50)
"""Calls of `write` that do nothing after one that failed."""

_DROPS = const(3)
"""Segments that make room for one where the file system is full: its records may need blocks too.
"""


class Spill:
    """The segments in `folder`, at most `most` of them; `boot` is the present one.

    `segments` are held, `written` were written in this boot, `damaged` could not be read and were
    given up, `errors` are failures of the file system. `dropped_messages` and `dropped_samples`
    are what earlier boots lost because there was no room; the present boot's are the outbox's.
    `thinned_messages` and `thinned_samples` were thinned in this boot, of whatever boot they are:
    to minimum, mean and maximum of up to about `rows` rows; 0: never.
    """

    def __init__(
        self,
        folder: str,
        most: int,
        boot: int,
        outbox: "Outbox",
        reports: "Reports",
        rows: int = 0,
    ) -> None:
        self.segments = 0
        self.written = 0
        self.damaged = 0
        self.errors = 0
        self.dropped_messages = 0
        self.dropped_samples = 0
        self.thinned_messages = 0
        self.thinned_samples = 0
        self.board_ms = 0
        self.utc_ms = 0
        self.boot = boot
        self._folder = folder
        self._most = most
        self._own = boot
        self._outbox = outbox
        self._reports = reports
        self._file: Any = None
        self._sequences = array("I")
        self._acknowledged = bytearray()
        self._tables = self._from = 0
        self._time = 0, 0
        self._index = self._at = self._high = 0
        self._sent = self._tries = 0
        self._pause = self._waits = 0
        self._rows = rows
        self._merging: Merging | None = None
        self._announced: int | None = None
        self._announcement = -1
        self._rests: list[tuple[int, ...]] = []
        self._told_table: int | None = None
        self._first = self._next = 0
        try:
            os.mkdir(folder)
        except OSError:
            pass
        self._find()

    def write(self, about: "About") -> bool:
        """Move the oldest payloads from RAM into a segment. False: nothing was moved."""
        if self._pause:
            self._pause -= 1
            return False
        if not self._most:
            return False
        try:
            return self._move(about)
        except MemoryError:
            _remove(self._path(self._next))
            self._failed()
            return False

    def write_all(self, about: "About", after_each: "Callable[[], None]") -> None:
        """Move all that RAM holds, whatever failed lately."""
        self._pause = 0
        self._waits = _WAITS
        while self.write(about):
            after_each()

    def thin(self) -> bool:
        """Make room by thinning the oldest segments, a bounded step at a time, where there is
        little left. False: there is no need, or nothing to thin."""
        merging = self._merging
        if not self._rows or self._pause:
            return False
        if self.segments < self._most - max(1, self._most // _ROOM_SHARE) and (
            merging is None or not merging.is_busy()
        ):
            return False
        try:
            if not self._open():
                return False
            if self._merging is None:
                from axnode.merge import Merging

                self._merging = Merging(
                    self._folder,
                    self._path,
                    self._folder + "/" + _TEMPORARY,
                    self._rows,
                    self._reports.room(),
                    self._first,
                    self._next,
                )
            is_idle = self._merging.advance(self, self._next)
        except (OSError, MemoryError):
            self._failed()
            self._stop_merging()
            return False
        self._waits = _WAITS if is_idle else 0
        return not is_idle

    def lost(self, messages: int, samples: int, boot: int) -> None:
        """So much of a boot had to be dropped from flash."""
        if boot == self._own:
            self._outbox.lost(messages, samples)
        else:
            self.dropped_messages += messages
            self.dropped_samples += samples

    def next(self, now: int) -> "bytes | None":
        """What to send at tick `now` when RAM has nothing to send; it then counts as sent."""
        if self._outbox.has_waiting():
            return None
        is_open = self._open()
        rests = self._rests
        if rests and (not is_open or rests[0][0] != self.boot):
            self._reports.event(EVENT_EARLIER_OVER, rests.pop(0), now)
            return None
        if not is_open:
            return None
        if self.boot != self._own and not self._is_announced(now):
            return None
        try:
            while self._index < len(self._sequences):
                self._file.seek(self._at)
                length, _, _ = unpack(RECORD, self._file.read(_RECORD_BYTES))
                self._at += _RECORD_BYTES + length
                self._index += 1
                if not self._acknowledged[self._index - 1]:
                    self._sent = now
                    self._high = max(self._high, self._index)
                    payload: bytes = self._file.read(length)
                    return payload
        except OSError:
            self.errors += 1
            self._give_up()
            return None
        if ticks_diff(now, self._sent) >= _RESEND_US << self._tries:
            self._tries = min(self._tries + 1, _DOUBLINGS)
            self._restart()
        return None

    def acknowledge(self, boot: int, upto: int, singles: "list[int]") -> None:
        """Free what was sent of that boot below `upto` and each of `singles`."""
        if self._file is None or boot != self.boot:
            return
        for index in range(self._high):
            sequence = self._sequences[index]
            if not self._acknowledged[index] and (sequence < upto or sequence in singles):
                self._acknowledged[index] = 1
        if min(self._acknowledged):
            self._told_table = boot
            self._free()
            self._open()

    def rewind(self) -> None:
        """The gateway answers: nothing counts as on its way or as told any more."""
        self._stop_merging()
        self._announced = None
        self._told_table = None
        if self._file is not None:
            self._tries = 0
            self._high = 0
            self._restart()

    def in_flight(self) -> bool:
        """Whether something was sent and is not acknowledged."""
        return self._file is not None and self._high > 0

    def _find(self) -> None:
        """The segments from `_first` on. Their content is looked at when its turn comes."""
        numbers = []
        try:
            for entry in os.listdir(self._folder):
                if entry == _TEMPORARY:
                    _remove(self._folder + "/" + entry)
                try:
                    number = int(entry)
                except ValueError:
                    continue
                if number >= self._first and entry == _name(number):
                    numbers.append(number)
        except OSError:
            self.errors += 1
        if numbers:
            self._first = min(numbers)
            self._next = max(numbers) + 1
        self.segments = len(numbers)

    def _move(self, about: "About") -> bool:
        tables = self._reports.tables(about)
        table_bytes = sum([_RECORD_BYTES + len(table) for table in tables])
        picked = self._outbox.oldest_first(room_for(table_bytes), _RECORD_BYTES)
        if not picked:
            return False
        if self.segments >= self._most and self._rows and self._waits < _WAITS:
            self._waits += 1
            return False
        while self.segments >= self._most:
            self._drop()
        path = self._path(self._next)
        drops = _DROPS
        while True:
            try:
                self._write(path, tables, picked)
                break
            except OSError as error:
                _remove(path)
                if error.args[0] != _ENOSPC or not self.segments or not drops:
                    self._failed()
                    return False
            self._drop()
            drops -= 1
        self._next += 1
        self.segments += 1
        self.written += 1
        if self._outbox.spilled is None:
            self._outbox.spilled = picked[0][0].sequence(picked[0][1])
        self._outbox.moved(picked)
        return True

    def _failed(self) -> None:
        self.errors += 1
        self._pause = _PAUSE

    def _write(self, path: str, tables: "list[bytes]", picked: "list[tuple[Any, int]]") -> None:
        ring, number = picked[0]
        first = ring.sequence(number)
        head = pack(
            HEAD,
            MAGIC,
            self._own,
            first,
            self.board_ms,
            self.utc_ms,
            len(tables),
            len(picked),
            0,
            self._next,
            self._outbox.samples,
            self._outbox.dropped_samples(),
        )
        with open(path, "wb") as file:
            file.write(head)
            crc = crc32(head)
            for sequence, table in enumerate(tables, self._reports.table_sequence):
                crc = _append(file, table, sequence, 0, crc)
            for ring, number in picked:
                payload = ring.payload(number)
                samples = ring.samples(number)
                if ring.was_sent(number):
                    samples |= SENT
                crc = _append(file, payload, ring.sequence(number), samples, crc)
            file.write(pack("<I", crc & 0xFFFFFFFF))

    def _open(self) -> bool:
        """Make the oldest readable segment the one that is sent. False: there is none."""
        while self._file is None and self.segments:
            try:
                file = open(self._path(self._first), "rb")
            except OSError as error:
                if error.args[0] == _ENOENT:
                    self._find()
                else:
                    self.errors += 1
                    self._first += 1
                    self.segments -= 1
                continue
            try:
                readable = self._read(file)
            except (OSError, ValueError):
                readable = False
            self._file = file
            if self._merging is not None:
                self._merging.oldest_is(self._first)
            if not readable:
                self._give_up()
        if self._file is None:
            self._outbox.spilled = None
        elif self.boot == self._own:
            self._outbox.spilled = self._from
        return self._file is not None

    def _read(self, file: "Any") -> bool:
        """Take in what is in a segment; whether it is whole."""
        head = file.read(_HEAD_BYTES)
        crc = crc32(head)
        if len(head) != _HEAD_BYTES or head[:4] != MAGIC:
            return False
        fields = unpack(HEAD, head)
        self.boot, self._from = fields[1:3]
        self._time = fields[3:5]
        tables, messages = fields[5:7]
        count = tables + messages
        if count > SEGMENT_BYTES:
            return False
        self._sequences = array("I", bytes(4 * count))
        for index in range(count):
            record = file.read(_RECORD_BYTES)
            if len(record) != _RECORD_BYTES:
                return False
            length, self._sequences[index], _ = unpack(RECORD, record)
            payload = file.read(length)
            crc = crc32(payload, crc32(record, crc))
        if file.read(8) != pack("<I", crc & 0xFFFFFFFF):
            return False
        self._acknowledged = bytearray(count)
        if self._told_table == self.boot:
            for index in range(tables):
                self._acknowledged[index] = 1
        self._tables = tables
        self._sent = 0
        self._tries = 0
        self._high = 0
        self._restart()
        if self.boot != self._own:
            rests = self._rests
            if rests and rests[-1][0] == self.boot:
                rests.pop()
            rests.append((self.boot, max(self._sequences) + 1) + fields[9:])
        return True

    def _restart(self) -> None:
        self._index = 0
        self._at = _HEAD_BYTES

    def _is_announced(self, now: int) -> bool:
        """Whether the gateway knows that what comes is the rest of an earlier boot."""
        if self._announced != self.boot:
            self._announced = self.boot
            arguments = (self.boot, self._from) + self._time
            self._announcement = self._reports.event(EVENT_EARLIER_BOOT, arguments, now)
        return not self._outbox.holds_report(self._announcement)

    def _stop_merging(self) -> None:
        """And free the code it needs."""
        if self._merging is not None:
            self._merging.close()
            self._merging = None
        for name in ("axnode.merge", "axnode.thin", "axwire.thinned"):
            unload(name)

    def _drop(self) -> None:
        """Give the oldest segment up, and count what is lost with it."""
        if not self._open():
            return
        messages = samples = 0
        at = _HEAD_BYTES
        try:
            for index in range(len(self._sequences)):
                self._file.seek(at)
                length, _, count = unpack(RECORD, self._file.read(_RECORD_BYTES))
                at += _RECORD_BYTES + length
                if index >= self._tables and not self._acknowledged[index]:
                    messages += _messages_in(self._file.read(_THINNED_HEAD))
                    samples += count & ~SENT
        except OSError:
            self.errors += 1
        self.lost(messages, samples, self.boot)
        if self.boot != self._own:
            self._announced = None
        self._free()
        self._open()

    def _give_up(self) -> None:
        self.damaged += 1
        self._free()

    def _free(self) -> None:
        """The oldest segment is not needed any more."""
        self._file.close()
        self._file = None
        _remove(self._path(self._first))
        self._first += 1
        self.segments -= 1

    def _path(self, number: int) -> str:
        return self._folder + "/" + _name(number)


def room_for(table_bytes: int) -> int:
    """Bytes of records in a segment, beside those of its channel table."""
    blocks = 1 + table_bytes // _TABLE_BYTES
    return SEGMENT_BYTES * blocks - table_bytes - _HEAD_BYTES - 4


def _messages_in(start: bytes) -> int:
    """How many messages a payload stands for that begins so."""
    if len(start) < _THINNED_HEAD or start[1] != THINNED:
        return 1
    at = 1
    for _ in range(4):
        at = cbor.head(start, at)[2]
    return cbor.head(start, at)[1]


def _name(number: int) -> str:
    return "%08d" % number


def _append(file: "Any", payload: "Any", sequence: int, samples: int, crc: int) -> int:
    """Write a record; the CRC-32 with it."""
    record = pack(RECORD, len(payload), sequence, samples)
    file.write(record)
    file.write(payload)
    return crc32(payload, crc32(record, crc))


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass
