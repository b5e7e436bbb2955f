"""What a node needs of a gateway: its messages heard and acknowledged, however they come."""

from collections.abc import Callable

from axwire import cose, down
from axwire.cbor import Writer
from axwire.codes import HEALTH_FIELDS
from axwire.parse import Health, Up, parse_up

__all__ = ["NodePeer"]


class NodePeer:
    """Knows the next sequence of the node's boot, and its HEALTH.

    `messages` counts those heard, `health` has the fields of each HEALTH by their names; `hear` is
    given each message.
    """

    def __init__(self, name: str, key: bytes) -> None:
        self.messages = 0
        self.health: list[dict[str, int | None]] = []
        self.hear: Callable[[Up], None] = lambda message: None
        self._name = name
        self._key = cose.MacKey(key)
        self._writer = Writer(64)
        self._boot: int | None = None
        self._upto = 0
        self._sequence = 0

    def take(self, message: bytes) -> None:
        """Take a message of the node in; its tag must fit."""
        envelope = cose.split(message)
        envelope.check(self._key, cose.UP)
        up = parse_up(envelope.payload)
        self.messages += 1
        self.hear(up)
        if up.boot != self._boot:
            self._boot, self._upto = up.boot, 0
        if up.sequence is not None:
            self._upto = max(self._upto, up.sequence + 1)
        if isinstance(up, Health):
            self.health.append(dict(zip(HEALTH_FIELDS, up.values, strict=False)))

    def ack(self) -> bytes | None:
        """The message that acknowledges all that was heard; None: nothing was."""
        if self._boot is None:
            return None
        self._sequence += 1
        self._writer.clear()
        down.ack(self._writer, self._boot, self._sequence, self._upto, [])
        return cose.seal(self._key, self._name, cose.DOWN, self._writer.written())
