"""The gateway in simulated time, and the cables between it and the boards."""

import random
from collections import deque
from collections.abc import Callable, Mapping
from math import inf

import msgspec
from axwire import GATEWAY_MESSAGE_CAP
from axwire.framing import Deframer, frame

from gateway.config import GatewayConfig
from gateway.core import Gateway
from gateway.forward import Pool
from gateway.forwarding import Forwarding
from gateway.spool.storage import FileStorage, Storage
from gateway.timebase import Clock
from hil.cable import Frames, FrameTrouble, LineNoise, disturbed
from hil.foresight import answered_us
from hil.lockstep import LockstepTarget
from hil.schedule import Schedule

__all__ = ["LockstepCable", "LockstepGateway", "LockstepPort", "UnsyncedStorage"]

_TICK_US = 100_000
_OFFER_AGAIN_US = 50_000
_PORT_BYTES = 4095
"""What Linux gives a reader of a port at once (N_TTY_BUF_SIZE). It keeps more, up to kernel and
driver (gateway.links.rounds); here the rest is lost, for nodes must not rely on it."""

_OFF = 1000
"""A gateway's clock runs off the schedule's by less than a thousandth."""


class LockstepCable:
    """From a board's UART to whoever listens at the other end; see hil.cable.Cable.

    `listen` is called with what arrives there; `foresee` says of bytes that are to arrive at a
    time when they could be answered at the earliest. Bytes for the board go one after the other
    at the board's rate, `delay_us` after they were given. Unplugged, it loses them all, both
    ways. `jitter_us` says how much later each piece arrives; none overtakes another.
    """

    def __init__(
        self,
        target: LockstepTarget,
        schedule: Schedule,
        noise: LineNoise | None = None,
        delay_us: int = 0,
    ) -> None:
        self.listen: Callable[[bytes], None] = lambda data: None
        self.on_plug: Callable[[bool], None] = lambda plugged: None
        self.jitter_us: Callable[[], int] = lambda: 0
        self.foresee: Callable[[bytes, int], int] = lambda data, at_us: at_us
        self.plugged = True
        self.dropped_bytes = 0
        self.flipped_bytes = 0
        self.recorded: bytearray | None = None
        self.recorded_down: bytearray | None = None
        self._frames: Frames | None = None
        self._target = target
        self._schedule = schedule
        self._delay_us = delay_us
        self._free_us = 0
        self._arrives_us = 0
        self._random = random.Random()
        self.disturb(noise)

    def plug(self) -> None:
        self._plug(True)

    def unplug(self) -> None:
        """As if the plug had been pulled at the gateway's end; the board notices nothing."""
        self._plug(False)

    def disturb(self, noise: LineNoise | None) -> None:
        """Begin or, with None, end noise on the line, in both directions."""
        self._noise = noise
        if noise is not None:
            self._random.seed(noise.seed)

    def trouble(self, trouble: FrameTrouble | None) -> None:
        """Begin or, with None, end trouble with whole frames that the board sends."""
        before, self._frames = self._frames, None
        if before is not None:
            self._arrive(before.rest())
        if trouble is not None:
            self._frames = Frames(trouble, 0)

    def record(self) -> None:
        """Keep from now on what the board sends (`recorded`) and is sent (`recorded_down`)."""
        self.recorded = bytearray()
        self.recorded_down = bytearray()

    def inject(self, data: bytes) -> None:
        """Put bytes on the line towards the gateway, as a stranger with a clip would."""
        if self.plugged:
            self.listen(data)

    def sent(self, data: bytes) -> None:
        """The board has sent this."""
        if self.recorded is not None:
            self.recorded += data
        now_us = self._schedule.clock.monotonic_us()
        self._arrives_us = max(self._arrives_us, now_us + self._delay_us + self.jitter_us())
        if self._arrives_us > now_us:
            self._schedule.at(self._arrives_us, lambda: self._arrive(data))
        else:
            self._arrive(data)

    def answered_us(self, data: bytes, end_us: int) -> float:
        """See hil.schedule.Listener."""
        if not self.plugged:
            return inf
        if self._noise is not None or self._frames is not None:
            return end_us
        return self.foresee(data, end_us)

    def to_board(self, data: bytes) -> None:
        """Send to the board; lost while it is off."""
        self._target.finish()
        now_us = self._schedule.clock.monotonic_us()
        if self.recorded_down is not None:
            self.recorded_down += data
        if not self.plugged or now_us < self._target.on_us:
            self.dropped_bytes += len(data)
            return
        delayed_us = now_us + self._delay_us + self.jitter_us()
        begin_us = max(delayed_us, self._free_us, self._target.now_us)
        self._free_us = begin_us + round(len(data) * self._target.byte_us)
        self._target.send(self._disturbed(data), begin_us)

    def _arrive(self, data: bytes) -> None:
        if not self.plugged:
            self.dropped_bytes += len(data)
            return
        if self._frames is not None:
            data = self._frames.pass_on(data)
        self.listen(self._disturbed(data))

    def _disturbed(self, data: bytes) -> bytes:
        if self._noise is None:
            return data
        changed, flipped = disturbed(data, self._noise, self._random)
        self.flipped_bytes += flipped
        return changed

    def _plug(self, plugged: bool) -> None:
        if plugged != self.plugged:
            self.plugged = plugged
            self.on_plug(plugged)


