"""A real board as the target of a scenario: its sensors are played by a stimulus unit.

Its link is the gateway's business. What a bench of wires cannot do raises BenchError, and is not
among the `capabilities`: there is no way to make a chip of a real board fail, and no way to ask
its sensors how many samples they gave.
"""

from collections.abc import Mapping
from typing import Any

from gateway.profiles import Sensor, StrainSensor
from hil.errors import BenchError
from hil.fitted_inputs import signal_at
from hil.fitting import Fitting, SignalFit
from hil.stimulus import UNIT_OF_KIND, Applied, StimulusUnit
from simulators.sensors import EXCITATION_MV, unit_of

__all__ = ["BoardTarget"]

_WORDS = {"open": ("open",), "saturated": ("high", "low"), "stuck": ("stuck",)}
"""Faults of sensors by the conditions of an output that make them."""

SHORTEST_CUT_US = 100_000
"""A relay takes some 10 ms to move, each way."""


class BoardTarget:
    """`wired`: the name of the unit's output for each channel that has one, quantity and place;
    `supply`: whether the unit's relay is in the board's supply; `cuts`: how often it was cut.

    Raises BenchError where the unit has no such output, or it is of the wrong kind.
    """

    def __init__(
        self,
        fitting: Fitting,
        unit: StimulusUnit,
        wired: Mapping[tuple[str, str], str],
        *,
        supply: bool,
    ) -> None:
        self.fitting = fitting
        self.unit = unit
        self.cuts = 0
        self._supply = supply
        self._outputs: dict[str, str] = {}
        signals = {(signal.quantity, signal.place): signal for signal in fitting.signals}
        for channel, output in wired.items():
            if channel not in signals:
                raise BenchError(f"node {fitting.node} has no {' '.join(channel)} to wire")
            self._outputs[signals[channel].name] = self._fitting_output(signals[channel], output)
        self.wired = frozenset(wired)

    @property
    def capabilities(self) -> frozenset[str]:
        """As Target's; a fault of a sensor counts where each wired output can make it."""
        outputs = [self.unit.outputs[name] for name in self._outputs.values()]
        can = {
            f"sensor_{word}"
            for word, conditions in _WORDS.items()
            if outputs and all(set(conditions) <= set(output.conditions) for output in outputs)
        }
        return frozenset(can | ({"power"} if self._supply else set()))

    def start(self) -> None:
        """The sensors are there; where its supply can be cut, the board starts now."""
        for output in self._outputs.values():
            self.unit.condition(output, "ok")
        if self._supply:
            self.cut_power(SHORTEST_CUT_US)

    def stop(self) -> None:
        """The sensors are gone, the supply is on."""
        self.unit.rest()
        if self._supply:
            self.unit.cut_supply(0)

    def feed(
        self, signal: int, flags: int, t0_us: int, period_us: int, samples: list[int]
    ) -> None:
        """As Target's; a sensor that is not wired sees nothing, and none is told a shape."""
        if signal >= len(self.fitting.signals):
            return
        played = self.fitting.signals[signal]
        output = self._outputs.get(played.name)
        if output is not None:
            _, values = _put_out(played.sensor, samples)
            self.unit.stretch(output, flags, t0_us, period_us, values)

    def inject(self, fault: dict[str, Any]) -> None:
        """As Target's, of the words that this bench can."""
        word = fault["word"]
        if word not in _WORDS:
            raise BenchError(f"a stimulus unit cannot make the fault {word} of a real board")
        signal = signal_at(self.fitting, fault["chip"], fault.get("input", 0))
        if signal not in self._outputs:
            raise BenchError(f"no output of the stimulus unit is wired to {signal}")
        condition = _WORDS[word][1 if word == "saturated" and fault["args"].get("low") else 0]
        cleared = fault.get("clear", False)
        self.unit.condition(self._outputs[signal], "ok" if cleared else condition)

    def cut_sensors(self) -> None:
        """The sensors are gone: what the board samples now are faults, not values."""
        self.unit.rest()

    def taken(self) -> int:
        raise BenchError("the sensors of a real board cannot be asked how many samples they gave")

    def cut_power(self, off_us: int) -> None:
        """Cut the board's supply for so long."""
        if not self._supply:
            raise BenchError("the supply of the board is not wired to the stimulus unit")
        if off_us < SHORTEST_CUT_US:
            raise BenchError(
                f"a relay cannot cut the supply for {off_us} us; at least {SHORTEST_CUT_US}"
            )
        self.cuts += 1
        self.unit.cut_supply(round(off_us / 1000))

    def applied(self) -> Applied:
        """What the sensors are given now, as the unit says."""
        return self.unit.applied()

    def _fitting_output(self, signal: SignalFit, output: str) -> str:
        known = self.unit.outputs.get(output)
        if known is None:
            reasons = "; ".join(self.unit.problems)
            there = ", ".join(self.unit.outputs)
            raise BenchError(
                f"the stimulus unit has no output {output} for {signal.quantity} {signal.place}; "
                f"it has {there}" + (f" ({reasons})" if reasons else "")
            )
        needs, gives = _put_out(signal.sensor, [])[0], UNIT_OF_KIND[known.kind]
        if needs != gives:
            raise BenchError(
                f"{output} puts out {gives}, but the sensor of {signal.quantity} {signal.place} "
                f"gives {needs}"
            )
        return output


def _put_out(sensor: Sensor, samples: list[int]) -> tuple[str, list[int]]:
    """What a unit has to put out for these of a simulated board's: of a bridge, whose supply it
    does not know, nV for each V of that."""
    if isinstance(sensor, StrainSensor):
        supply_mv = EXCITATION_MV[sensor.chip]
        return "nV/V", [round(sample * 1000 / supply_mv) for sample in samples]
    return unit_of(sensor), samples
