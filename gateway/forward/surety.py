"""A sure time for rows that lie before the one that their gateway got: found further on in the
log, waited for while it may still come, and given up where the server has waited long enough."""

from enum import Enum

import msgspec

from gateway.forward.log import CHUNK_BYTES, Log
from gateway.spool.format import Kind, Record
from gateway.spool.reader import SpoolReader
from gateway.timebase import Clock
from gateway.walltime import TimeRecord

__all__ = ["Hold", "NoTime", "TimeSearch"]

_GRACE_US = 60_000_000
"""So long after a later run of the machine got its time, nodes have bridged to the earlier one."""


class NoTime(Enum):
    """Why a base has no sure time: none will come, or it may still."""

    NONE = "none"
    NOT_YET = "not yet"


class TimeSearch:
    """Looks ahead of the records that are being sent, to the end. Reads each stretch once.

    Which record it finds rests on the log alone; whether one is waited for, on the clock too.
    """

    def __init__(self, log: Log, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._reader: SpoolReader | None = None
        self._first: dict[str, TimeRecord] = {}
        self._sources: dict[str, Record] = {}
        """By base: the record by which it got a time from a source of its own."""

    def find(self, base: str, row: Record) -> TimeRecord | NoTime:
        """The first sure record of the base behind `row`.

        Raises OSError or SpoolError where the log cannot be read.
        """
        if self._reader is None or self._reader.position < row.end:
            self.close()
            self._reader = self._log.reader(row.end)
        while base not in self._first:
            records = self._reader.read(CHUNK_BYTES)
            for record in records:
                if record.kind == Kind.TIME:
                    self._note(record)
            if not records:
                return self._verdict(base, row)
        return self._first[base]

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def _verdict(self, base: str, row: Record) -> NoTime:
        now_us = self._clock.utc_us()
        over = any(
            abs(now_us - source.received_us) > _GRACE_US
            for later, source in self._sources.items()
            if later != base and source.start >= row.end
        )
        return NoTime.NONE if over else NoTime.NOT_YET

    def _note(self, record: Record) -> None:
        try:
            found = msgspec.msgpack.decode(record.body, type=TimeRecord)
        except (msgspec.MsgspecError, ValueError):
            return
        if not found.trusted:
            return
        self._first.setdefault(found.base, found)
        if not found.by:
            self._sources.setdefault(found.base, record)


class Hold:
    """How long rows wait for a time: `wait_us`, counted only while the server answers.

    Where server and time source come over one network, the rows so get their time however long
    the network was away; where the server is there and no time source, they go as estimates.
    """

    def __init__(self, clock: Clock, wait_us: int) -> None:
        self._clock = clock
        self._wait_us = wait_us
        self._answers_since_us: dict[str, int | None] = {}

    def over(self, base: str) -> bool:
        """Whether rows of that base have waited for long enough; they wait from now on."""
        if not self._wait_us:
            return True
        since_us = self._answers_since_us.setdefault(base, None)
        return since_us is not None and self._clock.monotonic_us() - since_us >= self._wait_us

    def heard(self, *, answers: bool) -> None:
        """Whether the server took what it was asked to take just now."""
        for base, since_us in self._answers_since_us.items():
            if not answers:
                self._answers_since_us[base] = None
            elif since_us is None:
                self._answers_since_us[base] = self._clock.monotonic_us()
