"""A locomotive on the bench in simulated time: boards, cables, a feeder, a gateway."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

from gateway.config import (
    AlarmsConfig,
    GatewayConfig,
    InfluxConfig,
    LocomotiveConfig,
    NodeConfig,
    SpoolConfig,
    UpdateConfig,
)
from gateway.forward import Pool
from gateway.spool.storage import Storage
from gateway.timebase import Clock
from hil.account import Account, read_store, settle
from hil.feeder import Sensed, feed_sensed, sensed
from hil.interpreter import Interpreter
from hil.lockstep import LockstepTarget
from hil.lockstep_gateway import LockstepCable, LockstepGateway
from hil.rig import RigPlan
from hil.schedule import Schedule, SimulatedClock

__all__ = ["LockstepRig"]

_STRETCH_S = 1.5
_AHEAD_S = 0.75
_SETTLE_S = 60.0
_SETTLE_STEP_S = 1.0


class LockstepRig:
    """Everything of a RigPlan, as hil.rig.Rig, under one clock: a run repeats from its seed.

    `start_us` is the clock's at the start; the boards' tick counters, which wrap at 2**30 us, are
    taken from it. `gateway_clock` makes the gateway's clock of the bench's; `storage` is the
    gateway's disk, `server` what its forwarder speaks to. There is no page, and without a server
    no forwarder: what the plan says of them does nothing. `config`: of a gateway that knows its
    nodes already, instead of that of the plan; whoever gives it puts their keys into the flashes.
    """

    def __init__(
        self,
        plan: RigPlan,
        interpreter: Interpreter,
        *,
        start_us: int = 0,
        wake_up_us: int = 0,
        flash_blocks: int = 0,
        gateway_clock: Callable[[Clock], Clock] = lambda clock: clock,
        storage: Storage | None = None,
        server: Pool | None = None,
        config: GatewayConfig | None = None,
    ) -> None:
        self.plan = plan
        self.spool = plan.folder / "spool" if config is None else config.spool.folder
        self.clock = SimulatedClock(start_us)
        self.schedule = Schedule(self.clock)
        self.targets: dict[str, LockstepTarget] = {}
        self.cables: dict[str, LockstepCable] = {}
        self.keys: dict[str, bytes] = {}
        self._start_us = start_us
        self._fed_until_s = 0.0
        self._ahead: list[list[Sensed]] = []
        randomness = random.Random(plan.seed)
        for fit, _, _ in plan.fits:
            fitting = plan.fit(fit, f"{randomness.getrandbits(64):016x}")
            self.keys[fit.name] = randomness.randbytes(32)
            target = LockstepTarget(
                fitting,
                self.keys[fit.name],
                interpreter,
                plan.folder / "nodes" / fit.name,
                start_us,
                wake_up_us=wake_up_us,
                flash_blocks=flash_blocks,
            )
            self.targets[fit.name] = target
            self.cables[fit.name] = LockstepCable(target, self.schedule, plan.noise.get(fit.name))
        self.gateway = LockstepGateway(
            config
            or self._config(influx=None if server is None else InfluxConfig(url="http://server")),
            self.schedule,
            self.cables,
            gateway_clock(self.clock),
            storage,
            server,
            plan.seed,
        )

    def start(self) -> None:
        """Supply on."""
        self._look_ahead()
        self._feed()
        for name, target in self.targets.items():
            target.start()
            self.schedule.add(target, self.cables[name])
        self.gateway.start()

    def run_for(self, seconds: float) -> None:
        """Let the locomotive run."""
        self.schedule.run_for(seconds)

    def settle(self, limit_s: float = _SETTLE_S) -> Account:
        """Silence the sensors, let everything arrive, and account for every sample.

        Returns as soon as the account balances, and at the limit as it then is.
        """
        for target in self.targets.values():
            target.cut_sensors()
        taken = sum(target.taken() for target in self.targets.values())
        left_s = limit_s
        account = settle(taken, read_store(self.spool))
        while not account.balanced and left_s > 0:
            self.run_for(_SETTLE_STEP_S)
            left_s -= _SETTLE_STEP_S
            account = settle(taken, read_store(self.spool))
        return account

    def state(self) -> dict[str, Any]:
        """What /api/state would answer."""
        return self.gateway.state()

    def stop(self) -> None:
        """Supply off; no process is left."""
        for target in self.targets.values():
            target.stop()
        self.gateway.stop()

    def _feed(self) -> None:
        """What the sensors see, always a stretch ahead."""
        self.schedule.catch_up()
        for (fit, _, held), ahead in zip(self.plan.fits, self._ahead, strict=True):
            for seen in ahead:
                feed_sensed(self.targets[fit.name], held, self._start_us, self._fed_until_s, seen)
        self._fed_until_s += _STRETCH_S
        self._look_ahead()
        fed_until_us = self._start_us + round(self._fed_until_s * 1e6)
        self.schedule.at(fed_until_us - round(_AHEAD_S * 1e6), self._feed, fed_until_us)

    def _look_ahead(self) -> None:
        """Find out what the sensors see in the next stretch, while boards run."""
        self._ahead = [[] for _ in self.plan.fits]
        begin_s = self._fed_until_s
        for (fit, source, _), ahead in zip(self.plan.fits, self._ahead, strict=True):
            seen = sensed(self.targets[fit.name].fitting, source, begin_s, _STRETCH_S)
            self.schedule.meanwhile(partial(ahead.extend, seen))

    def _config(self, influx: InfluxConfig | None) -> GatewayConfig:
        folder = self.plan.folder
        nodes = []
        for name, key in self.keys.items():
            key_file = folder / f"{name}.key"
            key_file.touch(mode=0o600)
            key_file.write_text(key.hex() + "\n", encoding="ascii")
            nodes.append(NodeConfig(name=name, key_file=key_file))
        return GatewayConfig(
            locomotive=LocomotiveConfig(id=self.plan.locomotive, profile=self.plan.profile.id),
            nodes=nodes,
            spool=SpoolConfig(folder=self.spool, **self.plan.spool),
            alarms=AlarmsConfig(rules=self.plan.rules),
            influx=influx,
            update=UpdateConfig(keys=list(self.plan.update_keys)),
        )
