"""What the forwarder goes on with after a restart: a small file beside the segments.

It only ever names places up to which the server has acknowledged everything. An old one costs
repeated writes, which change nothing; so a missing or damaged one means: from the beginning.
"""

import contextlib
import hashlib
import logging
import zlib
from pathlib import Path

import msgspec

from gateway.forward.progress import Progress
from gateway.spool.format import Position
from gateway.spool.storage import FileStorage, Storage

__all__ = ["CursorFile", "server_of"]

_log = logging.getLogger(__name__)

_NAME = "forward.json"
_FORM = 2
_READ_BYTES = 64 * 1024


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`check` is the CRC-32 of the server's name and the bytes of `progress`."""

    form: int
    server: str
    progress: msgspec.Raw
    check: int


class _FirstForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was written before newest data went first: one position."""

    segment: int
    offset: int
    server: str
    check: int


def server_of(url: str, org: str, bucket: str) -> str:
    """Short name of a place to write to: a cursor is good for the place it was made with."""
    text = "\0".join((url.rstrip("/"), org, bucket))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class CursorFile:
    """The progress in `folder` for one server. After `load`, `note` says what a person must
    know."""

    def __init__(self, folder: Path, server: str, storage: Storage | None = None) -> None:
        self.note: str | None = None
        self._folder = folder
        self._path = folder / _NAME
        self._server = server
        self._storage: Storage = storage or FileStorage()

    def hold_back(self, end: Position) -> None:
        """Call it before anything is written to a log that was found to end at `end`.

        A cursor behind that is of a disk that forgot what it had promised to keep. Its place is
        written anew, and that must be sent too.
        """
        progress = self.load()
        if progress is None or progress.within(end) == progress:
            return
        _log.error(
            "the disk has lost what it had promised to keep: the spool in %s ends at %s, and all "
            "up to %s was sent; look into `dmesg`, replace the disk",
            self._folder,
            end,
            progress.live,
        )
        try:
            self.save(progress.within(end))
        except OSError as error:
            _log.error("the forwarder's cursor cannot be stored: %s", error)

    def load(self) -> Progress | None:
        """The stored progress; None: send everything from the oldest record on."""
        try:
            server, progress = _read(self._read())
        except FileNotFoundError:
            self.note = f"no cursor in {self._folder} yet: forwarding begins at the oldest record"
            return None
        except OSError as error:
            self._refuse(f"cannot be read ({error.strerror or error})")
        except (msgspec.MsgspecError, ValueError):
            self._refuse("is damaged")
        else:
            if server == self._server:
                self.note = None
                return progress
            self._refuse("is of another server or bucket")
        return None

    def save(self, progress: Progress) -> None:
        """Replace what is stored; after a power cut it is the old one or this. OSError."""
        raw = msgspec.json.encode(progress)
        check = _check(self._server, raw)
        encoded = msgspec.json.encode(_File(_FORM, self._server, msgspec.Raw(raw), check))
        temporary = self._path.with_suffix(".tmp")
        with contextlib.suppress(FileNotFoundError):
            self._storage.unlink(temporary)
        fd = self._storage.create(temporary)
        try:
            data = memoryview(encoded)
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

    def _refuse(self, what: str) -> None:
        self.note = (
            f"the cursor {self._path} {what}: everything the spool holds is sent again; what the "
            "server has already is overwritten by the same values"
        )


def _read(data: bytes) -> tuple[str, Progress]:
    """The server and the progress in a file of either form. Raises MsgspecError or ValueError."""
    try:
        file = msgspec.json.decode(data, type=_File)
    except msgspec.ValidationError:
        return _read_first_form(data)
    if file.form != _FORM or file.check != _check(file.server, bytes(file.progress)):
        raise ValueError("damaged")
    return file.server, msgspec.json.decode(file.progress, type=Progress)


def _read_first_form(data: bytes) -> tuple[str, Progress]:
    cursor = msgspec.json.decode(data, type=_FirstForm)
    text = f"{cursor.segment}:{cursor.offset}:{cursor.server}"
    if cursor.check != zlib.crc32(text.encode()):
        raise ValueError("damaged")
    return cursor.server, Progress(live=Position(cursor.segment, cursor.offset))


def _check(server: str, progress: bytes) -> int:
    return zlib.crc32(progress, zlib.crc32(server.encode()))
