"""A scenario in simulated time: what happens is planned, what the page shows is noted."""

from collections.abc import Callable
from math import inf
from pathlib import Path
from random import Random

from axwire.codes import COMMAND_REBOOT

from gateway.state import State
from hil.bench.capabilities import BY_LINK
from hil.bench.disk import BenchDisk
from hil.bench.happenings import (
    BrokerDown,
    BrokerFrozen,
    CableOut,
    ChipFault,
    ClockStep,
    ClockUnset,
    Delay,
    DiskFull,
    DiskStall,
    Forgery,
    FrameTrouble,
    Garbage,
    GatewayDown,
    GatewayFrozen,
    Happening,
    Machine,
    Noise,
    OfServer,
    PowerCut,
    Reordered,
    Replay,
    Restart,
    SensorFault,
    ServerAnswersLost,
    ServerDown,
    ServerFrozen,
    ServerRefuses,
    ServerSlow,
    Silence,
)
from hil.bench.rig_stage import LOOK_S, RigStage, fault_of
from hil.bench.scenario import Scenario
from hil.bench.server import BenchServer
from hil.bench.strangers import forged
from hil.cable import FrameTrouble as Trouble
from hil.cable import LineNoise
from hil.errors import BenchError
from hil.interpreter import Interpreter
from hil.lockstep_rig import LockstepRig

__all__ = ["LockstepStage"]

_MOST_LOOKS = 36_000


