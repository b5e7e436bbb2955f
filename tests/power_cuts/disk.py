"""A file system as the kernel shows it and as its medium has it: what a power cut leaves.

`Disk.apply` brings it on by one operation of a run. Then `synced`, `prefix` and `torn` give the
files that a cut leaves here, by name:

- synced: of each file what a sync promised; of each folder the names that its sync promised.
- prefix: all that was asked, in order; the last write by a part.
- torn: what was promised, and of the rest each 512-byte sector as it was, as it is, as it was in
  between, as zeros or as rubbish; each name, removal and length done or not. Bytes that a sync
  promised and that nothing changed since stay, also in a sector that is shared with new ones.

A sync that lies changes nothing. One that failed has thrown away what it should have kept: no
later sync brings it back.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from random import Random

__all__ = ["FOLDER", "SECTOR_BYTES", "Disk", "Image", "Operation"]

SECTOR_BYTES = 512

Image = Mapping[str, bytes | None]
"""The files by name; None for a folder."""

FOLDER = -1
"""The inode of every folder."""


@dataclass(frozen=True)
class Operation:
    """One change that a process asked for.

    `path` is below the folder that is watched. A file is meant by `inode`, which its first
    operation gives it. `failed` is a sync that came back with an error. "rot" is no operation
    of a process: the medium itself has other bytes than it took.
    """

    name: str
    path: str
    inode: int = FOLDER
    data: bytes = b""
    offset: int = 0
    target: str = ""
    failed: bool = False


@dataclass(frozen=True)
class _Change:
    """Bytes written at `offset`, or (None) the file cut off or lengthened to it."""

    offset: int
    data: bytes | None

    def apply(self, content: bytearray) -> None:
        end = self.offset if self.data is None else self.offset + len(self.data)
        if end > len(content):
            content.extend(bytes(end - len(content)))
        if self.data is None:
            del content[end:]
        else:
            content[self.offset : end] = self.data

    def touches(self, first: int, end: int) -> bool:
        own_end = end if self.data is None else self.offset + len(self.data)
        return self.offset < end and first < own_end


@dataclass
class _File:
    now: bytearray = field(default_factory=bytearray)
    safe: bytes = b""
    lost: list[_Change] = field(default_factory=list)
    open: list[_Change] = field(default_factory=list)

    def change(self, change: _Change) -> None:
        change.apply(self.now)
        self.open.append(change)

    def sync(self, failed: bool) -> None:
        if failed:
            self.lost += self.open
        elif not self.lost:
            self.safe = bytes(self.now)
        else:
            safe = bytearray(self.safe)
            for change in self.open:
                change.apply(safe)
            self.safe = bytes(safe)
        self.open = []


@dataclass(frozen=True)
class _Names:
    """Names of one folder that change at once: each to an inode, or to none."""

    folder: str
    names: tuple[tuple[str, int | None], ...]

    def apply(self, table: dict[str, int]) -> None:
        for name, inode in self.names:
            if inode is None:
                table.pop(name, None)
            else:
                table[name] = inode


class Disk:
    """Empty at first; `apply` each operation in turn."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self._safe_names: dict[str, int] = {}
        self._open_names: list[_Names] = []
        self._files: dict[int, _File] = {}
        self._inodes = itertools.count()

    @classmethod
    def holding(cls, image: Image) -> "Disk":
        """A disk that has all of `image` for good."""
        disk = cls()
        for path, content in image.items():
            inode = FOLDER if content is None else disk.new_inode()
            disk.names[path] = disk._safe_names[path] = inode
            if content is not None:
                disk._files[inode] = _File(bytearray(content), content)
        return disk

    def new_inode(self) -> int:
        """A number for a file that is about to be made."""
        return next(self._inodes)

    def size(self, inode: int) -> int:
        return 0 if inode == FOLDER else len(self._files[inode].now)

    def used_bytes(self) -> int:
        """What the files that have a name take."""
        return sum(len(self._files[i].now) for i in {*self.names.values()} if i != FOLDER)

    def apply(self, operation: Operation, *, lies: bool = False) -> None:
        path, inode = operation.path, operation.inode
        match operation.name:
            case "make_folder":
                self._name((path, FOLDER))
            case "create":
                self._files[inode] = _File()
                self._name((path, inode))
            case "link":
                self._name((operation.target, inode))
            case "rename":
                self._name((path, None), (operation.target, inode))
            case "unlink" | "remove_folder":
                self._name((path, None))
            case "sync_folder":
                if not (lies or operation.failed):
                    self._sync_folder(path)
            case "write":
                self._files[inode].change(_Change(operation.offset, operation.data))
            case "truncate":
                self._files[inode].change(_Change(operation.offset, None))
            case "sync":
                if operation.failed or not lies:
                    self._files[inode].sync(operation.failed)
            case "rot":
                self._rot(self._files[inode], _Change(operation.offset, operation.data))
            case other:
                raise AssertionError(f"no model of {other}")

    def is_open(self, path: str, first: int, end: int) -> bool:
        """Whether a name, or those bytes of its file, rest on no sync that was honest."""
        for name in (path, *_parents(path)):
            if name not in self.names or self._safe_names.get(name) != self.names[name]:
                return True
        file = self._files[self.names[path]]
        return any(change.touches(first, end) for change in file.lost + file.open)

    def synced(self) -> Image:
        return self._image(self._safe_names, {i: f.safe for i, f in self._files.items()})

    def prefix(self, last: Operation | None = None, part: float = 1.0) -> Image:
        """All that was asked; with `last` that write too, by a `part` of its bytes."""
        contents = {inode: bytes(file.now) for inode, file in self._files.items()}
        if last is not None and last.name == "write":
            content = bytearray(contents[last.inode])
            _Change(last.offset, last.data[: int(len(last.data) * part)]).apply(content)
            contents[last.inode] = bytes(content)
        return self._image(self.names, contents)

    def torn(self, random: Random) -> Image:
        names = dict(self._safe_names)
        likely = random.choice((0.1, 0.5, 0.9))
        for change in self._open_names:
            if random.random() < likely:
                change.apply(names)
        used = {inode for inode in names.values() if inode != FOLDER}
        return self._image(names, {i: _torn(self._files[i], random) for i in sorted(used)})

    def _name(self, *names: tuple[str, int | None]) -> None:
        change = _Names(_folder_of(names[-1][0]), names)
        change.apply(self.names)
        self._open_names.append(change)

    def _sync_folder(self, folder: str) -> None:
        for change in self._open_names:
            if change.folder == folder:
                change.apply(self._safe_names)
        self._open_names = [c for c in self._open_names if c.folder != folder]

    @staticmethod
    def _rot(file: _File, change: _Change) -> None:
        change.apply(file.now)
        safe = bytearray(file.safe)
        change.apply(safe)
        file.safe = bytes(safe)

    @staticmethod
    def _image(names: Mapping[str, int], contents: Mapping[int, bytes]) -> Image:
        return {
            name: None if inode == FOLDER else contents[inode]
            for name, inode in sorted(names.items())
            if all(parent in names for parent in _parents(name))
        }


