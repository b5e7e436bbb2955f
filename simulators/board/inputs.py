"""One analogue input of a chip: the signal wired to it, and what is wrong on the way."""

from simulators.board.errors import FaultError
from simulators.board.faults import OF_EDGES
from simulators.board.ticks import ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from simulators.board.signals import Signal

OK, OPEN, SHORT, HIGH, LOW = 0, 1, 2, 3, 4
"""Conditions of an input that its chip must turn into what it measures then."""


class Input:
    """`taken` counts fresh conversions of this input that were read by the firmware. `own_words`
    are the faults of edges that it can have."""

    def __init__(self, name: str, signal: "Signal", seed: int) -> None:
        self.name = name
        self.signal = signal
        self.taken = 0
        self.condition = OK
        self.own_words: "tuple[str, ...]" = ()
        self.faults: "dict[str, dict[str, Any]]" = {}
        self._noise = Noise(seed)
        self._last = 0
        self._drift_micro = 0
        self._drifted_us = 0
        self._conversions = 0

    def value(self, at_us: int) -> int:
        """What reaches the chip at a moment, in the signal's unit."""
        if self.faults:
            return self._distorted(at_us)
        return self.signal.value(at_us)

    def inject(self, word: str, args: "dict[str, Any]", now_us: int) -> None:
        """Begin a fault, or change the arguments of one. Raises FaultError."""
        if word in OF_EDGES and word not in self.own_words:
            raise FaultError(self.name + " cannot have the fault " + word)
        for name in OF_EDGES.get(word, ()):
            if args[name] < 1:
                raise FaultError("fault " + word + ": " + name + " must be 1 or more")
        if word == "spike" and args["every"] < 1:
            raise FaultError("fault spike: every must be 1 or more")
        if word == "stuck" and word not in self.faults:
            self._last = self.value(now_us)
        if word == "drift" and word not in self.faults:
            self._drift_micro = 0
            self._drifted_us = now_us
        self.faults[word] = args
        self._set_condition()

    def clear(self, word: str) -> None:
        """End a fault; one that is not there is none."""
        self.faults.pop(word, None)
        self._set_condition()

    def settle(self, now_us: int) -> None:
        """Bring what depends on the clock up to date (see Signal.settle)."""
        self.signal.settle(now_us)
        if "drift" in self.faults:
            self._drift_until(now_us)

    def _distorted(self, at_us: int) -> int:
        faults = self.faults
        value = self.signal.value(at_us)
        if "stuck" in faults:
            return self._last
        if "drift" in faults:
            self._drift_until(at_us)
            value += self._drift_micro // 1_000_000
        if "noise" in faults:
            value += self._noise.sample(faults["noise"]["sigma"])
        if "spike" in faults:
            self._conversions += 1
            if self._conversions % faults["spike"]["every"] == 0:
                value += faults["spike"]["size"]
        self._last = value
        return value

    def _drift_until(self, at_us: int) -> None:
        elapsed = ticks_diff(at_us, self._drifted_us)
        if elapsed > 0:
            self._drift_micro += self.faults["drift"]["per_s"] * elapsed
            self._drifted_us = at_us

    def _set_condition(self) -> None:
        faults = self.faults
        self.condition = OK
        if "saturated" in faults:
            self.condition = LOW if faults["saturated"]["low"] else HIGH
        if "short" in faults:
            self.condition = SHORT
        if "open" in faults:
            self.condition = OPEN


class Noise:
    """The sum of the three generators of Wichmann and Hill (Applied Statistics AS 183, 1982):
    bell-shaped, bounded, the same for a seed in both interpreters, and in small integers."""

    _MEAN = 45450
    _DEVIATION = 15150

    def __init__(self, seed: int) -> None:
        self._x = seed % 30268 + 1
        self._y = seed * 7 % 30306 + 1
        self._z = seed * 13 % 30322 + 1
        for _ in range(20):
            self.sample(1)

    def state(self) -> "tuple[int, int, int]":
        """For who goes on with it elsewhere."""
        return self._x, self._y, self._z

    def sample(self, sigma: int) -> int:
        """The next value, with mean 0 and this standard deviation."""
        self._x = self._x * 171 % 30269
        self._y = self._y * 172 % 30307
        self._z = self._z * 170 % 30323
        deviation = self._x + self._y + self._z - self._MEAN
        return deviation * sigma // self._DEVIATION
