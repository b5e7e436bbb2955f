"""What the firmware of a board with a prompt finds as `time` and `select`: MicroPython's own, in
whose waits Ctrl-C is noticed (process.py)."""

import uselect  # type: ignore[import-not-found]
import utime  # type: ignore[import-not-found]

from simulators.board.process import hold_interrupts, let_interrupts_through

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def sleep(duration_s: float) -> None:
    _wait(utime.sleep, duration_s)


def sleep_ms(duration_ms: int) -> None:
    _wait(utime.sleep_ms, duration_ms)


def sleep_us(duration_us: int) -> None:
    _wait(utime.sleep_us, duration_us)


class poll:  # noqa: N801 MicroPython's name
    """As MicroPython's."""

    def __init__(self) -> None:
        own: "Any" = uselect.poll()
        self.register = own.register
        self.unregister = own.unregister
        self.modify = own.modify
        self._poll = own.poll
        self._ipoll = own.ipoll

    def poll(self, timeout_ms: int = -1, flags: int = 0) -> "Any":
        return _wait(self._poll, timeout_ms, flags)

    def ipoll(self, timeout_ms: int = -1, flags: int = 0) -> "Any":
        return _wait(self._ipoll, timeout_ms, flags)


def _wait(waiting: "Callable[..., Any]", *arguments: "Any") -> "Any":
    try:
        let_interrupts_through()
        return waiting(*arguments)
    finally:
        hold_interrupts()
