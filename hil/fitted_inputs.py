"""Which simulated chip reads which sensor of a node as fitted."""

from collections.abc import Iterator

from hil.errors import BenchError
from hil.fitting import Fitting

__all__ = ["input_of", "signal_at"]


def input_of(fitting: Fitting, quantity: str, place: str) -> tuple[str, int]:
    """The simulated chip that this sensor is at, and which of its inputs."""
    signal = next(s.name for s in fitting.signals if (s.quantity, s.place) == (quantity, place))
    for chip, inputs in _inputs(fitting):
        if signal in inputs:
            return chip, inputs.index(signal)
    raise BenchError(f"node {fitting.node}: no chip reads {quantity} {place}")


def signal_at(fitting: Fitting, chip: str, number: int) -> str:
    """The name of the signal at that input of a chip."""
    for name, inputs in _inputs(fitting):
        if name == chip and number < len(inputs) and inputs[number] is not None:
            return str(inputs[number])
    raise BenchError(f"node {fitting.node}: nothing is at input {number} of {chip}")


def _inputs(fitting: Fitting) -> Iterator[tuple[str, list[str | None]]]:
    """Each simulated chip with the signals at its inputs."""
    wiring = fitting.wiring
    buses = [*wiring.get("i2c", {}).values(), *wiring.get("spi", {}).values()]
    for chip in [*(chip for bus in buses for chip in bus["chips"]), *wiring.get("pins", [])]:
        yield chip["name"], chip.get("inputs", [chip.get("signal")])