def _torn(file: _File, random: Random) -> bytes:
    changes = file.lost + file.open
    if not changes:
        return file.safe
    versions = [file.safe]
    for change in changes:
        content = bytearray(versions[-1])
        change.apply(content)
        versions.append(bytes(content))
    size = len(random.choice(versions))
    weights = random.choice(((6, 1, 1, 1), (1, 6, 1, 1), (1, 1, 1, 1)))
    torn = bytearray(size)
    for at in range(0, size, SECTOR_BYTES):
        end = min(at + SECTOR_BYTES, size)
        if any(change.data and change.touches(at, end) for change in changes):
            torn[at:end] = _sector(versions, at, end, weights, random)
            for first, last in _untouched(changes, at, min(end, len(file.safe))):
                torn[first:last] = file.safe[first:last]
        else:
            torn[at:end] = file.safe[at:end].ljust(end - at, b"\0")
    return bytes(torn)


def _sector(
    versions: list[bytes], at: int, end: int, weights: tuple[int, ...], random: Random
) -> bytes:
    kind = random.choices(("old", "new", "between", "filled"), weights)[0]
    if kind == "filled":
        return bytes(end - at) if random.random() < 0.5 else random.randbytes(end - at)
    version = {"old": versions[0], "new": versions[-1]}.get(kind) or random.choice(versions)
    return version[at:end].ljust(end - at, b"\0")


def _untouched(changes: list[_Change], at: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretches between `at` and `end` that no change touches."""
    kept = [(at, end)] if at < end else []
    for change in changes:
        own_end = end if change.data is None else change.offset + len(change.data)
        kept = [
            (first, last)
            for low, high in kept
            for first, last in ((low, min(high, change.offset)), (max(low, own_end), high))
            if first < last
        ]
    return iter(kept)


def _folder_of(path: str) -> str:
    folder = str(PurePosixPath(path).parent)
    return "" if folder == "." else folder


def _parents(path: str) -> Iterator[str]:
    return (str(parent) for parent in PurePosixPath(path).parents if str(parent) != ".")
