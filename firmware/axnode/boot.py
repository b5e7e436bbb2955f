"""Why this boot began, and how many resets in a row led to it. Needed at start-up only.

A reset belongs to the row while no boot since the one before has run for a minute; one that was
asked for begins a new row. Supply that comes or dips, and the RUN pin of an RP2040, are not the
firmware's fault: they end it. It is kept in the file `resets`, there only while there is a row.

What a reset is told from:

    RP2040  the watchdog's REASON register (datasheet 4.7.6) tells its time-out from machine.reset,
            which MicroPython calls WDT_RESET both; CHIP_RESET (2.12.8) tells supply from the RUN
            pin. Both hold what the last reset of their kind left, so REASON is asked first.
            Power-on and brown-out are one flag, HAD_POR. Unverified on a board.
    others  machine.reset_cause. An ESP32 calls a brown-out PWRON_RESET, and machine.reset and a
            crash of the interpreter HARD_RESET (MicroPython's ports/esp32/modmachine.c).
"""

import os
import sys

import machine
from micropython import const

from axwire.codes import RESET_CAUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Start = tuple[int, int, bool]

RESETS_FILE = "resets"
SAFE_AFTER = const(4)

_REASON = 0x4005_8008
_REASON_TIMER = const(1)
_REASON_FORCE = const(2)
_CHIP_RESET = 0x4006_4008
_HAD_POR = const(1 << 8)
_HAD_RUN = const(1 << 16)
_HAD_PSM_RESTART = const(1 << 20)

_CAUSES = (
    ("PWRON_RESET", "power_on"),
    ("HARD_RESET", "hard"),
    ("WDT_RESET", "watchdog"),
    ("SOFT_RESET", "soft"),
    ("DEEPSLEEP_RESET", "deep_sleep"),
    ("BROWN_OUT_RESET", "brown_out"),
)
"""Names in `machine`, of which each port has some."""


def begin() -> "Start":
    """Look why this boot began, and count it; once in each boot. Returns

    the cause, a number of axwire.codes
    how many resets led here in a row, with this one
    whether they are so many that the node is to do nothing but speak
    """
    if "RP2040" in getattr(sys.implementation, "_machine", ""):
        cause, own = rp2040_cause(machine.mem32)
    else:
        cause, own = named_cause(machine)
    row = _count(own)
    return RESET_CAUSES.index(cause), row, row >= SAFE_AFTER


def rp2040_cause(registers: "Any") -> "tuple[str, bool]":
    """The cause in a word of axwire.codes, and whether the firmware brought it about.

    `registers` are read by address.
    """
    reason = registers[_REASON]
    if reason & _REASON_TIMER:
        return "watchdog", True
    if reason & _REASON_FORCE:
        return "hard", True
    flags = registers[_CHIP_RESET]
    if flags & _HAD_POR:
        return "power_on", False
    if flags & (_HAD_RUN | _HAD_PSM_RESTART):
        return "hard", False
    return "unknown", True


def named_cause(port: "Any") -> "tuple[str, bool]":
    """The same by what a port's `machine` says."""
    found = port.reset_cause()
    for name, cause in _CAUSES:
        if getattr(port, name, None) == found:
            return cause, cause not in ("power_on", "brown_out")
    return "unknown", True


def _count(own: bool) -> int:
    """The row with this reset; at its limit the file is left as it is."""
    row = 0
    try:
        if not own:
            os.remove(RESETS_FILE)
            return 0
        with open(RESETS_FILE) as file:
            row = int(file.read())
    except (OSError, ValueError):
        pass
    if not own or row >= SAFE_AFTER:
        return row
    row += 1
    try:
        with open(RESETS_FILE, "w") as file:
            file.write(str(row))
    except OSError:
        pass
    return row