class LockstepPort:
    """A port of the gateway at the end of a cable; see gateway.links.serial_port.SerialLink."""

    def __init__(
        self, node: str, cable: LockstepCable, gateway: Gateway, schedule: Schedule
    ) -> None:
        self.name = f"serial {node}"
        self._node = node
        self._cable = cable
        self._gateway = gateway
        self._ingest = gateway.ingest
        self._schedule = schedule
        self._deframer = Deframer(GATEWAY_MESSAGE_CAP)
        self._waiting: deque[bytes] = deque()
        self._pausing = False
        self._frozen: bytearray | None = None
        self._unread: list[bytes] = []

    def open(self) -> None:
        """Use the cable from now on, whenever it is plugged in."""
        self._cable.listen = self._arrived
        self._cable.foresee = self._answered_us
        self._cable.on_plug = self._plugged
        self._plugged(self._cable.plugged)

    def close(self) -> None:
        self._cable.listen = lambda data: None
        self._cable.foresee = lambda data, at_us: at_us
        self._cable.on_plug = lambda plugged: None

    def send(self, message: bytes) -> bool:
        """False when the cable is unplugged."""
        if self._cable.plugged:
            self._cable.to_board(frame(message))
        return self._cable.plugged

    def _plugged(self, plugged: bool) -> None:
        if plugged:
            self._deframer.reset()
            self._cable.to_board(b"\0")
            self._ingest.link_opened(self)

    def freeze(self) -> None:
        """Nobody reads it until `go_on`."""
        self._frozen = bytearray()

    def go_on(self) -> None:
        kept, self._frozen = self._frozen, None
        self._offer()
        if kept:
            self._arrived(bytes(kept))

    def _answered_us(self, data: bytes, at_us: int) -> int:
        if self._frozen is not None or self._pausing:
            return at_us
        return answered_us(self._gateway, self._node, data, at_us)

    def _arrived(self, data: bytes) -> None:
        if self._frozen is not None:
            self._frozen += data[: _PORT_BYTES - len(self._frozen)]
            return
        if self._pausing:
            self._unread.append(data)
            return
        refused = dict(self._deframer.refused)
        self._waiting.extend(self._deframer.feed(data))
        for reason, count in self._deframer.refused.items():
            if count > refused[reason]:
                self._ingest.refuse_noise(reason, count - refused[reason])
        self._offer()

    def _offer(self) -> None:
        """Hand over what came; while the gateway cannot take it, read no more."""
        if self._frozen is not None:
            return
        self._pausing = False
        while self._waiting and self._ingest.receive(self, self._waiting[0]):
            self._waiting.popleft()
        if self._waiting:
            self._pausing = True
            again_us = self._schedule.clock.monotonic_us() + _OFFER_AGAIN_US
            self._schedule.at(again_us, self._offer)
        elif self._unread:
            unread, self._unread = self._unread, []
            self._arrived(b"".join(unread))


