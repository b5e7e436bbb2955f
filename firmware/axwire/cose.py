"""The envelope: COSE_Mac0 (RFC 9052, section 6.2) with HMAC 256/64 (RFC 9053, section 3.1).

`[protected {1: 4}, unprotected {4: kid}, payload, tag]`, untagged; kid = the node's name; the
external AAD names the direction, so that no message can be reflected to its sender. One node has
one key; nothing else on the locomotive knows it but the gateway.
"""

import hashlib

from axwire.cbor import head, head_size
from axwire.errors import EnvelopeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    Bytes = bytes | bytearray | memoryview

UP = b"up"
DOWN = b"down"
KEY_BYTES = 32
TAG_BYTES = 8
NAME_CAP = 23
"""Longest node name in bytes: it fits a one-byte head."""

ROOM = 80
"""Room around a sealed message, for the frame of a serial line or the head of MQTT."""

_BLOCK = 64
START = b"\x84\x43\xa1\x01\x04\xa1\x04"
_BYTES = 0x40


class MacKey:
    """A node's key with its HMAC pads computed once (RFC 2104)."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError("a key has %d bytes, not %d" % (KEY_BYTES, len(secret)))
        padded = secret + bytes(_BLOCK - len(secret))
        self.inner = bytes([byte ^ 0x36 for byte in padded])
        self.outer = bytes([byte ^ 0x5C for byte in padded])

    def tag(self, direction: bytes, payload: "Bytes") -> bytes:
        """The 8-byte tag over the MAC_structure of a message."""
        return self.tag_of(mac_start(direction), bytes_head(len(payload)), payload)

    def tag_of(self, start: bytes, head: "Bytes", payload: "Bytes") -> bytes:
        """The same from the parts of the MAC_structure: up to the AAD, payload's head, payload."""
        inner = hashlib.sha256(self.inner)
        inner.update(start)
        inner.update(head)
        inner.update(payload)
        outer = hashlib.sha256(self.outer)
        outer.update(inner.digest())
        return outer.digest()[:TAG_BYTES]


class Sealer:
    """Seals the messages of one sender, each up to `cap` bytes, in a buffer that is made once.

    The last one is `buffer[ROOM:end]`; `view` is of the whole buffer. The rest of it is room for
    what a link puts around a message: ROOM bytes before it and ROOM behind. A link may also write
    over the zero bytes of the message, and over all behind its first 200 bytes.
    """

    def __init__(self, key: MacKey, name: str, direction: bytes, cap: int) -> None:
        kid = name.encode()
        if not 0 < len(kid) <= NAME_CAP or 0 in kid:
            raise ValueError("a node name has 1 to %d bytes, none of them 0" % NAME_CAP)
        self._key = key
        self._mac_start = mac_start(direction)
        start = START + bytes_head(len(kid)) + kid
        self._payload_head = ROOM + len(start)
        self.buffer = bytearray(ROOM + cap + ROOM)
        self.view = memoryview(self.buffer)
        self.view[ROOM : self._payload_head] = start
        self.end = ROOM

    def seal(self, payload: "Bytes") -> memoryview:
        """The message that carries `payload`; it lasts until the next one is sealed."""
        buffer = self.buffer
        view = self.view
        at = self._payload_head
        length = len(payload)
        if length < 24:
            buffer[at] = _BYTES | length
            end = at + 1
        elif length < 0x100:
            buffer[at] = _BYTES | 24
            buffer[at + 1] = length
            end = at + 2
        else:
            buffer[at] = _BYTES | 25
            buffer[at + 1] = length >> 8
            buffer[at + 2] = length & 0xFF
            end = at + 3
        tag = self._key.tag_of(self._mac_start, view[at:end], payload)
        view[end : end + length] = payload
        end += length
        buffer[end] = _BYTES | TAG_BYTES
        end += 1
        view[end : end + TAG_BYTES] = tag
        self.end = end + TAG_BYTES
        return view[ROOM : self.end]


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


def seal(key: MacKey, name: str, direction: bytes, payload: "Bytes") -> bytes:
    """The message that carries `payload` from or to the node `name`."""
    cap = sealed_size(name, len(payload))
    return bytes(Sealer(key, name, direction, cap).seal(payload))


def sealed_size(name: str, payload_bytes: int) -> int:
    """Bytes of a sealed message with a payload of that size."""
    envelope = len(START) + 1 + len(name.encode()) + head_size(payload_bytes) + 1 + TAG_BYTES
    return envelope + payload_bytes


def split(message: bytes) -> Envelope:
    """Take a message apart without believing it. Raises EnvelopeError or CborError."""
    if message[: len(START)] != START:
        raise EnvelopeError("envelope", "not a COSE_Mac0 message of this protocol")
    kid, at = _byte_string(message, len(START))
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


def bytes_head(length: int) -> bytes:
    if length < 24:
        return bytes((_BYTES | length,))
    if length < 0x100:
        return bytes((_BYTES | 24, length))
    return bytes((_BYTES | 25, length >> 8, length & 0xFF))


def mac_start(direction: bytes) -> bytes:
    """A MAC_structure up to its external AAD, the direction."""
    return b"\x84\x64MAC0\x43\xa1\x01\x04" + bytes_head(len(direction)) + direction
