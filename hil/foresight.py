"""When the gateway can answer what a board has sent, told before the gateway has heard it.

Nearly all that boards send are readings, and these are acknowledged with the next commit. A board
whose message can have no answer before may run on while the gateway is still busy with others.
"""

import functools

from axwire import cose
from axwire.cbor import head
from axwire.errors import CborError
from axwire.up import READINGS

from gateway.core import Gateway

__all__ = ["answered_us"]

_HEAD_BYTES = len(cose.START) + 1 + cose.NAME_CAP + 3 + 16
"""The envelope before a payload, and what of READINGS says which message it is."""

_ARRAY_OF_5 = 0x85
_RUN = 254


def answered_us(gateway: Gateway, node: str, data: bytes, at_us: int) -> int:
    """When these bytes of that node's board, which arrive at `at_us` on a line without noise,
    could be answered at the earliest, once all that it sent before has been heard: at once,
    unless they are new readings of the boot that the gateway knows."""
    writer = gateway.writer
    buffered = writer.buffered_bytes + len(data)
    if writer.wants_snapshot or 2 * buffered > writer.settings.commit_bytes:
        return at_us
    if not _are_new_readings(gateway, node, data):
        return at_us
    return at_us + writer.settings.commit_period_us


def _are_new_readings(gateway: Gateway, node: str, data: bytes) -> bool:
    """Whether they are one whole frame with such a message."""
    if data.find(b"\0") != len(data) - 1:
        return False
    message = _beginning(data)
    start = _start(node)
    try:
        if not message.startswith(start):
            return False
        _, _, at = head(message, len(start))
        if message[at] != _ARRAY_OF_5 or message[at + 1] != READINGS:
            return False
        _, number, at = head(message, at + 2)
        _, sequence, at = head(message, at)
        _, revision, at = head(message, at)
    except (CborError, IndexError):
        return False
    if number != gateway.downlink.boot(node):
        return False
    boot = gateway.ledger.boot(node, number)
    return revision in boot.tables and sequence not in boot.accepted


@functools.cache
def _start(node: str) -> bytes:
    """Of all that the node sends."""
    name = node.encode()
    return cose.START + cose.bytes_head(len(name)) + name


def _beginning(frame: bytes) -> bytes:
    """Of the message in a frame, as much as is looked at (axwire.framing)."""
    out = bytearray()
    at = 0
    while len(out) < _HEAD_BYTES and frame[at]:
        code = frame[at]
        out += frame[at + 1 : at + code]
        at += code
        if at >= len(frame):
            break
        if code <= _RUN:
            out.append(0)
    return bytes(out)
