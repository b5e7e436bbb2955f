"""HX711: 24-bit ADC for a strain bridge, on two pins of its own.

Facts (Avia Semiconductor data sheet):
- DOUT falls when a result is ready. Then 24 pulses on PD_SCK put the bits on DOUT, highest first,
  each valid 0.1 us after the rising edge; from the 25th on DOUT is high. 25, 26 or 27 pulses in
  all: input A with gain 128, B with 32, A with 64 from the next conversion on.
- A pulse is high for 0.2 to 50 us. High for more than 60 us powers the chip down; when PD_SCK
  falls it is reset and converts A with 128.
- 10 or 80 conversions a second, as its pin RATE is wired; after a reset or a new choice 400 or
  50 ms until the first result. A result that is not read is replaced by the next (unverified).
- Rated from -40 to 85 °C: `coldest_c`, by the thermometer of the board.
So pulses must not be stretched by an interrupt: on RP2 a state machine makes them (`sm`, one a
chip: hx711_rp2.py); elsewhere, and without `sm`, the processor with interrupts off for each pulse
(hx711_pins.py): about 5 us at a time (unverified). RMT of the ESP32 could make the pulses, but
MicroPython gives it no receiver that would sample DOUT with them.

It has no register that could be read back. A pin that nothing drives is known by its resistors:
the level follows them. Whatever gain is wanted, a reset chip has 128: with any other, the first
value after it is NOT_READY. A reset that nobody ordered, between two rows, goes unseen; with gain
128 it does no harm, with others one value is wrong. Use 128.

A row takes the newest result, up to a conversion old. Where `rate` is twice that of the rows or
more, each row finds one; a conversion that takes so long that it does not ends as STUCK.
"""

from time import ticks_add, ticks_diff, ticks_us

from machine import Pin
from micropython import const

from axwire.codes import NO_ANSWER, NOT_READY, OK, STUCK
from drivers import CONVERTING, MISSING_32
from drivers.bridge import LIMITS, NO_LIMITS, check_limits, signed, status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from axnode.hardware import Board

    class Clock(Protocol):
        """Makes the pulses on PD_SCK and samples DOUT.

        reset()         be ready for `begin`, whatever was going on
        hold(level)     PD_SCK stays at that level
        begin(extra)    24 pulses with a sample each, so many without, and a last sample
        done()          whether that is over
        bits()          the 25 samples
        """

        def reset(self) -> None: ...
        def hold(self, level: int) -> None: ...
        def begin(self, extra: int) -> None: ...
        def done(self) -> bool: ...
        def bits(self) -> int: ...


SETTINGS = {
    "sck": [0, 63],
    "dout": [0, 63],
    "sm": [0, 7],
    "gain": (128, 32, 64),
    "rate": (10, 80),
}
SETTINGS.update(LIMITS)
DEFAULTS = {"sm": None, "gain": 128}
DEFAULTS.update(NO_LIMITS)

_RESET_GAIN = const(128)
_SETTLING = const(4)
_DOWN_US = const(100)
_CLOCKING_US = const(200)
_CLOCKING_MOST_US = const(10_000)
_ALL_HIGH = const(0x1FFFFFF)

_DOWN, _WAITING, _CLOCKING = const(0), const(1), const(2)


def make(settings: "dict[str, int]", board: "Board") -> "Hx711":
    """The chip that the configuration describes. Raises ValueError: its limits are none, or the
    board has no state machines."""
    check_limits(settings)
    dout = Pin(settings["dout"], Pin.IN, Pin.PULL_UP)
    if settings["sm"] is None:
        from drivers.hx711_pins import PinClock

        clock: Clock = PinClock(board.output(settings["sck"], 0), dout)
    else:
        try:
            from drivers.hx711_rp2 import PioClock
        except ImportError:
            raise ValueError("this port has no state machine: leave sm out")
        clock = PioClock(settings["sm"], Pin(settings["sck"]), dout)
    return Hx711(
        clock, dout, settings["gain"], settings["rate"], settings["lowest"], settings["highest"]
    )


class Hx711:
    """One chip with a bridge at the input that has this gain: A with 128 and 64, B with 32."""

    inputs = 1
    wide = True
    coldest_c = -40

    def __init__(
        self, clock: "Clock", dout: Pin, gain: int, rate: int, lowest: int, highest: int
    ) -> None:
        self.raw = MISSING_32
        self.due = 0
        self._clock = clock
        self._dout = dout
        self._extra = SETTINGS["gain"].index(gain) + 1
        self._nominal_us = 1_000_000 // rate
        self.conversion_us = 2 * self._nominal_us
        self._lowest = lowest
        self._highest = highest
        self._stage = _DOWN
        self._chosen = False
        self._looked = False
        self._since = 0
        self._patience_us = 0

    def check(self) -> int:
        """Switch the chip off. It is switched on, and so reset, by the next `poll`."""
        self._clock.reset()
        if self._floating():
            return NO_ANSWER
        self._clock.hold(1)
        self._stage = _DOWN
        return OK

    def verify(self) -> int:
        """Whether the chip drives DOUT: it has nothing else to show."""
        return NO_ANSWER if self._floating() else OK

    def start(self, number: int) -> None:
        """Nothing: it converts all the time."""
        self._looked = False
        self.due = ticks_us()
        if self._stage == _DOWN:
            self.due = ticks_add(self.due, _DOWN_US)

    def poll(self, now: int) -> int:
        """Clock the newest result out, and read what was clocked."""
        self.raw = MISSING_32
        if self._stage == _DOWN:
            self._clock.hold(0)
            self._chosen = self._extra == 1
            self._expect(now, _SETTLING)
            self.due = ticks_add(now, _SETTLING * self._nominal_us)
            return CONVERTING
        if self._stage == _WAITING:
            if self._dout():
                return self._wait(now, self._patience_us, self._nominal_us >> 3)
            self._clock.begin(self._extra)
            self._stage = _CLOCKING
            self._since = now
            self.due = ticks_add(now, _CLOCKING_US)
            return CONVERTING
        if not self._clock.done():
            return self._wait(now, _CLOCKING_MOST_US, _CLOCKING_US)
        return self._taken(self._clock.bits(), now)

    def _taken(self, bits: int, now: int) -> int:
        """The status of a result, as the samples of DOUT tell it."""
        self._expect(now, 1)
        if not bits & 1 or (bits == _ALL_HIGH and self._floating()):
            return NO_ANSWER
        self.raw = signed(bits >> 1)
        if not self._chosen:
            self._chosen = True
            self._expect(now, _SETTLING)
            return NOT_READY
        return status(self.raw, self._lowest, self._highest)

    def _expect(self, now: int, conversions: int) -> None:
        """A result after so many conversions."""
        self._stage = _WAITING
        self._since = now
        self._patience_us = 2 * conversions * self._nominal_us

    def _wait(self, now: int, most_us: int, wait_us: int) -> int:
        """Look again, for DOUT may just be high between two results (unverified)."""
        if self._looked and ticks_diff(now, self._since) >= most_us:
            return NO_ANSWER if self._floating() else STUCK
        self._looked = True
        self.due = ticks_add(now, wait_us)
        return CONVERTING

    def _floating(self) -> bool:
        """Whether nothing drives DOUT: its level follows the resistor of the pin."""
        self._dout.init(Pin.IN, Pin.PULL_DOWN)
        low = self._dout()
        self._dout.init(Pin.IN, Pin.PULL_UP)
        return bool(self._dout()) and not low
