"""A node's line with as much of a gateway on it as an update needs, in simulated time."""

import random

from axwire.parse import Event, Hello
from field_update import BOARD
from stepped_node import NAME, SteppedNode

from gateway.downlink import Downlink
from gateway.update.bundle import Bundle, pack, public_key, read_bundle, sign
from gateway.update.conversation import Conversation
from hil.schedule import SimulatedClock

__all__ = ["KEY", "OLD", "SEED", "UPDATED", "Gateway", "firmware", "firmwares", "small_bundle"]

SEED = 41
KEY = bytes(range(32))
OLD, UPDATED = "0.1.0", "0.2.0"


class Gateway:
    """As much of it as an update of one node needs, on the node's line. With `moves` the
    locomotive does from the moment on that the node has it all."""

    name = "serial bench"

    def __init__(self, node: SteppedNode, bundle: Bundle, *, moves: bool = False) -> None:
        self._node = node
        self.moves = moves
        self.clock = SimulatedClock(node.target.now_us)
        self._downlink = Downlink({NAME: node.key})
        self._downlink.begin_run(1)
        self._told = 0
        self._seen: set[tuple[int, int]] = set()
        node.sequence_of = self._next
        node.each_step = self._step
        self.begin(bundle)

    def begin(self, bundle: Bundle) -> None:
        """Have the node be sent that from now on."""
        self.conversation = Conversation(
            NAME,
            bundle,
            self._downlink,
            self.clock,
            self._stands,
            lambda: firmware(self._node),
        )

    def send(self, message: bytes) -> bool:
        self._node.send(message)
        return True

    def _stands(self) -> bool:
        return not (self.moves and self.conversation.step == "switching")

    def _next(self) -> int:
        self._downlink._nodes[NAME].sequence += 1
        return self._downlink._nodes[NAME].sequence

    def _step(self) -> None:
        node = self._node
        if node.target.now_us < node.target.on_us:
            return
        self.clock.advance_to(node.target.now_us)
        for up in node.messages[self._told :]:
            self._downlink.heard(NAME, up.boot, self)
            if isinstance(up, Event) and (up.boot, up.sequence) not in self._seen:
                self._seen.add((up.boot, up.sequence))
                self.conversation.told(up)
        self._told = len(node.messages)
        if self._told:
            self.conversation.tick()


def firmware(node: SteppedNode, boot: int | None = None) -> str | None:
    hellos = node.of(Hello, boot)
    return str(hellos[0].firmware) if hellos else None


def firmwares(node: SteppedNode) -> list[str | None]:
    """What each boot that told it ran."""
    return [firmware(node, boot) for boot in node.boots if node.of(Hello, boot)]


def small_bundle(seed: int = SEED) -> Bundle:
    """Files of one piece, of several, and of none, that no node can run."""
    draw = random.Random(seed)
    sizes = {"axnode/a.mpy": 2500, "axwire/b.mpy": 700, "drivers/c.mpy": 0, "drivers/d.mpy": 4900}
    files = {path: draw.randbytes(size) for path, size in sizes.items()}
    data = sign(pack(BOARD, UPDATED, 2, 1, files), KEY)
    return read_bundle(data, [public_key(KEY)])
