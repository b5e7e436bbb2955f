"""Bytes from any link in; verified, decoded, de-duplicated messages to the spool; acks back.

Promises 1 and 3 meet here. A message is acknowledged when, and only when, the spool has it on
the disk. What is refused is counted by reason and never stops the rest. A message whose sender
proved its key but whose content is wrong is stored as quarantine and acknowledged, so that one
bad message cannot block its node; one whose sender proved nothing is never answered.
"""

from collections import Counter, deque
from collections.abc import Callable
from math import inf

import msgspec
from axwire import GATEWAY_MESSAGE_CAP, cose, down
from axwire.codes import COMMAND_HELLO, HEALTH_FIELDS
from axwire.errors import WireError
from axwire.parse import Event, Health, Hello, Pong, Readings, Thinned
from axwire.up import EVENT, WAVEFORM

from gateway.boot import Boot
from gateway.clock import ClockSync
from gateway.decode import Rows, decode_readings
from gateway.downlink import Downlink, Link
from gateway.ingest_seams import Observer, Store
from gateway.ledger import EarlierBoot, Ledger, Run, earlier_boot
from gateway.quarantine import Quarantine, numbers_of
from gateway.quick import AnyUp, parse, split
from gateway.seen import Seen
from gateway.spool.errors import BufferFullError
from gateway.spool.format import Kind, Priority
from gateway.thinned import decode_thinned
from gateway.timebase import Clock
from gateway.timekeeping import TimeKeeper

__all__ = ["Ingest"]

WINDOW = 8192
"""Messages above the first gap that are taken in: a bound on what one node can make us hold.
Live messages come while what a node kept in flash closes the gap, which takes minutes."""

NODE_WINDOW = 4 * WINDOW
"""The same for all its boots together; looked at with a boot's first and each 16th."""

_LOOK_EACH = 16

_HELLO_AGAIN_US = 1_000_000

_LAST_SEQUENCE = 0xFFFFFFFF
_DOWN_SEQUENCE = HEALTH_FIELDS.index("down_sequence")
_PRIORITIES = {WAVEFORM: Priority.WAVEFORM, EVENT: Priority.URGENT}


