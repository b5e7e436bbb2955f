"""New firmware, piece by piece from the gateway into the slot that does not run (slots.py).

Loaded for it alone. What comes is the list of its files and then they, one behind the other: the
bytes of a bundle without its signature, which the gateway has checked (docs/wire.md). The list is
what the gateway's command names by its SHA-256, and it names each file's. A file is read back from
flash and checked before the next is asked for; so whatever lies there whole is not sent again,
come what may between. A start tries what lies there only where the gateway asked for that start
with it: one that comes by itself, at whatever moment, does not.

Each step writes or reads little and waits for a moment in which no bytes arrive.
"""

import os
import sys
from binascii import unhexlify
from hashlib import sha256

import slots
from micropython import const

from axnode import RELEASE
from axnode.unloading import unload
from axwire.codes import (
    DONE,
    EVENT_UPDATE,
    NOT_POSSIBLE,
    UPDATE_DAMAGED,
    UPDATE_FLASH,
    UPDATE_NOT_NEWER,
    UPDATE_OTHER_BOARD,
    UPDATE_WANTED,
    UPDATE_WHOLE,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from axnode.node import Node

_FORMAT = "AXU1"
_MANIFEST = "manifest"
_MANIFEST_CAP = const(16_384)
_PACKAGES = ("axnode", "axwire", "drivers")
_CHUNK = const(512)
_CHUNKS_A_STEP = const(8)
_SEGMENT_BYTES = const(4096)
_WAITS = const(5)
"""Beats, in each of which bytes arrive, after which a step is made all the same."""

_IDLE_BEATS = const(3000)
"""Without a piece for ten minutes the code is let go. What is in flash stays."""

_TRIES = const(3)


def begin_update(node: "Node", arguments: "list[int]") -> int:
    """Be ready for the firmware of which these eight numbers are the list's SHA-256.

    NOT_POSSIBLE: the node is at something else, or has something to prove.
    """
    chore = node.chore
    if (
        len(arguments) != 8
        or node.proving is not None
        or not (chore is None or isinstance(chore, Update))
    ):
        return NOT_POSSIBLE
    digest = b"".join([number.to_bytes(4, "big") for number in arguments])
    if chore is not None and chore.digest == digest:
        chore.take(-1, b"")
        return DONE
    if chore is not None:
        chore.close()
    node.chore = Update(node, digest)
    return DONE


class Update:
    """One firmware on its way; `digest` is that of its list."""

    def __init__(self, node: "Node", digest: bytes) -> None:
        self.digest = digest
        self._node = node
        self._slot = int(slots.FOLDERS[1] not in sys.path)
        self._folder = slots.FOLDERS[self._slot]
        self._offset = 0
        self._left = 0
        self._part: bytes | None = None
        self._sum = b""
        self._free = 0
        self._waits = self._idle = 0
        self._whole = 0
        self._steps = self._run()

    def take(self, offset: int, part: bytes) -> None:
        """A piece; answered once it is in flash, and at once where it is not the one wanted."""
        self._idle = 0
        if self._left and self._part is None:
            if offset == self._offset and 0 < len(part) <= self._left:
                self._part = part
            else:
                self.tell(UPDATE_WANTED)
        elif self._whole:
            self.tell(UPDATE_WHOLE)

    def switch(self, release: int) -> bool:
        """Have the next boot try it; whether it is all there, of that release, and that is told to
        the next boot."""
        if not self._whole or release != self._whole:
            return False
        if slots.set_mark(self._slot, slots.NEW, release):
            return True
        self.tell(UPDATE_FLASH)
        self.let_go()
        return False

    def close(self) -> None:
        """Give back the file that is open, or a collection of garbage would close it, in which no
        flash can be written."""
        try:
            self._steps.close()  # type: ignore[attr-defined]
        except OSError:
            pass

    def let_go(self) -> None:
        """Be done with it. What is in flash stays."""
        self.close()
        self._node.chore = None
        unload("axnode.update")
        sys.modules.pop("slots", None)

    def tend(self, quiet: bool) -> None:
        """Make a step, if no bytes arrive. To be called five times a second."""
        self._idle += 1
        self._waits += 1
        if not quiet and self._waits < _WAITS:
            return
        self._waits = 0
        state = -1
        try:
            state = next(self._steps)
        except StopIteration:
            pass
        except OSError:
            state = UPDATE_FLASH
        except (ValueError, KeyError):
            state = UPDATE_DAMAGED
        except MemoryError:
            # Let go of all: the next piece is refused, and the gateway asks again.
            pass
        if state > UPDATE_WANTED:
            self.tell(state)
        if state or self._idle >= _IDLE_BEATS:
            self.let_go()

    def tell(self, state: int) -> None:
        """How far it is."""
        node = self._node
        facts = (state, self._offset, self._free, RELEASE)
        node.reports.event(EVENT_UPDATE, facts, node.clock.tick())
        node.session.wake()

    def _run(self) -> "Iterator[int]":
        """All that is to be done, in small steps: UPDATE_WANTED from each, then how it ended."""
        manifest = self._path(_MANIFEST)
        yield from self._read_back(manifest)
        if self._sum != self.digest:
            yield from self._wipe()
            self._look_for_room()
            yield from self._fetch(manifest, _MANIFEST_CAP, b"\n\n")
            yield from self._read_back(manifest)
            if self._sum != self.digest:
                yield UPDATE_DAMAGED
        else:
            self._look_for_room()
        self._offset = os.stat(manifest)[6]
        facts = {"": ""}
        with open(manifest) as lines:
            if lines.readline().strip() != _FORMAT:
                yield UPDATE_DAMAGED
            for line in lines:
                words = line.split()
                if len(words) == 2:
                    facts[words[0]] = words[1]
                elif len(words) == 3:
                    if facts["board"] != self._node.about.board:
                        yield UPDATE_OTHER_BOARD
                    if int(facts["release"]) <= RELEASE:
                        yield UPDATE_NOT_NEWER
                    yield from self._have(words[0], int(words[1]), words[2])
        self._whole = int(facts["release"])
        self.tell(UPDATE_WHOLE)
        while True:
            yield UPDATE_WANTED

    def _have(self, digest: str, size: int, name: str) -> "Iterator[int]":
        """Have that file lie in the slot, whole."""
        package = name.split("/")[0]
        if name.count("/") != 1 or package not in _PACKAGES:
            yield UPDATE_DAMAGED
        path = self._path(name)
        begin = self._offset
        for tries in range(_TRIES + 1):
            yield from self._read_back(path)
            if self._sum == unhexlify(digest):
                self._offset = begin + size
                return
            if tries < _TRIES:
                self._offset = begin
                _make_folder(self._path(package))
                yield from self._fetch(path, size, b"")
        yield UPDATE_DAMAGED

    def _fetch(self, path: str, size: int, end: bytes) -> "Iterator[int]":
        """Ask for a file of that size, or that ends so."""
        left = size
        with open(path, "wb") as file:
            while left:
                self._left = left
                self.tell(UPDATE_WANTED)
                while self._part is None:
                    yield UPDATE_WANTED
                part, self._part, self._left = self._part, None, 0
                file.write(part)
                self._offset += len(part)
                left -= len(part)
                if end and part.endswith(end):
                    left = 0

    def _read_back(self, path: str) -> "Iterator[int]":
        """The SHA-256 of a file, into `_sum`; nothing where there is none."""
        self._sum = b""
        digest = sha256()
        chunk = bytearray(_CHUNK)
        try:
            file = open(path, "rb")
        except OSError:
            return
        with file:
            chunks = 0
            count = file.readinto(chunk)
            while count:
                digest.update(memoryview(chunk)[:count])
                chunks += 1
                if chunks % _CHUNKS_A_STEP == 0:
                    yield UPDATE_WANTED
                count = file.readinto(chunk)
        self._sum = digest.digest()
        yield UPDATE_WANTED

    def _wipe(self) -> "Iterator[int]":
        """Empty the slot. It must not be tried meanwhile, and its list goes first."""
        if slots.newest()[2] == slots.NEW and not slots.set_mark(1 - self._slot, slots.KEPT, 0):
            yield UPDATE_FLASH
        if self._folder:
            _make_folder(self._folder)
        for name in (_MANIFEST, "manifest.json"):
            _remove(self._path(name))
        for package in _PACKAGES:
            folder = self._path(package)
            try:
                names = os.listdir(folder)
            except OSError:
                names = []
            for name in names:
                os.remove(folder + "/" + name)
                yield UPDATE_WANTED

    def _look_for_room(self) -> None:
        """What readings of an outage may yet take is not free."""
        sizes = os.statvfs("/")
        node = self._node
        spill = node.spill_bytes - node.spill.segments * _SEGMENT_BYTES
        self._free = sizes[0] * sizes[3] - max(0, spill)

    def _path(self, name: str) -> str:
        return self._folder + "/" + name if self._folder else name


def _make_folder(path: str) -> None:
    try:
        os.mkdir(path)
    except OSError:
        pass


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass
