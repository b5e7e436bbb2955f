"""Where mutations begin."""

import json
from pathlib import Path

from axwire.cbor import head

__all__ = ["NODE", "SECRET", "body_of", "golden_messages", "golden_payloads"]

NODE = "motors-a"
_LONGEST_PAYLOAD = 200
_VECTORS = [
    each
    for each in json.loads((Path(__file__).parents[1] / "wire" / "vectors.json").read_text())
    if each["kind"] == "up"
]
SECRET = next(bytes.fromhex(each["key"]) for each in _VECTORS if each["name"] == NODE)
"""The key of that node in the golden vectors."""


def golden_messages() -> list[tuple[bytes, bytes, bytes]]:
    """Payload, sealed and framed message of each golden vector that a node can send.

    The longest, whole tables and waveforms, are left out: of each kind there are short ones.
    """
    messages = [
        tuple(bytes.fromhex(each[part]) for part in ("payload", "sealed", "framed"))
        for each in _VECTORS
    ]
    return [
        (payload, sealed, framed)
        for payload, sealed, framed in messages
        if len(payload) <= _LONGEST_PAYLOAD
    ]


def golden_payloads() -> list[bytes]:
    """A payload of every message that a node can send."""
    return [payload for payload, _, _ in golden_messages()]


def body_of(payload: bytes) -> bytes:
    """The payload without boot and sequence: its length and type, then what follows these two."""
    _, _, at = head(payload, 2)
    _, _, at = head(payload, at)
    return payload[:2] + payload[at:]
