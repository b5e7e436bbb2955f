"""A whole spool for a gateway: locked, recovered, and ready to be written and followed."""

from collections.abc import Callable
from pathlib import Path

from gateway.spool.errors import SpoolFolderError
from gateway.spool.format import Position
from gateway.spool.lock import FolderLock
from gateway.spool.reader import SpoolReader
from gateway.spool.recovery import Recovery, recover
from gateway.spool.storage import FileStorage, Storage
from gateway.spool.writer import SpoolWriter, WriterSettings
from gateway.timebase import Clock

__all__ = ["Spool", "open_spool"]


class Spool:
    """The recovery and the one writer of a folder; `close` lets another gateway have it."""

    def __init__(self, recovery: Recovery, writer: SpoolWriter, lock: FolderLock) -> None:
        self.recovery = recovery
        self.writer = writer
        self._lock = lock

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def reader(self, start: Position | None) -> SpoolReader:
        """A reader of what is committed, from a stored position (the oldest record by default)."""
        return SpoolReader(
            self.writer.folder, start, lambda: self.writer.committed, self.writer.storage
        )

    def close(self) -> bool:
        """Commit what is left and unlock; False where something could not be committed."""
        try:
            return self.writer.close()
        finally:
            self._lock.release()


def open_spool(
    folder: Path,
    clock: Clock,
    *,
    settings: WriterSettings | None = None,
    storage: Storage | None = None,
    on_committed: Callable[[int], None] | None = None,
) -> Spool:
    """Lock, recover and open the spool in `folder`, which is made where it is missing.

    Raises SpoolLockedError and SpoolFolderError; a damaged or unwritable spool opens all the same.
    """
    storage = storage or FileStorage()
    try:
        storage.make_folder(folder)
    except OSError as error:
        raise SpoolFolderError(
            f"cannot make the spool's folder {folder}: {error.strerror or error}; make it, or "
            "set another path, and give it to the user the gateway runs as"
        ) from error
    lock = FolderLock(folder)
    try:
        recovery = recover(folder, storage)
        writer = SpoolWriter(
            folder,
            clock,
            recovery,
            settings=settings,
            storage=storage,
            on_committed=on_committed,
        )
    except BaseException:
        lock.release()
        raise
    return Spool(recovery, writer, lock)
