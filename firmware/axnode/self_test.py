"""The self-test: each chip between two of its conversions, then the board. Loaded for it alone."""

import gc
import os

from micropython import const

from axwire.codes import DONE, EVENT_BOARD_TESTED, EVENT_CHIP_TESTED, FAILED, OK, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from axnode.reports import Reports
    from axnode.sampler import Scan

_FILE = "self-test"
_WAITS = const(25)
_PATTERN = bytes(range(256))


class SelfTest:
    """One run of it, asked for by the command with that sequence: an event for each chip as the
    sampler finds it, and one for the board at the end."""

    def __init__(self, sequence: int, scans: "list[Scan]", reports: "Reports") -> None:
        self.sequence = sequence
        self._reports = reports
        self._left = len(scans)
        self._waits = _WAITS
        self._result = DONE
        for scan in scans:
            scan.testing = True

    def chip(self, scan: "Scan", status: int, tick: int) -> None:
        """The sampler asked a chip."""
        first = min([slot.row.block.group.first + slot.column for slot in scan.slots])
        self._reports.event(EVENT_CHIP_TESTED, (scan.number, first, status), tick)
        self._left -= 1
        if status != OK:
            self._result = FAILED

    def is_board_next(self, quiet: bool) -> bool:
        """Whether all chips were asked and no bytes arrive, which writing flash might lose; they
        are waited out for 5 s. To be called five times a second."""
        if not self._left:
            self._waits -= 1
        return not self._left and (quiet or self._waits < 0)

    def board(self, temperature_centi_c: "int | None", supply_mv: "int | None", tick: int) -> int:
        """Test flash and report the board; the result of the whole."""
        flash = 0 if _flash_works() else 1
        if flash:
            self._result = FAILED
        gc.collect()
        found = (
            flash,
            gc.mem_free(),
            UNKNOWN if temperature_centi_c is None else temperature_centi_c,
            UNKNOWN if supply_mv is None else supply_mv,
        )
        self._reports.event(EVENT_BOARD_TESTED, found, tick)
        return self._result


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
