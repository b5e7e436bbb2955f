"""Storages that fail, fill up, or keep a record of what was asked of them."""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.spool import FileStorage


@dataclass(frozen=True)
class Operation:
    """One change that was asked of the file system; `fd` stands for the open file."""

    name: str
    path: Path
    data: bytes = b""
    offset: int = 0
    target: Path | None = None


class WatchedStorage(FileStorage):
    """Calls `before` ahead of each change; what it raises is what the change raises."""

    def __init__(self, before: Callable[[Operation], None]) -> None:
        self.before = before
        self._paths: dict[int, Path] = {}

    def create(self, path: Path) -> int:
        if not path.exists():
            self.before(Operation("create", path))
        fd = super().create(path)
        self._paths[fd] = path
        return fd

    def open_write(self, path: Path) -> int:
        self.before(Operation("open_write", path))
        fd = super().open_write(path)
        self._paths[fd] = path
        return fd

    def write(self, fd: int, data: memoryview, offset: int) -> int:
        self.before(Operation("write", self._paths[fd], bytes(data), offset))
        return super().write(fd, data, offset)

    def datasync(self, fd: int) -> None:
        self.before(Operation("datasync", self._paths[fd]))
        super().datasync(fd)

    def truncate(self, fd: int, size: int) -> None:
        self.before(Operation("truncate", self._paths[fd], offset=size))
        super().truncate(fd, size)

    def link(self, old: Path, new: Path) -> None:
        self.before(Operation("link", old, target=new))
        super().link(old, new)

    def rename(self, old: Path, new: Path) -> None:
        self.before(Operation("rename", old, target=new))
        super().rename(old, new)
        self._paths = {fd: new if path == old else path for fd, path in self._paths.items()}

    def unlink(self, path: Path) -> None:
        if path.exists():
            self.before(Operation("unlink", path))
        super().unlink(path)

    def sync_folder(self, folder: Path) -> None:
        self.before(Operation("sync_folder", folder))
        super().sync_folder(folder)


class FailingStorage(WatchedStorage):
    """Fails the operations numbered in `failing`, or all of those named in `refused`.

    A failing sync loses the bytes it should have kept, as the kernel's page cache may.
    """

    def __init__(
        self,
        code: int = errno.EIO,
        failing: frozenset[int] = frozenset(),
        refused: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(self._maybe_fail)
        self.code = code
        self.failing = failing
        self.refused = refused
        self.count = 0

    def _maybe_fail(self, operation: Operation) -> None:
        number, self.count = self.count, self.count + 1
        if number in self.failing or operation.name in self.refused:
            raise OSError(self.code, os.strerror(self.code))


class FullDisk(WatchedStorage):
    """A file system of `room_bytes`: a write that does not fit is cut short, then refused."""

    def __init__(self, folder: Path, room_bytes: int) -> None:
        super().__init__(lambda operation: None)
        self.folder = folder
        self.room_bytes = room_bytes

    def write(self, fd: int, data: memoryview, offset: int) -> int:
        fits = min(len(data), self.free_bytes(self.folder) + self.size(fd) - offset)
        if fits <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(fd, data[:fits], offset)

    def free_bytes(self, folder: Path) -> int:
        used = sum(path.stat().st_size for path in self.folder.iterdir())
        return max(0, self.room_bytes - used)
