"""Where the forwarder goes on after a restart: a small file beside the segments.

It only ever names a place up to which the server has acknowledged everything. An old one costs
repeated writes, which change nothing; so a missing or damaged one means: from the beginning.
"""

import contextlib
import hashlib
import zlib
from pathlib import Path

import msgspec

from gateway.spool.format import Position
from gateway.spool.storage import FileStorage, Storage

__all__ = ["CursorFile", "server_of"]

_NAME = "forward.json"
_READ_BYTES = 4096


class _Cursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    segment: int
    offset: int
    server: str
    check: int


def server_of(url: str, org: str, bucket: str) -> str:
    """Short name of a place to write to: a cursor is good for the place it was made with."""
    text = "\0".join((url.rstrip("/"), org, bucket))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class CursorFile:
    """The cursor in `folder` for one server. After `load`, `note` says what a person must know."""

    def __init__(self, folder: Path, server: str, storage: Storage | None = None) -> None:
        self.note: str | None = None
        self._folder = folder
        self._path = folder / _NAME
        self._server = server
        self._storage: Storage = storage or FileStorage()

    def load(self) -> Position | None:
        """The stored position; None: send everything from the oldest record on."""
        try:
            cursor = msgspec.json.decode(self._read(), type=_Cursor)
        except FileNotFoundError:
            self.note = f"no cursor in {self._folder} yet: forwarding begins at the oldest record"
            return None
        except OSError as error:
            return self._refuse(f"cannot be read ({error.strerror or error})")
        except (msgspec.MsgspecError, ValueError):
            return self._refuse("is damaged")
        if cursor.check != _check(cursor.segment, cursor.offset, cursor.server):
            return self._refuse("is damaged")
        if cursor.server != self._server:
            return self._refuse("is of another server or bucket")
        self.note = None
        return Position(cursor.segment, cursor.offset)

    def save(self, position: Position) -> None:
        """Replace the stored position; after a power cut it is the old one or this. OSError."""
        segment, offset = position
        cursor = _Cursor(segment, offset, self._server, _check(segment, offset, self._server))
        temporary = self._path.with_suffix(".tmp")
        with contextlib.suppress(FileNotFoundError):
            self._storage.unlink(temporary)
        fd = self._storage.create(temporary)
        try:
            data = memoryview(msgspec.json.encode(cursor))
            done = 0
            while done < len(data):
                done += self._storage.write(fd, data[done:], done)
            self._storage.datasync(fd)
        finally:
            self._storage.close(fd)
        self._storage.rename(temporary, self._path)
        self._storage.sync_folder(self._folder)

    def _read(self) -> bytes:
        fd = self._storage.open_read(self._path)
        try:
            return self._storage.read(fd, _READ_BYTES, 0)
        finally:
            self._storage.close(fd)

    def _refuse(self, what: str) -> Position | None:
        self.note = (
            f"the cursor {self._path} {what}: everything the spool holds is sent again; what the "
            "server has already is overwritten by the same values"
        )
        return None


def _check(segment: int, offset: int, server: str) -> int:
    return zlib.crc32(f"{segment}:{offset}:{server}".encode())
