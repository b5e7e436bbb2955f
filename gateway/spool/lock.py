"""One writer a spool: a lock on the folder itself, which needs no file on a full disk."""

import fcntl
import os
from pathlib import Path

from gateway.spool.errors import SpoolFolderError, SpoolLockedError

__all__ = ["FolderLock"]

_LOCK_TABLE = Path("/proc/locks")


class FolderLock:
    """Held from construction to `release`, or to the end of the process.

    Raises SpoolLockedError where another process, or another part of this one, holds it, and
    SpoolFolderError where the folder cannot be entered.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._fd: int | None = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise SpoolFolderError(
                f"cannot enter the spool's folder {folder}: {error.strerror or error}; "
                "give it to the user the gateway runs as"
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _holder(self._fd)
            self.release()
            raise SpoolLockedError(
                f"the spool in {folder} is in use by another gateway{holder}: stop that one, or "
                "give this one a folder of its own"
            ) from error

    def release(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def _holder(fd: int) -> str:
    """The holder's process id as the kernel lists it, " (process 12)", or nothing."""
    status = os.fstat(fd)
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    try:
        lines = _LOCK_TABLE.read_text().splitlines()
    except OSError:
        return ""
    for line in lines:
        fields = line.split()
        if "FLOCK" in fields and place in fields:
            return f" (process {fields[fields.index(place) - 1]})"
    return ""
