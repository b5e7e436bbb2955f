"""Time that the bench owns: it stands still while code runs and passes in waits alone.

What the firmware finds as `time` in lock-step (layout.py, lockstep.py). Each wait costs
`wake_up_us` beyond its length, by default nothing: the time of a task switch and of what the
firmware does until it waits again. Code that waits by looking at the clock gets on all the same:
after PATIENCE looks without a wait, each look takes a microsecond.

The counters wrap at 2**30, as on the boards; an interpreter whose own do not is given these.
"""

try:
    import utime  # type: ignore[import-not-found]
    from utime import ticks_add, ticks_diff
except ImportError:
    utime = None

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PERIOD = 1 << 30
_MASK = PERIOD - 1
_HALF = 1 << 29
_LONGEST_MS = 300_000
"""A longer wait is taken in parts, for the microseconds wrap in it."""
PATIENCE = 10_000
_EPOCH_S = 1_609_459_200
"""A board whose clock was never set believes it is 2021-01-01."""

if utime is not None and ticks_add(_MASK, 1):
    try:
        from simulators.board.ticks_viper import ticks_add, ticks_diff
    except (ImportError, SyntaxError, ValueError):
        pass
if utime is None or ticks_add(_MASK, 1):

    def ticks_add(ticks: int, delta: int) -> int:
        return (ticks + delta) & _MASK

    def ticks_diff(later: int, earlier: int) -> int:
        return ((later - earlier + _HALF) & _MASK) - _HALF


class Clock:
    """`us` and `ms` are what the tick functions say; nothing here allocates.

    Up to `horizon_us` time passes without anyone being asked; there `at_horizon` is called, which
    must move the horizon on; `until_us` is then the end of the wait. `waits` counts what the
    firmware waited for, `stirs` the moments at which something may have changed that a poll would
    find; it is `calm` as long as nothing has since the only poll there is found nothing.
    """

    def __init__(self) -> None:
        self.us = 0
        self.ms = 0
        self.until_us = 0
        self.waits = 0
        self.stirs = 0
        self.calm = False
        self.wake_up_us = 0
        self.horizon_us = 0
        self.at_horizon: "Callable[[], None]" = self.free_run
        self._sub_us = 0
        self.looks = 0

    def set(self, us: int, ms: int, sub_us: int) -> None:
        """Begin at these ticks, and so many microseconds after a whole millisecond."""
        self.us = self.horizon_us = self.until_us = us
        self.ms = ms
        self._sub_us = sub_us

    def free_run(self) -> None:
        """With nobody to ask, the horizon is always far away."""
        self.horizon_us = ticks_add(self.us, _HALF - 1)

    def stir(self) -> None:
        """Something may have changed that a poll would find."""
        self.stirs = self.stirs + 1 & _MASK
        self.calm = False

    def skip_ms(self, duration_ms: int) -> bool:
        """Wait for so many edges of the millisecond counter, at least one, if nothing happens
        until then. False: something does, and no time has passed."""
        if duration_ms > _LONGEST_MS or self.wake_up_us:
            return False
        until_us = ticks_add(self.us, duration_ms * 1000 - self._sub_us)
        if ticks_diff(until_us, self.horizon_us) >= 0:
            return False
        self.us = until_us
        self.ms = ticks_add(self.ms, duration_ms)
        self._sub_us = 0
        self.looks = 0
        self.waits = self.waits + 1 & _MASK
        return True

    def step(self, until_us: int) -> None:
        """Time passes until then or to the horizon, whichever comes first."""
        if ticks_diff(until_us, self.horizon_us) < 0:
            self._move(until_us)
        else:
            self.until_us = until_us
            self._move(self.horizon_us)
            self.at_horizon()

    def step_ms(self, until_ms: int) -> None:
        """`step` to the edge at which the millisecond counter becomes `until_ms`, or towards it
        where it is minutes away."""
        rest_ms = ticks_diff(until_ms, self.ms)
        if rest_ms > _LONGEST_MS:
            rest_ms = _LONGEST_MS
        until_us = ticks_add(self.us, rest_ms * 1000 - self._sub_us)
        if rest_ms > 0 and ticks_diff(until_us, self.horizon_us) < 0:
            self.us = until_us
            self.ms = ticks_add(self.ms, rest_ms)
            self._sub_us = 0
            self.looks = 0
        else:
            self.step(until_us)

    def pass_until(self, until_us: int) -> None:
        """Time passes until then, less than 2**29 us from now."""
        while ticks_diff(until_us, self.us) > 0:
            self.step(until_us)

    def wake(self) -> None:
        """A wait is over."""
        self.waits = self.waits + 1 & _MASK
        if self.wake_up_us:
            self.pass_until(ticks_add(self.us, self.wake_up_us))

    def _move(self, us: int) -> None:
        sub_us = self._sub_us + ticks_diff(us, self.us)
        if sub_us >= 1000:
            self.ms = ticks_add(self.ms, sub_us // 1000)
            sub_us %= 1000
        self._sub_us = sub_us
        self.us = us
        self.looks = 0

    def lose_patience(self) -> None:
        """A microsecond passes, and one more at the next look."""
        self.pass_until(ticks_add(self.us, 1))
        self.looks = PATIENCE


clock = Clock()
"""The one of this board."""


def ticks_us() -> int:
    clock.looks = looks = clock.looks + 1
    if looks > PATIENCE:
        clock.lose_patience()
    return clock.us


def ticks_ms() -> int:
    clock.looks = looks = clock.looks + 1
    if looks > PATIENCE:
        clock.lose_patience()
    return clock.ms


ticks_cpu = ticks_us


def sleep_us(duration_us: int) -> None:
    if duration_us >= 1000:
        sleep_ms(duration_us // 1000)
        duration_us %= 1000
    if duration_us > 0:
        clock.pass_until(ticks_add(clock.us, duration_us))
        clock.wake()


def sleep_ms(duration_ms: int) -> None:
    while duration_ms > 0:
        part_ms = duration_ms if duration_ms < _LONGEST_MS else _LONGEST_MS
        clock.pass_until(ticks_add(clock.us, part_ms * 1000))
        duration_ms -= part_ms
    clock.wake()


def sleep(duration_s: float) -> None:
    sleep_us(int(duration_s * 1_000_000))


def time() -> int:
    """Seconds since 1970 on a board that nobody told the date; wraps as `ticks_ms` does."""
    return _EPOCH_S + clock.ms // 1000


def time_ns() -> int:
    return time() * 1_000_000_000


def gmtime(seconds: "int | None" = None) -> "Any":
    return utime.gmtime(time() if seconds is None else seconds)


localtime = gmtime