class LockstepGateway:
    """gateway.core.Gateway with the schedule's clock, driven as gateway.service drives it.

    `cables`: by the names of the nodes. `clock`: the gateway's own, where it is to run a bit off
    the schedule's. Commits happen when they are due, one at a time. The disk is not waited for,
    since no power fails under this gateway; a `storage` of one's own may take its time all the
    same: its calls may have the schedule run on (`run_until`). So may those of `pool`, which
    makes the requests to the server of [influx]; without it nothing is forwarded. `seed`: of the
    chance in how long the forwarder waits.
    """

    def __init__(
        self,
        config: GatewayConfig,
        schedule: Schedule,
        cables: Mapping[str, LockstepCable],
        clock: Clock | None = None,
        storage: Storage | None = None,
        pool: Pool | None = None,
        seed: int = 0,
    ) -> None:
        self._config = config
        self._clock = clock or schedule.clock
        self._storage = storage or UnsyncedStorage()
        self._pool = pool
        self._chance = random.Random(seed)
        self._is_committing = False
        self._is_frozen = False
        self._forwarding: Forwarding | None = None
        self._sending: Forwarding | None = None
        self._turn = 0
        self._schedule = schedule
        self._cables = cables
        self._gateway: Gateway | None = None
        self._ports: list[LockstepPort] = []
        schedule.every(_TICK_US, self._tick, self._next_word_us)

    @property
    def runs(self) -> bool:
        return self._gateway is not None

    @property
    def answers(self) -> bool:
        """Whether its page does."""
        return self.runs and not self._is_frozen

    @property
    def core(self) -> Gateway:
        """The gateway that runs."""
        assert self._gateway is not None, "the gateway has not been started"
        return self._gateway

    def start(self) -> None:
        """Raises AxleboxError where the gateway cannot start."""
        self._gateway = gateway = Gateway(self._config, self._clock, self._storage)
        gateway.writer.on_committed = gateway.ingest.committed
        gateway.writer.on_due_changed = self._plan_commit
        self._plan_commit()
        if self._config.influx is not None and self._pool is not None:
            self._forwarding = Forwarding(
                gateway, self._config.influx, None, pool=self._pool, chance=self._chance
            )
            self._forward(self._forwarding)
        self._ports = [
            LockstepPort(name, cable, gateway, self._schedule)
            for name, cable in self._cables.items()
        ]
        for port in self._ports:
            port.open()

    def stop(self) -> None:
        """Commit what is left; boards speak to nobody until it is started again."""
        for port in self._ports:
            port.close()
        forwarding, self._forwarding = self._forwarding, None
        if forwarding is not None:
            forwarding.forwarder.close()
            forwarding.stop()
        self.core.close()
        self._gateway = None
        self._is_frozen = False

    def freeze(self) -> None:
        """It stands still until `go_on`: what comes meanwhile lies in its ports."""
        self._is_frozen = True
        for port in self._ports:
            port.freeze()

    def go_on(self) -> None:
        self._is_frozen = False
        for port in self._ports:
            port.go_on()
        self._tick()
        self._commit()
        if self._forwarding is not None:
            self._forward(self._forwarding)

    def state(self) -> dict[str, object]:
        """What /api/state would answer."""
        state: dict[str, object] = msgspec.to_builtins(self.core.registry.state())
        return state

    def _tick(self) -> None:
        if self._gateway is not None and not self._is_frozen:
            self._gateway.tick()

    def _next_word_us(self) -> float:
        """When a tick may say something to a node, at the earliest."""
        if self._gateway is None or self._is_frozen:
            return inf
        return self._gateway.next_word_us if self._clock is self._schedule.clock else -inf

    def _plan_commit(self) -> None:
        due_us = self.core.writer.next_due_us
        if due_us is not None:
            left_us = due_us - self._clock.monotonic_us()
            if self._clock is not self._schedule.clock:
                left_us += left_us // _OFF
            self._schedule.at(self._schedule.clock.monotonic_us() + left_us, self._commit)

    def _commit(self) -> None:
        if self._gateway is None or self._is_committing or self._is_frozen:
            return
        writer = self._gateway.writer
        if writer.due(self._clock.monotonic_us()):
            self._is_committing = True
            writer.commit()
            self._gateway.make_room()
            self._is_committing = False
            if self._gateway is not None:
                self._plan_commit()
            if self._forwarding is not None:
                self._forward(self._forwarding)

    def _forward(self, forwarding: Forwarding) -> None:
        """Let the forwarder of this run make its next step, unless it is at one."""
        if forwarding is not self._forwarding or forwarding is self._sending or self._is_frozen:
            return
        self._sending = forwarding
        next_us = forwarding.forwarder.step()
        self._sending = None
        left_us = next_us - self._clock.monotonic_us()
        self._turn = turn = self._turn + 1

        def go_on() -> None:
            """Unless a commit made it go on before."""
            if turn == self._turn:
                self._forward(forwarding)

        self._schedule.at(self._schedule.clock.monotonic_us() + left_us, go_on)


class UnsyncedStorage(FileStorage):
    """Real files without the wait for the disk."""

    def datasync(self, fd: int) -> None:
        """The page cache outlives the run."""

    def sync_folder(self, folder: object) -> None:
        """As `datasync`."""
