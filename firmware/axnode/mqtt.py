"""MQTT 3.1.1 (OASIS 2014) as far as a node needs it: bytes of packets, and packets from bytes.

Nothing here waits or knows a socket.
"""

from micropython import const

from axwire.cose import ROOM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from axwire.cose import Sealer

CONNACK = const(0x20)
PUBLISH = const(0x30)
PUBACK = const(0x40)
SUBACK = const(0x90)
PINGRESP = const(0xD0)
"""First bytes of what a broker sends, without their flags."""

PING = b"\xc0\x00"
QOS_1 = const(0x02)
REFUSED = const(0x80)

_HEAD_MOST = const(5)
_WILL_AND_CLEAN = const(0x2E)
"""Clean session, and a last will with QoS 1 that is kept for those who come later."""


def connect(
    client: str,
    keep_alive_s: int,
    will_topic: bytes,
    will: bytes,
    username: "str | None",
    password: "str | None",
) -> bytes:
    """CONNECT with a clean session: what a broker would keep for a node, the gateway repeats."""
    flags = _WILL_AND_CLEAN
    body = _text(client.encode()) + _text(will_topic) + _text(will)
    if username is not None:
        flags |= 0x80
        body += _text(username.encode())
        if password is not None:
            flags |= 0x40
            body += _text(password.encode())
    head = b"\x00\x04MQTT\x04" + bytes((flags,)) + keep_alive_s.to_bytes(2, "big")
    return _packet(0x10, head + body)


def subscribe(number: int, topic: bytes) -> bytes:
    """SUBSCRIBE to one topic with QoS 1."""
    return _packet(0x82, number.to_bytes(2, "big") + _text(topic) + b"\x01")


def publish(number: int, topic: bytes, message: bytes, keep: bool = False) -> bytes:
    """PUBLISH with QoS 1. `keep`: the broker shows it to those who subscribe later."""
    flags = PUBLISH | QOS_1 | (1 if keep else 0)
    return _packet(flags, _text(topic) + number.to_bytes(2, "big") + message)


def publish_in_place(sealed: "Sealer", number: int, topic: bytes) -> memoryview:
    """PUBLISH with QoS 1 of a sealed message, around it where it lies."""
    head = _head(PUBLISH | QOS_1, 4 + len(topic) + sealed.end - ROOM)
    head += _text(topic) + number.to_bytes(2, "big")
    begin = ROOM - len(head)
    sealed.view[begin:ROOM] = head
    return sealed.view[begin : sealed.end]


def puback(number: int) -> bytes:
    return b"\x40\x02" + number.to_bytes(2, "big")


class PacketReader:
    """Cuts a stream into packets. Of one longer than `cap` it keeps nothing, and counts it.

    Raises ValueError for a stream that is not MQTT: the connection is then worth nothing.
    """

    def __init__(self, cap: int) -> None:
        self.refused = 0
        self._cap = cap
        self._kept = b""
        self._skip = 0

    def feed(self, data: bytes) -> "Iterator[tuple[int, bytes]]":
        """The packets that `data` completes: first byte, and all behind the length."""
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        data = self._kept + data
        at = 0
        while True:
            start, length = _length(data, at)
            if not start:
                break
            if length > self._cap:
                self.refused += 1
                self._skip = max(0, start + length - len(data))
                at = min(start + length, len(data))
                continue
            if start + length > len(data):
                break
            yield data[at], data[start : start + length]
            at = start + length
        self._kept = data[at:]


def published(first: int, body: bytes) -> "tuple[int | None, bytes]":
    """Number (None with QoS 0) and message of a PUBLISH. Raises ValueError where it is none."""
    at = 2 + int.from_bytes(body[:2], "big")
    number = None
    if first & 0x06:
        number = int.from_bytes(body[at : at + 2], "big")
        at += 2
    if at > len(body):
        raise ValueError("PUBLISH ends early")
    return number, body[at:]


def _length(data: bytes, at: int) -> "tuple[int, int]":
    """Where the packet's body starts, and its length; (0, 0) while that has not come."""
    length = 0
    for index in range(1, _HEAD_MOST):
        if at + index >= len(data):
            return 0, 0
        byte = data[at + index]
        length |= (byte & 0x7F) << (7 * (index - 1))
        if not byte & 0x80:
            return at + index + 1, length
    raise ValueError("no MQTT length")


def _packet(first: int, body: bytes) -> bytes:
    return _head(first, len(body)) + body


def _head(first: int, length: int) -> bytes:
    head = bytes((first,))
    while length > 0x7F:
        head += bytes((length & 0x7F | 0x80,))
        length >>= 7
    return head + bytes((length,))


def _text(text: bytes) -> bytes:
    return len(text).to_bytes(2, "big") + text
