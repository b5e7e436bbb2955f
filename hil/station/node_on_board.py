"""The files that make a board a node, on a board at its prompt (firmware/axnode/provision.py)."""

from collections.abc import Iterable
from typing import Protocol

from hil.node_files import KEY_FILE, copy_of, parse_copy
from hil.station.board import BoardFacts
from hil.station.errors import StationError

__all__ = ["BoardAtPrompt", "clear_readings", "copies_of", "silence", "write_both"]

_LINK_FILE = "node.link"
_TRIAL = "trial"
_RESETS = "resets"
_SPILL = "spill/"
_COPIES = (0, 1)


class BoardAtPrompt(Protocol):
    """What of a board is needed here: hil.station.board.Board."""

    def kind(self) -> BoardFacts: ...

    def read(self, path: str) -> bytes | None: ...

    def write(self, path: str, data: bytes) -> None: ...

    def remove(self, path: str) -> None: ...

    def digests(self, paths: Iterable[str]) -> dict[str, str]: ...

    def listing(self) -> dict[str, int]: ...

    def reset(self) -> None: ...

    def close(self) -> None: ...


def clear_readings(board: BoardAtPrompt) -> int:
    """Remove what the board kept of an outage, which would be told as another node's; returns how
    many bytes that was."""
    left = {p: size for p, size in board.listing().items() if p.startswith(_SPILL)}
    for path in left:
        board.remove(path)
    return sum(left.values())


def silence(board: BoardAtPrompt) -> None:
    """Take away what makes the board a node, its key first: without one it starts as none."""
    there = board.listing()
    names = [f"{name}.{copy}" for name in (KEY_FILE, _LINK_FILE) for copy in _COPIES]
    begun = [path for path in there if path.startswith(KEY_FILE) and path not in names]
    for name in (*names, *begun, _TRIAL, _RESETS):
        if name in there:
            board.remove(name)


def copies_of(board: BoardAtPrompt, name: str) -> list[tuple[int, bytes]]:
    """Generation and content of the whole copies of a file, the newest first."""
    found = [parse_copy(board.read(f"{name}.{copy}")) for copy in _COPIES]
    return sorted((copy for copy in found if copy is not None), reverse=True)


def write_both(board: BoardAtPrompt, name: str, content: bytes, generation: int = 1) -> None:
    """Both copies of a file, each read back. What it says never tells the content."""
    data = copy_of(content, generation)
    for copy in _COPIES:
        path = f"{name}.{copy}"
        board.write(path, data)
        if board.read(path) != data:
            raise StationError(
                f"{path} cannot be read back as it was written",
                "Begin again; if that does not help, its flash is worn: set the board aside",
                code="worn",
            )
