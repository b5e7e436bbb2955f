"""The busiest role in simulated time, with a peer in place of the gateway."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from busiest_role import busiest_fitting
from lockstep_peer import LockstepPeer

from hil.interpreter import Interpreter
from hil.lockstep import LockstepTarget
from hil.lockstep_gateway import LockstepCable
from hil.schedule import Schedule, SimulatedClock
from simulators.board.signals import LINEAR
from simulators.board.ticks import PERIOD

__all__ = ["BusiestBench", "busiest_bench"]

_POINT_US = 100_000
_POINTS = 50
_CURRENT_NA = (5_000_000, 19_000_000)
_WINDING = (1_300_000, 1_500_000)
"""4 to 20 mA loops, and a PT100 at 80 to 130 degrees, in tenths of a milliohm."""


class BusiestBench:
    """Node, cable and peer; the tick counters wrap a minute after the start."""

    def __init__(
        self, folder: Path, interpreter: Interpreter, seed: int, flash_blocks: int
    ) -> None:
        clock = SimulatedClock(PERIOD - 60_000_000)
        key = bytes(range(32))
        self.schedule = Schedule(clock)
        self.target = LockstepTarget(
            busiest_fitting(seed),
            key,
            interpreter,
            folder,
            clock.monotonic_us(),
            flash_blocks=flash_blocks,
        )
        self.cable = LockstepCable(self.target, self.schedule)
        self.peer = LockstepPeer("busiest", key, self.cable, self.schedule)
        _Wandering(self.target, self.schedule, seed)


@contextmanager
def busiest_bench(
    folder: Path, interpreter: Interpreter, seed: int, flash_blocks: int = 0
) -> Iterator[BusiestBench]:
    """One that has just been switched on. `flash_blocks`: see LockstepTarget."""
    bench = BusiestBench(folder, interpreter, seed, flash_blocks)
    bench.target.start()
    try:
        bench.schedule.add(bench.target, bench.cable)
        yield bench
    finally:
        bench.target.stop()


class _Wandering:
    """Feeds currents and windings that wander at random, always a stretch ahead."""

    def __init__(self, target: LockstepTarget, schedule: Schedule, seed: int) -> None:
        self._target = target
        self._schedule = schedule
        self._random = random.Random(seed)
        self._values = [12_000_000] * 6 + [1_385_000] * 6
        self._begin_us = schedule.clock.monotonic_us()
        self.feed()

    def feed(self) -> None:
        for signal in range(len(self._values)):
            loop = signal < 6
            low, high = _CURRENT_NA if loop else _WINDING
            values = [self._values[signal]]
            for _ in range(_POINTS):
                step = self._random.randint(-500_000, 500_000) if loop else 0
                values.append(min(max(values[-1] + step, low), high))
            self._values[signal] = values[-1]
            self._target.feed(signal, LINEAR, self._begin_us % PERIOD, _POINT_US, values)
        self._begin_us += _POINTS * _POINT_US
        self._schedule.at(self._begin_us - _POINTS * _POINT_US // 2, self.feed)
