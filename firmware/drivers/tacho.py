"""Speed of a wheel or a motor from the pulses of a toothed wheel.

The port's part counts the pulses in hardware: PIO on an RP2040 (pulses_rp2.py), PCNT on an ESP32
(pulses_esp32.py).

`raw` is in 0.2 1/min: pulses between the last edge of the row before and the last edge now,
divided by the time between these edges. So at speed it averages over a row, and at low speed, with
less than one pulse a row, it measures periods; where none came it is what two pulses within the
silence would mean, if that is less than before: it falls as 1/t, and is 0 after 2 s. Where edges
are dated by the row only (ESP32) it averages over as many rows as bring that error to a thirtieth,
at most 1.5 s.

What no wheel does. From full speed to rest, or back, a wheel takes at least `stop_ms`; with that a
speed that was measured bounds the next one, a quarter of it more or less where it is of one pulse,
less where it is of more, for teeth are not alike. So in rows shorter than `stop_ms`:
- One pulse less than that allows, or than before where there are three a row or less, while with
  one more the speed would be what it was: a broken tooth or the wheel's mark. It is bridged, and
  counted in `gaps`.
- More pulses than it allows, or a sixteenth more than `full_rpm` gives: the sensor bounces for
  longer than the filter, or something else is heard: OUT_OF_RANGE, until it can be true.
- No pulse where it demands three: the sensor is dead: STUCK, with 0, until pulses come again. A
  wheel that comes to rest slows down before: its standstill is 0 and OK. Below about a tenth of
  full speed the two look the same, and are called standstill.
- No pulse since the start: standstill or a dead sensor, nobody can know: NOT_READY, with 0.
A sensor with an `inverse` output can be told at rest: its two wires differ while it lives. Both
high is OPEN (a wire is cut, or it has no supply; pulled up inside the board), both low SHORT, and
a standstill is OK from the start.

The configuration of a channel in 1/min x 10^-9: scale = 200_000_000, offset = 0; with the wheel on
another shaft, times the gear's ratio.
"""

import sys
from time import ticks_diff, ticks_us

from machine import Pin
from micropython import const

from axwire.codes import NOT_READY, OK, OPEN, OUT_OF_RANGE, SHORT, STUCK
from drivers import MISSING_16

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from axnode.hardware import Board

    class Counts(Protocol):
        """What counts: see pulses_rp2.py."""

        count: int
        edge: int
        grain_ns: int
        coarse_us: int

        def check(self) -> None: ...
        def read(self, now: int) -> None: ...


SETTINGS = {
    "unit": [0, 7],
    "pin": [0, 63],
    "inverse": [0, 63],
    "teeth": [1, 1000],
    "full_rpm": [1, 6500],
    "stop_ms": [50, 20_000],
    "filter_us": [1, 1000],
}
DEFAULTS = {"inverse": None, "stop_ms": 500, "filter_us": 10}

_PORTS = ("drivers.pulses_rp2", "drivers.pulses_esp32")
_MASK = const(0x3FFFFFFF)
_REST_US = const(2_000_000)
_FINE_BITS = const(15)
_UNKNOWN = const(-1)
_ENOUGH_PULSES = const(128)
_ENOUGH_ROWS = const(32)
_ENOUGH_US = const(1_500_000)
_FEW = const(3)
"""Up to so many pulses a row, one that is missing shows."""

_SLACK = const(20)
"""4 1/min, in which nothing is out of reach."""


def make(settings: "dict[str, Any]", board: "Board") -> "Tacho":
    """The tacho that the configuration describes. Raises ValueError: the board cannot count it."""
    port = _port()
    filter_us = settings["filter_us"]
    if not port.FILTER_US[0] <= filter_us <= port.FILTER_US[1]:
        raise ValueError("filter_us must be %d to %d on this board" % port.FILTER_US)
    inverse = settings["inverse"]
    counts = port.PulseCounter(settings["unit"], _input(settings["pin"]), filter_us)
    return Tacho(
        counts,
        _input(settings["pin"]),
        None if inverse is None else _input(inverse),
        settings["teeth"],
        settings["full_rpm"],
        settings["stop_ms"],
    )


def _port() -> "Any":
    """The part for the port that this runs on."""
    for name in _PORTS:
        try:
            __import__(name)
            return sys.modules[name]
        except ImportError:
            continue
    raise ValueError("this port counts no pulses")


def _input(number: int) -> Pin:
    return Pin(number, Pin.IN, Pin.PULL_UP)


