"""How wrong board time becomes UTC, and how wrong it says it may be: in simulated time, with the
firmware as it is, the gateway's core, and lines that are quiet or full.

Boards and bench share one clock, so it is the gateway's that runs off: by up to 50 ppm to either
side as a temperature goes up and down. What it takes a board's count for is compared with what it
was at that moment, four times a second.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np

from gateway.profiles import load_profile
from gateway.timebase import Clock
from hil.interpreter import find_fast_interpreter
from hil.lockstep_gateway import LockstepCable
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan
from simulators.board.ticks import PERIOD
from simulators.locomotive import Locomotive

__all__ = ["LINES", "Figures", "RunningOff", "measure"]

NODE = "motors-a"
_WINDOW_US = 1_500_000
_LOOK_US = 250_000
_SETTLED_S = 20.0
_SWING_PPM = 50.0
_SWING_S = 3600.0
_CUT_EACH_S, _CUT_S = 60.0, 20.0


@dataclass(frozen=True)
class Kind:
    """A line. `full`: each row is a message of its own, and the line is cut for 20 s of each
    minute, after which the board sends without a pause what it kept. `broker_ms`: what a message
    waits on its way at least, on average and, one in fifty, at most."""

    baud: int
    full: bool = False
    broker_ms: tuple[float, float, float] | None = None


LINES = {
    "115200_quiet": Kind(115_200),
    "115200_full": Kind(115_200, full=True),
    "921600_quiet": Kind(921_600),
    "921600_full": Kind(921_600, full=True),
    "mqtt": Kind(921_600, broker_ms=(2.0, 6.0, 400.0)),
}


class RunningOff:
    """A clock that runs faster and slower than the bench's, as its crystal is warm or cold."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start_us = clock.monotonic_us()

    def monotonic_us(self) -> int:
        us = self._clock.monotonic_us()
        turn = 2 * math.pi / (_SWING_S * 1e6)
        swing = _SWING_PPM * 1e-6 / turn * (1 - math.cos(turn * (us - self._start_us)))
        return us + round(swing)

    def utc_us(self) -> int:
        return self._clock.utc_us() - self._clock.monotonic_us() + self.monotonic_us()

    def trusted(self) -> bool:
        return True

    def boot_id(self) -> str:
        return "running off"


@dataclass
class Figures:
    """What was found at each look, in microseconds."""

    load: float = 0.0
    """The share of the time in which the board sent something."""
    errors_us: list[int] = field(default_factory=list)
    admitted_us: list[int] = field(default_factory=list)

    def error_ms(self, percent: float) -> float:
        return float(np.percentile(self.errors_us, percent)) / 1000

    def admitted_ms(self) -> float:
        """The usual one."""
        return float(np.median(self.admitted_us)) / 1000

    @property
    def covered(self) -> float:
        """The share of looks at which the error was within what was admitted."""
        return float(np.mean(np.array(self.errors_us) <= np.array(self.admitted_us)))

    def __str__(self) -> str:
        return (
            f"load {self.load:.0%}, error p50 {self.error_ms(50):.2f} p99 {self.error_ms(99):.2f} "
            f"max {self.error_ms(100):.2f} ms, admitted {self.admitted_ms():.2f} ms, "
            f"within it {self.covered:.2%} of {len(self.errors_us)}"
        )


def measure(folder: Path, seed: int, kind: Kind, seconds: float) -> Figures:
    """One board on such a line for so long; its tick counter wraps in the second minute."""
    folder.mkdir(parents=True, exist_ok=True)
    profile = load_profile("te33a")
    source = Locomotive(profile, seed)
    fit = next(node for node in profile.nodes if node.name == NODE)
    settings = {
        "uart": {"id": 0, "baud": kind.baud, "tx": 0, "rx": 1},
        "flush_ms": 10 if kind.full else 90,
    }
    plan = RigPlan(
        profile, "TE33A-0001", ((fit, source, False),), folder, seed, settings={NODE: settings}
    )
    rig = LockstepRig(
        plan,
        find_fast_interpreter(),
        start_us=PERIOD - 90_000_000,
        gateway_clock=RunningOff,
    )
    cable = rig.cables[NODE]
    if kind.broker_ms is not None:
        cable.jitter_us = _broker(Random(seed), *kind.broker_ms)
    looks = _Looks(rig)
    try:
        rig.start()
        rig.run_for(_SETTLED_S)
        rig.schedule.every(_LOOK_US, looks.look)
        if kind.full:
            _cut_now_and_then(rig, cable)
        cable.record()
        rig.run_for(seconds)
        looks.figures.load = len(cable.recorded or b"") * 10 / kind.baud / seconds
    finally:
        rig.stop()
    return looks.figures


class _Looks:
    """Compares what the gateway takes the board's count for with the truth, which is known: in
    lock-step code takes no time, so the count began when firmware/main.py had waited for a person.
    """

    def __init__(self, rig: LockstepRig) -> None:
        self.figures = Figures()
        self._rig = rig
        self._began_us = rig.targets[NODE].on_us + _WINDOW_US

    def look(self) -> None:
        core = self._rig.gateway.core
        boot = core.downlink.boot(NODE)
        record = None if boot is None else core.clocks.estimate(NODE, boot)
        if record is None:
            return
        board_us = self._rig.clock.monotonic_us() - self._began_us
        self.figures.errors_us.append(abs(record.utc_at(board_us) - core.clock.utc_us()))
        self.figures.admitted_us.append(record.error_at(board_us))


def _broker(random: Random, least: float, mean: float, most: float) -> Callable[[], int]:
    def jitter_us() -> int:
        late = random.uniform(0, most) if random.random() < 0.02 else random.expovariate(1 / mean)
        return round(1000 * (least + late))

    return jitter_us


def _cut_now_and_then(rig: LockstepRig, cable: LockstepCable) -> None:
    def cut() -> None:
        cable.unplug()
        rig.schedule.at(rig.clock.monotonic_us() + round(_CUT_S * 1e6), cable.plug)

    rig.schedule.every(round(_CUT_EACH_S * 1e6), cut)
