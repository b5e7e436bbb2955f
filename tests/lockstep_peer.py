"""The other end of a board's cable in simulated time: hears all, acknowledges it each second."""

from collections.abc import Callable

from axwire import GATEWAY_MESSAGE_CAP, cose, down
from axwire.cbor import Writer
from axwire.codes import HEALTH_FIELDS
from axwire.framing import Deframer, frame
from axwire.parse import Health, Up, parse_up

from hil.lockstep_gateway import LockstepCable
from hil.schedule import Schedule

__all__ = ["LockstepPeer"]

_ACK_US = 1_000_000


class LockstepPeer:
    """As much of a gateway as a node needs: the next sequence of each boot, and HEALTH.

    `messages` counts those heard, `health` has the fields of each HEALTH by their names; `hear` is
    given each message.
    """

    def __init__(self, name: str, key: bytes, cable: LockstepCable, schedule: Schedule) -> None:
        self.messages = 0
        self.health: list[dict[str, int | None]] = []
        self.hear: Callable[[Up], None] = lambda message: None
        self._name = name
        self._key = cose.MacKey(key)
        self._cable = cable
        self._deframer = Deframer(GATEWAY_MESSAGE_CAP)
        self._writer = Writer(64)
        self._boot: int | None = None
        self._upto = 0
        self._sequence = 0
        cable.listen = self._listen
        schedule.every(_ACK_US, self._acknowledge)

    def _listen(self, data: bytes) -> None:
        for message in self._deframer.feed(data):
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

    def _acknowledge(self) -> None:
        if self._boot is None:
            return
        self._sequence += 1
        self._writer.clear()
        down.ack(self._writer, self._boot, self._sequence, self._upto, [])
        self._cable.to_board(
            frame(cose.seal(self._key, self._name, cose.DOWN, self._writer.written()))
        )
