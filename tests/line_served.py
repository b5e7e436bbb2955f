"""The line's page served for real, and pictures of it."""

import threading
from collections.abc import Callable

from crew_page.served_app import ServedApp
from line_in_memory import NODES, TestLine

from hil.station.errors import StationError
from hil.station.line_page import create_line_app
from hil.station.line_state import Done


class ServedLine(ServedApp):
    """The page of this line."""

    def __init__(self, line: TestLine) -> None:
        super().__init__(lambda: create_line_app(line.line))


WRONG = StationError(
    "this is no Raspberry Pi Pico: it says it is a Generic ESP32 module with ESP32",
    "Plug in a Raspberry Pi Pico, or name the right kind with --board",
    code="wrong_board",
)
WORN = StationError(
    "axnode/self_test.mpy cannot be read back as it was written",
    "Flash it again; if that does not help, its flash is worn: set it aside",
    code="worn",
)
TAKEN = StationError(
    "board e6614103e7174a2f is axles-1 of TE33A-0123",
    "Plug that one in; or, if this one is to take its place, first: "
    "axlebox station records swap TE33A-0123 axles-1",
    code="place_taken",
)


def busy(line: TestLine) -> Callable[[], None]:
    """Six boards, in each state that there is; what is returned lets the one at work end."""
    line.work.done = [_earlier(number) for number in reversed(range(EARLIER))]
    for slot in range(1, 7):
        line.plug(f"0:2.{slot}")
    for error, node in ((None, "motors-a"), (WRONG, "motors-b"), (TAKEN, "axles-1")):
        line.scan(f"TE33A-0123/{node}")
        line.run(error)
    line.scan("TE33A-0123/brakes-a")
    begun, end = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        end.wait()

    line.work.during = work
    line.work.error = None
    thread = threading.Thread(target=line.jobs.pop(0))
    thread.start()
    begun.wait()
    line.scan(LAST)

    def finish() -> None:
        end.set()
        thread.join()

    return finish


LAST = "TE33A-0123/axles-2"
"""The place that is scanned last."""

EARLIER = 20
"""Boards that came to their end before; each seventh failed."""


def _earlier(number: int) -> Done:
    passed = number % 7 != 3
    return Done(
        at=f"{8 + number // 4:02}:{number % 4 * 14 + 3:02}",
        place=f"TE33A-{119 + number // 6:04}/{NODES[number % 6]}",
        unique_id=f"{0xE661410300000000 + number:016x}",
        passed=passed,
        said="" if passed else "the board was pulled or reset itself",
    )
