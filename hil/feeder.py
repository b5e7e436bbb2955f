"""Feeds simulated boards with what their sensors see, a stretch ahead of real time."""

import threading
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gateway.timebase import Clock
from hil.fitting import Fitting
from hil.target import Target
from simulators.board.signals import LINEAR
from simulators.board.ticks import PERIOD
from simulators.sensors import electrical

__all__ = ["Feeder", "Source", "feed_sensed", "feed_stretch", "sensed"]

_STRETCH_S = 0.5
_AHEAD_S = 0.75
_EACH_S = 0.2
_POINT_S = 0.025


class Source(Protocol):
    """A simulated locomotive or a recording: values by quantity and place over time."""

    def values(
        self, quantity: str, place: str, t_s: NDArray[np.float64]
    ) -> NDArray[np.float64]: ...


class Feeder:
    """One thread for all targets. `sources`: a source for each target; `held` ones are stepped."""

    def __init__(self, targets: Sequence[tuple[Target, Source, bool]], clock: Clock) -> None:
        self._targets = targets
        self._clock = clock
        self._stop = threading.Event()
        self._fed_until_s = 0.0
        self.start_us = clock.monotonic_us()
        """Monotonic time at which the sources' time is 0."""
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)

    def start(self) -> None:
        """Feed the first stretch, then go on in the background."""
        self._feed()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_EACH_S):
            self._feed()

    def _feed(self) -> None:
        now_s = (self._clock.monotonic_us() - self.start_us) / 1e6
        while self._fed_until_s < now_s + _AHEAD_S:
            for target, source, held in self._targets:
                feed_stretch(target, source, held, self.start_us, self._fed_until_s, _STRETCH_S)
            self._fed_until_s += _STRETCH_S


def feed_stretch(
    target: Target, source: Source, held: bool, start_us: int, begin_s: float, stretch_s: float
) -> None:
    """Feed all sensors of a target from `begin_s` of the source's time on, which began at
    `start_us` of the clock that the target shares; with a point more, where the next begins."""
    for number, samples in enumerate(sensed(target.fitting, source, begin_s, stretch_s)):
        feed_sensed(target, number, held, start_us, begin_s, samples)


def sensed(
    fitting: Fitting, source: Source, begin_s: float, stretch_s: float
) -> Iterator[list[int]]:
    """What each sensor of a node sees in a stretch, as `feed_sensed` takes it."""
    points: NDArray[np.float64] = (
        begin_s + np.arange(round(stretch_s / _POINT_S) + 1, dtype=np.float64) * _POINT_S
    )
    for signal in fitting.signals:
        values = source.values(signal.quantity, signal.place, points)
        yield electrical(signal.sensor, values).tolist()


def feed_sensed(
    target: Target, signal: int, held: bool, start_us: int, begin_s: float, samples: list[int]
) -> None:
    """Feed one sensor as `feed_stretch` does."""
    target.feed(
        signal,
        0 if held else LINEAR,
        (start_us + round(begin_s * 1e6)) % PERIOD,
        round(_POINT_S * 1e6),
        samples,
    )
