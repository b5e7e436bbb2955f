"""What the log has to say of time: the machine's clock, each boot's, and who is to be pinged."""

from collections.abc import Callable
from contextlib import suppress

import msgspec

from gateway.bridge import bridges
from gateway.clock import ClockRecord, ClockSync
from gateway.downlink import Downlink, Link
from gateway.ledger import EarlierBoot, Ledger
from gateway.spool.errors import BufferFullError
from gateway.spool.format import Kind, Priority
from gateway.walltime import TimeRecord

__all__ = ["Append", "TimeKeeper"]

Append = Callable[[Kind, Priority, bytes], int]
"""Hands a record to the store; returns its ticket. Raises BufferFullError: nothing was taken."""

_TOLD_ERROR_US = 1_000_000
"""How long a ping may have been on its way to a boot that kept its time (unverified)."""


class TimeKeeper:
    """Stores what is learnt of clocks and keeps it in the ledger."""

    def __init__(
        self, ledger: Ledger, clocks: ClockSync, downlink: Downlink, append: Append
    ) -> None:
        self._ledger = ledger
        self._clocks = clocks
        self._downlink = downlink
        self._append = append

    def start(self) -> int:
        """Record the machine's clock as this run finds it; returns the ticket."""
        return self._store(self._clocks.wall.record)

    def greet(self, link: Link) -> None:
        """Ping the nodes that may be behind a link."""
        for name in self._downlink.names:
            boot = self._downlink.boot(name)
            boot = self._ledger.latest(name) if boot is None else boot
            if boot is not None:
                self._clocks.seen(name, boot, self._ledger.boot(name, boot).clock)
                self._ping(name, boot, link)

    def ping_due(self) -> None:
        """Ping every node that is due."""
        for name, boot in self._clocks.due():
            self._ping(name, boot)

    def look(self) -> None:
        """Store what is new of the machine's clock; where there is no room, the next time."""
        wall = self._clocks.wall
        wall.look()
        if wall.record != self._ledger.times.of(wall.record.base):
            with suppress(BufferFullError):
                self._store(wall.record)
                self._bridge()

    def learn(self, record: ClockRecord) -> None:
        """A boot's clock is known better. Raises BufferFullError."""
        self._keep(record)
        self._bridge()

    def learn_earlier(self, node: str, earlier: EarlierBoot) -> None:
        """A boot that is over was told the time while it ran. Raises BufferFullError."""
        if self._ledger.boot(node, earlier.number).clock is not None or not earlier.utc_ms:
            return
        record = ClockRecord(
            node,
            earlier.number,
            earlier.board_ms * 1000,
            earlier.utc_ms * 1000,
            0,
            _TOLD_ERROR_US,
            trusted=True,
        )
        self._keep(record)

    def _ping(self, name: str, boot: int, link: Link | None = None) -> None:
        wall = self._clocks.wall
        utc_ms = wall.utc_us() // 1000 if wall.trusted() else None
        self._clocks.pinged(name, self._downlink.ping(name, boot, utc_ms, link))

    def _keep(self, record: ClockRecord) -> None:
        self._append(Kind.CLOCK, Priority.SERVICE, msgspec.msgpack.encode(record))
        self._ledger.boot(record.node, record.boot).learn_clock(record)

    def _bridge(self) -> None:
        for record in bridges(self._ledger.times, self._ledger.live_clocks()):
            self._store(record)

    def _store(self, record: TimeRecord) -> int:
        ticket = self._append(Kind.TIME, Priority.SERVICE, msgspec.msgpack.encode(record))
        self._ledger.times.learn(record)
        return ticket
