"""The account of a run: what the sensors gave, and what became of each sample.

Counted from the store itself, independently of the gateway's own counters.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from axwire.codes import HEALTH_FIELDS
from axwire.cose import split
from axwire.errors import WireError
from axwire.parse import Health, Readings, parse_up

from gateway.decode import Rows, decode_readings
from gateway.ledger import Ledger
from gateway.spool.format import Kind
from gateway.spool.segments import read_records

__all__ = ["Account", "Store", "StoredBlock", "read_store", "settle"]

_SAMPLES = HEALTH_FIELDS.index("samples")
_DROPPED = HEALTH_FIELDS.index("dropped_samples")
_THINNED = HEALTH_FIELDS.index("thinned_samples")
_EARLIER = HEALTH_FIELDS.index("earlier_dropped_samples")


@dataclass(frozen=True)
class StoredBlock:
    """A block in the store, with where it came from."""

    node: str
    boot: int
    sequence: int
    rows: Rows


@dataclass
class Store:
    """What a spool holds: blocks by message, messages stored again, samples lost by node."""

    messages: set[tuple[str, int, int]] = field(default_factory=set)
    blocks: list[StoredBlock] = field(default_factory=list)
    duplicated: int = 0
    lost_by: Counter[str] = field(default_factory=Counter)
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def samples(self) -> int:
        return sum(block.rows.samples for block in self.blocks)


@dataclass(frozen=True)
class Account:
    """Every sample taken is stored once or in a named counter; `balanced` says whether."""

    taken: int
    stored: int
    lost: int
    duplicated: int
    lost_by: dict[str, int]

    @property
    def balanced(self) -> bool:
        return self.taken == self.stored + self.lost and not self.duplicated


def read_store(folder: Path) -> Store:
    """Read a spool from its first record to its last."""
    store = Store()
    health: dict[tuple[str, int], list[Health]] = {}
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
        elif isinstance(up, Health):
            health.setdefault((envelope.name, up.boot), []).append(up)
    for node in dict.fromkeys(node for node, _ in health):
        _count_losses(store, node, {boot: told for (n, boot), told in health.items() if n == node})
    return store


def settle(taken: int, store: Store) -> Account:
    """Compare what the sensors gave with what the store holds."""
    lost_by = dict(store.lost_by)
    return Account(taken, store.samples, sum(lost_by.values()), store.duplicated, lost_by)


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

    By the latest HEALTH before which nothing is still on its way: what it counts less what is
    stored of the messages before it. Of what is missing beyond what was dropped, all was
    acknowledged, and the account does not balance, unless a later boot dropped it from flash.
    """
    durable = store.ledger.boot(node, boot).durable
    for health in sorted(told, key=lambda each: each.sequence, reverse=True):
        held = range(health.oldest, health.sequence)
        sent = _value(health, _SAMPLES)
        if sent and all(number in durable for number in held):
            stored = sum(
                block.rows.samples
                for block in store.blocks
                if (block.node, block.boot) == (node, boot) and block.sequence < health.sequence
            )
            return sent - stored, _value(health, _DROPPED) + _value(health, _THINNED)
    return 0, 0


def _value(health: Health, field_number: int) -> int:
    """0 where the node does not tell it."""
    return (health.values[field_number] or 0) if len(health.values) > field_number else 0
