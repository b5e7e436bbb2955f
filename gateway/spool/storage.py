"""Every file operation of the spool, behind one seam: tests fail it, record it and cut it."""

import os
from pathlib import Path
from typing import Protocol

__all__ = ["FileStorage", "Storage"]


class Storage(Protocol):
    """Files by descriptor; every call may raise OSError."""

    def create(self, path: Path) -> int:
        """A new, empty file opened for writing; FileExistsError where one exists."""

    def open_write(self, path: Path) -> int:
        """An existing file, opened for writing."""

    def open_read(self, path: Path) -> int:
        """An existing file, opened for reading."""

    def close(self, fd: int) -> None:
        """Give the descriptor back."""

    def size(self, fd: int) -> int:
        """Bytes in the file."""

    def read(self, fd: int, size: int, offset: int) -> bytes:
        """Up to `size` bytes; fewer only at the end of the file."""

    def write(self, fd: int, data: memoryview, offset: int) -> int:
        """Write at `offset`; returns how many bytes were taken."""

    def datasync(self, fd: int) -> None:
        """Return once the file's bytes and length are on the medium."""

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file off at `size`."""

    def allocate(self, fd: int, size: int) -> None:
        """Give the file `size` bytes of the medium, whatever they hold."""

    def link(self, old: Path, new: Path) -> None:
        """A second name for a file."""

    def rename(self, old: Path, new: Path) -> None:
        """Another name for a file, in place of what had that name."""

    def unlink(self, path: Path) -> None:
        """Remove a file."""

    def make_folder(self, folder: Path) -> None:
        """Make the folder and those above it where they are missing."""

    def sync_folder(self, folder: Path) -> None:
        """Return once the folder's names are on the medium."""

    def names(self, folder: Path) -> list[str]:
        """The names in the folder, sorted."""

    def free_bytes(self, folder: Path) -> int:
        """What an ordinary process may still write to the folder's file system."""


class FileStorage:
    """The real file system."""

    def create(self, path: Path) -> int:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)

    def open_write(self, path: Path) -> int:
        return os.open(path, os.O_WRONLY)

    def open_read(self, path: Path) -> int:
        return os.open(path, os.O_RDONLY)

    def close(self, fd: int) -> None:
        os.close(fd)

    def size(self, fd: int) -> int:
        return os.fstat(fd).st_size

    def read(self, fd: int, size: int, offset: int) -> bytes:
        data = os.pread(fd, size, offset)
        while len(data) < size and (more := os.pread(fd, size - len(data), offset + len(data))):
            data += more
        return data

    def write(self, fd: int, data: memoryview, offset: int) -> int:
        return os.pwrite(fd, data, offset)

    def datasync(self, fd: int) -> None:
        os.fdatasync(fd)

    def truncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

    def allocate(self, fd: int, size: int) -> None:
        os.posix_fallocate(fd, 0, size)

    def link(self, old: Path, new: Path) -> None:
        os.link(old, new)

    def rename(self, old: Path, new: Path) -> None:
        os.replace(old, new)

    def unlink(self, path: Path) -> None:
        os.unlink(path)

    def make_folder(self, folder: Path) -> None:
        made = [path for path in (folder, *folder.parents) if not path.is_dir()]
        folder.mkdir(parents=True, exist_ok=True)
        for path in made:
            self.sync_folder(path.parent)

    def sync_folder(self, folder: Path) -> None:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def names(self, folder: Path) -> list[str]:
        return sorted(os.listdir(folder))

    def free_bytes(self, folder: Path) -> int:
        room = os.statvfs(folder)
        return room.f_bavail * room.f_frsize