class LockstepStage(RigStage):
    """A rig with a scenario's plans; see hil.bench.running.Stage."""

    rig: LockstepRig

    capabilities = BY_LINK["serial"]

    def __init__(self, scenario: Scenario, interpreter: Interpreter, folder: Path) -> None:
        super().__init__(scenario)
        self.disk = BenchDisk(self._wait)
        self._server = BenchServer(lambda: self.rig.clock.monotonic_us(), self._wait_until)
        self.server = self._server if scenario.has_server else None
        self.rig = LockstepRig(
            self.plan(folder=folder),
            interpreter,
            flash_blocks=scenario.flash_blocks,
            storage=self.disk,
            server=self.server,
        )
        self.utc_start_us = self.rig.clock.utc_us() - self.rig.clock.monotonic_us()
        self._random = Random(scenario.seed)

    def run(self) -> None:
        """From supply on to the scenario's end."""
        if any(isinstance(what, (Replay, Forgery)) for what in self.scenario.happens):
            for cable in self.rig.cables.values():
                cable.record()
        for what in self.scenario.happens:
            self._plan(what)
        self.rig.start()
        look_s = max(LOOK_S, self.scenario.seconds / _MOST_LOOKS)
        self.rig.schedule.every(round(look_s * 1e6), self._look, lambda: inf)
        self.rig.run_for(self.scenario.seconds)

    def state(self) -> State:
        return self.rig.gateway.core.registry.state()

    def health(self) -> dict[str, dict[str, int | None]]:
        return self.rig.gateway.core.registry.health()

    def stop(self) -> None:
        self.rig.stop()

    @property
    def now_s(self) -> float:
        return self.rig.clock.monotonic_us() / 1e6

    def _look(self) -> None:
        gateway = self.rig.gateway
        self.pictures.append(
            (self.now_s, gateway.core.registry.state() if gateway.answers else None)
        )

    def _at(self, at_s: float, call: Callable[[], None]) -> None:
        self.rig.schedule.at(round(at_s * 1e6), call)

    def _plan(self, what: Happening) -> None:
        until_s = getattr(what, "until_s", None)
        match what:
            case SensorFault() | ChipFault():
                self._at(what.at_s, lambda: self._fault(what, clear=False))
                if until_s is not None:
                    self._at(until_s, lambda: self._fault(what, clear=True))
            case CableOut():
                cable = self.rig.cables[what.node]
                part_s = (what.until_s - what.at_s) / (2 * what.times - 1)
                for number in range(what.times):
                    begin_s = what.at_s + 2 * number * part_s
                    self._at(begin_s, cable.unplug)
                    self._at(begin_s + part_s, cable.plug)
            case Noise() | FrameTrouble() | Delay():
                self._plan_line(what)
            case Replay() | Forgery() | Garbage():
                self._at(what.at_s, lambda: self._speak(what))
            case PowerCut():
                for _ in range(what.times):
                    at_s = what.at_s + self._random.uniform(0, what.within_s)
                    self._at(at_s, lambda: self._cut(what.node, what.off_s))
            case Silence():
                self._at(what.at_s, lambda: self._cut(what.node, what.until_s - what.at_s))
            case Restart():
                self._at(what.at_s, lambda: self._restart(what.node))
            case GatewayDown():
                self._at(what.at_s, lambda: self._down(killed=what.killed))
                self._at(what.until_s, self._up)
            case GatewayFrozen():
                self._at(what.at_s, self.rig.gateway.freeze)
                self._at(what.until_s, self.rig.gateway.go_on)
            case DiskStall():
                self._at(what.at_s, lambda: self._stall(stalled=True))
                self._at(what.until_s, lambda: self._stall(stalled=False))
            case DiskFull():
                self._at(what.at_s, lambda: self._fill(full=True))
                self._at(what.until_s, lambda: self._fill(full=False))
            case ClockStep():
                step_us = round(what.seconds * 1e6)
                self._at(what.at_s, lambda: self.rig.clock.step_wall_us(step_us))
            case ClockUnset():
                self._at(what.at_s, lambda: self.rig.clock.trust(False))
                self._at(what.until_s, lambda: self.rig.clock.trust(True))
            case Machine():
                """The locomotive knows it from the start."""
            case BrokerDown() | BrokerFrozen() | Reordered():
                raise BenchError(f"{type(what).__name__} cannot happen in simulated time")
            case _:
                self._at(what.at_s, lambda: self._serve(what, begin=True))
                self._at(what.until_s, lambda: self._serve(what, begin=False))

    def _plan_line(self, what: Noise | FrameTrouble | Delay) -> None:
        cable = self.rig.cables[what.node]
        randomness = Random(self.scenario.seed)

        def begin() -> None:
            if isinstance(what, Noise):
                cable.disturb(LineNoise(what.share, self.scenario.seed))
            elif isinstance(what, FrameTrouble):
                seed = self.scenario.seed
                cable.trouble(Trouble(what.twice, what.swapped, seed, what.lost))
            else:
                cable.jitter_us = lambda: round(randomness.uniform(0, what.ms * 1000))

        def end() -> None:
            if isinstance(what, Noise):
                cable.disturb(None)
            elif isinstance(what, FrameTrouble):
                cable.trouble(None)
            else:
                cable.jitter_us = lambda: 0

        self._at(what.at_s, begin)
        if what.until_s is not None:
            self._at(what.until_s, end)

    def _fault(self, what: SensorFault | ChipFault, *, clear: bool) -> None:
        target = self.rig.targets[what.node]
        fault = fault_of(what, target.fitting)
        target.inject({**fault, "clear": True} if clear else fault)

    def _speak(self, what: Replay | Forgery | Garbage) -> None:
        cable = self.rig.cables[what.node]
        recorded = bytes(cable.recorded or b"")
        match what:
            case Replay(towards="gateway"):
                cable.inject(b"\0" + recorded)
            case Replay():
                cable.to_board(b"\0" + bytes(cable.recorded_down or b""))
            case Forgery():
                cable.inject(forged(what.node, what.how, what.times, recorded, self._random))
            case Garbage():
                cable.inject(self._random.randbytes(what.bytes))

    def _cut(self, node: str, off_s: float) -> None:
        self.rig.targets[node].cut_power(round(off_s * 1e6))

    def _restart(self, node: str) -> None:
        self.rig.gateway.core.downlink.command(node, COMMAND_REBOOT, [])

    def _serve(self, what: OfServer, *, begin: bool) -> None:
        server = self._server
        match what:
            case ServerDown():
                server.down = begin
                server.hang_up()
            case ServerFrozen() if begin:
                server.frozen = True
            case ServerFrozen():
                server.go_on()
            case ServerSlow():
                server.slow_us = round(what.answer_s * 1e6) if begin else 0
            case ServerRefuses():
                server.refuse(what.status if begin else None, what.lines, what.retry_after_s)
            case ServerAnswersLost():
                server.deaf = begin

    def _down(self, *, killed: bool) -> None:
        self.disk.dead = killed
        self._server.hang_up()
        self.rig.gateway.stop()
        self.disk.dead = False

    def _up(self) -> None:
        self.rig.gateway.start()

    def _stall(self, *, stalled: bool) -> None:
        self.disk.stalled = stalled

    def _wait(self) -> None:
        self.rig.run_for(LOOK_S)

    def _wait_until(self, us: int) -> None:
        self.rig.schedule.run_until(us)

    def _fill(self, *, full: bool) -> None:
        self.disk.full = full
