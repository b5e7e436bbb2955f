"""Boards and links in the hands of a test: what the station needs of them, in memory."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from hil.node_files import CONFIGURATION_FILE, KEY_FILE, parse_copy
from hil.station.board import BoardFacts
from hil.station.errors import ContactError
from hil.station.identity import Firmware
from hil.station.proof import Expected, proof

FILES = {"main.py": b"print(1)\n", "axnode/node.mpy": b"M"}
FIRMWARE = Firmware.of("0.1.0", FILES)


class Operations:
    """Counts what is done to boards; before number `cut` (from 0) `break_off` is called."""

    def __init__(self) -> None:
        self.count = 0
        self.cut: int | None = None
        self.break_off: Callable[[], None] = lambda: None

    def one(self) -> None:
        if self.count == self.cut:
            self.break_off()
        self.count += 1


@dataclass
class MemoryBoard:
    """A board with its files, at its prompt; each call is an operation that may be cut off."""

    unique_id: str = "e66038b7132a5b2f"
    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    machine: str = "Raspberry Pi Pico with RP2040"
    worn: str = ""
    operations: Operations = field(default_factory=Operations)

    def kind(self) -> BoardFacts:
        self.operations.one()
        return BoardFacts(self.unique_id, self.machine, "1.28.0", False)

    def read(self, path: str) -> bytes | None:
        self.operations.one()
        return self.files.get(path)

    def write(self, path: str, data: bytes) -> None:
        self.operations.one()
        self.files[path + ".new"] = data
        self.operations.one()
        self.files[path] = self.files.pop(path + ".new")
        if path == self.worn:
            self.files[path] = data[:-1] + bytes([data[-1] ^ 1])

    def remove(self, path: str) -> None:
        self.operations.one()
        self.files.pop(path, None)

    def digests(self, paths: Iterable[str]) -> dict[str, str]:
        self.operations.one()
        return {
            path: hashlib.sha256(self.files[path]).hexdigest()
            for path in paths
            if path in self.files
        }

    def listing(self) -> dict[str, int]:
        self.operations.one()
        return {path: len(data) for path, data in self.files.items()}

    def reset(self) -> None:
        self.operations.one()

    def close(self) -> None:
        pass

    def content(self, name: str) -> bytes | None:
        """What the newest whole copy of a file says."""
        copies = [parse_copy(self.files.get(f"{name}.{copy}")) for copy in (0, 1)]
        found = sorted((copy for copy in copies if copy is not None), reverse=True)
        return found[0][1] if found else None

    @property
    def key(self) -> bytes | None:
        content = self.content(KEY_FILE)
        return None if content is None else bytes.fromhex(content.decode())

    @property
    def node(self) -> str | None:
        """Which node it would be if it started now; without a key it is none."""
        content = self.content(CONFIGURATION_FILE)
        if content is None or self.key is None:
            return None
        return str(json.loads(content)["node"])


@dataclass(frozen=True)
class Told:
    """Of a HELLO, what is looked at."""

    firmware: str
    configuration: int


class MemoryLink:
    """The link of such a board, by the firmware's rules, to who has `key`."""

    def __init__(self, board: MemoryBoard, name: str, key: bytes) -> None:
        self._board = board
        self._name = name
        self._key = key

    def wait_for_start(self) -> Any:
        board = self._board
        board.operations.one()
        if board.node != self._name or board.key != self._key:
            raise ContactError(f"{self._name} did not start", "Begin again")
        return Told("0.1.0", crc32(board.content(CONFIGURATION_FILE) or b""))

    def prove(self, nonce: list[int]) -> list[int]:
        board = self._board
        board.operations.one()
        firmware = Firmware.of(
            "", {path: data for path, data in board.files.items() if path.endswith(("py", "mpy"))}
        )
        expected = Expected(
            bytes.fromhex(board.unique_id),
            bytes.fromhex(firmware.sha256),
            board.content(CONFIGURATION_FILE) or b"",
        )
        given = proof(board.key or b"", b"".join(w.to_bytes(4, "big") for w in nonce), expected)
        whole = given + expected.firmware
        return [int.from_bytes(whole[at : at + 4], "big") for at in range(0, len(whole), 4)]

    def close(self) -> None:
        pass


def pulled() -> None:
    """What becomes of an operation on a board that is not there any more."""
    raise ContactError("the board was pulled", "Plug it in and begin again")
