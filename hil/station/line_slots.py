"""What is in the slots of a line now: boards with a serial port, and boards that wait for
MicroPython in their boot loader."""

import os
import re
from collections.abc import Collection
from pathlib import Path

from hil.station.drive import DISKS, MOUNTS, find_drive
from hil.station.line import Plugged
from hil.station.slots import BY_PATH, find_slots, slot_of

__all__ = ["look_at_slots"]

_DISK = re.compile(r"(?P<socket>.*usb(?:v[23])?-[\d:.]+?:\d+\.\d+)-scsi-[\d:]+$")
"""`pci-0000:00:14.0-usb-0:2.1:1.0-scsi-0:0:0:0`, and not its partitions."""


def look_at_slots(
    folder: Path = BY_PATH,
    *,
    others: Collection[str] = (),
    loaders: bool = False,
    disks: Path = DISKS,
    mounts: Path = MOUNTS,
) -> dict[str, Plugged]:
    """What is plugged in, by slot. `others` are ports that are no boards'. With `loaders` also
    boot loaders that are mounted, by the port that they will have."""
    found: dict[str, Plugged] = {}
    for slot in find_slots(folder):
        if str(slot.port) not in others:
            stamp = _stamp(slot.port)
            if stamp:
                found[slot.name] = Plugged(str(slot.port), stamp)
    for disk in sorted(disks.iterdir()) if loaders and disks.is_dir() else []:
        matched = _DISK.fullmatch(disk.name)
        port = folder / matched["socket"] if matched else None
        name = slot_of(port) if port else None
        if port and name and find_drive(str(port), disks, mounts) is not None:
            found.setdefault(name, Plugged(str(port), _stamp(disk)))
    return found


def _stamp(link: Path) -> tuple[int, ...]:
    """Another one each time that the system makes the link anew; empty: it is gone."""
    try:
        status = os.lstat(link)
    except OSError:
        return ()
    return status.st_ino, status.st_ctime_ns
