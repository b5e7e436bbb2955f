"""What is in the slots of a line now, and whether it is the same as before."""

import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from hil.station.drive import find_drives
from hil.station.line import Plugged
from hil.station.slots import BY_PATH, find_slots

__all__ = ["look_at_slots"]


def look_at_slots(
    folder: Path = BY_PATH,
    others: Collection[str] = (),
    boot_loaders: Callable[[], Iterable[str]] = find_drives,
) -> dict[str, Plugged]:
    """What is plugged in, by slot. `others` are ports that are no boards'."""
    try:
        slots = find_slots(folder, boot_loaders)
    except FileNotFoundError:  # the folder goes with the last board, the disk with its loader
        return {}
    return {
        slot.name: Plugged(str(slot.port), _stamp(slot.port))
        for slot in slots
        if str(slot.port) not in others
    }


def _stamp(link: Path) -> tuple[int, ...]:
    """Another one each time that the system makes the link anew; empty for a boot loader, whose
    port is yet to come."""
    try:
        status = os.lstat(link)
    except FileNotFoundError:
        return ()
    return status.st_ino, status.st_ctime_ns
