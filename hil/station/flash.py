"""Puts the firmware on a board whose MicroPython runs, so that a cut anywhere can be mended.

In this order: a mark that says what goes on; main.py away, so that nothing half done ever runs and
the board stays at its prompt; a reset, after which no watchdog runs; what does not belong there
away; each file that differs, beside its old self, read back by its hash and only then in its
place; all of them once more; main.py; the mark away; a reset. Whoever finds the mark begins again.

Firmware is every .py and .mpy, wherever it lies. All else is the node's own, and is left alone,
unless that is to be replaced: then nothing but the firmware stays.
"""

import enum
import json
from collections.abc import Callable
from dataclasses import dataclass

from hil.boards import Board as BoardKind
from hil.firmware_files import MAIN
from hil.interpreter import MINIMUM_VERSION
from hil.station.board import Board, BoardFacts
from hil.station.errors import StationError
from hil.station.tree import Tree

__all__ = [
    "MARK",
    "Flashed",
    "Identity",
    "check_identity",
    "check_kind",
    "flash_firmware",
    "verify_firmware",
]

MARK = "flashing"
"""The file that is on a board while it is flashed, and says with what."""

_FIRMWARE = (".py", ".mpy")
_BEGUN = ".new"
_IDENTITY = ("node.json", "node.key", "node.link", "trial")
"""What makes a board a certain node; the first two, and the third, in two copies."""

_RESETS = "resets"
_ROOM_BYTES = 16 * 1024
"""What must be left beside the firmware: blocks that are begun, folders, the node's own files."""


class Identity(enum.Enum):
    """What to do with a board that is a node already."""

    REFUSE = "refuse"
    KEEP = "keep"
    REPLACE = "replace"


@dataclass(frozen=True)
class Flashed:
    """What was done. `resumed`: a flashing that was cut off before was brought to its end."""

    facts: BoardFacts
    written: int
    unchanged: int
    removed: int
    resumed: bool


def flash_firmware(
    port: str,
    kind: BoardKind,
    tree: Tree,
    identity: Identity = Identity.REFUSE,
    *,
    tell: Callable[[str], None] = lambda line: None,
    take: Callable[[str], Board] = Board.open,
) -> Flashed:
    """The board at this port has this firmware afterwards, and runs it.

    Raises StationError: before anything was changed, if the board is not of that kind or is a node
    already; ContactError, if it was pulled: done again, it goes on.
    """
    with take(port) as board:
        facts = board.kind()
        check_kind(facts, kind)
        _check_micropython(facts)
        identity = check_identity(board, identity)
        there = board.listing()
        resumed = MARK in there
        if identity is Identity.REPLACE:
            removing = [path for path in there if path not in tree.files and path != MARK]
        else:
            removing = _strangers(there, tree)
        differing = _differing(board, tree)
        done = Flashed(
            facts, len(differing), len(tree.files) - len(differing), len(removing), resumed
        )
        if not (resumed or removing or differing or facts.is_safe_mode):
            return done
        if resumed:
            tell("going on with a flashing that was cut off")
        _check_room(board, tree, there, differing, removing)
        board.write(MARK, _mark(tree, identity))
        board.remove(MAIN)
        board.reset()
    with take(port) as board:
        for path in removing:
            if path != MAIN:
                board.remove(path)
        for path in differing:
            if path != MAIN:
                tell(path)
                _write(board, path, tree)
        _check_all(board, tree)
        board.remove(_RESETS)
        tell(MAIN)
        _write(board, MAIN, tree)
        board.remove(MARK)
    return done


def verify_firmware(
    port: str, kind: BoardKind, tree: Tree, *, take: Callable[[str], Board] = Board.open
) -> BoardFacts:
    """The board at this port is of that kind and has this firmware, each file by its hash, and
    nothing else that MicroPython could run. It runs it afterwards. Raises StationError."""
    with take(port) as board:
        facts = board.kind()
        check_kind(facts, kind)
        _check_micropython(facts)
        there = board.listing()
        wrong = _differing(board, tree) or _strangers(there, tree)
        if MARK in there:
            raise StationError("its flashing was cut off", "Flash it again", code="firmware")
        if wrong:
            raise StationError(
                f"its firmware is not {tree.firmware_version}: {wrong[0]} differs"
                + (f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""),
                "Flash it again",
                code="firmware",
            )
        if facts.is_safe_mode:
            raise StationError(
                "it is in safe mode: it reset itself again and again",
                "Flash it again",
                code="firmware",
            )
    return facts


