"""What comes by the thousand, read in one pass: the envelope, its tag, READINGS.

`axwire` defines the wire, for the board and for us. Its reader builds every item of a message
before it looks at one, which costs a gateway most of its time. What is here knows beforehand how
nearly every message goes on, and leaves each that goes on otherwise to that reader: so both take
the same messages, to the same result, and a refusal has one wording. tests/gateway/test_quick.py
holds them together.
"""

import hashlib
import hmac

from axwire import cose
from axwire.cbor import INT8, INT16, INT32
from axwire.codes import STATUSES
from axwire.errors import EnvelopeError
from axwire.parse import (
    Block,
    Event,
    Health,
    Hello,
    Pong,
    Readings,
    Thinned,
    Waveform,
    parse_up,
)
from axwire.table import GROUP_CAP
from axwire.up import READINGS

__all__ = ["AnyUp", "Proof", "parse", "split"]

AnyUp = Hello | Readings | Event | Health | Waveform | Pong | Thinned

_NAME_AT = len(cose.START)
_BYTES = 0x40
_SHORT = 24
_TAG_HEAD = 0x48
_BEHIND = 1 + cose.TAG_BYTES
_LATEST_NAME_END = _NAME_AT + 1 + cose.NAME_CAP

_LEAST = {24: (1, 24), 25: (2, 0x100), 26: (4, 0x1_0000), 27: (8, 0x1_0000_0000)}
"""By the low bits of a head: bytes of its argument, and the least that takes so many."""

_MOST_BLOCKS = 23
_MOST_T_MS = 1 << 53
_TYPED = 0xD8
_WIDTHS = {INT16: 2, INT32: 4}
_MOST_STATUS = len(STATUSES) - 1


class Proof:
    """Whether a message is from the holder of a node's key; the pads are hashed beforehand."""

    def __init__(self, key: cose.MacKey, direction: bytes) -> None:
        self._inner = hashlib.sha256(key.inner)
        self._inner.update(cose.mac_start(direction))
        self._outer = hashlib.sha256(key.outer)

    def check(self, envelope: cose.Envelope) -> None:
        """Raises EnvelopeError as `Envelope.check` does."""
        payload = envelope.payload
        inner = self._inner.copy()
        inner.update(cose.bytes_head(len(payload)) + payload)
        outer = self._outer.copy()
        outer.update(inner.digest())
        if not hmac.compare_digest(outer.digest()[: cose.TAG_BYTES], envelope.tag):
            raise EnvelopeError("bad_mac", f"wrong tag for node {envelope.name}")


def split(message: bytes) -> cose.Envelope:
    """Take a message apart without believing it. Raises EnvelopeError or CborError."""
    try:
        name_end = _NAME_AT + 1 + message[_NAME_AT] - _BYTES
        if message.startswith(cose.START) and _NAME_AT + 1 < name_end <= _LATEST_NAME_END:
            payload, end = _string(message, name_end)
            if message[end] == _TAG_HEAD and end + _BEHIND == len(message):
                name = message[_NAME_AT + 1 : name_end].decode()
                return cose.Envelope(name, payload, message[end + 1 :])
    except (IndexError, UnicodeDecodeError):
        pass
    return cose.split(message)


def parse(payload: bytes) -> AnyUp:
    """Read and check a node's message. Raises CborError or MessageError."""
    try:
        if payload[0] == 0x85 and payload[1] == READINGS:
            readings = _readings(payload)
            if readings is not None:
                return readings
    except IndexError:
        pass
    return parse_up(payload)


def _readings(data: bytes) -> Readings | None:
    """None where something is not as nodes send it; raises IndexError where it ends too early."""
    boot, at = _unsigned(data, 2)
    sequence, at = _unsigned(data, at)
    revision, at = _unsigned(data, at)
    count = data[at] - 0x80
    if boot >> 32 or sequence >> 32 or revision >> 16 or not 1 <= count <= _MOST_BLOCKS:
        return None
    at += 1
    blocks: list[Block] = []
    for _ in range(count):
        items = data[at] - 0x80
        group = data[at + 1]
        if items not in (3, 4) or group >= GROUP_CAP:
            return None
        block = Block.__new__(Block)
        block.group = group
        block.t_ms, at = _unsigned(data, at + 2)
        by_steps = data[at] == 0x82
        at += by_steps
        width = _WIDTHS.get(data[at + 1])
        if data[at] != _TYPED or width is None or block.t_ms > _MOST_T_MS:
            return None
        block.width = width
        block.samples, at = _string(data, at + 2)
        block.differences = None
        if by_steps:
            if data[at] != _TYPED or data[at + 1] != INT8:
                return None
            block.differences, at = _string(data, at + 2)
        block.statuses = None
        if items == 4:
            first, at = at + 1, at + 1 + data[at] - 0x80
            block.statuses = data[first:at]
            if not 0 <= at - first < _SHORT or max(block.statuses, default=0) > _MOST_STATUS:
                return None
        blocks.append(block)
    if at != len(data):
        return None
    readings = Readings.__new__(Readings)
    readings.kind = READINGS
    readings.boot = boot
    readings.sequence = sequence
    readings.revision = revision
    readings.blocks = blocks
    return readings


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    """An integer from 0 and where it ends. Raises IndexError for anything else."""
    first = data[at]
    at += 1
    if first < _SHORT:
        return first, at
    try:
        size, least = _LEAST[first]
    except KeyError:
        raise IndexError from None
    value = int.from_bytes(data[at : at + size], "big")
    if value < least:
        raise IndexError
    return value, at + size


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    """A byte string and where it ends. Raises IndexError for anything else."""
    length = data[at] - _BYTES
    at += 1
    if length == _SHORT:
        length = data[at]
        at += 1
        if length < _SHORT:
            raise IndexError
    elif length == _SHORT + 1:
        length = data[at] << 8 | data[at + 1]
        at += 2
        if length < 0x100:
            raise IndexError
    elif not 0 <= length < _SHORT:
        raise IndexError
    end = at + length
    return data[at:end], end
