"""The drive that an RP2040's boot loader is: an image is copied to it, and the board starts.

The loader tells in a file what it is. It says nothing of the board around the chip: a Pico and a
Pico W look alike until MicroPython answers.
"""

import os
import re
import time
from contextlib import suppress
from pathlib import Path

from hil.station.errors import ContactError, StationError

__all__ = [
    "INFO",
    "check_drive",
    "copy_image",
    "find_drive",
    "find_drives",
    "socket_of",
    "wait_for_drive",
]

INFO = "INFO_UF2.TXT"

_CHIP_OF = {"RPI-RP2": "RP2040", "RP2350": "RP2350"}
"""By the Board-ID in the file (RP2040 datasheet, 2.8.4.1)."""

_DISKS = Path("/dev/disk/by-path")
_MOUNTS = Path("/proc/mounts")
_LOOKS, _LOOK_S = 100, 0.2

_LINK = re.compile(r"(?P<controller>.*usb)(?:v[23])?-(?P<port>[\d:.]+?):\d+\.\d+(?:-|$)")
"""`pci-0000:00:14.0-usb-0:2.1:1.0` with the USB configuration and interface behind the socket; a
disk's link goes on."""


def socket_of(link: str) -> str | None:
    """The USB socket that a link of udev's by-path names; None: it names none."""
    matched = _LINK.match(link)
    return f"{matched['controller']}-{matched['port']}" if matched else None


def find_drives(disks: Path = _DISKS, mounts: Path = _MOUNTS) -> dict[str, Path]:
    """Where boot loaders are mounted, by their sockets."""
    sockets = {}
    for link in sorted(disks.iterdir()) if disks.is_dir() else []:
        if socket := socket_of(link.name):
            sockets[os.path.realpath(link)] = socket
    found = {}
    lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines() if sockets else []
    for line in lines:
        device, folder = line.split()[:2]
        place = Path(folder.encode().decode("unicode_escape"))
        socket = sockets.get(os.path.realpath(device))
        if socket and (place / INFO).is_file():
            found[socket] = place
    return found


def find_drive(port: str) -> Path | None:
    """Where the boot loader in the same socket as this port is mounted; None: there is none.
    `port` is a link of /dev/serial/by-path, there or yet to come."""
    socket = socket_of(Path(port).name)
    return find_drives().get(socket) if socket else None


def wait_for_drive(port: str, drive: Path | None) -> Path:
    """The drive, which is about to come: `drive` if it is given, else that of the port. Raises
    ContactError."""
    for _ in range(_LOOKS):
        found = drive if drive is not None else find_drive(port)
        if found is not None and (found / INFO).is_file():
            return found
        time.sleep(_LOOK_S)
    raise ContactError(
        "the boot loader's drive does not appear",
        "Hold the board's BOOTSEL button while you plug it in, then begin again",
        code="boot_loader",
    )


def check_drive(drive: Path, chip: str) -> None:
    """Raises StationError where this is not the boot loader of that chip."""
    try:
        lines = (drive / INFO).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError as error:
        raise StationError(
            f"{drive} is no boot loader's drive ({error.strerror})",
            "Hold the board's BOOTSEL button while you plug it in, then begin again",
            code="boot_loader",
        ) from None
    facts = dict(line.split(": ", 1) for line in lines if ": " in line)
    found = facts.get("Board-ID", "nothing")
    if _CHIP_OF.get(found) != chip:
        raise StationError(
            f"the chip in the boot loader is {_CHIP_OF.get(found, found)}, not {chip}",
            "Plug in the right board",
            code="wrong_board",
        )


def copy_image(drive: Path, name: str, data: bytes) -> None:
    """Copy the image to the drive and see that it is written. The loader starts the board with
    the last byte, and takes the drive away. Raises ContactError."""
    written = False
    try:
        with (drive / name).open("wb", buffering=0) as file:
            at = 0
            while at < len(data):
                at += file.write(data[at:])
            written = True
            os.fsync(file.fileno())
    except OSError as error:
        if not (written and _gone(drive)):
            raise ContactError(
                f"the image cannot be copied to {drive} ({error.strerror})",
                "Hold the board's BOOTSEL button while you plug it in, then begin again",
                code="boot_loader",
            ) from None


def _gone(drive: Path) -> bool:
    there = False
    with suppress(OSError):
        there = (drive / INFO).is_file()
    return not there
