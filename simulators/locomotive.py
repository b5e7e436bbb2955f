"""A locomotive at work: values for every channel of a profile, from models stepped through a duty.

docs/physics.md describes the models, the duties and the faults.
"""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.errors import ConfigError
from gateway.profiles import Profile
from simulators.duties import Duty, load_duty
from simulators.faults import MachineFault, apply, check, kind_of
from simulators.physics.driver import Hands
from simulators.physics.effects import Effects
from simulators.physics.figures import read_figures
from simulators.physics.history import History
from simulators.physics.machine import (
    SLOW_STEPS,
    STEP_S,
    Machine,
    fast_columns,
    slow_columns,
)
from simulators.physics.readings import Readings
from simulators.physics.vibration import Signature

__all__ = ["KEEP_S", "Locomotive", "Timed"]

KEEP_S = 600.0
"""How much of the past can be asked for again, at least."""

Seconds = NDArray[np.float64]
Values = NDArray[np.float64]
Timed = tuple[float, float | None, MachineFault]
"""A fault from a time to another, or for good; in s of the times that `values` is asked for."""


@dataclass
class _Course:
    """A fault on the duty's time."""

    begin_s: float
    end_s: float
    fault: MachineFault


class Locomotive:
    """Values of one simulated locomotive; the same seed and faults give the same machine, bit for
    bit, however it is asked.

    Time 0 of `values` is `start_s` of the duty; with `hands` a person drives, on the duty's line.
    Raises ConfigError for a profile without the figures it needs, an unknown duty, or a fault that
    this locomotive cannot have.
    """

    def __init__(
        self,
        profile: Profile,
        seed: int,
        duty: Duty | str = "demo",
        faults: Sequence[Timed] = (),
        start_s: float = 0.0,
        hands: Hands | None = None,
    ) -> None:
        self.duty = load_duty(duty) if isinstance(duty, str) else duty
        self._figures = read_figures(profile)
        self._start_s = start_s
        self._lock = threading.Lock()
        self._machine = Machine(self._figures, self.duty, seed, hands)
        fast, slow = fast_columns(self._figures), slow_columns(self._figures)
        self._fast = {name: at for at, name in enumerate(fast)}
        self._slow = {name: at for at, name in enumerate(slow)}
        self._fast_past = History(len(fast), STEP_S, KEEP_S)
        self._slow_past = History(len(slow), STEP_S * SLOW_STEPS, KEEP_S)
        self._readings = Readings(self._figures, seed, self._read)
        self._faults: list[_Course] = []
        self._due_s = math.inf
        self._asked = b""
        self._times = np.empty(0)
        for begin_s, end_s, fault in faults:
            self._add(begin_s, end_s, fault)
        self._change()
        self._keep()

    def values(self, quantity: str, place: str, t_s: Seconds) -> Values:
        """The quantity at that place, in its unit, at times in seconds since the start.

        Steps the models as far as needed. Raises KeyError for a quantity that this locomotive
        does not have there, LookupError for a time more than `KEEP_S` before the last computed.
        """
        asked = np.asarray(t_s, dtype=np.float64)
        if not len(asked):
            return asked
        with self._lock:
            if asked.tobytes() != self._asked:
                self._asked, self._times = asked.tobytes(), asked + self._start_s
                self._compute(float(self._times.max()))
            return self._readings.values(quantity, place, self._times)

    def signature(self, quantity: str, place: str, begin_s: float, end_s: float) -> Signature:
        """What shakes the accelerometer that measures an acceleration there, as `values` in time
        and errors; between two times, while which the wheel is taken to turn evenly."""
        begin_s, end_s = begin_s + self._start_s, end_s + self._start_s
        with self._lock:
            self._compute(end_s)
            return self._readings.signature(quantity, place, begin_s, end_s)

    def speed_kmh(self, t_s: Seconds) -> Values:
        """Of the train, in km/h."""
        return self.true("speed", t_s)

    def true(self, name: str, t_s: Seconds) -> Values:
        """A state of the models without noise, by the name of its column, in its unit."""
        times = np.asarray(t_s, dtype=np.float64) + self._start_s
        with self._lock:
            self._compute(float(times.max()))
            return self._read(name, times)

    def inject(self, fault: MachineFault, at_s: float = 0.0) -> float:
        """Let it break at that time, or where what is computed already ends, if that is later.

        Returns the time in s. Raises ConfigError for a fault that this locomotive cannot have.
        """
        with self._lock:
            begin_s = max(at_s, self._machine.t_s - self._start_s)
            self._add(begin_s, None, fault)
        return begin_s

    def clear(self, kind: str, place: str = "") -> int:
        """End all faults of that kind (at that place, if one is named) where what is computed
        already ends; how many. Later ones that have not begun go too."""
        with self._lock:
            now_s = self._machine.t_s
            ended = 0
            for course in self._faults:
                at = getattr(course.fault, "place", "")
                if kind_of(course.fault) != kind or place not in ("", at):
                    continue
                if course.end_s > now_s:
                    course.end_s = now_s
                    ended += 1
            self._due_s = min(self._due_s, now_s)
        return ended

    def _add(self, begin_s: float, end_s: float | None, fault: MachineFault) -> None:
        check(fault, self._figures)
        end = math.inf if end_s is None else end_s
        if not end > begin_s:
            raise ConfigError(f"fault {kind_of(fault)}: its end is not after its beginning")
        self._faults.append(_Course(begin_s + self._start_s, end + self._start_s, fault))
        self._due_s = min(self._due_s, begin_s + self._start_s)

    def _compute(self, until_s: float) -> None:
        machine = self._machine
        steps = math.ceil(until_s / STEP_S / SLOW_STEPS + 1) * SLOW_STEPS
        while machine.steps < steps:
            if machine.t_s >= self._due_s:
                self._change()
            machine.step()
            self._keep()

    def _keep(self) -> None:
        machine = self._machine
        self._fast_past.append(machine.fast_row())
        if machine.steps % SLOW_STEPS == 0:
            self._slow_past.append(machine.slow_row())

    def _change(self) -> None:
        """Make the effects those of the faults that are there now; note when they change next."""
        now_s = self._machine.t_s
        effects = Effects(self._figures.axles, self._figures.bogies)
        self._due_s = math.inf
        for course in self._faults:
            if course.begin_s <= now_s < course.end_s:
                apply(course.fault, effects, self._figures)
            for edge_s in (course.begin_s, course.end_s):
                if edge_s > now_s:
                    self._due_s = min(self._due_s, edge_s)
        self._machine.effects = effects
        self._machine.reload()

    def _read(self, name: str, t_s: Seconds) -> Values:
        if name in self._fast:
            return self._fast_past.at(self._fast[name], t_s)
        return self._slow_past.at(self._slow[name], t_s)
