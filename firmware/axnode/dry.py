"""Stands for axnode.spill while nothing lies in flash, so that its code is not in memory.

Unloaded when that takes over.
"""

import os

SPILL_FOLDER = "spill"


def lies_in_flash() -> bool:
    """Whether an earlier boot left something, or the file system fails."""
    try:
        return SPILL_FOLDER in os.listdir() and bool(os.listdir(SPILL_FOLDER))
    except OSError:
        return True


class Dry:
    """A Spill that holds nothing: what there is to know of it, and what it answers."""

    segments = written = damaged = errors = 0
    dropped_messages = dropped_samples = 0
    thinned_messages = thinned_samples = 0

    def __init__(self, boot: int) -> None:
        self.boot = boot
        self.board_ms = 0
        self.utc_ms = 0

    def next(self, now: int) -> "bytes | None":
        return None

    def acknowledge(self, boot: int, upto: int, singles: "list[int]") -> None:
        pass

    def rewind(self) -> None:
        pass

    def in_flight(self) -> bool:
        return False
