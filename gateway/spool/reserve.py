"""A file that only takes room: given up when the disk is full, so that collecting goes on."""

import contextlib
import logging
from pathlib import Path

from gateway.spool.salvage import TEMPORARY_SUFFIX
from gateway.spool.segments import file_size
from gateway.spool.storage import Storage

__all__ = ["RESERVE_NAME", "Reserve"]

_log = logging.getLogger(__name__)

RESERVE_NAME = "reserve"
_PLENTY = 4
"""It is made only where the disk has this many times its size free: then it hurts nobody."""


class Reserve:
    """`size_bytes` of the disk, kept for the worst hour; 0 keeps none. For the committing thread.

    A file system that refused to set them apart is not asked again until more room is free.
    """

    def __init__(self, storage: Storage, folder: Path, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self._storage = storage
        self._folder = folder
        self._path = folder / RESERVE_NAME
        self._refused_at_bytes = 0
        self.held = bool(size_bytes) and file_size(storage, self._path) >= size_bytes
        self.is_given_up = False
        """Whether the disk was full, and has not had room enough since to set it apart anew."""

    def renew(self) -> None:
        """Set it apart where there is plenty of room."""
        if self.held or not self.size_bytes:
            return
        with contextlib.suppress(OSError):
            free_bytes = self._storage.free_bytes(self._folder)
            if free_bytes < _PLENTY * self.size_bytes or free_bytes <= self._refused_at_bytes:
                return
            try:
                self._make()
                self.held = True
                self.is_given_up = False
            except OSError as error:
                self._refused_at_bytes = free_bytes
                _log.warning("no reserve can be set apart in %s: %s", self._folder, error)

    def give_up(self) -> bool:
        """Free it; False where there is none, or it cannot be removed."""
        if not self.held:
            return False
        try:
            self._storage.unlink(self._path)
            self._storage.sync_folder(self._folder)
        except OSError as error:
            _log.error("the reserve in %s cannot be freed: %s", self._folder, error)
            return False
        self.held = False
        self.is_given_up = True
        _log.warning("the disk is full: the reserve in %s is given up", self._folder)
        return True

    def _make(self) -> None:
        temporary = self._path.with_suffix(TEMPORARY_SUFFIX)
        with contextlib.suppress(FileNotFoundError):
            self._storage.unlink(temporary)
        fd = self._storage.create(temporary)
        try:
            self._storage.allocate(fd, self.size_bytes)
            self._storage.datasync(fd)
        except OSError:
            with contextlib.suppress(OSError):
                self._storage.unlink(temporary)
            raise
        finally:
            self._storage.close(fd)
        self._storage.rename(temporary, self._path)
        self._storage.sync_folder(self._folder)
