"""Feeds simulated boards with what their sensors see, a stretch ahead of real time."""

import threading
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from gateway.timebase import Clock
from hil.fitting import Fitting
from hil.target import Target
from simulators.board.signals import LINEAR
from simulators.board.ticks import PERIOD
from simulators.physics.vibration import Signature
from simulators.sensors import electrical, shape

__all__ = ["Feeder", "Sensed", "Shaking", "Source", "feed_sensed", "feed_stretch", "sensed"]

_STRETCH_S = 0.5
_AHEAD_S = 0.75
_EACH_S = 0.2
_POINT_S = 0.025
_SHAPE_US = 500_000_000
"""How long a shape holds if nothing comes after it: a stretch must be shorter than 2**29 us."""


class Source(Protocol):
    """A simulated locomotive or a recording: values by quantity and place over time."""

    def values(
        self, quantity: str, place: str, t_s: NDArray[np.float64]
    ) -> NDArray[np.float64]: ...


@runtime_checkable
class Shaking(Protocol):
    """A source that also knows how its accelerometers are shaken. Without it they feel a tone."""

    def signature(
        self, quantity: str, place: str, begin_s: float, end_s: float
    ) -> Signature | None: ...


class Sensed(NamedTuple):
    """What one sensor sees in a stretch: a course with a sample each `period_us`, or a shape."""

    signal: int
    is_course: bool
    period_us: int
    samples: list[int]


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
        if self._thread.ident is not None:
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
    for seen in sensed(target.fitting, source, begin_s, stretch_s):
        feed_sensed(target, held, start_us, begin_s, seen)


def sensed(fitting: Fitting, source: Source, begin_s: float, stretch_s: float) -> Iterator[Sensed]:
    """What each sensor of a node sees in a stretch, as `feed_sensed` takes it; the shapes last."""
    points: NDArray[np.float64] = (
        begin_s + np.arange(round(stretch_s / _POINT_S) + 1, dtype=np.float64) * _POINT_S
    )
    for number, signal in enumerate(fitting.signals):
        values = source.values(signal.quantity, signal.place, points)
        samples = electrical(signal.sensor, values).tolist()
        yield Sensed(number, True, round(_POINT_S * 1e6), samples)
    if isinstance(source, Shaking):
        for number, signal in fitting.shapes.items():
            end_s = begin_s + stretch_s
            signature = source.signature(signal.quantity, signal.place, begin_s, end_s)
            if signature is not None:
                numbers = shape(signature)
                yield Sensed(number, False, _SHAPE_US // len(numbers), numbers)


def feed_sensed(target: Target, held: bool, start_us: int, begin_s: float, seen: Sensed) -> None:
    """Feed one sensor as `feed_stretch` does."""
    target.feed(
        seen.signal,
        LINEAR if seen.is_course and not held else 0,
        (start_us + round(begin_s * 1e6)) % PERIOD,
        seen.period_us,
        seen.samples,
    )