def check_kind(facts: BoardFacts, kind: BoardKind) -> None:
    """Raises StationError where this is not such a board."""
    if not kind.answers_as(facts.machine):
        raise StationError(
            f"this is no {kind.title}: it says it is a {facts.machine}",
            f"Plug in a {kind.title}, or name the right kind with --board",
            code="wrong_board",
        )


def check_identity(board: Board, identity: Identity) -> Identity:
    """What is to be done with the node that the board may be: what is asked for, or what a
    flashing that was cut off had begun. Raises StationError where it is a node and nobody said."""
    if _begun(board) == Identity.REPLACE.value:
        return Identity.REPLACE
    ours = [path for path in board.listing() if _is_identity(path)]
    if ours and identity is Identity.REFUSE:
        raise StationError(
            f"the board is a node already: it has {ours[0]}",
            "Use --keep to leave it that node, or --replace to make it a new board",
            code="is_node",
        )
    return identity


def _check_micropython(facts: BoardFacts) -> None:
    """Raises StationError where it cannot load what mpy-cross makes."""
    if tuple(int(part) for part in facts.firmware_version.split(".")[:2]) < MINIMUM_VERSION:
        least = ".".join(map(str, MINIMUM_VERSION))
        raise StationError(
            f"its MicroPython {facts.firmware_version} is too old for the firmware, which needs "
            f"{least}",
            "Flash it with --images and a folder that has a newer one",
            code="old_micropython",
        )


def _is_identity(path: str) -> bool:
    return path in _IDENTITY or path.rpartition(".")[0] in _IDENTITY


def _strangers(there: dict[str, int], tree: Tree) -> list[str]:
    return [
        path
        for path in there
        if path.endswith(_BEGUN) or (path.endswith(_FIRMWARE) and path not in tree.files)
    ]


def _differing(board: Board, tree: Tree) -> list[str]:
    found = board.digests(tree.files)
    return [path for path, digest in tree.digests.items() if found.get(path) != digest]


def _check_room(
    board: Board,
    tree: Tree,
    there: dict[str, int],
    differing: list[str],
    removing: list[str],
) -> None:
    freed = sum(there.get(path, 0) for path in (*removing, MAIN))
    grown = sum(len(tree.files[path]) - there.get(path, 0) for path in differing)
    most = max((len(tree.files[path]) for path in differing), default=0)
    free = board.free_bytes()
    if free + freed < grown + most + _ROOM_BYTES:
        raise StationError(
            f"the board has only {free // 1024} KiB left, and the firmware needs more",
            "Set it aside: its flash is too small, or full of files that nobody knows",
            code="no_room",
        )


def _write(board: Board, path: str, tree: Tree) -> None:
    board.write(path, tree.files[path])
    if board.sha256(path) != tree.digests[path]:
        raise StationError(
            f"{path} cannot be read back as it was written",
            "Flash it again; if that does not help, its flash is worn: set it aside",
            code="worn",
        )


def _check_all(board: Board, tree: Tree) -> None:
    wrong = [path for path in _differing(board, tree) if path != MAIN]
    if wrong:
        raise StationError(
            f"{wrong[0]} is not as it was written any more",
            "Flash it again; if that does not help, its flash is worn: set it aside",
            code="worn",
        )


def _mark(tree: Tree, identity: Identity) -> bytes:
    content = {
        "firmware": tree.firmware_version,
        "board": tree.board,
        "identity": identity.value,
    }
    return json.dumps(content).encode()


def _begun(board: Board) -> str:
    """What a flashing that was cut off does with the node."""
    try:
        return str(json.loads(board.read(MARK) or b"{}").get("identity", ""))
    except (ValueError, AttributeError):
        return ""
