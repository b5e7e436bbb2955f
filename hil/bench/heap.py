"""Whether a node loses heap as it runs, by what it says of itself after each collection."""

from dataclasses import dataclass

from axwire.codes import HEALTH_FIELDS

from hil.account import Store

__all__ = ["HeapLoss", "heap_losses", "is_leak"]

_FREE = HEALTH_FIELDS.index("heap_free_bytes")
_STEPS = 3
_SHARE = 4


@dataclass(frozen=True)
class HeapLoss:
    """Of a node's run: in how many of its `looks` less was free than in all before, and how many
    `bytes` less in the end than at first."""

    node: str
    looks: int
    lows: int
    bytes: int

    def __str__(self) -> str:
        return f"{self.node}: {self.lows} new lows in {self.looks} HEALTH, {self.bytes} bytes"


def heap_losses(store: Store) -> list[HeapLoss]:
    """For each boot of each node that told its heap."""
    found = []
    for (node, _), told in store.health.items():
        by_time = sorted(told, key=lambda each: each.t_ms)
        free = [value for each in by_time if (value := each.values[_FREE]) is not None]
        if free:
            lows = sum(now < min(free[:at]) for at, now in enumerate(free) if at)
            found.append(HeapLoss(node, len(free), lows, free[0] - free[-1]))
    return found


def is_leak(loss: HeapLoss) -> bool:
    """What is made once, when it is first needed, costs a step or two; what is never given back
    costs one after the other. In lock-step the heap after a collection repeats to the byte."""
    return loss.lows > max(_STEPS, loss.looks // _SHARE)
