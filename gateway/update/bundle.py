"""A firmware bundle, `.axu`: what goes on one kind of board, signed with Ed25519 (RFC 8032).

    AXU1                                    a list of files, as text, one line each
    board pico
    firmware 0.2.0
    release 2
    minimum 1
    <SHA-256> <bytes> axnode/node.mpy       so for each file, by name
                                            an empty line
    the files, one behind the other, in that order
    the signature of all of that, 64 bytes

A node gets all but the signature, which it has no means to check, and knows the list by its
SHA-256. `release` rises with each version; a node takes none that is not above its own, and none
whose `minimum` is above it.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.errors import BundleError

__all__ = [
    "BUNDLE_CAP",
    "KEY_BYTES",
    "MANIFEST_CAP",
    "PACKAGES",
    "Bundle",
    "BundledFile",
    "new_key",
    "pack",
    "public_key",
    "read_bundle",
    "sign",
]

BUNDLE_CAP = 1_000_000
MANIFEST_CAP = 16_384
"""What a node takes at most (firmware/axnode/update.py)."""

PACKAGES = ("axnode", "axwire", "drivers")
"""The folders that a node lets be written."""

KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_MAGIC = b"AXU1\n"
_END = b"\n\n"
_FACTS = ("board", "firmware", "release", "minimum")
_WORD = re.compile(r"[A-Za-z0-9._+-]{1,64}")
_FILE = re.compile(rf"([0-9a-f]{{64}}) (\d{{1,7}}) ((?:{'|'.join(PACKAGES)})/[A-Za-z0-9_.]+)")


@dataclass(frozen=True)
class BundledFile:
    """A file by its path on the board; its content begins at `offset` of what the node gets."""

    path: str
    size: int
    sha256: str
    offset: int


@dataclass(frozen=True)
class Bundle:
    """One that is whole and signed by somebody who is trusted. `content` is what a node gets;
    `digest` the SHA-256 of its list of files, of `manifest_bytes`."""

    board: str
    firmware: str
    release: int
    minimum: int
    files: tuple[BundledFile, ...]
    content: bytes
    manifest_bytes: int
    digest: bytes

    @property
    def title(self) -> str:
        """For people."""
        return f"firmware {self.firmware} (release {self.release}) for {self.board}"


def pack(
    board: str, firmware: str, release: int, minimum: int, files: Mapping[str, bytes]
) -> bytes:
    """A bundle without its signature. Raises BundleError for what no node would take."""
    lines = [f"board {board}", f"firmware {firmware}", f"release {release}", f"minimum {minimum}"]
    for path, content in sorted(files.items()):
        lines.append(f"{hashlib.sha256(content).hexdigest()} {len(content)} {path}")
    manifest = _MAGIC + "\n".join(lines).encode() + _END
    _parse(manifest)
    whole = manifest + b"".join(content for _, content in sorted(files.items()))
    if len(whole) + _SIGNATURE_BYTES > BUNDLE_CAP:
        raise BundleError("format", f"a bundle has at most {BUNDLE_CAP} bytes")
    return whole


def sign(unsigned: bytes, key: bytes) -> bytes:
    """The bundle, signed with a private key of KEY_BYTES."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return unsigned + Ed25519PrivateKey.from_private_bytes(key).sign(unsigned)


def new_key() -> bytes:
    """A private key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_key(key: bytes) -> bytes:
    """Of a private key: what a gateway is given to trust."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()


def read_bundle(data: bytes, trusted: Iterable[bytes]) -> Bundle:
    """Check all that can be checked of it, the signature before all else that it says.

    `trusted`: public keys of KEY_BYTES. Raises BundleError.
    """
    if len(data) > BUNDLE_CAP or not data.startswith(_MAGIC):
        raise BundleError("format", "this is no firmware bundle (.axu)")
    end = data.find(_END, 0, MANIFEST_CAP)
    if end < 0:
        raise BundleError("truncated", "the bundle is cut short within its list of files")
    manifest = data[: end + len(_END)]
    bundle = _parse(manifest)
    length = len(manifest) + sum(file.size for file in bundle.files) + _SIGNATURE_BYTES
    if len(data) < length:
        raise BundleError(
            "truncated", f"the bundle is cut short: {len(data)} of {length} bytes; copy it again"
        )
    content, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
    keys = list(trusted)
    if not keys:
        raise BundleError(
            "no_keys", "this gateway trusts no key for updates: name one in [update] keys"
        )
    if len(data) > length or not any(_has_signed(key, signature, content) for key in keys):
        raise BundleError(
            "forged",
            "the bundle is forged or damaged, or signed with a key that this gateway does not "
            "trust ([update] keys)",
        )
    for file in bundle.files:
        part = content[file.offset : file.offset + file.size]
        if hashlib.sha256(part).hexdigest() != file.sha256:
            raise BundleError("format", f"{file.path} is not what the bundle's list says")
    return Bundle(
        bundle.board,
        bundle.firmware,
        bundle.release,
        bundle.minimum,
        bundle.files,
        content,
        bundle.manifest_bytes,
        bundle.digest,
    )


def _has_signed(key: bytes, signature: bytes, content: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _parse(manifest: bytes) -> Bundle:
    """What a list of files says, without contents. Raises BundleError."""
    if len(manifest) > MANIFEST_CAP:
        raise BundleError("format", f"a list of files has at most {MANIFEST_CAP} bytes")
    lines = manifest.decode("ascii", "replace").split("\n")[1:-2]
    facts = dict(line.split(" ", 1) for line in lines[: len(_FACTS)] if " " in line)
    numbers = (facts.get("release", ""), facts.get("minimum", ""))
    if (
        tuple(facts) != _FACTS
        or not all(_WORD.fullmatch(value) for value in facts.values())
        or not all(re.fullmatch(r"\d{1,9}", number) for number in numbers)
    ):
        raise BundleError("format", f"a bundle begins with {', '.join(_FACTS)}")
    files: list[BundledFile] = []
    offset = len(manifest)
    for line in lines[len(_FACTS) :]:
        found = _FILE.fullmatch(line)
        if found is None or found[3] in {file.path for file in files}:
            raise BundleError("format", f"no file that a node takes: {line[:120]!r}")
        files.append(BundledFile(found[3], int(found[2]), found[1], offset))
        offset += int(found[2])
    if not files:
        raise BundleError("format", "a bundle has files")
    return Bundle(
        facts["board"],
        facts["firmware"],
        int(facts["release"]),
        int(facts["minimum"]),
        tuple(files),
        b"",
        len(manifest),
        hashlib.sha256(manifest).digest(),
    )
