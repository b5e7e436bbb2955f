"""The slots of a station: USB sockets, by the path that the system gives each (udev's by-path).

A socket keeps its path whatever is plugged in, and a board gets another device name each time. So
a slot is named by its path, `pci-0000:00:14.0-usb-0:2.1` for the first port of the hub in the
second socket of a controller, and leads to whatever serial port appears there. A person may name
it by an end of that which no other has, `0:2.1`.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from hil.station.errors import StationError

__all__ = ["BY_PATH", "Slot", "find_slots", "port_of", "slot_of"]

BY_PATH = Path("/dev/serial/by-path")

_LINK = re.compile(r"(?P<controller>.*usb)(?:v[23])?-(?P<port>[\d:.]+?):\d+\.\d+(?:-port0)?$")
"""`pci-0000:00:14.0-usb-0:2.1:1.0` with the socket, then the USB configuration and interface."""


@dataclass(frozen=True)
class Slot:
    """A socket with something serial in it; `port` is its link, which a re-plugged board keeps."""

    name: str
    port: Path


def find_slots(folder: Path = BY_PATH) -> list[Slot]:
    """The slots that are taken now, by name."""
    found: dict[str, Slot] = {}
    try:
        links = sorted(folder.iterdir())
    except FileNotFoundError:  # it goes with the last board
        return []
    for link in links:
        name = slot_of(link)
        if name:
            found.setdefault(name, Slot(name, link))
    return list(found.values())


def slot_of(link: Path) -> str | None:
    """The slot that this link of the system's leads to."""
    matched = _LINK.search(link.name)
    return f"{matched['controller']}-{matched['port']}" if matched else None


def port_of(slot: str | None, folder: Path = BY_PATH) -> str:
    """The port of a slot: its name or an end of it, or a device's path as it is, or with None the
    only one there is. Raises StationError."""
    if slot is not None and os.sep in slot:
        return slot
    there = find_slots(folder)
    names = ", ".join(one.name for one in there)
    if slot is None:
        if len(there) == 1:
            return str(there[0].port)
        if there:
            raise StationError(
                f"there are boards in {len(there)} slots: {names}", "Name one with --slot"
            )
        raise StationError("there is no board", "Plug one in and begin again")
    meant = [one for one in there if f"-{one.name}".endswith(f"-{slot}")]
    if len(meant) == 1:
        return str(meant[0].port)
    if meant:
        raise StationError(
            f"slot {slot} may be {' or '.join(one.name for one in meant)}", "Name it in full"
        )
    raise StationError(
        f"there is no board in slot {slot}",
        f"Plug one in there, or name another slot: {names}" if names else "Plug one in there",
    )
