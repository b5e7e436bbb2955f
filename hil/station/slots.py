"""The slots of a station: USB sockets, by the path that the system gives each (udev's by-path).

A socket keeps its path whatever is plugged in, and a board gets another device name each time. So
a slot is named by its path, `pci-0000:00:14.0-usb-0:2.1` for the first port of the hub in the
second socket of a controller, and leads to whatever serial port appears there. A person may name
it by an end of that which no other has, `0:2.1`.
"""

import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from hil.station.drive import find_drives, socket_of
from hil.station.errors import StationError

__all__ = ["BY_PATH", "Slot", "called", "find_slots", "port_of", "short_names"]

BY_PATH = Path("/dev/serial/by-path")

_PORT = "{}:1.0"
"""The link of the serial port in a socket: of MicroPython's own USB, the first interface."""


@dataclass(frozen=True)
class Slot:
    """A socket with a board in it; `port` is the link of its serial port, which a re-plugged board
    keeps, and which one in its boot loader has not got yet."""

    name: str
    port: Path


def find_slots(
    folder: Path = BY_PATH, boot_loaders: Callable[[], Iterable[str]] = find_drives
) -> list[Slot]:
    """The slots that are taken now, by name."""
    found: dict[str, Slot] = {}
    for link in sorted(folder.iterdir()) if folder.is_dir() else []:
        if name := socket_of(link.name):
            found.setdefault(name, Slot(name, link))
    for name in boot_loaders():
        found.setdefault(name, Slot(name, folder / _PORT.format(name)))
    return [found[name] for name in sorted(found)]


def short_names(names: Collection[str]) -> dict[str, str]:
    """For each slot the shortest end of its name, of whole words, that no other one has."""
    short = {}
    for name in names:
        words = name.split("-")
        ends = ["-".join(words[at:]) for at in reversed(range(len(words)))]
        short[name] = next(end for end in ends if len(called(names, end)) == 1)
    return short


def called(names: Iterable[str], end: str) -> list[str]:
    """The slots that are meant by an end of a name, in capitals or not."""
    return [name for name in names if f"-{name}".lower().endswith(f"-{end}".lower())]


def port_of(slot: str | None, folder: Path = BY_PATH) -> str:
    """The port of a slot: its name, or an end of the name of one that is taken; or a device's path
    as it is; or with None the only one there is. Raises StationError."""
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
    ports = {one.name: one.port for one in there}
    meant = called(ports, slot)
    if len(meant) == 1:
        return str(ports[meant[0]])
    if meant:
        raise StationError(f"slot {slot} may be {' or '.join(meant)}", "Name it in full")
    if socket_of(_PORT.format(slot)):
        return str(folder / _PORT.format(slot))
    raise StationError(
        f"there is no board in slot {slot}",
        f"Plug one in there, or name another slot: {names}" if names else "Plug one in there",
    )
