"""The firmware's file tree that a kind of board gets: built once for each kind, and kept."""

import hashlib
import json
import os
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hil.boards import Board
from hil.debian import cache_folder
from hil.errors import BuildError
from hil.firmware_build import MANIFEST, build, files_for, find_compiler
from hil.station.errors import StationError

__all__ = ["Tree", "load_tree", "tree_folder", "tree_for"]

_BUILDING = threading.Lock()
"""Whoever comes meanwhile waits: it is built once, and CPython 3.11's parser may fail where
several threads use it ("AST constructor recursion depth mismatch")."""


@dataclass(frozen=True)
class Tree:
    """`files` by their path on the board, in order; `digests` are their SHA-256 in hexadecimal
    digits; `board` is a file of firmware/boards."""

    board: str
    firmware_version: str
    files: dict[str, bytes]
    digests: dict[str, str]


def tree_for(board: Board) -> Tree:
    """What this axlebox's firmware is on that kind of board. Raises BuildError, StationError."""
    return load_tree(tree_folder(board), board)


def tree_folder(board: Board) -> Path:
    """Where that is kept, built if it is not there. Raises BuildError."""
    compiler = find_compiler()
    digest = hashlib.sha256(f"{board.id} {compiler.version}".encode())
    digest.update(repr(board).encode())
    for part in sorted(Path(__file__).parents[1].glob("firmware_*.py")):
        digest.update(part.read_bytes())
    for name, path in files_for(board.port).items():
        digest.update(name.encode() + b"\0" + path.read_bytes())
    kept = cache_folder(os.environ) / "station" / f"{board.id}-{digest.hexdigest()[:32]}"
    with _BUILDING:
        if not kept.is_dir():
            kept.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
                whole = Path(scratch) / "whole"
                build(board, whole, compiler)
                try:
                    whole.rename(kept)
                except OSError:
                    if not kept.is_dir():
                        raise
    return kept


def load_tree(folder: Path, board: Board) -> Tree:
    """What `axlebox firmware build` made. Raises StationError: it is not whole, or for another
    kind of board."""
    again = "Build it again with `axlebox firmware build`"
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        listed = {name: manifest["files"][name]["sha256"] for name in sorted(manifest["files"])}
        files = {_inside(name): (folder / name).read_bytes() for name in listed}
        built_for, version = str(manifest["board"]), str(manifest["firmware_version"])
    except (OSError, ValueError, KeyError, TypeError, BuildError) as error:
        raise StationError(
            f"{folder} holds no whole firmware: {error}", again, code="station"
        ) from None
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    for name, digest in digests.items():
        if digest != listed[name]:
            raise StationError(
                f"{folder / name} is not what its manifest says", again, code="station"
            )
    if built_for != board.id:
        raise StationError(
            f"{folder} is firmware for {built_for}, not for {board.id}",
            f"Build one for {board.id} with `axlebox firmware build`",
            code="station",
        )
    return Tree(board.id, version, files, digests)


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name} lies outside")
    return name
