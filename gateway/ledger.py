"""What is in, by node and boot: sequences, channel tables, clocks. Rebuilt from the log.

A STATE record holds a snapshot of it, so that reading the log may begin there; every record
behind it brings the ledger on. Of each node the latest boots are kept, thousands of them: an old
capture is refused even after its rows are gone.
"""

from dataclasses import dataclass
from itertools import islice

import msgspec
from axwire.codes import EVENT_EARLIER_BOOT, EVENT_EARLIER_OVER
from axwire.cose import Envelope
from axwire.errors import WireError
from axwire.parse import Event, Health, Hello, Readings, Thinned

from gateway.alarms.record import SILENCED, AlarmRecord, Kept, read_record
from gateway.boot import Boot
from gateway.clock import ClockRecord
from gateway.decode import count_samples
from gateway.quick import AnyUp, parse, split
from gateway.seen import Seen
from gateway.spool.format import MAX_STATE_BYTES, Kind, Record
from gateway.spool.gaps import Account, accounts_of
from gateway.walltime import TimeRecord, Times

__all__ = [
    "BOOTS_KEPT",
    "SERVER_REFUSED",
    "EarlierBoot",
    "Ledger",
    "Quarantined",
    "Run",
    "account_of",
    "earlier_boot",
]

BOOTS_KEPT = 4096
"""So many of a node are remembered: years of them, and still a bound."""

_BOOTS_WITH_TABLES = 8
"""A snapshot carries the tables and clocks of a node's latest boots only."""

_TABLES_IN_MEMORY = 32
"""Of so many of its latest boots the tables are at hand."""

SERVER_REFUSED = "server_refused"
"""Why a line of ours is in quarantine: the server will never take it."""

_OF_EARLIER = (EVENT_EARLIER_BOOT, EVENT_EARLIER_OVER)
_MOST = 0xFFFFFFFF
_MOST_MS = 1 << 53


class Run(msgspec.Struct, frozen=True):
    """Body of a RUN record: a start of the gateway, with what was in force."""

    run: int
    version: str
    locomotive: str


class Quarantined(msgspec.Struct, frozen=True):
    """Body of a QUARANTINE record: refused input, why, and whose it was if that was proved."""

    reason: str
    link: str
    text: str
    message: bytes
    sender: tuple[str, int, int] | None = None
    """Node, boot and sequence of an authentic message: it counts as in."""


class _BootSnapshot(msgspec.Struct, array_like=True):
    number: int
    next: int
    above: list[int]
    samples: int
    lost_messages: int
    lost_samples: int
    thinned_samples: int = 0


class _Snapshot(msgspec.Struct):
    run: int
    boots: dict[str, list[_BootSnapshot]]
    hellos: dict[str, list[bytes]]
    clocks: list[ClockRecord]
    times: list[TimeRecord] = []
    base: str = ""
    silences: list[tuple[ClockRecord, ClockRecord]] = []
    alarms: list[Kept] = []


@dataclass(frozen=True)
class EarlierBoot:
    """What a node says of an earlier boot before it sends the rest of it, and when that is over.

    `board_ms` was `utc_ms`, as that boot was last told; both 0 where it never was. `samples` is
    None while there is a rest, then how many that boot had put into messages.
    """

    number: int
    oldest: int
    board_ms: int
    utc_ms: int
    samples: int | None = None


def earlier_boot(event: Event) -> EarlierBoot | None:
    """What an event says of an earlier boot; None when it says nothing of one, or nonsense."""
    if event.code not in _OF_EARLIER or len(event.arguments) != 4:
        return None
    number, oldest, board_ms, utc_ms = event.arguments
    samples = None
    if event.code == EVENT_EARLIER_OVER:
        samples, board_ms, utc_ms = board_ms, 0, 0
    in_range = 0 <= number <= _MOST and 0 <= oldest <= _MOST and board_ms >= 0 and utc_ms >= 0
    if number == event.boot or not in_range or max(board_ms, utc_ms) > _MOST_MS:
        return None
    return EarlierBoot(number, oldest, board_ms, utc_ms, samples)


