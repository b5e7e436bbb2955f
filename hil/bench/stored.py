"""What a scenario's spool holds of a channel, on the bench's time line."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hil.account import Store

__all__ = ["digest", "samples_of"]

Floats = NDArray[np.float64]


def samples_of(
    store: Store, quantity: str, place: str, utc_start_us: int
) -> tuple[Floats, Floats]:
    """Times in seconds since the start, and values in the quantity's unit, of all samples of a
    channel, by time. Time is what the gateway makes of the board's."""
    times: list[Floats] = [np.empty(0)]
    values: list[Floats] = [np.empty(0)]
    for part_s, part in _parts(store, quantity, place, utc_start_us):
        times.append(part_s)
        values.append(part)
    t_s, found = np.concatenate(times), np.concatenate(values)
    order = np.argsort(t_s, kind="stable")
    return t_s[order], found[order]


def _parts(
    store: Store, quantity: str, place: str, utc_start_us: int
) -> Iterator[tuple[Floats, Floats]]:
    for block in store.blocks:
        group = block.rows.group
        clock = store.ledger.boot(block.node, block.boot).clock
        if clock is None:
            continue
        for column, name in enumerate(zip(group.quantities, group.places, strict=True)):
            if (name[0].name, name[1]) != (quantity, place):
                continue
            there = ~block.rows.missing[:, column]
            board_ms = block.rows.t_ms + np.arange(len(there)) * group.period_ms
            zero_us = clock.utc_at(0)
            rate = (clock.utc_at(1_000_000_000) - zero_us) / 1e9
            t_s: Floats = np.asarray((zero_us + board_ms * 1000 * rate - utc_start_us) / 1e6)
            yield t_s[there], np.asarray(block.rows.values[there, column], dtype=np.float64)


def digest(folder: Path) -> str:
    """SHA-256 over all files of a spool."""
    found = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file():
            found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()
