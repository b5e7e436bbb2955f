"""Another period of a group while the node runs. Loaded for that command alone.

It holds until the next reset. The first row at the new period begins where the next row is due, or
earlier, a whole number of new periods behind the row before: rows on both sides lie on exact
grids, and what is being converted has its time, so nothing is lost.
"""

from array import array
from time import ticks_add, ticks_diff

from uctypes import addressof, bytearray_at

from axnode.unloading import unload
from axwire.codes import COMMAND_PERIOD, DONE, NOT_POSSIBLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from axnode.block import Block
    from axnode.node import Node
    from axnode.sampler import Row, Scan

_LONGEST_MS = 60_000
_LAST_REVISION = 0xFFFF


def ask_period(node: "Node", arguments: "list[int]") -> "int | None":
    """Have the group `arguments[0]` sampled each `arguments[1]` ms, as the command that was heard
    last asks; the result, or None: it comes when it is so.

    NOT_POSSIBLE: there is no such group or period, its chips take longer for a row, there is no
    memory for it, or another period is on its way already.
    """
    result = _begin(node, arguments)
    if result is not None and node.sampler.retiming is None:
        unload("axnode.retiming")
    return result


class Retiming:
    """A group's next row begins at another period, which is then told and answered."""

    def __init__(self, node: "Node", row: "Row", period_ms: int) -> None:
        self.row = row
        self._node = node
        self._sequence = node.session.down_sequence or 0
        self._period_ms = period_ms

    def begin(self) -> None:
        """The row begins; all rows before it have been taken."""
        node = self._node
        self.row.set_period(self._period_ms)
        node.sampler.retiming = None
        reports = node.reports
        # What comes from now on is read with another table.
        reports.revision += 1
        reports.table_sequence = node.outbox.sequence
        reports.hello(node.about)
        node.session.answer(self._sequence, COMMAND_PERIOD, DONE)
        unload("axnode.retiming")


def _begin(node: "Node", arguments: "list[int]") -> "int | None":
    sampler = node.sampler
    if len(arguments) != 2 or not arguments[0] < len(sampler.rows):
        return NOT_POSSIBLE
    row = sampler.rows[arguments[0]]
    period_ms = arguments[1]
    if sampler.retiming is not None or node.reports.revision == _LAST_REVISION:
        return NOT_POSSIBLE
    if period_ms == row.block.group.period_ms:
        return DONE
    if not 0 < period_ms <= _LONGEST_MS or not _is_possible(sampler.scans, row, period_ms):
        return NOT_POSSIBLE
    capacity = min(row.most, sampler.flush_us // 1000 // period_ms + 2)
    if capacity > row.block.capacity:
        try:
            _grow(row.block, capacity)
        except MemoryError:
            return NOT_POSSIBLE
    # Where the next row is due or, earlier, at the first new period behind the next flush: the
    # sampler may sleep up to there.
    period_us = period_ms * 1000
    begun_us = ticks_diff(sampler.flush_at, row.began)
    sooner = ticks_add(row.began, (begun_us // period_us + 1) * period_us)
    if begun_us >= 0 and ticks_diff(sooner, row.next) < 0:
        row.next = sooner
        if ticks_diff(sooner, sampler.row_at) < 0:
            sampler.row_at = sooner
    sampler.retiming = Retiming(node, row, period_ms)
    return None


def _grow(block: "Block", capacity: int) -> None:
    """Have room for so many rows from now on; what is finished stays. Raises MemoryError."""
    size = capacity * block.channels * block.width
    numbers = array("i" if block.width == 4 else "h", bytes(size))
    values = memoryview(bytearray_at(addressof(numbers), size))
    steps = memoryview(bytearray(capacity * block.channels))
    finished = block.rows * block.channels
    values[: finished * block.width] = block.values[: finished * block.width]
    steps[:finished] = block.steps[:finished]
    block.numbers = numbers
    block.values = values
    block.steps = steps
    block.capacity = capacity


def _is_possible(scans: "list[Scan]", changed: "Row", period_ms: int) -> bool:
    """Whether each chip of the group can still serve all groups it serves, in time for each."""
    for scan in scans:
        if changed in [slot.row for slot in scan.slots]:
            for slot in scan.slots:
                if not _keeps_up(scan, slot.row, changed, period_ms):
                    return False
    return True


def _keeps_up(scan: "Scan", row: "Row", changed: "Row", period_ms: int) -> bool:
    """Whether a chip can do within a period of `row` all that is asked of it meanwhile."""
    period = _period_ms(row, changed, period_ms)
    each_ms = (scan.driver.conversion_us + 999) // 1000 + 1
    needed_ms = 0
    if scan.features is not None:
        needed_ms = (scan.driver.window_us + 999) // 1000
    for slot in scan.slots:
        other = _period_ms(slot.row, changed, period_ms)
        times = 1 if slot.row is row else (period + other - 1) // other
        needed_ms += times * each_ms
    return needed_ms <= period


def _period_ms(row: "Row", changed: "Row", period_ms: int) -> int:
    return period_ms if row is changed else row.block.group.period_ms
