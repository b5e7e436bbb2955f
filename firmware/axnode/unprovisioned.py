"""A board that does not know who it is: it says so, blinks, measures nothing and sends nothing.

A person has to come anyway, so Ctrl-C gives a prompt at which the watchdog is fed.
"""

from time import sleep_ms

import machine
from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import WDT, Pin

_BEAT_MS = const(500)
_SAY_BEATS = const(20)
_FEED_MS = const(1000)


def wait(reason: str, watchdog: "WDT") -> None:
    """For ever."""
    led = _led()
    beats = 0
    try:
        while True:
            if beats % _SAY_BEATS == 0:
                print("UNPROVISIONED: %s" % reason)
            if led is not None:
                led(beats & 1)
            beats += 1
            watchdog.feed()
            sleep_ms(_BEAT_MS)
    except KeyboardInterrupt:
        _keep_fed(watchdog)
        raise


def _led() -> "Pin | None":
    """The board's own, where the port knows one by name: there is no configuration to say."""
    try:
        return machine.Pin("LED", machine.Pin.OUT)
    except (TypeError, ValueError):
        return None


def _keep_fed(watchdog: "WDT") -> None:
    """Have a timer feed the watchdog from now on. ESP32 has no timer -1 (unverified)."""
    for number in (-1, 0):
        try:
            machine.Timer(
                number,
                mode=machine.Timer.PERIODIC,
                period=_FEED_MS,
                callback=lambda timer: watchdog.feed(),
            )
            return
        except ValueError:
            pass
