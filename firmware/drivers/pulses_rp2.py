"""Counts and dates the pulses of a tacho with a state machine of the RP2040's PIO.

Facts (RP2040 data sheet chapter 3; * = not verified):
- Eight state machines in two blocks of 32 instructions, which the four of a block share. The radio
  of a Pico W takes one: a tacho on that raises ValueError at the start *.
- `jmp(x_dec, ...)` takes one from X whether it jumps or not: with the next instruction as its aim
  it counts. X, Y and OSR keep their values when a program begins.
- An instruction that the processor writes to the machine is carried out at once, between two of
  its own; a delay that it falls into may be cut short *: up to a turn is lost then.
- MicroPython's `exec` takes an encoded instruction as an integer; `get` of a word below 2^30
  allocates nothing: hence `in_(x, 30)`.

The program takes one from Y every 32 cycles, on every path: a turn. It goes from low to high, and
back, when two looks at the pin a filter's time apart agree; on its way up it notes Y in OSR and
takes one from X. Its clock makes two turns as long as the filter: what bounces for less than that
is counted once, what is shorter is not seen. A pulse and a gap must last a turn longer each.
"""

import rp2
from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import Pin
    from rp2.asm_pio import jmp, label, mov, nop, osr, pin, x_dec, y, y_dec

FILTER_US = (2, 1000)
"""The shortest and the longest filter."""

_MASK = const(0x3FFFFFFF)
_IN_X = const(0x403E)
_IN_OSR = const(0x40FE)
_PUSH = const(0x8000)
_CLOCK_HZ = const(64_000_000)
"""At which two turns take 1 us."""

_GRAIN_NS = const(500)
"""A turn, for each us of the filter."""


@rp2.asm_pio()
def count_pulses():  # type: ignore[no-untyped-def]
    label("low")
    jmp(y_dec, "is_it_high")[29]
    label("is_it_high")
    jmp(pin, "rising")
    jmp("low")
    label("rising")
    nop()
    jmp(y_dec, "wait_high")[31]
    label("wait_high")
    jmp(y_dec, "still_high")[28]
    label("still_high")
    jmp(pin, "risen")
    jmp("low")[1]
    label("risen")
    mov(osr, y)
    jmp(x_dec, "high")
    label("high")
    jmp(y_dec, "is_it_low")[30]
    label("is_it_low")
    jmp(pin, "high")
    jmp(y_dec, "wait_low")[31]
    label("wait_low")
    jmp(y_dec, "still_low")[30]
    label("still_low")
    jmp(pin, "high")


class PulseCounter:
    """One state machine.

    `count` = rising edges, `edge` = when the last came, in `grain_ns`; both modulo 2^30 and from
    an arbitrary start. `coarse_us` = how far `edge` may be off.
    """

    coarse_us = 0

    def __init__(self, unit: int, pin: "Pin", filter_us: int) -> None:
        self.count = 0
        self.edge = 0
        self.grain_ns = _GRAIN_NS * filter_us
        self._machine = rp2.StateMachine(
            unit, count_pulses, freq=_CLOCK_HZ // filter_us, jmp_pin=pin
        )

    def check(self) -> None:
        """Start it and see that it answers. Raises OSError."""
        machine = self._machine
        machine.active(1)
        while machine.rx_fifo():
            machine.get()
        machine.exec(_IN_X)
        machine.exec(_PUSH)
        if not machine.rx_fifo():
            raise OSError("the state machine does not answer")

    def read(self, now: int) -> None:
        """Bring `count` and `edge` up to date. Raises OSError: the machine gives nothing.

        Both are read twice, for an edge may come in between; that a second one does as well would
        need 15,000 pulses a second.
        """
        machine = self._machine
        while machine.rx_fifo():
            machine.get()
        self._ask()
        self._ask()
        if machine.rx_fifo() < 4:
            raise OSError("the state machine does not answer")
        before = machine.get()
        edge = machine.get()
        after = machine.get()
        if before != after:
            edge = machine.get()
        self.count = -after & _MASK
        self.edge = -edge & _MASK

    def _ask(self) -> None:
        """Have the count and the date of the last edge put into the FIFO."""
        machine = self._machine
        machine.exec(_IN_X)
        machine.exec(_PUSH)
        machine.exec(_IN_OSR)
        machine.exec(_PUSH)
