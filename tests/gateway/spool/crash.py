"""Records a run and rebuilds the folder as a power cut between two operations leaves it.

Two models: "synced" keeps only what was synced, file by file and name by name; "prefix" keeps
all that was asked up to the cut, the last write by half. What is not modelled: sectors that
arrive in another order, and syncs that lie.
"""

import itertools
from pathlib import Path

from .storages import Operation, WatchedStorage


class RecordingStorage(WatchedStorage):
    """The real file system; `operations` is what was asked of it."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        super().__init__(self.operations.append)


def rebuild(start: Path, operations: list[Operation], model: str, target: Path) -> None:
    """Fill the empty folder `target` with what a cut after `operations` leaves of `start`."""
    disk = _Disk({path.name: path.read_bytes() for path in start.iterdir()})
    for index, operation in enumerate(operations):
        half = model == "prefix" and index == len(operations) - 1
        disk.apply(operation, half)
    for name, content in disk.after_cut(model).items():
        (target / name).write_bytes(content)


class _Disk:
    def __init__(self, files: dict[str, bytes]) -> None:
        self._inodes = itertools.count()
        self._names = {name: next(self._inodes) for name in files}
        self._contents = {self._names[name]: bytearray(data) for name, data in files.items()}
        self._synced_names = dict(self._names)
        self._synced_contents = {inode: bytes(data) for inode, data in self._contents.items()}

    def apply(self, operation: Operation, half: bool) -> None:
        name = operation.path.name
        match operation.name:
            case "create":
                self._names[name] = next(self._inodes)
                self._contents[self._names[name]] = bytearray()
            case "write":
                data = operation.data[: len(operation.data) // 2] if half else operation.data
                content = self._contents[self._names[name]]
                end = operation.offset + len(data)
                content.extend(bytes(max(0, end - len(content))))
                content[operation.offset : end] = data
            case "datasync":
                inode = self._names[name]
                self._synced_contents[inode] = bytes(self._contents[inode])
            case "truncate":
                del self._contents[self._names[name]][operation.offset :]
            case "link":
                assert operation.target is not None
                self._names[operation.target.name] = self._names[name]
            case "rename":
                assert operation.target is not None
                self._names[operation.target.name] = self._names.pop(name)
            case "unlink":
                del self._names[name]
            case "sync_folder":
                self._synced_names = dict(self._names)
            case "open_write":
                pass
            case other:
                raise AssertionError(f"the model does not know {other}")

    def after_cut(self, model: str) -> dict[str, bytes]:
        if model == "prefix":
            return {name: bytes(self._contents[inode]) for name, inode in self._names.items()}
        return {
            name: self._synced_contents.get(inode, b"")
            for name, inode in self._synced_names.items()
        }
