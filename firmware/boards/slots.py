"""Which of two copies of the firmware this boot runs: its slot. It stays on the board for good.

    slot 0  the root of the file system, where a person copies the firmware to
    slot 1  the folder `b`

An update (axnode.update) fills the slot that does not run and marks it NEW. The next boot runs it
on trial; unless that ends with KEPT, the boot after it is back in the slot before, which nobody
has touched. So whatever a new firmware does or fails to do, it takes no person to be rid of it.

The mark lies in `slot.0` and `slot.1`, both alike: generation, slot, mark, release and CRC-32.
Without one, slot 0 runs. LittleFS puts a file that is closed in place of the one before at once.
"""

import sys
from binascii import crc32
from time import ticks_add, ticks_diff, ticks_ms

import machine
from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import WDT

FOLDERS = ("", "b")

KEPT = const(0)
UNFIT = const(1)
BEGUN = const(2)
SILENT = const(3)
MISFIT = const(4)
NEW = const(5)
UNDONE = const(16)
"""Marks: of the slot that runs and has nothing to prove; of one on trial, that it crashed, that it
was begun, that it did not reach the gateway, that the node's configuration is none to it; of one
that is to be tried. UNDONE, and the mark that it had: of the slot that runs instead of it."""

_TRIAL_MS = const(135_000)
"""The firmware itself ends its trial after 2 minutes; this is for one that does not."""

chosen = (0, KEPT, 0)
"""Slot, mark and release of the mark, as `choose` left them."""


def choose(watchdog: "WDT") -> "WDT | Trial":
    """Find what this boot is to run, and have its modules be found first.

    Returns what is to be fed in place of `watchdog`.
    """
    global chosen
    _, slot, mark, release = newest()
    if mark == NEW:
        # One that cannot be put on trial is not run: nothing would end it.
        if set_mark(slot, BEGUN, release):
            mark = BEGUN
        else:
            slot, mark = 1 - slot, KEPT
    elif KEPT < mark < NEW:
        slot, mark = 1 - slot, UNDONE + mark
        set_mark(slot, mark, release)
    chosen = (slot, mark, release)
    if slot:
        sys.path.insert(0, FOLDERS[slot])
    return Trial(watchdog) if mark == BEGUN else watchdog


def end(mark: int) -> None:
    """The slot that runs has this mark now."""
    global chosen
    slot, _, release = chosen
    set_mark(slot, mark, release)
    chosen = (slot, mark, release)


def crashed() -> None:
    """What ran ended with an error."""
    if chosen[1] == BEGUN:
        end(UNFIT)


def set_mark(slot: int, mark: int, release: int) -> bool:
    """Whether it could be written: the boots from now on go by it."""
    generations = [_read(0)[0], _read(1)[0]]
    older = int(generations[1] < generations[0])
    line = b"%d %d %d %d" % (max(generations) + 1, slot, mark, release)
    line += b" %08x\n" % (crc32(line) & 0xFFFFFFFF)
    done = _write(older, line)
    _write(1 - older, line)
    return done


def newest() -> "tuple[int, int, int, int]":
    """Generation, slot, mark and release of the mark that counts; zeros where there is none."""
    return max(_read(0), _read(1))


class Trial:
    """The watchdog of a boot that is on trial: it stops being fed when the time is up."""

    def __init__(self, watchdog: "WDT") -> None:
        self._watchdog = watchdog
        self._until = ticks_add(ticks_ms(), _TRIAL_MS)

    def keep(self) -> None:
        """It proved itself. From now on the watchdog itself is fed."""
        end(KEPT)
        self.feed = self._watchdog.feed  # type: ignore[method-assign]

    def feed(self) -> None:
        if ticks_diff(self._until, ticks_ms()) < 0:
            end(SILENT)
            machine.reset()
        self._watchdog.feed()


def _read(copy: int) -> "tuple[int, int, int, int]":
    try:
        with open("slot.%d" % copy, "rb") as file:
            line = file.read(64)
        generation, slot, mark, release, crc = line.split()
        if int(crc, 16) == crc32(line[: line.rindex(b" ")]) & 0xFFFFFFFF:
            return int(generation), int(slot), int(mark), int(release)
    except (OSError, ValueError):
        pass
    return 0, 0, KEPT, 0


def _write(copy: int, line: bytes) -> bool:
    try:
        with open("slot.%d" % copy, "wb") as file:
            file.write(line)
    except OSError:
        return False
    return True
