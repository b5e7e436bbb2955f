"""Refused input, kept in the spool with its reason: a bounded share of what proved nothing."""

from collections.abc import Callable

import msgspec
from axwire import GATEWAY_MESSAGE_CAP
from axwire.cbor import decode
from axwire.errors import WireError
from axwire.table import bounded
from axwire.up import PONG

from gateway.ledger import Quarantined
from gateway.spool.format import Kind, Priority
from gateway.timebase import Clock

__all__ = ["Quarantine", "numbers_of"]

_BURST = 64
_EACH_US = 1_000_000
"""Unproved rubbish: so many are kept at once, then one a second; all are counted."""


class Quarantine:
    """`append` gives a record to the spool and returns its ticket; what it raises passes through,
    and then nothing is counted."""

    def __init__(self, append: Callable[[Kind, Priority, bytes], int], clock: Clock) -> None:
        self._append = append
        self._clock = clock
        self._room = _BURST
        self._filled_us = clock.monotonic_us()
        self.kept = 0
        self.not_kept = 0
        """Refused messages that there was no room for."""

    def keep_unproved(self, link: str, message: bytes, error: WireError) -> None:
        """Keep a message whose sender proved nothing, where there is room."""
        now = self._clock.monotonic_us()
        refill = (now - self._filled_us) // _EACH_US
        if refill:
            self._filled_us = now
            self._room = min(_BURST, self._room + refill)
        if self._room:
            self.keep(link, message, error, None)
            self._room -= 1
        else:
            self.not_kept += 1

    def keep(
        self, link: str, message: bytes, error: WireError, sender: tuple[str, int, int] | None
    ) -> int:
        """Keep a message; `sender` = node, boot and sequence where its key was proved. Returns
        the ticket of its record."""
        body = msgspec.msgpack.encode(
            Quarantined(error.reason, link, str(error), message[:GATEWAY_MESSAGE_CAP], sender)
        )
        ticket = self._append(Kind.QUARANTINE, Priority.WAVEFORM, body)
        self.kept += 1
        return ticket


def numbers_of(payload: bytes) -> tuple[int, int] | None:
    """Boot and sequence of a payload that is otherwise wrong; None when it is not to be kept.

    A PONG has a sequence of the gateway's, which says nothing of the node's messages.
    """
    try:
        items = decode(payload)
        if not isinstance(items, list) or len(items) < 3 or items[0] == PONG:
            return None
        return (
            bounded(items[1], 0, 0xFFFFFFFF, "boot"),
            bounded(items[2], 0, 0xFFFFFFFF, "sequence"),
        )
    except WireError:
        return None
