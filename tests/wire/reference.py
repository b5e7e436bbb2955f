"""The wire protocol once more, without axwire: what the golden vectors are made with.

Payloads come from cbor2, tags from hmac, frames from zlib and a COBS written straight from its
definition, so that axwire is checked against something other than itself.
"""

import hashlib
import hmac
import struct
import zlib
from collections.abc import Callable
from typing import Any

import cbor2

Fields = dict[str, Any]

PROTECTED = bytes.fromhex("a10104")
"""The protected header {1: 4}: HMAC 256/64."""

TYPES = {
    "HELLO": 1,
    "READINGS": 2,
    "EVENT": 3,
    "HEALTH": 4,
    "WAVEFORM": 5,
    "PONG": 6,
    "THINNED": 7,
    "ACK": 16,
    "PING": 17,
    "CONFIGURE": 18,
    "COMMAND": 19,
    "UPDATE": 20,
}


def key(name: str) -> bytes:
    """The key of a node in the vectors."""
    return hashlib.sha256(b"axlebox golden vectors: " + name.encode()).digest()


def payload(kind: str, fields: Fields) -> bytes:
    """The CBOR of a message of that type."""
    head = [TYPES[kind], fields["boot"], fields["sequence"]]
    return cbor2.dumps(head + _BODIES[kind](fields))


def seal(name: str, direction: str, body: bytes) -> bytes:
    """The COSE_Mac0 message around a payload; direction `up` or `down`."""
    return cbor2.dumps([PROTECTED, {4: name.encode()}, body, mac_tag(name, direction, body)])


def frame(message: bytes) -> bytes:
    """COBS(message + CRC-32) and the closing 0x00."""
    return cobs(message + struct.pack("<I", zlib.crc32(message))) + b"\0"


def cobs(data: bytes) -> bytes:
    """Each run of non-zero bytes behind a byte that tells its length; at most 254 to a run."""
    out = bytearray([0])
    code = 0
    for index, byte in enumerate(data):
        if byte:
            out.append(byte)
        if not byte or len(out) - code == 255:
            out[code] = len(out) - code
            if byte and index == len(data) - 1:
                return bytes(out)
            code = len(out)
            out.append(0)
    out[code] = len(out) - code
    return bytes(out)


def mac_tag(name: str, direction: str, body: bytes) -> bytes:
    """The 8-byte tag over the MAC_structure (RFC 9052, section 6.3)."""
    structure = cbor2.dumps(["MAC0", PROTECTED, direction.encode(), body])
    return hmac.new(key(name), structure, hashlib.sha256).digest()[:8]


def _typed(bits: int, values: list[int]) -> cbor2.CBORTag:
    tag, code = {8: (72, "b"), 16: (77, "h"), 32: (78, "i")}[bits]
    return cbor2.CBORTag(tag, struct.pack(f"<{len(values)}{code}", *values))


def _hello(fields: Fields) -> list[Any]:
    groups = [[g["number"], g["first"], g["period_ms"], g["channels"]] for g in fields["groups"]]
    names = ("protocol", "firmware", "board", "reset_cause", "configuration", "revision")
    return [*(fields[name] for name in names), fields["piece"], fields["pieces"], groups]


def _readings(fields: Fields) -> list[Any]:
    blocks: list[list[Any]] = []
    for block in fields["blocks"]:
        samples: Any = _typed(block["bits"], block["samples"])
        if block["steps"] is not None:
            samples = [samples, _typed(8, block["steps"])]
        statuses = [] if block["statuses"] is None else [block["statuses"]]
        blocks.append([block["group"], block["t_ms"], samples, *statuses])
    return [fields["revision"], blocks]


def _thinned(fields: Fields) -> list[Any]:
    blocks: list[list[Any]] = []
    for block in fields["blocks"]:
        samples: Any = _typed(block["bits"], block["samples"])
        if block["steps"] is not None:
            samples = [samples, _typed(8, block["steps"])]
        statuses = [] if block["statuses"] is None else [block["statuses"]]
        whole = [block["group"], block["t_ms"], samples, block["span_ms"], block["taken"]]
        blocks.append(whole + statuses)
    head = [fields["last"], fields["messages"], fields["in_doubt"], fields["revision"]]
    return [*head, blocks]


def _waveform(fields: Fields) -> list[Any]:
    names = ("revision", "channel", "burst", "piece", "pieces", "t_ms", "period_ns")
    return [*(fields[name] for name in names), _typed(fields["bits"], fields["samples"])]


_BODIES: dict[str, Callable[[Fields], list[Any]]] = {
    "HELLO": _hello,
    "READINGS": _readings,
    "EVENT": lambda f: [f["t_ms"], f["code"], f["arguments"]],
    "HEALTH": lambda f: [f["t_ms"], f["oldest"], f["values"]],
    "WAVEFORM": _waveform,
    "PONG": lambda f: [f["t_us"]],
    "THINNED": _thinned,
    "ACK": lambda f: [f["upto"], f["singles"]],
    "PING": lambda f: [f["utc_ms"]],
    "CONFIGURE": lambda f: [f["piece"], f["pieces"], f["crc"], bytes.fromhex(f["part"])],
    "COMMAND": lambda f: [f["code"], f["arguments"]],
    "UPDATE": lambda f: [f["offset"], bytes.fromhex(f["part"])],
}
