"""`machine.Timer` and `machine.WDT`."""

from simulators.board.board import current
from simulators.board.ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    schedule: Callable[[Callable[[Any], Any], Any], None]
else:
    try:
        from micropython import schedule
    except ImportError:

        def schedule(callback, argument):
            callback(argument)


class Timer:
    """A software timer. No interrupt is simulated: callbacks are handed to MicroPython's scheduler
    when the firmware next touches the hardware, to about a millisecond, once however many periods
    have passed; `missed` counts the others, and those that the scheduler had no room for."""

    ONE_SHOT, PERIODIC = 0, 1

    def __init__(self, id: int = -1, **kwargs: "Any") -> None:
        self.missed = 0
        self._callback: "Callable[[Timer], Any] | None" = None
        self._mode = self.PERIODIC
        self._period_us = 0
        self.due_us = 0
        if kwargs:
            self.init(**kwargs)

    def init(
        self,
        *,
        mode: int = PERIODIC,
        freq: float = -1,
        period: int = -1,
        callback: "Callable[[Timer], Any] | None" = None,
        tick_hz: int = 1000,
        hard: bool = False,
    ) -> None:
        """`period` in 1/`tick_hz` of a second, or `freq` in Hz. ValueError without a period."""
        self.deinit()
        self._period_us = int(1_000_000 / freq) if freq > 0 else period * 1_000_000 // tick_hz
        if self._period_us < 1:
            raise ValueError("a timer needs a period")
        self._callback = callback
        self._mode = mode
        self.due_us = ticks_add(current().ticks_us(), self._period_us)
        current().timers.append(self)
        current().plan()

    def deinit(self) -> None:
        timers = current().timers
        if self in timers:
            timers.remove(self)

    def run(self, now_us: int) -> None:
        """Called by the board now and then: hand over the callback if it is due."""
        late_us = ticks_diff(now_us, self.due_us)
        if late_us < 0:
            return
        if self._mode == self.ONE_SHOT:
            self.deinit()
        else:
            periods = late_us // self._period_us + 1
            self.missed += periods - 1
            self.due_us = ticks_add(self.due_us, periods * self._period_us)
        if self._callback is not None:
            try:
                schedule(self._callback, self)
            except RuntimeError:
                self.missed += 1


class WDT:
    """The watchdog. When it is not fed in time the process ends with power.EXIT_WATCHDOG at the
    next access to the hardware, or without one, in an endless loop, soon after, and then without
    a last word to the host. ValueError for a timeout that the board's hardware cannot count."""

    def __init__(self, id: int = 0, timeout: int = 5000) -> None:
        board = current()
        if not 1 <= timeout <= board.hardware.watchdog_max_ms:
            raise ValueError("timeout must be 1 to %d" % board.hardware.watchdog_max_ms)
        board.feed_watchdog(timeout * 1000)

    def feed(self) -> None:
        board = current()
        board.feed_watchdog()
        board.touch()