class Ingest:
    """One instance for all links; used from one thread, `committed` included."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        downlink: Downlink,
        clocks: ClockSync,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._downlink = downlink
        self._clocks = clocks
        self._clock = clock
        self._observer = observer
        self.on_event: Callable[[str, Event], None] = lambda node, event: None
        """Told each new event of a node, of any boot."""
        self._pending: deque[tuple[int, str, int, int, int, int]] = deque()
        self._held: Counter[str] = Counter()
        self._repeated: dict[tuple[str, int], tuple[Link, set[int]]] = {}
        self._hello_asked_us: dict[str, int] = {}
        self._time = TimeKeeper(ledger, clocks, downlink, self._append)
        self.quarantine = Quarantine(self._append, clock)
        self.refused: Counter[str] = Counter()
        """Messages not taken in, by reason."""
        self.held_back: Counter[str] = Counter()
        """Offers of a node's messages that had to wait for its own earlier ones, by node."""
        self.lost_messages = 0
        self.lost_samples = 0
        """What nodes dropped before it could be sent."""
        self.thinned_samples = 0
        """What came as minimum, mean and maximum only."""
        self.messages = 0
        self.samples = 0
        self.acknowledged = 0
        self.ticket = 0
        """The newest record handed to the store."""
        self.durable = 0
        """Every record up to this ticket is on the disk."""

    @property
    def pending(self) -> int:
        """Messages taken in and not yet on the disk."""
        return len(self._pending)

    def start(self, version: str, locomotive: str) -> int:
        """Record this run and its time; commit the ticket before any message is sent."""
        self._ledger.run += 1
        self._downlink.begin_run(self._ledger.run)
        body = msgspec.msgpack.encode(Run(self._ledger.run, version, locomotive))
        self._append(Kind.RUN, Priority.URGENT, body)
        return self._time.start()

    def link_opened(self, link: Link) -> None:
        """Tell the nodes that may be behind it that we are here: they send what we lack."""
        self._time.greet(link)

    def receive(self, link: Link, message: bytes) -> bool:
        """Take one message in. False: the spool's buffer is full, or so much of it is this
        node's that others need the rest; offer it again later."""
        try:
            self._receive(link, message)
        except BufferFullError:
            return False
        return True

    def _receive(self, link: Link, message: bytes) -> None:
        if self._store.wants_snapshot:
            self._append(Kind.STATE, Priority.SERVICE, self._ledger.snapshot())
        try:
            if len(message) > GATEWAY_MESSAGE_CAP:
                raise WireError("too_long", f"a message of {len(message)} bytes")
            envelope = split(message)
            self._downlink.check(envelope)
        except WireError as error:
            self._refuse(link, message, error)
            return
        self._check_share(envelope.name, len(message))
        try:
            self._take(link, envelope, parse(envelope.payload), message)
        except WireError as error:
            self._take_wrong(link, envelope, message, error)

    def _check_share(self, name: str, size: int) -> None:
        """A node may hold as much of the spool's buffer as it leaves free. Raises BufferFullError.

        So one node gets half of it, two that send without end get a third each, and there is
        always room for one that holds little.
        """
        held = self._held[name]
        if held and held + size > self._store.room_bytes:
            self.held_back[name] += 1
            raise BufferFullError(f"{held} bytes of node {name} already wait for the disk")

    def refuse_noise(self, reason: str, count: int) -> None:
        """Bytes that a link could not even cut into messages."""
        self.refused[reason] += count

    def committed(self, ticket: int) -> None:
        """Everything up to `ticket` is on the disk: acknowledge it."""
        self.durable = max(self.durable, ticket)
        durable: dict[tuple[str, int], set[int]] = {}
        while self._pending and self._pending[0][0] <= ticket:
            _, name, number, sequence, last, size = self._pending.popleft()
            self._held[name] -= size
            self._ledger.boot(name, number).durable.add_range(sequence, last)
            self.acknowledged += 1
            durable.setdefault((name, number), set()).add(sequence)
        for (name, number), sequences in durable.items():
            self._acknowledge(name, number, sequences)

    def tick(self) -> None:
        """Look at the machine's clock, repeat acks that got lost, ping every node that is due;
        call ten times a second."""
        self._time.look()
        repeated, self._repeated = self._repeated, {}
        for (name, number), (link, sequences) in repeated.items():
            self._acknowledge(name, number, sequences, link)
        self._time.ping_due()

    @property
    def next_word_us(self) -> float:
        """Before then no tick has anything to say, unless something comes in."""
        return -inf if self._repeated else self._clocks.next_ping_us

    def _take(self, link: Link, envelope: cose.Envelope, up: AnyUp, message: bytes) -> None:
        name = envelope.name
        if isinstance(up, Pong):
            self._take_pong(link, name, up)
            return
        boot = self._ledger.boot(name, up.boot)
        sequence = last = up.sequence
        oldest = 0
        unknown = False
        if isinstance(up, Health):
            oldest = up.oldest
        elif isinstance(up, Hello):
            unknown = boot.awaited and (up.revision, up.piece) not in boot.hellos
        elif isinstance(up, Thinned):
            last = up.last
        if not self._is_wanted(link, name, up.boot, boot, sequence, last, oldest, unknown):
            return
        rows: list[Rows] = []
        if isinstance(up, (Readings, Thinned)):
            table = boot.tables.get(up.revision)
            if table is None:
                self._spoke(link, name, up.boot)
                self._ask_for_table(name)
                return
            if isinstance(up, Readings):
                rows = list(decode_readings(up, table))
            else:
                deque(decode_thinned(up, table), 0)
        elif isinstance(up, Hello):
            boot.check(up)
        elif isinstance(up, Event) and (earlier := earlier_boot(up)) is not None:
            self._declare_earlier(name, up.boot, earlier)
        ticket = self._append(Kind.MESSAGE, _priority(up, rows), message)
        if isinstance(up, Hello):
            boot.learn(up, envelope.payload)
        if oldest:
            self.lost_messages += boot.close_gap(oldest)
        if isinstance(up, Thinned):
            lost, thinned = boot.thin(up)
            self.lost_messages += lost
            self.thinned_samples += thinned
        boot.accepted.add(sequence)
        self._hold(ticket, name, up.boot, sequence, last, len(message))
        self.messages += 1
        self._spoke(link, name, up.boot)
        for block in rows:
            taken = block.samples
            boot.samples += taken
            self.samples += taken
            self._observer.told_rows(name, up.boot, block)
        if not rows:
            self._tell(name, boot, up)

    def _is_wanted(
        self,
        link: Link,
        name: str,
        number: int,
        boot: Boot,
        sequence: int,
        last: int,
        oldest: int = 0,
        unknown_table: bool = False,
    ) -> bool:
        """Whether an authentic message is new, and near enough to what came before.

        A piece of a table that the rest of an earlier boot needs is wanted even where its sequence
        was given up.
        """
        if sequence in boot.accepted and not unknown_table:
            self.refused["repeated"] += 1
            if sequence in boot.durable:
                self._repeated.setdefault((name, number), (link, set()))[1].add(sequence)
            return False
        accepted = boot.accepted.without(oldest)
        if sequence > accepted.next and self._is_too_far(name, accepted, last - sequence):
            self.refused["too_far_ahead"] += 1
            self._spoke(link, name, number)
            return False
        return True

    def _is_too_far(self, name: str, accepted: Seen, more: int) -> bool:
        ahead = len(accepted.above)
        if ahead + more >= WINDOW:
            return True
        if not more and ahead % _LOOK_EACH:
            return False
        return self._ledger.ahead(name) + more >= NODE_WINDOW

    def _tell(self, name: str, boot: Boot, up: AnyUp) -> None:
        if isinstance(up, Hello):
            self._observer.told_table(name, up, boot.tables.get(up.revision))
        elif isinstance(up, Event):
            self.on_event(name, up)
        elif isinstance(up, Health):
            if up.boot == self._downlink.boot(name) and len(up.values) > _DOWN_SEQUENCE:
                self._downlink.node_knows(name, up.values[_DOWN_SEQUENCE] or 0)
            self.lost_samples += boot.settle(up)
            self._observer.told_health(name, up, boot.lost_samples)

    def _declare_earlier(self, name: str, present: int, earlier: EarlierBoot) -> None:
        messages, samples = self._ledger.declare_earlier(name, present, earlier)
        self.lost_messages += messages
        self.lost_samples += samples
        self._time.learn_earlier(name, earlier)

    def _take_pong(self, link: Link, name: str, pong: Pong) -> None:
        if self._downlink.boot(name) not in (None, pong.boot):
            self.refused["late_pong"] += 1
            return
        answer = self._clocks.pong(name, pong.boot, pong.sequence, pong.t_us)
        if not answer.expected:
            self.refused["late_pong"] += 1
            return
        self._spoke(link, name, pong.boot)
        if answer.record is not None:
            self._time.learn(answer.record)

    def _spoke(self, link: Link, name: str, number: int) -> None:
        present = self._downlink.boot(name)
        newest = number
        if present is not None and number != present and self._is_leftover(name, number, present):
            newest = present
        self._downlink.heard(name, newest, link)
        self._observer.spoke(name, newest, link.name)
        if newest != present:
            boot = self._ledger.boot(name, newest)
            self._clocks.seen(name, newest, boot.clock)
            if boot.hello is not None:
                table = boot.tables.get(boot.hello.revision)
                self._observer.told_table(name, boot.hello, table)

    def _is_leftover(self, name: str, number: int, present: int) -> bool:
        """Whether a message is the rest of an older boot than the present one.

        The present one must have answered a ping: an unheard message of a boot that is over,
        played to us, must not silence the boot that is alive.
        """
        return (
            self._ledger.is_older(name, number, present)
            and self._clocks.estimate(name, present) is not None
        )

    def _ask_for_table(self, name: str) -> None:
        self.refused["no_table"] += 1
        now = self._clock.monotonic_us()
        if now - self._hello_asked_us.get(name, now - _HELLO_AGAIN_US) >= _HELLO_AGAIN_US:
            self._hello_asked_us[name] = now
            self._downlink.command(name, COMMAND_HELLO, [])

    def _acknowledge(
        self, name: str, number: int, sequences: set[int], link: Link | None = None
    ) -> None:
        """Acknowledge `sequences`, which are durable, and with them all below the first gap."""
        upto = min(self._ledger.boot(name, number).durable.next, _LAST_SEQUENCE)
        singles = sorted(sequence for sequence in sequences if sequence >= upto)
        for first in range(0, len(singles) or 1, down.SINGLES_CAP):
            some = singles[first : first + down.SINGLES_CAP]
            self._downlink.acknowledge(name, number, upto, some, link)

    def _hold(
        self, ticket: int, name: str, number: int, sequence: int, last: int, size: int
    ) -> None:
        """What is to be acknowledged once it is on the disk."""
        self._pending.append((ticket, name, number, sequence, last, size))
        self._held[name] += size

    def _append(self, kind: Kind, priority: Priority, body: bytes) -> int:
        self.ticket = self._store.append(kind, priority, body, self._clock.utc_us())
        return self.ticket

    def _refuse(self, link: Link, message: bytes, error: WireError) -> None:
        self.quarantine.keep_unproved(link.name, message, error)
        self.refused[error.reason] += 1

    def _take_wrong(
        self, link: Link, envelope: cose.Envelope, message: bytes, error: WireError
    ) -> None:
        numbers = numbers_of(envelope.payload)
        if numbers is None:
            self._refuse(link, message, error)
            return
        number, sequence = numbers
        boot = self._ledger.boot(envelope.name, number)
        if not self._is_wanted(link, envelope.name, number, boot, sequence, sequence):
            return
        sender = (envelope.name, number, sequence)
        ticket = self.quarantine.keep(link.name, message, error, sender)
        self.refused[error.reason] += 1
        boot.accepted.add(sequence)
        self._hold(ticket, *sender, sequence, len(message))
        self._spoke(link, envelope.name, number)


def _priority(up: AnyUp, rows: list[Rows]) -> Priority:
    """Readings may be thinned when the disk is full unless a slow or a brake's row is in them."""
    if rows and all(block.group.may_be_thinned for block in rows):
        return Priority.READINGS
    return _PRIORITIES.get(up.kind, Priority.SERVICE)