def account_of(record: Record) -> Account | None:
    """Whose message a record is, for when it is taken out of the log; None: nobody's."""
    try:
        if record.kind == Kind.QUARANTINE:
            sender = msgspec.msgpack.decode(record.body, type=Quarantined).sender
            return sender and Account(sender[0], sender[1], sender[2], sender[2], 0)
        envelope = split(record.body)
        up = parse(envelope.payload)
    except (WireError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    samples = count_samples(up) if isinstance(up, Readings) else 0
    return Account(envelope.name, up.boot, up.sequence, up.sequence, samples)


class Ledger:
    """State of the latest boots of every node ever heard, configured or not at present."""

    def __init__(self) -> None:
        self.run = 0
        self.times = Times()
        self.alarms: dict[str, Kept] = {}
        """Those that are not normal, by id."""
        self._nodes: dict[str, dict[int, Boot]] = {}

    def find(self, node: str, number: int) -> Boot | None:
        return self._nodes.get(node, {}).get(number)

    def boot(self, node: str, number: int) -> Boot:
        """That boot's state, new if it was never heard."""
        boots = self._nodes.setdefault(node, {})
        if number not in boots:
            boots[number] = Boot()
            _bound(boots)
        return boots[number]

    def ahead(self, node: str) -> int:
        """Sequences of all its boots that are in above a gap."""
        return sum(len(boot.accepted.above) for boot in self._nodes.get(node, {}).values())

    def live_clocks(self) -> list[dict[str, ClockRecord]]:
        """Of the latest boot of each node, the latest clock record by base."""
        return [next(reversed(boots.values())).clocks for boots in self._nodes.values() if boots]

    def latest(self, node: str) -> int | None:
        """The boot of that node that was first heard last."""
        return next(reversed(self._nodes.get(node, {})), None)

    def boots(self, node: str) -> list[Boot]:
        """Those of a node that are remembered, the one that was first heard last at the end."""
        return list(self._nodes.get(node, {}).values())

    def is_older(self, node: str, number: int, than: int) -> bool:
        """Whether a boot was first heard before another: its rest may come late."""
        if number == than:
            return False
        for known in self._nodes.get(node, {}):
            if known == than:
                return False
            if known == number:
                return True
        return False

    def declare_earlier(self, node: str, present: int, earlier: EarlierBoot) -> tuple[int, int]:
        """The node holds the rest of a boot that came before `present`, or nothing any more:
        returns how many messages and samples of it are found to be lost."""
        boots = self._nodes.setdefault(node, {})
        declared = boots.get(earlier.number) or Boot()
        if not self.is_older(node, earlier.number, present):
            ordered: dict[int, Boot] = {}
            for number, boot in boots.items():
                if number == present:
                    ordered[earlier.number] = declared
                if number != earlier.number:
                    ordered[number] = boot
            self._nodes[node] = ordered
            if earlier.number not in ordered:
                self._nodes[node] = {earlier.number: declared, **ordered}
            _bound(self._nodes[node])
        declared.awaited = True
        missing = declared.close_gap(earlier.oldest)
        samples = earlier.samples
        return missing, 0 if samples is None else declared.settle_at(samples)

    def snapshot(self) -> bytes:
        """The body of a STATE record: of all boots, or of so many of the latest as it can hold."""
        boots, tables = BOOTS_KEPT, _BOOTS_WITH_TABLES
        while len(body := self._snapshot(boots, tables)) > MAX_STATE_BYTES:
            boots, tables = boots // 2, tables // 2
        return body

    def _snapshot(self, most_boots: int, with_tables: int) -> bytes:
        boots: dict[str, list[_BootSnapshot]] = {}
        hellos: dict[str, list[bytes]] = {}
        clocks: list[ClockRecord] = []
        silences: list[tuple[ClockRecord, ClockRecord]] = []
        for node, known in self._nodes.items():
            boots[node] = [
                _BootSnapshot(
                    number,
                    boot.accepted.next,
                    sorted(boot.accepted.above),
                    boot.samples,
                    boot.lost_messages,
                    boot.lost_samples,
                    boot.thinned_samples,
                )
                for number, boot in list(known.items())[max(0, len(known) - most_boots) :]
            ]
            recent = list(known.values())[max(0, len(known) - with_tables) :]
            hellos[node] = [payload for boot in recent for payload in boot.hellos.values()]
            clocks += [clock for boot in recent for clock in boot.clocks.values()]
            silences += [boot.silence for boot in recent if boot.silence is not None]
        return msgspec.msgpack.encode(
            _Snapshot(
                self.run,
                boots,
                hellos,
                clocks,
                self.times.all(),
                self.times.base,
                silences,
                list(self.alarms.values()),
            )
        )

    def replay(self, kind: int, body: bytes) -> None:
        """Bring the ledger on by one record of the log. Raises MsgspecError or WireError."""
        if kind == Kind.MESSAGE:
            self._replay_message(body)
        elif kind == Kind.CLOCK:
            record = msgspec.msgpack.decode(body, type=ClockRecord)
            self.boot(record.node, record.boot).learn_clock(record)
        elif kind == Kind.TIME:
            self.times.learn(msgspec.msgpack.decode(body, type=TimeRecord))
        elif kind == Kind.STATE:
            self._restore(body)
        elif kind == Kind.RUN:
            self.run = max(self.run, msgspec.msgpack.decode(body, type=Run).run)
        elif kind == Kind.QUARANTINE:
            sender = msgspec.msgpack.decode(body, type=Quarantined).sender
            if sender is not None:
                self._mark(self.boot(sender[0], sender[1]), sender[2])
        elif kind == Kind.ALARM:
            self.learn_alarm(read_record(body))
        elif kind == Kind.GAP:
            for account in accounts_of(body):
                self._restore_thinned(account)

    def learn_alarm(self, record: AlarmRecord) -> None:
        if record.alarm is not None:
            self.alarms[record.id] = record.alarm
        elif record.id != SILENCED:
            self.alarms.pop(record.id, None)

    def _replay_message(self, message: bytes) -> None:
        envelope = split(message)
        try:
            up = parse(envelope.payload)
        except WireError:
            return
        self.take_in(envelope, up)

    def take_in(self, envelope: Envelope, up: AnyUp) -> None:
        """What replaying a message comes to, for who has parsed it already. Raises WireError."""
        node = envelope.name
        boot = self.boot(node, up.boot)
        if isinstance(up, Health):
            boot.close_gap(up.oldest)
        elif isinstance(up, Hello):
            boot.learn(up, envelope.payload)
        elif isinstance(up, Readings):
            boot.samples += count_samples(up)
        elif isinstance(up, Event) and (earlier := earlier_boot(up)) is not None:
            self.declare_earlier(node, up.boot, earlier)
        elif isinstance(up, Thinned) and up.sequence not in boot.accepted:
            boot.thin(up)
            boot.durable.add_range(up.sequence, up.last)
        self._mark(boot, up.sequence)
        if isinstance(up, Health):
            boot.settle(up)

    def _restore_thinned(self, account: Account) -> None:
        """What was taken out of the log to make room had come in: it counts as such."""
        boot = self.boot(account.node, account.boot)
        boot.accepted.add_range(account.first, account.last)
        boot.durable.add_range(account.first, account.last)
        boot.samples += account.samples

    @staticmethod
    def _mark(boot: Boot, sequence: int) -> None:
        boot.accepted.add(sequence)
        boot.durable.add(sequence)

    def _restore(self, body: bytes) -> None:
        snapshot = msgspec.msgpack.decode(body, type=_Snapshot)
        self.run = max(self.run, snapshot.run)
        for node, boots in snapshot.boots.items():
            for saved in boots:
                boot = self.boot(node, saved.number)
                boot.accepted = Seen(saved.next, saved.above)
                boot.durable = Seen(saved.next, saved.above)
                boot.samples = saved.samples
                boot.lost_messages = saved.lost_messages
                boot.lost_samples = saved.lost_samples
                boot.thinned_samples = saved.thinned_samples
        for node, hellos in snapshot.hellos.items():
            for payload in hellos:
                hello = parse(payload)
                if isinstance(hello, Hello):
                    self.boot(node, hello.boot).learn(hello, payload)
        for record in snapshot.clocks:
            self.boot(record.node, record.boot).recall_clock(record)
        for before, after in snapshot.silences:
            self.boot(before.node, before.boot).silence = before, after
        self.times.restore(snapshot.times, snapshot.base)
        self.alarms = {one.id: one for one in snapshot.alarms}


def _bound(boots: dict[int, Boot]) -> None:
    """A boot came in: forget the oldest beyond what is kept of a node."""
    if len(boots) > BOOTS_KEPT:
        del boots[next(iter(boots))]
    for boot in islice(reversed(boots.values()), _TABLES_IN_MEMORY, _TABLES_IN_MEMORY + 1):
        boot.forget_tables()
