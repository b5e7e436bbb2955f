"""One run of a node as the gateway knows it: sequences, channel tables, clocks, losses."""

from dataclasses import dataclass, field

from axwire.codes import HEALTH_FIELDS
from axwire.parse import Health, Hello, Thinned

from gateway.clock import SILENCE_US, ClockRecord
from gateway.decode import ChannelTable, TableBuilder
from gateway.seen import Seen
from gateway.thinned import count_thinned

__all__ = ["Boot"]

_SAMPLES = HEALTH_FIELDS.index("samples")

_TABLE_BYTES = 32 * 1024
"""What a boot's tables may take beside the latest, as they came: the oldest of them go."""

_BASES_KEPT = 4
"""Of so many runs of the machine, one behind the other, a boot's clock is remembered."""


@dataclass
class Boot:
    """One run of a node as the gateway knows it."""

    accepted: Seen = field(default_factory=Seen)
    """Handed to the spool."""
    durable: Seen = field(default_factory=Seen)
    """On the disk: these are acknowledged."""
    samples: int = 0
    """Samples in the messages accepted."""
    lost_messages: int = 0
    lost_samples: int = 0
    """What the node dropped before it reached us."""
    thinned_samples: int = 0
    """What came as minimum, mean and maximum only."""
    hello: Hello | None = None
    """The latest piece of the channel table, for what the node says of itself."""
    tables: dict[int, ChannelTable] = field(default_factory=dict)
    """Whole tables by revision."""
    clocks: dict[str, ClockRecord] = field(default_factory=dict)
    """The latest by base, the base of the latest last."""
    silence: tuple[ClockRecord, ClockRecord] | None = None
    """Its clock before and after the latest stretch in which nothing was heard of it for long."""
    awaited: bool = False
    """A later boot has said that the rest of this one follows."""
    hellos: dict[tuple[int, int], bytes] = field(default_factory=dict)
    _builder: TableBuilder = field(default_factory=TableBuilder)

    @property
    def clock(self) -> ClockRecord | None:
        return next(reversed(self.clocks.values()), None)

    def learn_clock(self, record: ClockRecord) -> None:
        before = self.clock
        if before is not None and record.board_us - before.board_us > SILENCE_US:
            self.silence = before, record
        self.recall_clock(record)

    def recall_clock(self, record: ClockRecord) -> None:
        """Take a record in that a snapshot kept."""
        self.clocks.pop(record.base, None)
        self.clocks[record.base] = record
        while len(self.clocks) > _BASES_KEPT:
            del self.clocks[next(iter(self.clocks))]

    def check(self, hello: Hello) -> None:
        """Raises MessageError where `learn` would; changes nothing."""
        self._builder.preview(hello)

    def learn(self, hello: Hello, payload: bytes) -> ChannelTable | None:
        """Take a piece of the channel table in; the table once it is whole."""
        table = self._builder.add(hello)
        self.hello = hello
        self.hellos.pop((hello.revision, hello.piece), None)
        self.hellos[hello.revision, hello.piece] = payload
        if table is not None:
            self.tables[hello.revision] = table
        size = sum(map(len, self.hellos.values()))
        for key in list(self.hellos):
            if size > _TABLE_BYTES and key[0] != hello.revision:
                size -= len(self.hellos.pop(key))
                self._builder.forget(key[0])
                self.tables.pop(key[0], None)
        return table

    def forget_tables(self) -> None:
        """Many boots began since: its rows need its table anew, should there be any."""
        self.hello = None
        self.tables = {}
        self.hellos = {}
        self._builder = TableBuilder()

    def close_gap(self, oldest: int) -> int:
        """The node holds nothing below `oldest` any more: returns how many never came."""
        missing = self.accepted.give_up_below(oldest)
        self.durable.give_up_below(oldest)
        self.lost_messages += missing
        return missing

    def thin(self, thinned: Thinned) -> tuple[int, int]:
        """Take in a message that stands for many: returns the messages lost among them, and the
        samples thinned."""
        first, last = thinned.sequence, thinned.last
        samples = count_thinned(thinned)
        messages = thinned.messages
        for offset, doubted in thinned.in_doubt:
            if first + offset in self.accepted:
                samples -= doubted
                messages -= 1
        there = self.accepted.add_range(first, last)
        lost = max(0, last - first + 1 - there - messages)
        samples = max(0, samples)
        self.lost_messages += lost
        self.thinned_samples += samples
        return lost, samples

    def settle(self, health: Health) -> int:
        """Compare the samples that the node sent with those that came; returns those newly lost.

        Possible when nothing before this HEALTH is still on its way.
        """
        if self.accepted.above or self.accepted.next != health.sequence + 1:
            return 0
        sent = health.values[_SAMPLES] if len(health.values) > _SAMPLES else None
        return self.settle_at(sent or 0)

    def settle_at(self, sent: int) -> int:
        """The node put so many samples into messages, and none is on its way: returns those newly
        lost."""
        newly = max(0, sent - self.samples - self.thinned_samples - self.lost_samples)
        self.lost_samples += newly
        return newly
