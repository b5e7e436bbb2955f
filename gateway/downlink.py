"""What the gateway says to nodes: sealed for one node and boot, under a sequence that rises.

A node refuses a sequence it has heard already. Each run of the gateway begins above all earlier
ones, and a node tells in HEALTH what it heard last, so that even a gateway that lost its memory
is believed again within seconds. A new run also tells the node that what was on its way to the
run before may be lost: it sends that again at once.
"""

from collections.abc import Mapping
from typing import Protocol

from axwire import GATEWAY_MESSAGE_CAP, cose, down
from axwire.cbor import Writer
from axwire.errors import EnvelopeError

from gateway.quick import Proof

__all__ = ["Downlink", "Link"]


class Link(Protocol):
    """The way back to a node."""

    @property
    def name(self) -> str:
        """What people call it: `serial motors`."""

    def send(self, message: bytes) -> bool:
        """Queue a message; False when the link is gone or its queue is full."""


class _Node:
    def __init__(self, key: cose.MacKey) -> None:
        self.key = key
        self.proof = Proof(key, cose.UP)
        self.link: Link | None = None
        self.boot: int | None = None
        self.sequence = 0


class Downlink:
    """Seals and sends; one instance for all nodes. `keys`: node name to key."""

    def __init__(self, keys: Mapping[str, cose.MacKey]) -> None:
        self._nodes = {name: _Node(key) for name, key in keys.items()}
        self._writer = Writer(GATEWAY_MESSAGE_CAP)
        self.sent = 0
        self.dropped = 0
        """Messages no link took; what they said is said again later."""

    def begin_run(self, run: int) -> None:
        for node in self._nodes.values():
            node.sequence = run << down.RUN_BITS

    @property
    def names(self) -> list[str]:
        """Every node that has a key here."""
        return list(self._nodes)

    def check(self, envelope: cose.Envelope) -> None:
        """Raises EnvelopeError unless it is from a node of ours that proves its key."""
        node = self._nodes.get(envelope.name)
        if node is None:
            raise EnvelopeError("unknown_node", f"node {envelope.name} has no key here")
        node.proof.check(envelope)

    def boot(self, name: str) -> int | None:
        """The boot the node is in, as far as we heard."""
        return self._nodes[name].boot

    def heard(self, name: str, boot: int, link: Link) -> None:
        """The node spoke from this boot over this link: answers go there."""
        node = self._nodes[name]
        node.boot = boot
        node.link = link

    def node_knows(self, name: str, sequence: int) -> None:
        """The node says it heard this sequence: speak above it."""
        node = self._nodes[name]
        node.sequence = max(node.sequence, sequence)

    def acknowledge(
        self, name: str, boot: int, upto: int, singles: list[int], link: Link | None = None
    ) -> bool:
        """At most `down.SINGLES_CAP` singles; over `link`, else where the node was heard last."""
        node = self._nodes[name]
        node.sequence += 1
        down.ack(self._writer, boot, node.sequence, upto, singles)
        return self._send(name, node, link)

    def ping(self, name: str, boot: int, utc_ms: int | None, link: Link | None = None) -> int:
        """Returns the ping's sequence, by which its answer is known."""
        node = self._nodes[name]
        node.sequence += 1
        down.ping(self._writer, boot, node.sequence, utc_ms)
        self._send(name, node, link)
        return node.sequence

    def command(self, name: str, code: int, arguments: list[int]) -> int | None:
        """Returns the command's sequence, by which its answer is known.

        None when the node was not heard of yet or no link took it.
        """
        node = self._nodes[name]
        if node.boot is None:
            return None
        node.sequence += 1
        down.command(self._writer, node.boot, node.sequence, code, arguments)
        return node.sequence if self._send(name, node) else None

    def configure(self, name: str, piece: int, pieces: int, crc: int, part: bytes) -> int | None:
        """Returns the sequence, by which its answer is known; None as of `command`."""
        node = self._nodes[name]
        if node.boot is None:
            return None
        node.sequence += 1
        down.configure(self._writer, node.boot, node.sequence, piece, pieces, crc, part)
        return node.sequence if self._send(name, node) else None

    def update(self, name: str, offset: int, part: bytes) -> int | None:
        """A piece of new firmware; returns as `configure` does."""
        node = self._nodes[name]
        if node.boot is None:
            return None
        node.sequence += 1
        down.update(self._writer, node.boot, node.sequence, offset, part)
        return node.sequence if self._send(name, node) else None

    def _send(self, name: str, node: _Node, link: Link | None = None) -> bool:
        message = cose.seal(node.key, name, cose.DOWN, self._writer.written())
        link = link or node.link
        taken = link is not None and link.send(message)
        self.sent += taken
        self.dropped += not taken
        return taken
