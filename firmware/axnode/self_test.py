"""The self-test: each chip between two of its conversions, then the board. Loaded for it alone."""

import gc
import os

from micropython import const

from axnode.unloading import unload
from axwire.codes import (
    COMMAND_SELF_TEST,
    DONE,
    EVENT_BOARD_TESTED,
    EVENT_CHIP_TESTED,
    FAILED,
    NO_ANSWER,
    NOT_POSSIBLE,
    OK,
    UNKNOWN,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from axnode.node import Node
    from axnode.sampler import Scan

_FILE = "self-test"
_WAITS = const(25)
_PATTERN = bytes(range(256))


def begin_test(node: "Node") -> "int | None":
    """Begin one as the command that was heard last asks; the result, or None: it comes later.

    NOT_POSSIBLE: one is under way.
    """
    if node.chore is not None:
        return NOT_POSSIBLE
    node.chore = SelfTest(node)
    return None


class SelfTest:
    """One run of it: an event for each chip as the sampler finds it free, one for the board, and
    the answer to the command."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._sequence = node.session.down_sequence or 0
        self._left = list(node.sampler.scans)
        self._waits = _WAITS
        self._result = DONE
        node.sampler.test = self.chip

    def chip(self, scan: "Scan", now: int) -> None:
        """A chip converts nothing now: ask it, once. One that is not what it should be failed."""
        if scan not in self._left:
            return
        self._left.remove(scan)
        driver = scan.driver
        try:
            if scan.failing == OK:
                status = getattr(driver, "verify", driver.check)()
            else:
                status = scan.failing = driver.check()
        except OSError:
            status = NO_ANSWER
        node = self._node
        if status != OK:
            self._result = FAILED
            node.sampler.fail(scan, status, now)
        number = node.sampler.scans.index(scan)
        first = min([slot.row.block.group.first + slot.column for slot in scan.slots])
        node.reports.event(EVENT_CHIP_TESTED, (number, first, status), now)
        if not self._left:
            node.sampler.test = None

    def tend(self, quiet: bool) -> None:
        """Test the board once all chips were asked and no bytes arrive, which writing flash might
        lose; they are waited out for 5 s. To be called five times a second."""
        if self._left:
            return
        self._waits -= 1
        if quiet or self._waits < 0:
            self._board()

    def _board(self) -> None:
        """Test flash, tell how the board is, and answer."""
        flash = 0 if _flash_works() else 1
        if flash:
            self._result = FAILED
        node = self._node
        node.report_health()
        temperature = node.temperature()
        supply = None if node.vitals is None else node.vitals.supply_mv()
        found = (
            flash,
            gc.mem_free(),
            UNKNOWN if temperature is None else temperature,
            UNKNOWN if supply is None else supply,
        )
        node.reports.event(EVENT_BOARD_TESTED, found, node.clock.tick())
        node.session.answer(self._sequence, COMMAND_SELF_TEST, self._result)
        node.chore = None
        unload("axnode.self_test")


def _flash_works() -> bool:
    """Write a small file, read it back, remove it."""
    try:
        with open(_FILE, "wb") as file:
            file.write(_PATTERN)
        with open(_FILE, "rb") as file:
            same = file.read() == _PATTERN
        os.remove(_FILE)
        return same and _FILE not in os.listdir()
    except OSError:
        return False
