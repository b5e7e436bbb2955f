"""The gateway's disk on the bench: it can be full, and its computer can die."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

from hil.lockstep_gateway import UnsyncedStorage

__all__ = ["BenchDisk"]


class BenchDisk(UnsyncedStorage):
    """Real files. `full`: nothing more fits; `dead`: nothing more reaches them; `stalled`: no sync
    returns. `wait` lets some of the bench's time go on."""

    def __init__(self, wait: Callable[[], None]) -> None:
        self.full = False
        self.dead = False
        self.stalled = False
        self._wait = wait

    def datasync(self, fd: int) -> None:
        self._check_alive()
        while self.stalled and not self.dead:
            self._wait()
        self._check_alive()

    def create(self, path: Path) -> int:
        self._check()
        return super().create(path)

    def write(self, fd: int, data: memoryview, offset: int) -> int:
        self._check()
        return super().write(fd, data, offset)

    def allocate(self, fd: int, size: int) -> None:
        self._check()
        super().allocate(fd, size)

    def rename(self, old: Path, new: Path) -> None:
        self._check_alive()
        super().rename(old, new)

    def unlink(self, path: Path) -> None:
        self._check_alive()
        super().unlink(path)

    def truncate(self, fd: int, size: int) -> None:
        self._check_alive()
        super().truncate(fd, size)

    def _check(self) -> None:
        self._check_alive()
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _check_alive(self) -> None:
        if self.dead:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
