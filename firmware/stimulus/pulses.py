"""A pulse train by a state machine of the RP2040's PIO, with equal pulses and gaps.

Facts (RP2040 data sheet chapter 3): `pull(noblock)` from an empty FIFO copies X into OSR, so that
the program goes on with the length it has. A pulse and a gap take 9 cycles, and twice the length
that is sent.
"""

import rp2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import Pin
    from rp2.asm_pio import jmp, label, mov, noblock, osr, pins, pull, set, x, y, y_dec

SLOWEST_MHZ = 1_000
"""Below a pulse a second it stands still: a change takes effect when the pulse is over."""

FASTEST_MHZ = 10_000_000
_CLOCK_HZ = 5_000_000
"""A 25th of the processor's, so that all cycles are equally long."""

_OVERHEAD = 9
_MILLI_CYCLES = 1000 * _CLOCK_HZ


@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def make_pulses():  # type: ignore[no-untyped-def]
    label("again")
    pull(noblock)
    mov(x, osr)
    mov(y, x)
    set(pins, 1)
    label("high")
    jmp(y_dec, "high")
    mov(y, x)
    set(pins, 0)
    label("low")
    jmp(y_dec, "low")
    jmp("again")


class Pulses:
    """`set(rate_mhz)`: so many thousandths of a pulse a second, 0 for none."""

    def __init__(self, unit: int, pin: "Pin") -> None:
        self._machine = rp2.StateMachine(unit, make_pulses, freq=_CLOCK_HZ, set_base=pin)
        self._runs = False

    def set(self, rate_mhz: int) -> None:
        if rate_mhz < SLOWEST_MHZ:
            self._machine.active(0)
            self._runs = False
            return
        cycles = _MILLI_CYCLES // rate_mhz - _OVERHEAD
        if not self._machine.tx_fifo():
            self._machine.put((cycles + 1) // 2)
        if not self._runs:
            self._machine.active(1)
            self._runs = True
