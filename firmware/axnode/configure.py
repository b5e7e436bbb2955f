"""A new configuration, piece by piece from the gateway. Loaded when the first piece comes.

Pieces come in order and lie in a file, not in RAM. When all are there, the whole is checked: its
CRC-32, whether it is JSON and meant for this node. What chips and channels make of it shows at the
next start, which has the memory for it, and returns to the present one where they refuse it. It is
stored as the other copy, on trial; the copy that runs is not touched.
"""

import gc
import json
import os
from binascii import crc32

from micropython import const

from axnode import store, trial
from axwire.codes import DONE, NOT_POSSIBLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BYTES_CAP = const(16_384)
_FILE = "node.json"
_NEW_FILE = "node.json.new"


class Intake:
    """`name` is the node's own; `running` the copy that must not be touched, or -1."""

    def __init__(self, name: str, running: int) -> None:
        self._name = name
        self._running = running
        self._whole = (0, 0)
        self._next = 0
        self._bytes = 0
        self._crc = 0
        self._result = NOT_POSSIBLE

    def take(self, piece: int, pieces: int, crc: int, part: bytes) -> int:
        """Take a piece; the result that the gateway is told. A repeat changes nothing."""
        if piece == self._next - 1 and self._whole == (pieces, crc):
            return self._result
        if piece == 0:
            self._whole = (pieces, crc)
            self._next = self._bytes = self._crc = 0
        elif piece != self._next or self._whole != (pieces, crc):
            return NOT_POSSIBLE
        self._result = NOT_POSSIBLE
        try:
            if self._append(part):
                self._next += 1
                if self._next < pieces or self._finish():
                    self._result = DONE
        except OSError:
            self._next = 0
        return self._result

    def _append(self, part: bytes) -> bool:
        self._bytes += len(part)
        if self._bytes > BYTES_CAP:
            self._next = 0
            return False
        with open(_NEW_FILE, "ab" if self._next else "wb") as file:
            file.write(part)
        self._crc = crc32(part, self._crc) & 0xFFFFFFFF
        return True

    def _finish(self) -> bool:
        """Check the whole and store it; whether it will be taken over at the next start."""
        stored = self._crc == self._whole[1] and self._is_ours() and self._store()
        os.remove(_NEW_FILE)
        return stored

    def _is_ours(self) -> bool:
        """Whether it is a configuration of this node, as far as there is memory to tell."""
        gc.collect()
        try:
            with open(_NEW_FILE, "rb") as file:
                keys: Any = json.load(file)
            return bool(keys["node"] == self._name and keys["groups"] and keys["chips"])
        except MemoryError:
            return True
        except (ValueError, KeyError, TypeError):
            return False

    def _store(self) -> bool:
        generations = store.survey(_FILE)
        running = max(store.newest(generations), 0) if self._running < 0 else self._running
        generation = max(generations) + 1
        trial.announce(generation)
        with open(_NEW_FILE, "rb") as file:
            stored = store.write(_FILE, 1 - running, generation, file)
        if not stored:
            trial.end()
        return stored
