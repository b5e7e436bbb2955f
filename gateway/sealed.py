"""Secrets in a file that only who knows a passphrase can read, and only unchanged.

One line of JSON says what it is and how its key was made: `form` 1, `kind`, scrypt's `cost`,
`salt` and AES's `nonce` in hex, and `sha256` of what follows. Behind it AES-256-GCM's ciphertext
of JSON; the line is its associated data, so that neither can be exchanged. The key is scrypt
(RFC 7914) of the passphrase. The SHA-256 tells a damaged file from a wrong passphrase.

The same files are written in one step, with the disk told: whoever loses power has the old one or
the new one, and nobody else can read either at any time.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.errors import SealError, remedy

__all__ = [
    "FILE_CAP",
    "check_private",
    "new_passphrase",
    "plain_passphrase",
    "read_passphrase",
    "read_private",
    "seal",
    "sync_folder",
    "unseal",
    "write_private",
]

FILE_CAP = 16 << 20
"""No file that is opened here is longer."""

PASSPHRASE_LEAST = 12
"""Characters of a passphrase that a person makes up."""

_COST, _BLOCK, _LANES = 1 << 15, 8, 1
"""32 MiB and a tenth of a second a try. A passphrase made here needs none of it."""

_COSTLIEST = 1 << 18
_HEAD_CAP = 512
_SALT_BYTES, _NONCE_BYTES = 16, 12
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""None that looks like another one."""

_GROUPS, _GROUP = 6, 4
"""24 letters of 30 are 117 bits."""


def seal(kind: str, content: Any, passphrase: str, random: Callable[[int], bytes]) -> bytes:
    """The bytes of a sealed file. `random`: so many bytes that nobody can guess."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = random(_SALT_BYTES), random(_NONCE_BYTES)
    start = {"form": 1, "kind": kind, "cost": _COST, "salt": salt.hex(), "nonce": nonce.hex()}
    bound = json.dumps(start).encode()
    hidden = AESGCM(_key(passphrase, salt, _COST)).encrypt(
        nonce, json.dumps(content).encode(), bound
    )
    digest = hashlib.sha256(bound + hidden).hexdigest()
    return json.dumps({**start, "sha256": digest}).encode() + b"\n" + hidden


def unseal(kind: str, data: bytes, passphrase: str, what: str) -> Any:
    """What was sealed. Raises SealError; `what` names the file there, and no secret is told."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    head, _, hidden = data.partition(b"\n")
    start, digest = _start(head, what)
    if start["kind"] != kind:
        raise SealError(f"{what} holds {start['kind']}, not {kind}: name another file")
    bound = json.dumps(start).encode()
    if hashlib.sha256(bound + hidden).hexdigest() != digest:
        raise SealError(f"{what} is damaged: copy it again from where it comes", damaged=True)
    key = _key(passphrase, bytes.fromhex(start["salt"]), start["cost"])
    try:
        return json.loads(AESGCM(key).decrypt(bytes.fromhex(start["nonce"]), hidden, bound))
    except InvalidTag:
        raise SealError(
            f"that is not the passphrase of {what}: give the one that was told for it"
        ) from None


def new_passphrase(random: Callable[[int], bytes]) -> str:
    """One to be read out and typed: six groups of four."""
    letters: list[str] = []
    while len(letters) < _GROUPS * _GROUP:
        (byte,) = random(1)
        if byte < 256 - 256 % len(_LETTERS):
            letters.append(_LETTERS[byte % len(_LETTERS)])
    text = "".join(letters)
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def plain_passphrase(typed: str) -> str:
    """One of `new_passphrase` as it was, whatever its case and spaces are now."""
    letters = re.sub(r"[\s-]", "", typed).upper()
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def read_passphrase(path: Path) -> str:
    """The passphrase in a file that its owner alone can read. Raises SealError."""
    try:
        passphrase = read_private(path).decode().strip()
    except UnicodeDecodeError:
        raise SealError(f"{path} holds no passphrase: name another file") from None
    if not passphrase:
        raise SealError(f"{path} is empty: write the passphrase into it")
    return passphrase


def read_private(path: Path) -> bytes:
    """What is in a file that its owner alone can read. Raises SealError."""
    check_private(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unread(path, error) from None


def check_private(path: Path) -> None:
    """Raise SealError unless the file or folder is there, and others can do nothing with it."""
    try:
        found = path.stat()
    except OSError as error:
        raise _unread(path, error) from None
    if found.st_mode & 0o077:
        mode = "700" if path.is_dir() else "600"
        raise SealError(f"others can open {path}; run: chmod {mode} {path}")


def write_private(path: Path, data: bytes) -> None:
    """Replace a file in one step, sure to be on the disk; nobody else can read it, ever.

    Raises SealError.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        what_to_do = remedy(error, f"make the folder {path.parent} first, or correct the path")
        raise SealError(f"{path} cannot be written: {error.strerror}; {what_to_do}") from None


def sync_folder(folder: Path) -> None:
    """Have the disk know the names in a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unread(path: Path, error: OSError) -> SealError:
    what_to_do = remedy(error, "correct the path, or bring it there")
    return SealError(f"{path} cannot be opened: {error.strerror}; {what_to_do}")


def _key(passphrase: str, salt: bytes, cost: int) -> bytes:
    return hashlib.scrypt(
        passphrase.encode(),
        salt=salt,
        n=cost,
        r=_BLOCK,
        p=_LANES,
        maxmem=256 * _BLOCK * _COSTLIEST,
        dklen=32,
    )


def _start(head: bytes, what: str) -> tuple[dict[str, Any], str]:
    """What the first line says, checked, and the digest that it ends with."""
    try:
        start = json.loads(head[:_HEAD_CAP])
        digest = start.pop("sha256")
        whole = (
            list(start) == ["form", "kind", "cost", "salt", "nonce"]
            and type(start["cost"]) is int
            and re.fullmatch(r"[0-9a-f]{32}", start["salt"])
            and re.fullmatch(r"[0-9a-f]{24}", start["nonce"])
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = None
    if not whole:
        raise SealError(
            f"{what} is no sealed file of axlebox, or is damaged: name another file, or copy it "
            "again from where it comes",
            damaged=True,
        )
    cost = start["cost"]
    if start["form"] != 1:
        raise SealError(f"{what} was written by a newer axlebox: install that one here")
    if not 1 < cost <= _COSTLIEST or cost & (cost - 1):
        raise SealError(
            f"{what} asks for a key that is too costly to make: no axlebox wrote it; name another "
            "file"
        )
    return start, digest
