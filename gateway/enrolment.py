"""The boards that a depot fitted to this locomotive, taken over from the depot's sealed list.

Each list is taken over whole, in one step: its keys go into a folder of their own beside the
configuration, `keys/roll-<number>`, and the configuration that names them replaces the one before.
Whoever loses power has the boards of the old list or those of the new one. A list that is older
than the present one would bring revoked keys back, and is refused.
"""

import os
import re
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from axwire.cose import KEY_BYTES
from msgspec import Meta, Struct

from gateway.config import Name, load_config, load_keys
from gateway.errors import ConfigError, remedy
from gateway.sealed import FILE_CAP, seal, sync_folder, unseal, write_private

__all__ = ["Changes", "KnownBoard", "Roll", "enrol", "open_roll", "seal_roll"]

_KIND = "boards of a locomotive"
_KEYS = "keys"
_FOLDER = re.compile(r"roll-([0-9]{1,12})")
_HEADER = re.compile(r"\s*\[")
_NODES = re.compile(r"\s*\[\[\s*nodes\s*\]\]\s*(#.*)?")
_KEY_FILE = re.compile(r"""(\s*key_file\s*=\s*)("[^"]*"|'[^']*')(.*)""", re.DOTALL)


class KnownBoard(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A node, the chip number of its board, and its key, which no text of this shows."""

    name: Name
    unique_id: Annotated[str, Meta(max_length=64)]
    key: Annotated[str, Meta(pattern=f"^[0-9a-f]{{{2 * KEY_BYTES}}}$")]

    def __repr__(self) -> str:
        return f"KnownBoard({self.name})"


class Roll(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All boards of a locomotive. `number` rises from list to list."""

    locomotive: str
    number: Annotated[int, Meta(ge=1, lt=10**12)]
    made: str
    boards: list[KnownBoard]


@dataclass(frozen=True)
class Changes:
    """Nodes by what became of them, and files of keys that nothing names any more. `kept` are not
    from a depot."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    unused: tuple[Path, ...] = ()


def seal_roll(roll: Roll, passphrase: str, random: Callable[[int], bytes]) -> bytes:
    """The file for the gateway."""
    return seal(_KIND, msgspec.to_builtins(roll), passphrase, random)


def open_roll(path: Path, passphrase: str) -> Roll:
    """What a depot sealed. Raises SealError, ConfigError."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_CAP)
    except OSError as error:
        what_to_do = remedy(error, "correct the path, or bring it there")
        raise ConfigError(f"{path} cannot be read: {error.strerror}; {what_to_do}") from None
    content = unseal(_KIND, data, passphrase, str(path))
    try:
        roll = msgspec.convert(content, Roll)
    except msgspec.ValidationError:
        raise ConfigError(
            f"{path} is of a form that this axlebox does not know: install the depot's here"
        ) from None
    names = [board.name for board in roll.boards]
    if len(set(names)) < len(names):
        raise ConfigError(f"{path} has a node twice: have the depot export it again")
    return roll


def enrol(path: Path, roll: Roll, *, older: bool = False) -> Changes:
    """Make the configuration in `path` know the boards of the list, and revoke those of the list
    before. `older`: also where that one was newer. Raises ConfigError, SealError."""
    path = path.resolve()
    config = load_config(path)
    if roll.locomotive != config.locomotive.id:
        raise ConfigError(
            f"that list is of {roll.locomotive}, this gateway is of {config.locomotive.id} "
            "(locomotive.id): name the right file"
        )
    listed = {node.name: number_of(node.key_file) for node in config.nodes}
    newest = max([number for number in listed.values() if number is not None], default=0)
    if roll.number < newest and not older:
        raise ConfigError(
            f"that list ({roll.number}) is older than the one in use ({newest}) and would bring "
            "revoked keys back: have the depot export a new one, or add --older"
        )
    before = _keys_before(path)
    after = {board.name: board.key for board in roll.boards}
    gone = {name for name, number in listed.items() if number is not None and name not in after}
    _write(path, roll, gone)
    unused = [node.key_file for node in config.nodes if node.name in {*after, *gone}]
    _tidy(path.parent / _KEYS, roll.number)
    return Changes(
        added=tuple(name for name in after if name not in listed),
        changed=tuple(n for n in after if n in listed and before.get(n) != after[n]),
        removed=tuple(sorted(gone)),
        kept=tuple(name for name in listed if name not in after and name not in gone),
        unused=tuple(file for file in unused if number_of(file) is None),
    )


def number_of(key_file: Path) -> int | None:
    """The number of the list that a file of a key came with; None: it came with none."""
    found = _FOLDER.fullmatch(key_file.parent.name)
    return int(found[1]) if found else None


def _keys_before(path: Path) -> dict[str, str]:
    """Keys as they are, of what can be read."""
    found = {}
    for node in load_config(path).nodes:
        try:
            found[node.name] = node.key_file.read_text(encoding="ascii").strip().lower()
        except (OSError, UnicodeDecodeError):
            continue
    return found


def _write(path: Path, roll: Roll, gone: set[str]) -> None:
    folder = path.parent / _KEYS / f"roll-{roll.number}"
    text = path.read_text(encoding="utf-8")
    files = {b.name: f"{_KEYS}/{folder.name}/{b.name}.key" for b in roll.boards}
    fresh = path.with_name(f"{path.stem}.new{path.suffix}")
    try:
        new = _edited(path, text, files, gone)
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        _own(folder, path)
        for board in roll.boards:
            write_private(folder / f"{board.name}.key", board.key.encode() + b"\n")
            _own(folder / f"{board.name}.key", path)
        sync_folder(folder.parent)
        write_private(fresh, new.encode())
        load_keys(load_config(fresh))
        _own(fresh, path)
        fresh.chmod(path.stat().st_mode & 0o777)
        fresh.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise _unwritten(f"{path} and its keys", error) from None
    finally:
        fresh.unlink(missing_ok=True)


def _own(file: Path, like: Path) -> None:
    """What root writes belongs to the gateway's user, as the configuration does."""
    if os.geteuid() == 0:
        found = like.stat()
        for each in (file, file.parent):
            if each != like.parent:
                os.chown(each, found.st_uid, found.st_gid)


def _tidy(keys: Path, number: int) -> None:
    """Remove the keys of other lists: nothing names them any more."""
    try:
        for folder in keys.iterdir():
            found = _FOLDER.fullmatch(folder.name)
            if found and int(found[1]) != number:
                shutil.rmtree(folder)
        sync_folder(keys)
    except OSError as error:
        raise _unwritten(f"the boards are known, but {keys} with old keys", error) from None


def _unwritten(what: str, error: OSError) -> ConfigError:
    what_to_do = remedy(error, "bring the folder back")
    return ConfigError(
        f"{what} cannot be written: {error.strerror}; {what_to_do}, and enrol again"
    )


def _edited(path: Path, text: str, files: dict[str, str], gone: set[str]) -> str:
    """The configuration with these nodes and files, all else in it as it was."""
    tree = tomllib.loads(text)
    nodes: list[dict[str, Any]] = tree.get("nodes", [])
    lines: list[str] = []
    at = -1
    last = 0
    dropping = in_nodes = False
    for line in text.splitlines(keepends=True):
        if _HEADER.match(line):
            in_nodes = bool(_NODES.fullmatch(line.rstrip()))
            at += in_nodes
            dropping = in_nodes and at < len(nodes) and nodes[at]["name"] in gone
        told = _KEY_FILE.fullmatch(line)
        if in_nodes and told and at < len(nodes) and nodes[at]["name"] in files:
            line = f'{told[1]}"{files[nodes[at]["name"]]}"{told[3]}'
        if not dropping or not line.strip() or line.lstrip().startswith("#"):
            lines.append(line)
        if in_nodes and line.strip() and not line.lstrip().startswith("#"):
            last = len(lines)
    names = [node["name"] for node in nodes]
    new = [
        f'\n[[nodes]]\nname = "{name}"\nkey_file = "{file}"\n'
        for name, file in files.items()
        if name not in names
    ]
    at = last or len(lines)
    if at and not lines[at - 1].endswith("\n"):
        lines[at - 1] += "\n"
    edited = "".join([*lines[:at], *new, *lines[at:]])
    wanted = [
        {**node, "key_file": files.get(node["name"], node["key_file"])}
        for node in nodes
        if node["name"] not in gone
    ]
    wanted += [{"name": n, "key_file": f} for n, f in files.items() if n not in names]
    if not _is(edited, {**tree, "nodes": wanted}):
        raise ConfigError(
            f"{path}: its nodes are not written as [[nodes]], each with `name` and `key_file` on "
            "lines of their own; write them so, and enrol again"
        )
    return edited


def _is(text: str, tree: dict[str, Any]) -> bool:
    try:
        return {"nodes": [], **tomllib.loads(text)} == tree
    except tomllib.TOMLDecodeError:
        return False
