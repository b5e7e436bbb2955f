"""A scenario in simulated time: what happens is planned, what the page shows is noted."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from axwire.codes import COMMAND_REBOOT

from gateway.profiles import Profile, load_profile
from gateway.state import State
from hil.account import Account
from hil.bench.disk import BenchDisk
from hil.bench.happenings import (
    CableOut,
    ChipFault,
    ClockStep,
    ClockUnset,
    Delay,
    DiskFull,
    Forgery,
    FrameTrouble,
    Garbage,
    GatewayDown,
    Happening,
    Machine,
    Noise,
    PowerCut,
    Replay,
    Restart,
    SensorFault,
    Silence,
)
from hil.bench.scenario import Scenario
from hil.bench.strangers import forged
from hil.bench.witness import Witness
from hil.cable import FrameTrouble as Trouble
from hil.cable import LineNoise
from hil.errors import BenchError
from hil.feeder import Source
from hil.fitted_inputs import input_of
from hil.fitting import Fitting
from hil.interpreter import Interpreter
from hil.lockstep import LockstepTarget
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan
from simulators.recordings.runs import load_run

__all__ = ["LOCOMOTIVE", "LOOK_S", "LockstepStage", "fault_of", "source_of"]

LOOK_S = 0.1
"""How often the page's picture is looked at: as often as a page gets a new one. Less often in a
scenario of hours."""

_MOST_LOOKS = 36_000

LOCOMOTIVE = "BENCH-0001"


class LockstepStage:
    """A rig with a scenario's plans; see hil.bench.running.Stage."""

    capabilities = LockstepTarget.capabilities | {
        *("clock", "commands", "disk", "gateway", "line", "lockstep", "settings")
    }

    def __init__(self, scenario: Scenario, interpreter: Interpreter, folder: Path) -> None:
        self.scenario = scenario
        self.profile = load_profile(scenario.profile)
        self.source = source_of(scenario, self.profile)
        self.disk = BenchDisk()
        self.pictures: list[tuple[float, State | None]] = []
        fits = tuple((fit, self.source, False) for fit in scenario.fits(self.profile))
        plan = RigPlan(
            self.profile,
            LOCOMOTIVE,
            fits,
            folder,
            scenario.seed,
            settings=dict(scenario.settings),
            spool=dict(scenario.spool),
        )
        self.rig = LockstepRig(
            plan, interpreter, flash_blocks=scenario.flash_blocks, storage=self.disk
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
        self.rig.schedule.every(round(look_s * 1e6), self._look)
        self.rig.run_for(self.scenario.seconds)

    @property
    def spool(self) -> Path:
        return self.rig.spool

    def state(self) -> State:
        return self.rig.gateway.core.registry.state()

    def health(self) -> dict[str, dict[str, int | None]]:
        return self.rig.gateway.core.registry.health()

    def resets(self) -> dict[str, dict[str, int]]:
        return {name: dict(target.resets) for name, target in self.rig.targets.items()}

    def settle(self, limit_s: float) -> Account:
        return self.rig.settle(limit_s)

    def stop(self) -> None:
        self.rig.stop()

    @property
    def now_s(self) -> float:
        return self.rig.clock.monotonic_us() / 1e6

    def _look(self) -> None:
        gateway = self.rig.gateway
        self.pictures.append((self.now_s, gateway.core.registry.state() if gateway.runs else None))

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
            case _:
                raise BenchError(f"{type(what).__name__} cannot happen in simulated time")

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

    def _down(self, *, killed: bool) -> None:
        self.disk.dead = killed
        self.rig.gateway.stop()
        self.disk.dead = False

    def _up(self) -> None:
        self.rig.gateway.start()

    def _fill(self, *, full: bool) -> None:
        self.disk.full = full


def source_of(scenario: Scenario, profile: Profile) -> Witness:
    """What the sensors of a scenario see."""
    source: Source = (
        load_run(Path(scenario.recording)) if scenario.recording else scenario.locomotive(profile)
    )
    return Witness(source, scenario.channels())


def fault_of(what: SensorFault | ChipFault, fitting: Fitting) -> dict[str, Any]:
    """The fault as a simulated board takes it."""
    chip, number = input_of(fitting, what.quantity, what.place)
    fault: dict[str, Any] = {"chip": chip, "word": what.word, "args": what.args}
    if isinstance(what, SensorFault):
        fault["input"] = number
    return fault
