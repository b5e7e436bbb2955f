"""The gateway without an event loop: every part wired together, driven from outside.

`service.py` drives it in real time with threads and ports; a bench drives it step by step with
its own clock and links.
"""

import logging
from collections.abc import Callable
from contextlib import suppress

import msgspec
from axwire.errors import WireError

from gateway.clock import ClockSync
from gateway.commands import Commands
from gateway.config import GatewayConfig, load_keys
from gateway.downlink import Downlink
from gateway.ingest import Ingest
from gateway.ledger import Ledger
from gateway.profiles import load_profile
from gateway.registry import Registry
from gateway.spool.format import Kind, Position
from gateway.spool.opening import open_spool
from gateway.spool.recovery import Recovery
from gateway.spool.retention import Limits, Unsent, make_room
from gateway.spool.segments import read_records
from gateway.spool.storage import FileStorage, Storage
from gateway.spool.writer import WriterSettings
from gateway.state import Forward, Locomotive, Spool
from gateway.timebase import Clock
from gateway.version import VERSION

__all__ = ["Gateway"]

_log = logging.getLogger(__name__)

_UNREADABLE = (WireError, msgspec.MsgspecError, UnicodeDecodeError)
_MEGABYTE = 1_000_000
_SEGMENT_UNIT = 1024 * 1024
_MIN_FREE_BYTES = 200 * _MEGABYTE
_RATE_FLOOR_US = 60_000_000
_DAY_US = 86_400_000_000


class Gateway:
    """One gateway: its spool is locked and recovered, and this run is recorded, once it exists.

    Raises ConfigError or SpoolError where it cannot collect at all.
    """

    def __init__(
        self, config: GatewayConfig, clock: Clock, storage: Storage | None = None
    ) -> None:
        self.config = config
        self.clock = clock
        self._storage = storage or FileStorage()
        profile = load_profile(config.locomotive.profile)
        keys = load_keys(config)
        self._spool = open_spool(
            config.spool.folder,
            clock,
            settings=WriterSettings(
                segment_bytes=config.spool.segment_mb * _SEGMENT_UNIT,
                commit_period_us=config.spool.commit_ms * 1000,
                buffer_bytes=config.spool.buffer_mb * _SEGMENT_UNIT,
            ),
            storage=self._storage,
        )
        self.writer = self._spool.writer
        self.recovery = self._spool.recovery
        self.ledger = Ledger()
        try:
            self.unreadable_records = self._replay(self.recovery)
        except BaseException:
            self._spool.close()
            raise
        self.downlink = Downlink(keys)
        self.clocks = ClockSync(clock)
        self._started_us = clock.monotonic_us()
        self._forward_state: Callable[[], Forward] = lambda: Forward(state="off")
        self._forwarded: Callable[[], Position | None] = lambda: None
        self._unsent: Unsent | None = None
        self.registry = Registry(
            Locomotive(id=config.locomotive.id, profile=profile.id, title=profile.title),
            VERSION,
            keys,
            self.clocks,
            clock,
            spool=self.spool_state,
            forward=lambda: self._forward_state(),
            refused=lambda: dict(self.ingest.refused),
            losses=self.losses,
        )
        self.ingest = Ingest(
            self.ledger, self.writer, self.downlink, self.clocks, clock, self.registry
        )
        self.commands = Commands(
            self.downlink, clock, self.registry.status, self.registry.channel_name
        )
        self.ingest.on_event = self.commands.told
        ticket = self.ingest.start(VERSION, config.locomotive.id)
        if self.writer.commit():
            self.ingest.committed(ticket)

    def use_forwarder(
        self,
        state: Callable[[], Forward],
        forwarded: Callable[[], Position | None],
        unsent: Unsent | None = None,
    ) -> None:
        """Say where the forwarder's state, its cursor and what it left out come from; without
        it, forwarding is off."""
        self._forward_state = state
        self._forwarded = forwarded
        self._unsent = unsent

    def make_room(self) -> None:
        """Keep the spool within its limit; call it in the committing thread."""
        limits = Limits(self.config.spool.limit_mb * _MEGABYTE, _MIN_FREE_BYTES)
        make_room(self.writer, limits, self._forwarded(), self._unsent)

    def problems(self) -> list[str]:
        """What is wrong now, a sentence each, with what to do."""
        found = []
        if self.writer.fault is not None:
            found.append(self.writer.fault)
        if self.writer.metrics.syncs.slow:
            found.append("the disk takes over 2 s to store a commit: check or replace the card")
        found += [f"node {name} is silent" for name in self._silent_nodes()]
        return found

    def spool_state(self) -> Spool:
        writer = self.writer
        return Spool(
            bytes=writer.total_bytes,
            free_days=self._free_days(),
            commit_age_ms=writer.commit_age_us(self.clock.monotonic_us()) // 1000,
            fault=writer.fault,
        )

    def close(self) -> bool:
        """Commit what is left and give the spool back; False where something was left over."""
        return self._spool.close()

    def _replay(self, recovery: Recovery) -> int:
        """Rebuild the ledger; returns how many records could not be read."""
        unreadable = 0
        records = recovery.records()
        if recovery.snapshot is not None:
            try:
                self.ledger.replay(Kind.STATE, recovery.snapshot)
            except _UNREADABLE:
                _log.exception("the newest state record cannot be read: reading the whole log")
                unreadable += 1
                records = read_records(recovery.folder, None, recovery.storage)
        for record in records:
            try:
                self.ledger.replay(record.kind, record.body)
            except _UNREADABLE:
                unreadable += 1
        return unreadable

    def losses(self) -> dict[str, int]:
        """What will never come, counted since the start, by what dropped it."""
        return {
            "samples_dropped_by_nodes": self.ingest.lost_samples,
            "messages_removed_unsent": self.writer.metrics.messages_removed,
        }

    def _silent_nodes(self) -> list[str]:
        return [
            node.name for node in self.config.nodes if self.registry.status(node.name) == "stale"
        ]

    def _free_days(self) -> float | None:
        """Days until the limit at the rate of this run; None in its first minute."""
        elapsed_us = self.clock.monotonic_us() - self._started_us
        written = self.writer.metrics.bytes
        if elapsed_us < _RATE_FLOOR_US or not written:
            return None
        room = self.config.spool.limit_mb * _MEGABYTE - self.writer.total_bytes
        with suppress(OSError):
            room = min(room, self._storage.free_bytes(self.config.spool.folder))
        return max(0.0, room * elapsed_us / written / _DAY_US)
