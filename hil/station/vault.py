"""The sealed store: the keys of all boards that this depot fitted, never in the clear on its disk.

`keys.sealed` is the present generation, `keys.sealed.before` the one before it, for the day that a
disk damages the first. Each change reads, changes and writes the whole under a lock, so that
several slots can be worked on at a time.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axwire.cose import KEY_BYTES

from gateway.errors import SealError, remedy
from gateway.sealed import (
    check_private,
    read_private,
    seal,
    sync_folder,
    unseal,
    write_private,
)
from hil.station.errors import StationError

__all__ = ["Vault"]

_KIND = "keys of a depot"
_FILE = "keys.sealed"
_BEFORE = "keys.sealed.before"
_DAMAGED = "keys.sealed.damaged"
_LOCK = "keys.lock"

Content = dict[str, Any]
"""`number` of the last list that was exported; `keys` by unique id, each with `locomotive`, `node`
and `key`."""


class Vault:
    """The store in a folder that its owner alone can open. `random`: so many bytes that nobody
    can guess. `note` says what was wrong with the store and mended when it was opened.

    Raises SealError for a wrong passphrase, and for what is open to others.
    """

    def __init__(self, folder: Path, passphrase: str, random: Callable[[int], bytes]) -> None:
        self.note = ""
        self._folder = folder
        self._passphrase = passphrase
        self._random = random
        check_private(folder)
        with self._locked():
            self._mend()
            if not self._path.exists():
                self._write({"number": 0, "keys": {}})
            self._read()

    @staticmethod
    def is_new(folder: Path) -> bool:
        """Whether there is no store in the folder yet."""
        return not any((folder / name).exists() for name in (_FILE, _BEFORE, _DAMAGED))

    def key_of(self, unique_id: str, locomotive: str, node: str) -> bytes | None:
        """The key that was made for this board as this node; None: there is none."""
        with self._locked():
            found = self._read()["keys"].get(unique_id)
        if found is None or (found["locomotive"], found["node"]) != (locomotive, node):
            return None
        return bytes.fromhex(found["key"])

    def make_key(self, unique_id: str, locomotive: str, node: str) -> bytes:
        """A new key for this board as this node, in the store when this returns, in place of the
        one that the board had before."""
        key = self._random(KEY_BYTES)
        with self._changing() as content:
            content["keys"][unique_id] = {
                "locomotive": locomotive,
                "node": node,
                "key": key.hex(),
            }
        return key

    def revoke(self, unique_id: str) -> None:
        """Remove a board's key, if there is one: the next list is without it."""
        with self._changing() as content:
            content["keys"].pop(unique_id, None)

    def number(self, at_least: int) -> int:
        """A number for a list, higher than all before it."""
        with self._changing() as content:
            content["number"] = max(content["number"] + 1, at_least)
            return int(content["number"])

    @property
    def _path(self) -> Path:
        return self._folder / _FILE

    @contextmanager
    def _changing(self) -> Iterator[Content]:
        with self._locked():
            content = self._read()
            yield content
            self._keep_before()
            self._write(content)

    def _read(self) -> Content:
        return self._unsealed(self._path)

    def _unsealed(self, path: Path) -> Content:
        content: Content = unseal(_KIND, read_private(path), self._passphrase, str(path))
        return content

    def _write(self, content: Content) -> None:
        write_private(self._path, seal(_KIND, content, self._passphrase, self._random))

    def _keep_before(self) -> None:
        """The present generation becomes the one before, and stays the present one as well."""
        fresh = self._folder / f"{_BEFORE}.new"
        fresh.unlink(missing_ok=True)
        os.link(self._path, fresh)
        fresh.replace(self._folder / _BEFORE)

    def _mend(self) -> None:
        """Have a damaged or missing present generation give way to the one before."""
        before = self._folder / _BEFORE
        if self._path.exists():
            try:
                self._unsealed(self._path)
                return
            except SealError as error:
                if not error.damaged:
                    raise
                what = f"{self._path} was damaged and lies beside as {_DAMAGED}"
        elif before.exists():
            what = f"{self._path} was missing"
        else:
            return
        if not before.exists():
            raise StationError(
                f"{self._path} is damaged, and there is none before it",
                "Bring it back from a copy of the station's folder",
                code="station",
            )
        self._unsealed(before)
        if self._path.exists():
            self._path.replace(self._folder / _DAMAGED)
        os.link(before, self._path)
        sync_folder(self._folder)
        self.note = (
            f"{what}: the keys of the change before are used. Provision the board that was worked "
            "on last again"
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self._folder / _LOCK
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            what_to_do = remedy(error, "bring the folder back")
            raise SealError(f"{lock} cannot be opened: {error.strerror}; {what_to_do}") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
