"""Clocks an HX711 with a state machine of the RP2040's programmable I/O, 1 us an instruction."""

from micropython import const
from rp2 import PIO, StateMachine, asm_pio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import Pin
    from rp2.asm_pio import in_, jmp, label, mov, osr, pins, pull, push, set, x, x_dec, y, y_dec

_HZ = const(1_000_000)
_SET_PINS = const(0xE000)
"""The instruction `set(pins, 0)`."""


@asm_pio(set_init=PIO.OUT_LOW, in_shiftdir=PIO.SHIFT_LEFT)
def clock_bits() -> None:
    """Waits for a word, one less than the pulses without a sample; gives 25 samples of DOUT."""
    pull()
    mov(y, osr)
    set(x, 23)
    label("bit")
    set(pins, 1)[1]
    in_(pins, 1)
    set(pins, 0)
    jmp(x_dec, "bit")
    label("choice")
    set(pins, 1)[1]
    set(pins, 0)
    jmp(y_dec, "choice")
    in_(pins, 1)
    push()


class PioClock:
    """PD_SCK and DOUT on a state machine of their own. `begin` takes effect within 0.15 ms."""

    def __init__(self, number: int, sck: "Pin", dout: "Pin") -> None:
        self._machine = StateMachine(number, clock_bits, freq=_HZ, in_base=dout, set_base=sck)
        self._machine.active(1)

    def reset(self) -> None:
        self._machine.restart()
        while self._machine.rx_fifo():
            self._machine.get()

    def hold(self, level: int) -> None:
        self._machine.exec(_SET_PINS | level)

    def begin(self, extra: int) -> None:
        self._machine.put(extra - 1)

    def done(self) -> bool:
        return self._machine.rx_fifo() > 0

    def bits(self) -> int:
        return self._machine.get()
