"""Sensor chips. A driver never waits and, once made, never allocates while all is well.

A chip's file has SETTINGS, the keys of its chips in the configuration (a list is [lowest,
highest], a tuple is every value allowed), DEFAULTS for those that may be left out,
`make(settings, board)`, and a class with

    raw                what the last conversion gave, or the lowest integer: there is none
    due                tick (us) at which to look for the result of the running conversion
    inputs             how many inputs the chip has
    wide               whether `raw` needs 32 bits instead of 16
    conversion_us      the longest that an input takes from `start` to its result, all being well
    coldest_c          only where it is rated from so many °C on and cannot tell that it is colder
    check()            configure the chip and read that back: OK, or a status that says what failed
    start(input)       begin a conversion
    poll(now)          look for its result: CONVERTING, or a status of axwire.codes with `raw` set

Each of the three may raise OSError: the chip does not answer. A value that was converted is given
with the status of its fault, for it may help to find it. A conversion that takes twice its nominal
time ends as STUCK. `poll` reads a result once, and gives each one it has read.

Where `check` would cost samples there is also `verify()`: who the chip is and how it is set up, as
far as it can tell, with nothing changed.

A sensor whose results are made of many samples has `features`, its last window (features.py), and
`period_ns`, the time from sample to sample; `window_us` is the longest that a window takes before
the first of its inputs has a result. Whoever sends waveforms looks at `features.due` when a
result has come, takes `features.data` before the next window begins, and sets `due` to False.
"""

from micropython import const

CONVERTING = const(-1)
"""Not a status: look again when `due` has come."""

MISSING_16 = const(-0x8000)
"""The lowest 16-bit integer: no value."""

MISSING_32 = -0x80000000
"""The lowest 32-bit integer: no value of a chip that is `wide`."""
