"""The board's clock: the only module of the simulated hardware that asks for the time.

Microseconds that wrap at 2**30, as on the boards and on the 32-bit interpreter. MicroPython's own
functions where they exist (or whatever is laid over `time`), else the same arithmetic.
Two moments can be compared only while they lie less than 2**29 us (about 9 minutes) apart.
"""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PERIOD = 1 << 30
HALF = 1 << 29


def _host_ticks_us() -> int:
    return time.monotonic_ns() // 1000 & (PERIOD - 1)  # noqa: TID251


def _host_ticks_add(ticks: int, delta: int) -> int:
    return (ticks + delta) & (PERIOD - 1)


def _host_ticks_diff(later: int, earlier: int) -> int:
    return ((later - earlier + HALF) & (PERIOD - 1)) - HALF


def _host_sleep_us(duration_us: int) -> None:
    time.sleep(duration_us / 1_000_000)


ticks_us: "Callable[[], int]" = getattr(time, "ticks_us", _host_ticks_us)
ticks_add: "Callable[[int, int], int]" = getattr(time, "ticks_add", _host_ticks_add)
ticks_diff: "Callable[[int, int], int]" = getattr(time, "ticks_diff", _host_ticks_diff)
sleep_us: "Callable[[int], None]" = getattr(time, "sleep_us", _host_sleep_us)
