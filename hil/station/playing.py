"""Has a stimulus unit play a plugged board's sensors, at levels that a test holds its readings
against.

Each output has another level at a time, so that two wires that are changed over are seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gateway.profiles import LoopSensor, NodeFit, Sensor
from gateway.timebase import Clock
from hil.bench.bench_file import Wire
from hil.board_target import BoardTarget
from hil.errors import BenchError
from hil.fitting import Fitting, fit_node
from hil.station.errors import StationError
from hil.station.spans import span_of
from hil.station.testing import Played
from hil.stimulus import StimulusUnit
from simulators.board.signals import STEADY
from simulators.board.ticks import PERIOD
from simulators.sensors import electrical

__all__ = ["Playing"]

_LOW, _HIGH = 0.25, 0.75
"""Of the span: the lowest and the highest level that is played."""

_ROUNDS = 2
_PERIOD_US = 1000


@dataclass(frozen=True)
class _Played:
    signal: int
    sensor: Sensor
    quantity: str
    place: str
    output: str


class Playing:
    """A unit whose outputs are wired to a board's sensors. Raises StationError."""

    def __init__(self, fit: NodeFit, port: str, wires: Sequence[Wire], clock: Clock) -> None:
        self._clock = clock
        fitting = fit_node(fit, "00", 0)
        names = {(wire.quantity, wire.place): wire.output for wire in wires}
        try:
            self._unit = StimulusUnit(Path(port), clock)
            self._target = BoardTarget(fitting, self._unit, names, supply=False)
        except BenchError as error:
            raise StationError(str(error), "Look at the unit's cable and at --wired") from None
        self._played = list(_of(fitting, names))

    def rounds(self) -> Iterator[list[Played]]:
        """A level on each output, then another one, as long as the caller takes for each."""
        self._target.start()
        for shares in _shares(len(self._played)):
            now_us = self._clock.monotonic_us() % PERIOD
            told = []
            for one, share in zip(self._played, shares, strict=True):
                value = _value(one.sensor, share)
                (signal,) = electrical(one.sensor, np.array([value])).tolist()
                self._target.feed(one.signal, STEADY, now_us, _PERIOD_US, [signal])
                told.append(Played(one.quantity, one.place, value, share, one.output))
            yield told

    def close(self) -> None:
        self._target.stop()
        self._unit.close()


def _of(fitting: Fitting, wired: dict[tuple[str, str], str]) -> Iterator[_Played]:
    """The wired channels that two levels can be told of."""
    for at, signal in enumerate(fitting.signals):
        if (signal.quantity, signal.place) in wired and span_of(signal.sensor) is not None:
            output = wired[signal.quantity, signal.place]
            yield _Played(at, signal.sensor, signal.quantity, signal.place, output)


def _shares(count: int) -> Iterator[list[float]]:
    """For each round a level for each of so many outputs: no two have the same one at a time, and
    none has the same one twice."""
    levels = np.linspace(_LOW, _HIGH, max(count, _ROUNDS)).tolist()
    for number in range(_ROUNDS):
        first = number * (len(levels) // _ROUNDS)
        yield [levels[(first + at) % len(levels)] for at in range(count)]


def _value(sensor: Sensor, share: float) -> float:
    """So far up from one end of what the sensor can show to the other."""
    low = sensor.low if isinstance(sensor, LoopSensor) else 0.0
    return low + share * (span_of(sensor) or 0.0)
