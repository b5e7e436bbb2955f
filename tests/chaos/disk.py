"""A disk of its own for the store, which can be filled to the last byte and emptied again."""

import ctypes
import os
from contextlib import suppress
from pathlib import Path

__all__ = ["Disk"]

_DETACH = 2
_PAGE = 4096


class Disk:
    """A file system in memory, mounted at `folder`; None of it where this user may not mount.

    `archive` holds a second name of each file of the store, so that what the gateway removes to
    make room can still be counted; it costs no room.
    """

    def __init__(self, folder: Path, size_mb: int) -> None:
        folder.mkdir()
        self.folder = folder
        self._libc = ctypes.CDLL(None, use_errno=True)
        options = f"size={size_mb}m,mode=700".encode()
        self.mounted = self._libc.mount(b"axlebox", bytes(folder), b"tmpfs", 0, options) == 0
        self.why = "" if self.mounted else os.strerror(ctypes.get_errno())
        self.spool = folder / "spool"
        self.archive = folder / "archive"
        self.archive.mkdir()
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave no room at all."""
        with self._ballast.open("wb") as ballast:
            size = 0
            while free := os.statvfs(self.folder).f_bavail:
                # Others write meanwhile: what is gone by now is not ours to take.
                with suppress(OSError):
                    os.posix_fallocate(ballast.fileno(), size, free * _PAGE)
                    size += free * _PAGE

    def empty(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def keep_segments(self) -> None:
        """Give each segment that is there now its second name."""
        for segment in self.spool.glob("*.seg"):
            kept = self.archive / segment.name
            with suppress(FileNotFoundError):
                if not kept.exists():
                    kept.hardlink_to(segment)
                elif not kept.samefile(segment):
                    # In one step: the gateway may remove the segment meanwhile.
                    replacing = kept.with_suffix(".new")
                    replacing.hardlink_to(segment)
                    replacing.rename(kept)

    def close(self) -> None:
        if self.mounted:
            self._libc.umount2(bytes(self.folder), _DETACH)