class Tacho:
    """One sensor at a wheel of so many teeth. `gaps` counts broken teeth that went by."""

    inputs = 1
    wide = False
    conversion_us = 0

    def __init__(
        self,
        counts: "Counts",
        pin: Pin,
        inverse: "Pin | None",
        teeth: int,
        full_rpm: int,
        stop_ms: int,
    ) -> None:
        self.raw = MISSING_16
        self.due = 0
        self.gaps = 0
        self._counts = counts
        self._wires = None if inverse is None else (pin, inverse)
        self._full = 5 * full_rpm
        self._stop_ms = stop_ms
        # raw = pulses / grains x this, in 0.2 1/min: 60 s x 5 x 10^9 ns a grain's ns.
        factor = (300_000_000_000 << _FINE_BITS) // (teeth * counts.grain_ns)
        self._exponent = -_FINE_BITS
        while factor >= 1 << _FINE_BITS:
            factor >>= 1
            self._exponent += 1
        self._factor = factor
        self._heard = False
        self._rolling = False
        self._known = False
        self._dead = False
        self._count = _UNKNOWN
        self._seen = 0
        self._bridged = False
        self._with_one_more = 0
        self._good = 0
        self._good_at = 0
        self._from_count = self._from_edge = 0
        self._next_count = self._next_edge = 0

    def check(self) -> int:
        """Begin to count. Nothing can be asked of a sensor that only gives pulses."""
        self._counts.check()
        self._count = _UNKNOWN
        self._rolling = self._known = self._dead = False
        return OK

    def verify(self) -> int:
        """Nothing can be asked of a sensor that only gives pulses."""
        return OK

    def start(self, number: int) -> None:
        """The count is read at once."""
        self.due = ticks_us()

    def poll(self, now: int) -> int:
        """The speed since the row before."""
        self.raw = MISSING_16
        counts = self._counts
        counts.read(now)
        fresh = 0 if self._count == _UNKNOWN else (counts.count - self._count) & _MASK
        self._count = counts.count
        status = self._roll(now) if fresh else self._rest(now)
        return status if self._wires is None else _compared(self._wires, status)

    def _roll(self, now: int) -> int:
        """Pulses have come: set `raw` from the edges."""
        counts = self._counts
        self._seen = now
        self._heard = True
        if self._dead:
            self._dead = self._rolling = self._known = False
        if not self._rolling:
            self._rolling = True
            self._from_count = self._next_count = counts.count
            self._from_edge = self._next_edge = counts.edge
            self.raw = 0
            return OK
        pulses = (counts.count - self._from_count) & _MASK
        grains = (counts.edge - self._from_edge) & _MASK
        self._move_on()
        return self._judge(now, pulses, grains)

    def _judge(self, now: int, pulses: int, grains: int) -> int:
        """Set `raw` for so many pulses in so many grains, unless a tooth is missing."""
        self.raw = speed = self._speed(pulses, grains)
        if self._known:
            reach = self._reach(now, pulses)
            self._with_one_more = self._speed(pulses + 1, grains)
            if self._is_gap(pulses, speed, reach):
                self.gaps += 1
                self.raw = speed = self._with_one_more
            elif not -reach <= speed - self._good <= reach:
                return OUT_OF_RANGE
        if speed > self._full + (self._full >> 4):
            return OUT_OF_RANGE
        self._known = True
        self._good = speed
        self._good_at = now
        return OK

    def _rest(self, now: int) -> int:
        """No pulse has come: set `raw` to what the silence allows."""
        self.raw = 0
        if not self._heard:
            return NOT_READY if self._wires is None else OK
        if self._dead:
            return STUCK
        silent_us = ticks_diff(now, self._seen)
        if not self._rolling or not 0 <= silent_us < _REST_US:
            self._rolling = False
            self._good = 0
            self._good_at = now
            return OK
        if not self._known:
            return OK
        grains = 2 * silent_us // (self._counts.grain_ns // 500) + 1
        if self._speed(3, grains) < self._good - self._reach(now, 1):
            self._dead = True
            return STUCK
        most = self._speed(2, grains)
        self.raw = most if most < self._good else self._good
        return OK

    def _is_gap(self, pulses: int, speed: int, reach: int) -> bool:
        """Whether a pulse is missing: with it the speed would be what it was. Never twice in a
        row, for that is a wheel which has slowed down."""
        apart = abs(self._with_one_more - self._good)
        if speed >= self._good - reach:
            few = pulses <= _FEW and speed < self._good
            self._bridged = few and not self._bridged and apart <= self._good >> 3
            return self._bridged
        return apart <= reach

    def _reach(self, now: int, pulses: int) -> int:
        """How far from the last good speed the one that so many pulses give may be."""
        since_ms = ticks_diff(now, self._good_at) // 1000
        if not 0 <= since_ms < self._stop_ms:
            since_ms = self._stop_ms
        good = self._good
        slack = good // (2 * pulses + 2) + (good >> 6) + _SLACK
        return self._full * since_ms // self._stop_ms + slack

    def _move_on(self) -> None:
        """Measure the next speed from a later edge: from this one, if it is exactly dated."""
        counts = self._counts
        if counts.coarse_us:
            far = _ENOUGH_ROWS * counts.coarse_us
            if far > _ENOUGH_US:
                far = _ENOUGH_US
            if (
                2 * ((counts.count - self._next_count) & _MASK) < _ENOUGH_PULSES
                and 2 * ((counts.edge - self._next_edge) & _MASK) < far
            ):
                return
            self._from_count = self._next_count
            self._from_edge = self._next_edge
        else:
            self._from_count = counts.count
            self._from_edge = counts.edge
        self._next_count = counts.count
        self._next_edge = counts.edge

    def _speed(self, pulses: int, grains: int) -> int:
        """`raw` for so many pulses in so many grains, at most 32767, in integers of 30 bits."""
        exponent = self._exponent
        while pulses >= 1 << _FINE_BITS:
            pulses >>= 1
            exponent += 1
        top = pulses * self._factor
        while top < 1 << 28:
            top <<= 1
            exponent -= 1
        while grains >= 1 << _FINE_BITS:
            grains >>= 1
            exponent -= 1
        speed = top // grains if grains else 0x7FFF
        if exponent > 0:
            return 0x7FFF
        speed >>= -exponent
        return speed if speed < 0x7FFF else 0x7FFF


def _compared(wires: "tuple[Pin, Pin]", status: int) -> int:
    """The status, or that of the wires: of a sensor that lives they differ."""
    pin, inverse = wires
    level = pin()
    if inverse() == level and pin() == level:
        return OPEN if level else SHORT
    return status
