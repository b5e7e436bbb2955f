"""A record as a JSON object, for people and scripts."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import msgspec
from axwire.cose import split
from axwire.parse import parse_up
from axwire.up import EVENT, HEALTH, HELLO, PONG, READINGS, THINNED, WAVEFORM

from gateway.spool.format import Kind, Record
from gateway.spool.gaps import gap_of

__all__ = ["Decoder", "describe", "describe_message", "kind_name", "utc_text"]

Decoder = Callable[[bytes], Mapping[str, object]]
"""What a message says, with the node's name under "node"; raises ValueError with the reason."""

_TYPES = {
    HELLO: "hello",
    READINGS: "readings",
    EVENT: "event",
    HEALTH: "health",
    WAVEFORM: "waveform",
    PONG: "pong",
    THINNED: "thinned",
}


def describe(record: Record, decode: Decoder) -> dict[str, object]:
    """Position, kind, priority and receive time, and the body as far as it can be read."""
    shown: dict[str, object] = {
        "position": str(record.start),
        "kind": kind_name(record.kind),
        "priority": record.priority,
        "received": utc_text(record.received_us),
        "size": len(record.body),
    }
    if record.kind == Kind.MESSAGE:
        try:
            return shown | dict(decode(record.body))
        except ValueError as error:
            return shown | {"undecodable": str(error), "hex": record.body.hex()}
    if record.kind == Kind.GAP:
        return shown | {"gap": msgspec.to_builtins(gap_of(record))}
    if record.kind == Kind.STATE:
        return shown
    return shown | _body(record.body)


def describe_message(body: bytes) -> dict[str, object]:
    """Node, type, boot and sequence of a COSE message; raises ValueError (WireError)."""
    envelope = split(body)
    message = parse_up(envelope.payload)
    return {
        "node": envelope.name,
        "type": _TYPES[message.kind],
        "boot": f"{message.boot:08x}",
        "sequence": message.sequence,
    }


def kind_name(kind: int) -> str:
    return Kind(kind).name.lower() if kind in set(Kind) else f"kind {kind}"


def utc_text(utc_us: int) -> str:
    """ISO 8601 with microseconds; the bare number where no calendar has it."""
    try:
        moment = datetime.fromtimestamp(utc_us // 1_000_000, UTC)
    except (OverflowError, ValueError, OSError):
        return str(utc_us)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{utc_us % 1_000_000:06d}Z"


def _body(body: bytes) -> dict[str, object]:
    """As JSON where it is JSON, else as hex."""
    try:
        return {"body": json.loads(body)}
    except ValueError:
        return {"hex": body.hex()}
