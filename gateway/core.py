"""The gateway without an event loop: every part wired together, driven from outside.

`service.py` drives it in real time with threads and ports; a bench drives it step by step with
its own clock and links.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from math import inf

import msgspec
from axwire.errors import WireError
from axwire.parse import Event

from gateway.alarms.rulebook import load_rules
from gateway.alarms.watch import AlarmWatch
from gateway.clock import ClockSync
from gateway.commands import Commands
from gateway.config import GatewayConfig, load_keys, update_keys
from gateway.downlink import Downlink
from gateway.history.indexer import Indexer
from gateway.ingest import Ingest
from gateway.ledger import Ledger, account_of
from gateway.pace import Counts, Pace
from gateway.profiles import Profile, load_profile
from gateway.registry import Registry
from gateway.spool.format import Kind, Position
from gateway.spool.opening import open_spool
from gateway.spool.recovery import Recovery
from gateway.spool.reserve import Reserve
from gateway.spool.retention import ALARM_SHARE, THIN_SHARE, Limits, Unsent, make_room
from gateway.spool.segments import read_records
from gateway.spool.storage import FileStorage, Storage
from gateway.spool.thinning import Thinner
from gateway.spool.verification import Verifier
from gateway.spool.writer import WriterSettings
from gateway.state import Forward, Layout, Locomotive, Spool
from gateway.timebase import Clock
from gateway.update.store import JobStore
from gateway.update.updating import NodeFacts, Updating
from gateway.upkeep import Upkeep
from gateway.version import VERSION

__all__ = ["Gateway", "layout_of"]

_log = logging.getLogger(__name__)

_UNREADABLE = (WireError, msgspec.MsgspecError, UnicodeDecodeError)
_MEGABYTE = 1_000_000
_SEGMENT_UNIT = 1024 * 1024
MIN_FREE_BYTES = 200 * _MEGABYTE
_RATE_FLOOR_US = 60_000_000
_UNSENT_LOOK_US = 1_000_000
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
        self.storage = storage or FileStorage()
        profile = load_profile(config.locomotive.profile)
        rules = load_rules(profile, config.alarms.rules)
        keys = load_keys(config)
        trusted = update_keys(config)
        self._spool = open_spool(
            config.spool.folder,
            clock,
            settings=WriterSettings(
                segment_bytes=config.spool.segment_mb * _SEGMENT_UNIT,
                commit_period_us=config.spool.commit_ms * 1000,
                buffer_bytes=config.spool.buffer_mb * _SEGMENT_UNIT,
            ),
            storage=self.storage,
        )
        self.writer = self._spool.writer
        self.recovery = self._spool.recovery
        self.ledger = Ledger()
        try:
            self.unreadable_records = self._replay(self.recovery)
        except BaseException:
            self._spool.close()
            raise
        folder = config.spool.folder
        self.thinner = Thinner(self.storage, folder, account_of)
        self.reserve = Reserve(self.storage, folder, config.spool.reserve_mb * _SEGMENT_UNIT)
        self.indexer = Indexer(self.storage, folder, lambda: self.writer.committed)
        self.verifier = Verifier(self.storage, folder, lambda: self.writer.committed, clock)
        self.upkeep = Upkeep(self.thinner, self.indexer, self.verifier, clock)
        self.downlink = Downlink(keys)
        self.clocks = ClockSync(clock, self.ledger.times.of(clock.boot_id()))
        self._started_us = clock.monotonic_us()
        self._unsent_us: int | None = None
        self._unsent_bytes = 0
        self._forward_state: Callable[[], Forward] = lambda: Forward(state="off")
        self._forwarded: Callable[[], Position | None] = lambda: None
        self._unsent: Unsent | None = None
        self.registry = Registry(
            Locomotive(
                id=config.locomotive.id,
                profile=profile.id,
                title=profile.title,
                layout=layout_of(profile),
            ),
            VERSION,
            keys,
            self.clocks,
            clock,
            spool=self.spool_state,
            forward=lambda: self._forward_state(),
            refused=lambda: dict(self.ingest.refused),
            losses=self.losses,
            rates=lambda: self.pace.rates(),
            alarms=lambda: self.alarms.alarms(),
            silenced=lambda: self.alarms.silenced,
            update=lambda: self.updating.state(),
        )
        self.ingest = Ingest(
            self.ledger, self.writer, self.downlink, self.clocks, clock, self.registry
        )
        self.commands = Commands(
            self.downlink, clock, self.registry.status, self.registry.channel_name
        )
        self.updating = Updating(
            self.downlink,
            clock,
            self._facts,
            lambda: self.alarms.stands,
            self.commands.is_pending,
            trusted,
            JobStore(self.storage, folder / "update"),
        )
        self.commands.taken = lambda: self.updating.node
        self.ingest.on_event = self._told
        self.alarms = AlarmWatch(rules, profile, self.ledger, self.writer, self.registry, clock)
        self.pace = Pace(clock, self._counts)
        ticket = self.ingest.start(VERSION, config.locomotive.id)
        if self.writer.commit():
            self.ingest.committed(ticket)
        self.updating.resume()

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

    def tick(self) -> None:
        """Do what is due by time alone; call it each 100 ms in the thread of `ingest`."""
        self.ingest.tick()
        self.commands.tick()
        self.updating.tick()
        self.pace.tick()
        self.alarms.tick()

    @property
    def next_word_us(self) -> float:
        """Before then, by the monotonic clock, no tick has anything to say to a node, unless one
        speaks or is sent a command."""
        is_asking = self.commands.pending or self.updating.node is not None
        return -inf if is_asking else self.ingest.next_word_us

    def make_room(self) -> None:
        """Keep the spool sound and within its limit; call it in the committing thread."""
        self.verifier.salvage()
        limits = Limits(self._limit_bytes, MIN_FREE_BYTES)
        make_room(self.writer, limits, self._forwarded(), self._unsent, self.thinner, self.reserve)

    def problems(self) -> list[str]:
        """What is wrong now, a sentence each, with what to do."""
        found = []
        if self.writer.fault is not None:
            found.append(self.writer.fault)
        found += self._store_problems()
        found += [f"node {name} is silent" for name in self._silent_nodes()]
        if not self.clock.trusted():
            found.append(
                "the clock is not set by any time source: times are estimates until GNSS or NTP "
                "is there; `timedatectl` shows what is missing"
            )
        return found

    def spool_state(self) -> Spool:
        writer = self.writer
        problems = self._store_problems()
        verified_us = self.verifier.passed_utc_us
        return Spool(
            bytes=writer.total_bytes,
            limit_bytes=self._limit_bytes,
            free_days=self._free_days(),
            commit_age_ms=writer.commit_age_us(self.clock.monotonic_us()) // 1000,
            fault=writer.fault,
            warning=problems[0] if problems else None,
            removed_messages=writer.metrics.messages_removed,
            thinned_messages=writer.metrics.messages_thinned,
            damaged_segments=self.verifier.damaged,
            verified_ms=None if verified_us is None else verified_us // 1000,
        )

    @property
    def unsent_bytes(self) -> int:
        """What of the spool has not been forwarded, at most a second ago: all of it while
        forwarding is off."""
        now_us = self.clock.monotonic_us()
        if self._unsent_us is None or now_us - self._unsent_us >= _UNSENT_LOOK_US:
            self._unsent_us = now_us
            forward = self._forward_state()
            is_off = forward.state == "off"
            self._unsent_bytes = self.writer.total_bytes if is_off else forward.backlog_bytes
        return self._unsent_bytes

    def close(self) -> bool:
        """Commit what is left and give the spool back; False where something was left over."""
        return self._spool.close()

    def _told(self, node: str, event: Event) -> None:
        self.commands.told(node, event)
        self.updating.told(node, event)

    def _facts(self, node: str) -> NodeFacts:
        hello = self.registry.hello(node)
        firmware, board = (None, None) if hello is None else (hello.firmware, hello.board)
        return NodeFacts(self.registry.status(node), firmware, board)

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
            "messages_thinned_unsent": self.writer.metrics.messages_thinned,
        }

    def _counts(self) -> Counts:
        return Counts(
            self.ingest.samples,
            self.ingest.messages,
            self.writer.metrics.bytes,
            self._forward_state().sent_bytes,
        )

    @property
    def _limit_bytes(self) -> int:
        return self.config.spool.limit_mb * _MEGABYTE

    def _store_problems(self) -> list[str]:
        """What is wrong while the disk takes data."""
        found = []
        if self.writer.metrics.syncs.slow(self.clock.monotonic_us()):
            found.append("the disk takes over 2 s to store a commit: check or replace the card")
        share = self.unsent_bytes / self._limit_bytes
        if share >= ALARM_SHARE:
            when = "now" if share >= THIN_SHARE else f"at {THIN_SHARE * 100:.0f} %"
            found.append(
                f"the store is {share * 100:.0f} % full of what the server does not have: {when} "
                "the oldest waveforms are given up, then the oldest fast readings. Bring the "
                "server back, or raise spool.limit_mb"
            )
        if self.verifier.damaged:
            found.append(
                f"{self.verifier.damaged} segments of the store were found damaged, "
                f"{self.verifier.lost_bytes} bytes of them are lost: look into `dmesg`, replace "
                "the card"
            )
        if self.reserve.is_given_up:
            found.append(
                "the disk was full and the store's reserve is in use: free space on the disk"
            )
        return found

    def _silent_nodes(self) -> list[str]:
        return [
            node.name for node in self.config.nodes if self.registry.status(node.name) == "stale"
        ]

    def _free_days(self) -> float | None:
        """Days until something unsent must be given up, at the rate of this run; None in its
        first minute."""
        elapsed_us = self.clock.monotonic_us() - self._started_us
        written = self.writer.metrics.bytes
        if elapsed_us < _RATE_FLOOR_US or not written:
            return None
        room = self._limit_bytes - self.unsent_bytes
        with suppress(OSError):
            sent = self.writer.total_bytes - self.unsent_bytes
            room = min(room, sent + self.storage.free_bytes(self.config.spool.folder))
        return max(0.0, room * elapsed_us / written / _DAY_US)


def layout_of(profile: Profile) -> Layout:
    """What the page needs to draw a class."""
    wheel, gear = profile.figures["wheel_diameter"], profile.figures["gear_ratio"]
    return Layout(
        sections=profile.sections,
        bogies=profile.bogies,
        axles=profile.axles,
        motors=profile.motors,
        wheel_diameter_mm=wheel.value,
        gear_ratio=gear.value,
        speed_verified=wheel.verified and gear.verified,
    )
