"""The board that `machine` works on: its hardware, the host, the watchdog and the clock."""

import os

from simulators.board import power
from simulators.board.control import Control
from simulators.board.errors import BoardError
from simulators.board.hardware import Hardware
from simulators.board.host import Host
from simulators.board.spares import set_aside
from simulators.board.ticks import ticks_add, ticks_diff, ticks_us
from simulators.board.wiring import read_wiring

try:
    from simulators.board import descriptors
except ImportError:
    from simulators.board import descriptors_host as descriptors  # type: ignore[no-redef]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from simulators.board.host import Channel
    from simulators.board.line import Line

_PUMP_US = 5_000
_PUMP_WITH_TIMERS_US = 1_000
_SETTLE_US = 60_000_000
_ALARM_LATER_US = 50_000
"""The operating system ends a run that the watchdog should have ended this long before: only one
that no longer touches the hardware, for it leaves no account."""


class Board:
    """`touch` is called at every access to the hardware, if the world GOES_ON while code runs."""

    GOES_ON = True

    def __init__(
        self,
        wiring: "dict[str, Any]",
        clock: "Callable[[], int]" = ticks_us,
        control: "Channel | None" = None,
        cause: int = power.PWRON_RESET,
        system: "ModuleType" = descriptors,
        open_line: "Callable[[str], Line] | None" = None,
    ) -> None:
        self.ticks_us = clock
        self.cause = cause
        self.hardware = Hardware(wiring, clock, system, open_line)
        if self.hardware.flash is not None:
            self.hardware.flash.connect(self.hold, lambda: self.leave(power.EXIT_POWER_CUT))
        self.host = Host(self.hardware, clock, control)
        self.timers: "list[Any]" = []
        self._system = system
        self._lines = list(self.hardware.uart.values())
        self._watchdog_us = 0
        self._fed_us = 0
        self._pump_us = clock()
        self._settle_us = ticks_add(self._pump_us, _SETTLE_US)

    def touch(self) -> None:
        """Let the world outside go on: the host's frames, watchdog, lines and timers."""
        now_us = self.ticks_us()
        if not -_PUMP_US <= ticks_diff(now_us, self._pump_us) < 0:
            self._pump(now_us)

    def plan(self) -> None:
        """Something that happens by itself may now happen earlier than it would have."""

    def hold(self, duration_us: int) -> None:
        """The flash is busy for so long; nothing else runs meanwhile, no interrupt either."""

    def feed_watchdog(self, timeout_us: int = 0) -> None:
        """Put the watchdog off by its timeout; with a timeout given, start it."""
        if timeout_us:
            self._watchdog_us = timeout_us
        else:
            self.host.feeds += 1
        self._fed_us = self.ticks_us()
        self._system.exit_after(self._watchdog_us + _ALARM_LATER_US)

    def leave(self, code: int) -> None:
        """End this run of the board, with a last word to the host."""
        self.host.report()
        self._system.exit_now(code)

    def _pump(self, now_us: int) -> None:
        self._pump_us = ticks_add(now_us, _PUMP_WITH_TIMERS_US if self.timers else _PUMP_US)
        if self._watchdog_us and ticks_diff(now_us, self._fed_us) >= self._watchdog_us:
            self.leave(power.EXIT_WATCHDOG)
        self.host.pump()
        if self.host.gone():
            self._system.exit_now(power.EXIT_POWER_CUT)
        for line in self._lines:
            line.tend(now_us)
        for timer in self.timers:
            timer.run(now_us)
        if ticks_diff(now_us, self._settle_us) >= 0:
            self._settle_us = ticks_add(now_us, _SETTLE_US)
            self.hardware.settle(now_us)


_installed: "list[Board]" = []


def install(board: Board) -> None:
    """Make this the board that `machine` works on."""
    _installed[:] = [board]


def current() -> Board:
    """The installed board. Raises BoardError when there is none."""
    if not _installed:
        raise BoardError("no board has been powered up")
    return _installed[0]


def power_up(
    make: "Callable[[dict[str, Any], tuple[int, int] | None, int], Board] | None" = None,
) -> Board:
    """Install the board that the environment describes (see the package), and tell the host.

    `make(wiring, channel, cause)` makes it; without it, one in real time.
    Raises WiringError, or BoardError for a cause that does not exist.
    """
    cause = os.getenv("AXSIM_RESET_CAUSE") or "power_on"
    if cause not in power.CAUSES:
        raise BoardError("AXSIM_RESET_CAUSE is one of " + ", ".join(sorted(power.CAUSES)))
    channel = None
    fds = os.getenv("AXSIM_CONTROL")
    if fds:
        in_fd, out_fd = fds.split(",")
        channel = (int(in_fd), int(out_fd))
    path = os.getenv("AXSIM_WIRING")
    if not path:
        raise BoardError("AXSIM_WIRING does not name a wiring file")
    wiring = read_wiring(path)
    board = (make or _in_real_time)(wiring, channel, power.CAUSES[cause])
    install(board)
    set_aside(wiring)
    board.host.report()
    return board


def _in_real_time(
    wiring: "dict[str, Any]", channel: "tuple[int, int] | None", cause: int
) -> Board:
    control = None if channel is None else Control(descriptors, *channel)
    return Board(wiring, control=control, cause=cause)
