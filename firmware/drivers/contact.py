"""A switch contact or any other signal of two levels, debounced.

`raw` is 1 while the pin has its `active` level, else 0. A new level is believed once it has been
read in two readings one after the other that lie `debounce_ms` or more apart, with no other level
in between: so a pulse between two readings is not seen, and a change shows a row late. While a
level that was read is not believed yet, the old one is given. A contact whose level changes with
more than a third of the readings for a while chatters: NOT_READY, with the level that is believed.

A changeover contact or an antivalent output has its other wire at `inverse`. The two differ, but
while it is on its way: both high for two readings is OPEN (a wire is cut, with the pins pulled
up), both low SHORT, with the old level.

With one wire nobody can tell a cut wire from an open contact: connect it so that the wire's own
failure reads as the state that is to be looked into.

The configuration of a channel: scale = 1, offset = 0 (its quantity has the exponent 0).
"""

from time import ticks_diff, ticks_us

from machine import Pin
from micropython import const

from axwire.codes import NOT_READY, OK, OPEN, SHORT
from drivers import MISSING_16

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from axnode.hardware import Board

SETTINGS = {
    "pin": [0, 63],
    "inverse": [0, 63],
    "active": (0, 1),
    "pull": ("none", "up", "down"),
    "debounce_ms": [0, 10_000],
}
DEFAULTS = {"inverse": None, "active": 1, "pull": "up", "debounce_ms": 20}

_CHATTER = const(8)
_CHATTER_MOST = const(12)
_UNKNOWN = const(-1)


def make(settings: "dict[str, Any]", board: "Board") -> "Contact":
    """The contact that the configuration describes."""
    inverse = settings["inverse"]
    return Contact(
        _input(settings["pin"], settings["pull"]),
        None if inverse is None else _input(inverse, settings["pull"]),
        settings["active"],
        settings["debounce_ms"],
    )


def _input(number: int, pull: str) -> Pin:
    if pull == "none":
        return Pin(number, Pin.IN)
    return Pin(number, Pin.IN, Pin.PULL_UP if pull == "up" else Pin.PULL_DOWN)


class Contact:
    """One contact on a pin, perhaps with its inverse on another."""

    inputs = 1
    wide = False
    conversion_us = 0

    def __init__(self, pin: Pin, inverse: "Pin | None", active: int, debounce_ms: int) -> None:
        self.raw = MISSING_16
        self.due = 0
        self._pin = pin
        self._inverse = inverse
        self._active = active
        self._debounce_us = debounce_ms * 1000
        self._level = _UNKNOWN
        self._candidate = _UNKNOWN
        self._since = 0
        self._before = _UNKNOWN
        self._restless = 0
        self._alike = 0

    def check(self) -> int:
        """A contact cannot be asked who it is."""
        self._level = self._candidate = self._before = _UNKNOWN
        self._restless = self._alike = 0
        return OK

    def verify(self) -> int:
        """A contact cannot be asked who it is."""
        return OK

    def start(self, number: int) -> None:
        """The pin is read at once."""
        self.due = ticks_us()

    def poll(self, now: int) -> int:
        """The level that is believed."""
        level = self._pin()
        if self._level == _UNKNOWN:
            self._level = self._before = level
        if level != self._before:
            self._before = level
            self._restless += 2 if self._restless < _CHATTER_MOST else 0
        elif self._restless:
            self._restless -= 1
        if level == self._level:
            self._candidate = _UNKNOWN
        elif level != self._candidate:
            self._candidate = level
            self._since = now
        elif ticks_diff(now, self._since) >= self._debounce_us:
            self._level = level
            self._candidate = _UNKNOWN
        self.raw = 1 if self._level == self._active else 0
        if self._inverse is not None and self._inverse() == level:
            self._alike += 1
            if self._alike > 1:
                return OPEN if level else SHORT
        else:
            self._alike = 0
        return NOT_READY if self._restless >= _CHATTER else OK
