"""Notes every system call of this process that changes files below a folder.

Under the code that is watched, not in it: the functions of `os` are wrapped meanwhile, so a part
of the gateway that comes tomorrow is watched as well. A way round the wrappers that can be seen
(a file object of Python's own, a call that `Disk` has no model of) is an error at once; any other
is found by `check`, which compares every byte.
"""

import builtins
import errno
import fcntl
import io
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest import mock

from power_cuts.disk import FOLDER, Disk, Image, Operation

__all__ = ["KilledError", "Recorder", "StrayError"]

_FOLLOWED = (
    "open", "close", "write", "pwrite", "truncate", "ftruncate", "posix_fallocate", "fsync",
    "fdatasync", "link", "rename", "replace", "unlink", "remove", "mkdir", "rmdir", "statvfs",
)  # fmt: skip
_STRAY = (
    "writev", "pwritev", "sendfile", "copy_file_range", "splice", "dup", "dup2",
    "symlink", "mkfifo", "mknod",
)  # fmt: skip


class KilledError(BaseException):
    """The process ended here, as by kill -9: no code of it runs any more."""


class StrayError(AssertionError):
    """A change by a way that the recorder does not follow."""


class Recorder:
    """`operations` is all that was asked below `root`, where `image` lies at first.

    Syncs are only noted: the medium is the model's. `before` sees each operation ahead of it, and
    "open" where a file is opened for writing; what it raises is what the call raises, and after a
    KilledError every call that changes something raises one, until `revive`. `room_bytes` is the
    size of the disk, None for no bound. For one thread.
    """

    def __init__(self, root: Path, image: Image = MappingProxyType({})) -> None:
        self.root = root.absolute()
        self.operations: list[Operation] = []
        self.disk = Disk.holding(image)
        for name, content in image.items():
            if content is None:
                (root / name).mkdir()
            else:
                (root / name).write_bytes(content)
        self.before: Callable[[Operation], None] = lambda operation: None
        self.room_bytes: int | None = None
        self._killed = False
        self._files: dict[int, tuple[str, int]] = {}
        self._real: dict[str, Any] = {name: getattr(os, name) for name in _FOLLOWED}
        self._strays: list[str] = []

    @contextmanager
    def watching(self) -> Iterator["Recorder"]:
        """While inside, what this process changes below `root` is noted."""
        with ExitStack() as stack:
            for name in _FOLLOWED:
                stack.enter_context(mock.patch.object(os, name, getattr(self, f"_os_{name}")))
            for name in _STRAY:
                stack.enter_context(mock.patch.object(os, name, self._forbidden(os, name)))
            for module in (builtins, io):
                stack.enter_context(mock.patch.object(module, "open", self._forbidden(io, "open")))
            yield self

    def revive(self) -> None:
        """The next process begins; the killed one's locks are gone.

        Its descriptors are not: what is left of its objects may still close them, and must not
        meet another file under their numbers.
        """
        for fd in self._files:
            fcntl.flock(fd, fcntl.LOCK_UN)
        self._killed = False

    def rot(self, path: str, offset: int, data: bytes) -> None:
        """From now on the medium has other bytes there than it took."""
        fd = self._real["open"](self.root / path, os.O_WRONLY)
        self._real["pwrite"](fd, data, offset)
        self._real["close"](fd)
        self._note(Operation("rot", path, self.disk.names[path], data, offset))

    def check(self) -> None:
        """Each file is, byte for byte, what the operations make of it. Raises AssertionError."""
        assert not self._strays, self._strays
        found = {
            str(path.relative_to(self.root)): None if path.is_dir() else path.read_bytes()
            for path in self.root.rglob("*")
        }
        expected = self.disk.prefix()
        changed = {name for name in found if found[name] != expected.get(name, b"")}
        assert found == expected, f"changed past the recorder: {changed or found.keys()}"

    def _os_open(
        self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None
    ) -> int:
        name = self._below(path, dir_fd)
        if name is None:
            return int(self._real["open"](path, flags, mode, dir_fd=dir_fd))
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise self._stray("O_TMPFILE")
        if flags & os.O_CREAT and name not in self.disk.names:
            inode = self.disk.new_inode()
            operation = Operation("create", name, inode)
            self._ask(operation)
            fd = self._real["open"](path, flags, mode)
            self._note(operation)
        else:
            if flags & (os.O_WRONLY | os.O_RDWR):
                self._ask(Operation("open", name))
            fd = self._real["open"](path, flags & ~os.O_TRUNC, mode)
            inode = self.disk.names.get(name, FOLDER)
        self._files[fd] = name, inode
        if flags & os.O_TRUNC and self.disk.size(inode):
            self._os_ftruncate(fd, 0)
        return int(fd)

    def _os_close(self, fd: int) -> None:
        self._files.pop(fd, None)
        self._real["close"](fd)

    def _os_pwrite(self, fd: int, data: Any, offset: int) -> int:
        if fd not in self._files:
            return int(self._real["pwrite"](fd, data, offset))
        name, inode = self._files[fd]
        taken = bytes(data)
        if self.room_bytes is not None:
            lacking = max(0, offset + len(taken) - self.disk.size(inode)) - self._free_bytes()
            taken = taken[: max(0, len(taken) - max(0, lacking))]
            if len(taken) < len(data) and not taken:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        operation = Operation("write", name, inode, taken, offset)
        self._ask(operation)
        assert self._real["pwrite"](fd, taken, offset) == len(taken)
        self._note(operation)
        return len(taken)

    def _os_write(self, fd: int, data: Any) -> int:
        if fd not in self._files:
            return int(self._real["write"](fd, data))
        appends = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND
        offset = os.lseek(fd, 0, os.SEEK_END if appends else os.SEEK_CUR)
        taken = self._os_pwrite(fd, data, offset)
        os.lseek(fd, offset + taken, os.SEEK_SET)
        return taken

    def _os_ftruncate(self, fd: int, length: int) -> None:
        if fd in self._files:
            name, inode = self._files[fd]
            operation = Operation("truncate", name, inode, offset=length)
            self._ask(operation)
            self._real["ftruncate"](fd, length)
            self._note(operation)
        else:
            self._real["ftruncate"](fd, length)

    def _os_truncate(self, path: Any, length: int) -> None:
        if isinstance(path, int):
            self._os_ftruncate(path, length)
        elif self._below(path) is None:
            self._real["truncate"](path, length)
        else:
            fd = self._os_open(path, os.O_WRONLY)
            try:
                self._os_ftruncate(fd, length)
            finally:
                self._os_close(fd)

    def _os_posix_fallocate(self, fd: int, offset: int, length: int) -> None:
        if fd not in self._files:
            self._real["posix_fallocate"](fd, offset, length)
            return
        grows = offset + length - self.disk.size(self._files[fd][1])
        if self.room_bytes is not None and grows > self._free_bytes():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if grows > 0:
            self._os_ftruncate(fd, offset + length)

    def _os_fsync(self, fd: int) -> None:
        if fd not in self._files:
            self._real["fsync"](fd)
            return
        name, inode = self._files[fd]
        operation = Operation("sync_folder" if inode == FOLDER else "sync", name, inode)
        try:
            self._ask(operation)
        except OSError:
            self._note(replace(operation, failed=True))
            raise
        self._note(operation)

    _os_fdatasync = _os_fsync

    def _os_link(self, src: Any, dst: Any, **where: Any) -> None:
        self._two_names("link", src, dst, where)

    def _os_rename(self, src: Any, dst: Any, **where: Any) -> None:
        self._two_names("rename", src, dst, where)

    _os_replace = _os_rename

    def _os_unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        self._one_name("unlink", "unlink", path, dir_fd)

    _os_remove = _os_unlink

    def _os_mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        self._one_name("mkdir", "make_folder", path, dir_fd, mode)

    def _os_rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        self._one_name("rmdir", "remove_folder", path, dir_fd)

    def _os_statvfs(self, path: Any) -> Any:
        if self.room_bytes is None or (isinstance(path, int) or self._below(path) is None):
            return self._real["statvfs"](path)
        free = self._free_bytes()
        return os.statvfs_result((1, 1, self.room_bytes, free, free, 0, 0, 0, 0, 255))

    def _one_name(
        self, call: str, operation_name: str, path: Any, dir_fd: int | None, *more: int
    ) -> None:
        name = self._below(path, dir_fd)
        if name is None:
            self._real[call](path, *more, dir_fd=dir_fd)
            return
        operation = Operation(operation_name, name, self.disk.names.get(name, FOLDER))
        if os.path.lexists(path) != (call == "mkdir"):
            self._ask(operation)
        self._real[call](path, *more)
        self._note(operation)

    def _two_names(self, call: str, src: Any, dst: Any, where: dict[str, Any]) -> None:
        old, new = self._below(src), self._below(dst)
        if old is None and new is None:
            self._real[call](src, dst, **where)
            return
        if old is None or new is None or where or self.disk.names.get(old) == FOLDER:
            raise self._stray(f"{call} of {src} to {dst}")
        if old not in self.disk.names or (call == "link" and new in self.disk.names):
            self._real[call](src, dst)
        operation = Operation(call, old, self.disk.names[old], target=new)
        self._ask(operation)
        self._real[call](src, dst)
        self._note(operation)

    def _ask(self, operation: Operation) -> None:
        if self._killed:
            raise KilledError
        try:
            self.before(operation)
        except KilledError:
            self._killed = True
            raise

    def _note(self, operation: Operation) -> None:
        self.operations.append(operation)
        self.disk.apply(operation)

    def _free_bytes(self) -> int:
        return max(0, (self.room_bytes or 0) - self.disk.used_bytes())

    def _below(self, path: Any, dir_fd: int | None = None) -> str | None:
        """The name below the folder; None for a path elsewhere."""
        if dir_fd is not None and dir_fd in self._files:
            raise self._stray("a path below an open folder")
        absolute = os.path.abspath(os.fsdecode(path))
        if absolute == str(self.root):
            return ""
        return absolute.removeprefix(f"{self.root}/") if self._holds(absolute) else None

    def _holds(self, absolute: str) -> bool:
        return absolute.startswith(f"{self.root}/")

    def _forbidden(self, module: Any, name: str) -> Callable[..., Any]:
        real = getattr(module, name)

        def call(*arguments: Any, **named: Any) -> Any:
            mode = named.get("mode", arguments[1] if len(arguments) > 1 else "r")
            if (name != "open" or set(mode) & set("wax+")) and any(map(self._is_ours, arguments)):
                raise self._stray(f"{name}{arguments}")
            return real(*arguments, **named)

        return call

    def _is_ours(self, argument: Any) -> bool:
        if isinstance(argument, int):
            return argument in self._files
        is_path = isinstance(argument, (str, bytes, os.PathLike))
        return is_path and self._holds(os.path.abspath(os.fsdecode(argument)))

    def _stray(self, what: str) -> StrayError:
        """Told again by `check`: whoever survives every exception survives this one too."""
        self._strays.append(what)
        return StrayError(f"the recorder does not follow {what}")
