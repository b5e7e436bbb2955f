"""The account of a run: what the sensors gave, and what became of each sample.

Counted from the store itself, independently of the gateway's own counters.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from axwire.codes import EVENT_EARLIER_OVER, HEALTH_FIELDS
from axwire.cose import split
from axwire.errors import WireError
from axwire.parse import Event, Health, Readings, Thinned, parse_up

from gateway.decode import Rows, decode_readings
from gateway.ledger import Ledger
from gateway.spool.format import Kind
from gateway.spool.segments import read_records
from gateway.thinned import count_thinned

__all__ = ["Account", "Store", "StoredBlock", "read_store", "settle"]

_SAMPLES = HEALTH_FIELDS.index("samples")
_DROPPED = HEALTH_FIELDS.index("dropped_samples")
_EARLIER = HEALTH_FIELDS.index("earlier_dropped_samples")


@dataclass(frozen=True)
class StoredBlock:
    """A block in the store, with where it came from."""

    node: str
    boot: int
    sequence: int
    rows: Rows


@dataclass(frozen=True)
class StoredSummary:
    """A message in the store that stands for others, up to `last`, and for so many samples that
    are not stored by themselves."""

    node: str
    boot: int
    sequence: int
    last: int
    samples: int


@dataclass
class Store:
    """What a spool holds: blocks by message, messages stored again, samples lost by node."""

    messages: set[tuple[str, int, int]] = field(default_factory=set)
    blocks: list[StoredBlock] = field(default_factory=list)
    summaries: list[StoredSummary] = field(default_factory=list)
    duplicated: int = 0
    lost_by: Counter[str] = field(default_factory=Counter)
    over: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    """Of boots of which nothing is left: samples put into messages, and dropped."""
    health: dict[tuple[str, int], list[Health]] = field(default_factory=dict)
    """By node and boot, as they came."""
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def samples(self) -> int:
        return sum(block.rows.samples for block in self.blocks)

    @property
    def thinned(self) -> int:
        """Samples of which only minimum, mean and maximum came."""
        return sum(summary.samples for summary in self.summaries)


@dataclass(frozen=True)
class Account:
    """Every sample taken is stored once, thinned, or in a named counter; `balanced`: it is so."""

    taken: int
    stored: int
    thinned: int
    lost: int
    duplicated: int
    lost_by: dict[str, int]

    @property
    def balanced(self) -> bool:
        known = self.stored + self.thinned + self.lost
        return self.taken == known and not self.duplicated


def read_store(folder: Path) -> Store:
    """Read a spool from its first record to its last."""
    store = Store()
    health = store.health
    for record in read_records(folder, None):
        store.ledger.replay(record.kind, record.body)
        if record.kind != Kind.MESSAGE:
            continue
        envelope = split(record.body)
        try:
            up = parse_up(envelope.payload)
        except WireError:
            continue
        key = (envelope.name, up.boot, up.sequence)
        if key in store.messages:
            store.duplicated += 1
            continue
        store.messages.add(key)
        if isinstance(up, Readings):
            table = store.ledger.boot(envelope.name, up.boot).tables[up.revision]
            store.blocks += [StoredBlock(*key, rows) for rows in decode_readings(up, table)]
        elif isinstance(up, Thinned):
            store.summaries.append(_summary(store, envelope.name, up))
        elif isinstance(up, Health):
            health.setdefault((envelope.name, up.boot), []).append(up)
        elif isinstance(up, Event) and up.code == EVENT_EARLIER_OVER:
            boot, _, sent, dropped = up.arguments
            store.over[envelope.name, boot] = sent, dropped
    for node in dict.fromkeys(node for node, _ in health):
        _count_losses(store, node, {boot: told for (n, boot), told in health.items() if n == node})
    return store


def settle(taken: int, store: Store) -> Account:
    """Compare what the sensors gave with what the store holds."""
    lost_by = dict(store.lost_by)
    lost = sum(lost_by.values())
    return Account(taken, store.samples, store.thinned, lost, store.duplicated, lost_by)


def _summary(store: Store, node: str, thinned: Thinned) -> StoredSummary:
    samples = count_thinned(thinned)
    for offset, doubted in thinned.in_doubt:
        if (node, thinned.boot, thinned.sequence + offset) in store.messages:
            samples -= doubted
    return StoredSummary(node, thinned.boot, thinned.sequence, thinned.last, samples)


def _count_losses(store: Store, node: str, told: dict[int, list[Health]]) -> None:
    """What the node says it dropped, and no more than is missing.

    What an earlier boot left in flash and a later one dropped is counted by the later one alone.
    Where the rest of such a boot came, HEALTH of its own tells what is missing of it in all; where
    none came, the later boot's word is all there is.
    """
    own = beyond = 0
    for boot, health in told.items():
        missing, dropped = _missing(store, node, boot, health)
        own += min(missing, dropped)
        beyond += max(0, missing - dropped)
    earlier = sum(max(_value(each, _EARLIER) for each in health) for health in told.values())
    if any(store.ledger.boot(node, boot).awaited for boot in told):
        earlier = min(earlier, beyond)
    if own:
        store.lost_by[f"outbox of {node}"] = own
    if earlier:
        store.lost_by[f"flash of {node}, of earlier boots"] = earlier


def _missing(store: Store, node: str, boot: int, told: list[Health]) -> tuple[int, int]:
    """Samples that the node put into messages and that are not in the store; and how many of that
    boot it says it dropped before it was acknowledged.

    By what a later boot says of it when nothing of it is left; else by the latest HEALTH before
    which nothing is still on its way: what it counts less what is stored, or thinned, of the
    messages before it. Of what is missing beyond what was dropped, all was acknowledged, and the
    account does not balance, unless a later boot dropped it from flash.
    """
    durable = store.ledger.boot(node, boot).durable
    if (node, boot) in store.over:
        sent, dropped = store.over[node, boot]
        return sent - _kept(store, node, boot, 1 << 63), dropped
    for health in sorted(told, key=lambda each: each.sequence, reverse=True):
        held = range(health.oldest, health.sequence)
        sent = _value(health, _SAMPLES)
        if sent and all(number in durable for number in held):
            kept = _kept(store, node, boot, health.sequence)
            return sent - kept, _value(health, _DROPPED)
    return 0, 0


def _kept(store: Store, node: str, boot: int, before: int) -> int:
    """Samples of a boot that are stored, or thinned, of the messages before a sequence."""
    stored = sum(
        block.rows.samples
        for block in store.blocks
        if (block.node, block.boot) == (node, boot) and block.sequence < before
    )
    thinned = sum(
        each.samples
        for each in store.summaries
        if (each.node, each.boot) == (node, boot) and each.last < before
    )
    return stored + thinned


def _value(health: Health, field_number: int) -> int:
    """0 where the node does not tell it."""
    return (health.values[field_number] or 0) if len(health.values) > field_number else 0
