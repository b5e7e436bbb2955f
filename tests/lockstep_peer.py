"""The other end of a board's cable in simulated time: hears all, acknowledges it each second."""

from axwire import GATEWAY_MESSAGE_CAP
from axwire.framing import Deframer, frame
from node_peer import NodePeer

from hil.lockstep_gateway import LockstepCable
from hil.schedule import Schedule

__all__ = ["LockstepPeer"]

_ACK_US = 1_000_000


class LockstepPeer(NodePeer):
    """As much of a gateway as a node needs, at the end of its cable."""

    def __init__(self, name: str, key: bytes, cable: LockstepCable, schedule: Schedule) -> None:
        super().__init__(name, key)
        self._cable = cable
        self._deframer = Deframer(GATEWAY_MESSAGE_CAP)
        cable.listen = self._listen
        schedule.every(_ACK_US, self._acknowledge)

    def _listen(self, data: bytes) -> None:
        for message in self._deframer.feed(data):
            self.take(message)

    def _acknowledge(self) -> None:
        message = self.ack()
        if message is not None:
            self._cable.to_board(frame(message))
