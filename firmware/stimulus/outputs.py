"""The kinds of outputs: what each can put out, and which conditions of a sensor it can make.

An output has `name`, `kind`, `low` and `high` in the unit of its kind (loop: nA, pulses: mHz,
contact: level), `rest` for when nothing is played, `conditions`; `set` takes a value, `condition`
makes one of them. Those behind a potentiometer (potted.py) also say what `level` they have.
"""

from stimulus import HIGH, LOW, OK, OPEN, STUCK
from stimulus.mcp4728 import HIGHEST
from stimulus.pulses import FASTEST_MHZ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from machine import Pin

    from stimulus.mcp4728 import Mcp4728
    from stimulus.pulses import Pulses

    class Output(Protocol):
        name: str
        kind: str
        low: int
        high: int
        rest: int
        conditions: tuple[int, ...]

        def set(self, value: int) -> None: ...
        def condition(self, condition: int) -> None: ...


RSET_OHM = 806
"""Of the XTR111, which makes 10 V / RSET of the DAC's voltage V (Texas Instruments SBOS375C)."""


def code_of(current_na: int) -> int:
    """The DAC's code for a current: V = I * RSET / 10, 0.5 mV a step. Small integers suffice."""
    return (current_na // 10 * (RSET_OHM // 2) + 125_000) // 250_000


def current_of(code: int) -> int:
    """The current in nA that a code of the DAC makes."""
    return code * 2_500_000 // (RSET_OHM // 2)


class Loop:
    """A 4-20 mA loop: a channel of the DAC before an XTR111, whose OD pin opens the loop."""

    kind = "loop"
    conditions: "tuple[int, ...]" = (OK, OPEN, HIGH, LOW, STUCK)
    low = 0
    high = current_of(HIGHEST)
    rest = 0

    def __init__(self, name: str, dac: "Mcp4728", channel: int, disable: "Pin") -> None:
        self.name = name
        self.channel = channel
        self._dac = dac
        self._disable = disable
        self.set(0)

    def set(self, value: int) -> None:
        self._dac.set(self.channel, code_of(value))

    def condition(self, condition: int) -> None:
        self._disable.value(1 if condition == OPEN else 0)


class Tacho:
    """Pulses of a speed sensor with open collector: a transistor behind the pin."""

    kind = "pulses"
    conditions: "tuple[int, ...]" = (OK, STUCK)
    low = 0
    high = FASTEST_MHZ
    rest = 0

    def __init__(self, name: str, pulses: "Pulses") -> None:
        self.name = name
        self._pulses = pulses
        self.set(0)

    def set(self, value: int) -> None:
        self._pulses.set(value)

    def condition(self, condition: int) -> None:
        """What its values do is all there is."""


class Contact:
    """A contact to ground: a transistor that conducts while the board is to see level 0."""

    kind = "contact"
    conditions: "tuple[int, ...]" = (OK, HIGH, LOW, STUCK)
    low = 0
    high = 1
    rest = 1

    def __init__(self, name: str, pin: "Pin") -> None:
        self.name = name
        self._pin = pin
        self.set(1)

    def set(self, value: int) -> None:
        self._pin.value(0 if value else 1)

    def condition(self, condition: int) -> None:
        """As Tacho's."""
