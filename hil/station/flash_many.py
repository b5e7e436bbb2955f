"""Flashes the boards in several slots at once: each for itself, none waits for another."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from gateway.timebase import Clock
from hil.station.board import BoardFacts
from hil.station.errors import StationError
from hil.station.flash import Flashed
from hil.station.slots import Slot

__all__ = ["Outcome", "flash_many"]

FlashOne = Callable[[str], tuple[Flashed, BoardFacts]]
"""Flashes the board at a port and reads it back; raises StationError."""


@dataclass(frozen=True)
class Outcome:
    """What became of the board in a slot: either it was `flashed`, or there is an `error`."""

    slot: Slot
    flashed: Flashed | None
    error: StationError | None
    seconds: float


def flash_many(
    slots: Sequence[Slot],
    flash_one: FlashOne,
    clock: Clock,
    tell: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Flash them all, and say of each when it is over; in the order of the slots."""
    if not slots:
        raise StationError("there is no board in any slot", "Plug some in and begin again")
    with ThreadPoolExecutor(len(slots), thread_name_prefix="slot") as threads:
        return list(threads.map(partial(_flash, flash_one, clock, tell), slots))


def _flash(
    flash_one: FlashOne, clock: Clock, tell: Callable[[Outcome], None], slot: Slot
) -> Outcome:
    begun_us = clock.monotonic_us()
    flashed, error = None, None
    try:
        flashed, _ = flash_one(str(slot.port))
    except StationError as failed:
        error = failed
    outcome = Outcome(slot, flashed, error, (clock.monotonic_us() - begun_us) / 1e6)
    tell(outcome)
    return outcome
