"""The envelope: COSE_Mac0 (RFC 9052, section 6.2) with HMAC 256/64 (RFC 9053, section 3.1).

`[protected {1: 4}, unprotected {4: kid}, payload, tag]`, untagged; kid = the node's name; the
external AAD names the direction, so that no message can be reflected to its sender. One node has
one key; nothing else on the locomotive knows it but the gateway.
"""

import hashlib

from axwire.cbor import head, head_size
from axwire.errors import EnvelopeError

UP = b"up"
DOWN = b"down"
KEY_BYTES = 32
TAG_BYTES = 8
NAME_CAP = 23
"""Longest node name in bytes: it fits a one-byte head."""

_BLOCK = 64
_START = b"\x84\x43\xa1\x01\x04\xa1\x04"
_BYTES = 0x40


class MacKey:
    """A node's key with its HMAC pads computed once (RFC 2104)."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError("a key has %d bytes, not %d" % (KEY_BYTES, len(secret)))
        padded = secret + bytes(_BLOCK - len(secret))
        self._inner = bytes([byte ^ 0x36 for byte in padded])
        self._outer = bytes([byte ^ 0x5C for byte in padded])

    def tag(self, direction: bytes, payload: "bytes | memoryview") -> bytes:
        """The 8-byte tag over the MAC_structure of a message."""
        inner = hashlib.sha256(self._inner)
        inner.update(b"\x84\x64MAC0\x43\xa1\x01\x04")
        inner.update(_bytes_head(len(direction)) + direction + _bytes_head(len(payload)))
        inner.update(payload)
        outer = hashlib.sha256(self._outer)
        outer.update(inner.digest())
        return outer.digest()[:TAG_BYTES]


class Envelope:
    """A message taken apart; nothing in it is believed before `check`."""

    def __init__(self, name: str, payload: bytes, tag: bytes) -> None:
        self.name = name
        self.payload = payload
        self.tag = tag

    def check(self, key: MacKey, direction: bytes) -> None:
        """Raise EnvelopeError unless the sender had the key and spoke in this direction."""
        difference = 0
        for ours, theirs in zip(key.tag(direction, self.payload), self.tag):  # noqa: B905
            difference |= ours ^ theirs
        if difference:
            raise EnvelopeError("bad_mac", f"wrong tag for node {self.name}")


def seal(key: MacKey, name: str, direction: bytes, payload: "bytes | memoryview") -> bytes:
    """The message that carries `payload` from or to the node `name`."""
    kid = name.encode()
    if not 0 < len(kid) <= NAME_CAP:
        raise ValueError("a node name has 1 to %d bytes" % NAME_CAP)
    return b"".join(
        (
            _START,
            _bytes_head(len(kid)),
            kid,
            _bytes_head(len(payload)),
            bytes(payload),
            _bytes_head(TAG_BYTES),
            key.tag(direction, payload),
        )
    )


def sealed_size(name: str, payload_bytes: int) -> int:
    """Bytes of a sealed message with a payload of that size."""
    envelope = len(_START) + 1 + len(name.encode()) + head_size(payload_bytes) + 1 + TAG_BYTES
    return envelope + payload_bytes


def split(message: bytes) -> Envelope:
    """Take a message apart without believing it. Raises EnvelopeError or CborError."""
    if message[: len(_START)] != _START:
        raise EnvelopeError("envelope", "not a COSE_Mac0 message of this protocol")
    kid, at = _byte_string(message, len(_START))
    if not 0 < len(kid) <= NAME_CAP:
        raise EnvelopeError("envelope", "a node name of %d bytes" % len(kid))
    payload, at = _byte_string(message, at)
    tag, at = _byte_string(message, at)
    if len(tag) != TAG_BYTES or at != len(message):
        raise EnvelopeError(
            "envelope", "a tag of %d bytes, then %d" % (len(tag), len(message) - at)
        )
    try:
        return Envelope(kid.decode(), payload, tag)
    except UnicodeError:
        raise EnvelopeError("envelope", "a node name that is not UTF-8") from None


def _byte_string(message: bytes, at: int) -> "tuple[bytes, int]":
    major, length, at = head(message, at)
    end = at + length
    if major != _BYTES or end > len(message):
        raise EnvelopeError("envelope", "a part that is no byte string or ends too early")
    return message[at:end], end


def _bytes_head(length: int) -> bytes:
    if length < 24:
        return bytes((_BYTES | length,))
    if length < 0x100:
        return bytes((_BYTES | 24, length))
    return bytes((_BYTES | 25, length >> 8, length & 0xFF))
