"""The one sampling loop: keeps every chip converting and puts the results on an exact time grid.

Row k of a group begins at t0 + k x period; there its chips begin to convert its channels, one
after the other on a chip, all chips at the same time. What is not converted when the next row
begins is missing in its row and counted; the conversion that still runs then serves the next row.
A pass that comes later than a whole period leaves rows out, and counts their channels too.

A pass touches only what is due in it, and allocates nothing unless a status changes. That is why
its functions are small: MicroPython takes the state of a call from the heap where it has more than
eleven words, which are the local names, the deepest expression, and three for a `try`. All times
are ticks of the boot clock.
"""

import asyncio
from time import ticks_add, ticks_diff

from micropython import const

from axwire.codes import NO_ANSWER, NOT_READY, OK, OUT_OF_RANGE
from drivers import CONVERTING, MISSING_16, MISSING_32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from axnode.block import Block
    from axnode.retiming import Retiming
    from axnode.ticks import BootClock
    from drivers.features import Features

    class Sink(Protocol):
        """Where finished rows and changes go."""

        def flush(self, blocks: "list[Block]") -> None: ...
        def status_changed(self, channel: int, old: int, new: int, tick: int) -> None: ...
        def burst(self, channel: int, features: "Features", period_ns: int) -> None: ...


_EARLY_US = const(500)
"""A row may begin this much before its time: the loop sleeps whole milliseconds."""

_HOLD_MS = const(500)
"""A fault is shown for at least this long, lest a loose contact makes a message of each row."""

_BACK_OFF_US = const(100_000)
_BACK_OFF_MOST_US = const(5_000_000)
_IDLE_US = const(1_000_000)

MEAN = const(4)


class Slot:
    """One channel: its input on the chip of `scan`, its column in a row.

    `holding`: rows for which a fault is still shown; -1 before the first row.
    """

    def __init__(self, row: "Row", column: int, number: int) -> None:
        self.row = row
        self.scan: Any = None
        self.column = column
        self.number = number
        self.wanted = False
        self.holding = -1

    @property
    def channel(self) -> int:
        """Its number in the node's channel table."""
        return self.row.block.group.first + self.column


class Row:
    """The row of a group that is being filled, and when the next begins. `scans`: its chips.

    `most` rows fit a message.
    """

    def __init__(self, block: "Block", inputs: "list[int]", most: int = 0) -> None:
        self.block = block
        self.slots = [Slot(self, column, number) for column, number in enumerate(inputs)]
        self.scans: list[Scan] = []
        self.most = most or block.capacity
        self.began = 0
        self.next = 0
        self.left = 0
        self.set_period(block.group.period_ms)

    def set_period(self, period_ms: int) -> None:
        """Of the rows to come. The finished ones must have been taken."""
        self.block.group.period_ms = period_ms
        self.period_us = period_ms * 1000
        self.hold_rows = _HOLD_MS // period_ms

    def open(self) -> None:
        """Begin it: all of its channels are wanted."""
        self.began = self.next
        self.next = ticks_add(self.next, self.period_us)
        self.left = self.block.channels
        for slot in self.slots:
            if not slot.wanted:
                slot.wanted = True
                slot.scan.wanted += 1


class Scan:
    """One chip and the channels on it, taken in turn; retried with back-off when it fails.

    While it converts, `running` is for whom, and `following` the chip that is due after it. Rows
    wait for `wanted` of its channels. `cold`: it is colder than it is rated for. `features`: its
    last window, where it has one.
    """

    cold = False
    features: "Any" = None

    def __init__(self, driver: "Any", slots: "list[Slot]") -> None:
        self.driver = driver
        self.slots = slots
        self.missing = MISSING_32 if driver.wide else MISSING_16
        self.wanted = 0
        self.running: Slot | None = None
        self.following: Scan | None = None
        self.failing = NOT_READY
        self.retry = 0
        self.back_off_us = 0
        self.turn = 0
        if hasattr(driver, "features"):
            self.features = driver.features

    def start(self) -> bool:
        """Begin the next conversion that a row waits for; there must be one. False: no answer."""
        while not self.slots[self.turn].wanted:
            self.turn = (self.turn + 1) % len(self.slots)
        self.running = slot = self.slots[self.turn]
        self.turn = (self.turn + 1) % len(self.slots)
        try:
            self.driver.start(slot.number)
            return True
        except OSError:
            return False

    def poll(self, now: int) -> int:
        """The driver's; where the chip does not answer, NO_ANSWER without a value."""
        try:
            return self.driver.poll(now)
        except OSError:
            self.driver.raw = self.missing
            return NO_ANSWER

    def check(self) -> int:
        """The driver's; where the chip does not answer, NO_ANSWER."""
        try:
            return self.driver.check()
        except OSError:
            return NO_ANSWER


class Sampler:
    """Fills the blocks and hands them to the sink each `flush_ms`, when full, and at each change.

    `missed`   samples that were not taken in time
    `late`     passes that began a row a period or more too late
    `worst_us` the longest that a row began after its time; reset by whoever reports it
    `errors`   failures of chips: no answer, stuck, configuration lost
    `passes`   turns of the loop
    `rows`     of each group, the next at `row_at`; `scans` of each chip
    `flush_at` when rows are handed on next, each `flush_us`
    `test`     is called with each chip that converts nothing now; None: nobody wants to know
    `retiming` is another period for a group, which begins with its next row; None: there is none
    """

    def __init__(
        self,
        clock: "BootClock",
        rows: "list[Row]",
        scans: "list[Scan]",
        sink: "Sink",
        flush_ms: int,
    ) -> None:
        self.missed = 0
        self.late = 0
        self.worst_us = 0
        self.errors = 0
        self.passes = 0
        self._clock = clock
        self.rows = rows
        self.scans = scans
        self.test: Callable[[Scan, int], None] | None = None
        self.retiming: Retiming | None = None
        self._sink = sink
        self._blocks = [row.block for row in rows]
        self._converting: Scan | None = None
        self.flush_us = flush_ms * 1000
        self.flush_at = 0
        self.row_at = 0
        for scan in scans:
            for slot in scan.slots:
                slot.scan = scan
                if scan not in slot.row.scans:
                    slot.row.scans.append(scan)

    async def run(self) -> None:
        """Sample for ever."""
        self.begin(self._clock.tick())
        while True:
            now = self._clock.tick()
            self.step(now)
            if ticks_diff(self.flush_at, now) <= _EARLY_US:
                self.flush(now)
            await asyncio.sleep_ms(self.idle_ms(self._clock.tick()))

    def begin(self, now: int) -> None:
        """All groups begin their first row at the next whole millisecond."""
        start = ticks_add(now, 1000 - self._clock.us_at(now) % 1000)
        for scan in self.scans:
            scan.retry = now
        for row in self.rows:
            row.next = start
            row.began = ticks_add(start, -row.period_us)
        self.row_at = start
        self.flush_at = ticks_add(start, self.flush_us)

    def step(self, now: int) -> None:
        """One pass: take what is converted, begin the rows whose time has come, convert on."""
        self.passes += 1
        scan = self._due(now)
        while scan is not None:
            following = scan.following
            self._collect(scan, now)
            scan = following
        if ticks_diff(self.row_at, now) <= _EARLY_US:
            self._begin_rows(now)
        if self.test is not None:
            self._test_idle(now)

    def flush(self, now: int) -> None:
        """Hand all finished rows to the sink, on a grid of its own."""
        late = ticks_diff(now, self.flush_at)
        skipped = late // self.flush_us if late > 0 else 0
        self.flush_at = ticks_add(self.flush_at, (skipped + 1) * self.flush_us)
        self._sink.flush(self._blocks)

    def end(self, now: int) -> None:
        """Hand all on that was sampled, also what an unfinished row has of it."""
        for row in self.rows:
            if 0 < row.left < row.block.channels:
                self.missed += row.left
                row.left = 0
                self._finish(row)
        self.flush(now)

    def tell_temperature(self, centi_c: "int | None") -> None:
        """Of the board, and so of the chips on it that do not know their own; None: unknown.

        The values of a chip that is too cold go out as OUT_OF_RANGE until it is 1 °C warmer.
        """
        for scan in self.scans:
            coldest_c = getattr(scan.driver, "coldest_c", None)
            if coldest_c is not None and centi_c is not None:
                scan.cold = centi_c < 100 * coldest_c + (100 if scan.cold else 0)

    def idle_ms(self, now: int) -> int:
        """How long nothing is due."""
        wait = ticks_diff(self.flush_at, now)
        until = ticks_diff(self.row_at, now)
        if until < wait:
            wait = until
        wait -= _EARLY_US
        if self._converting is not None:
            until = ticks_diff(self._converting.driver.due, now)
            if until < wait:
                wait = until
        if wait <= 0:
            return 0
        return (wait + 999) // 1000 if wait < _IDLE_US else _IDLE_US // 1000

    def _begin_rows(self, now: int) -> None:
        """Begin the rows whose time has come, and note when the next one's comes."""
        self.row_at = ticks_add(now, _IDLE_US)
        for row in self.rows:
            if ticks_diff(row.next, now) <= _EARLY_US:
                self._begin_row(row, now)
            if ticks_diff(row.next, self.row_at) < 0:
                self.row_at = row.next

    def _begin_row(self, row: Row, now: int) -> None:
        if row.left:
            self.missed += row.left
            row.left = 0
            self._finish(row)
        late = ticks_diff(now, row.next)
        if late > self.worst_us:
            self.worst_us = late
        if late >= row.period_us:
            self._skip(row, late // row.period_us)
        if self.retiming is not None and self.retiming.row is row:
            self._sink.flush(self._blocks)
            self.retiming.begin()
        row.open()
        at = 0
        while at < len(row.scans):
            if row.scans[at].running is None:
                self._convert(row.scans[at], now)
            at += 1

    def _skip(self, row: Row, count: int) -> None:
        """Leave so many rows out."""
        self.late += 1
        self.missed += count * row.block.channels
        row.next = ticks_add(row.next, count * row.period_us)

    def _convert(self, scan: Scan, now: int) -> None:
        """Begin the next conversion that a row waits for; there must be one."""
        if self.test is not None:
            self.test(scan, now)
            if not scan.wanted:
                return
        if scan.failing != OK and not self._recovered(scan, now):
            return
        if scan.start():
            self._await(scan)
        else:
            self.fail(scan, NO_ANSWER, now)

    def _test_idle(self, now: int) -> None:
        """Have the chips tested that wait for their next row."""
        for scan in self.scans:
            if scan.running is None and self.test is not None:
                self.test(scan, now)

    def _await(self, scan: Scan) -> None:
        """Put a chip that converts behind those that are due before it."""
        due = scan.driver.due
        before = None
        after = self._converting
        while after is not None and ticks_diff(after.driver.due, due) <= 0:
            before = after
            after = after.following
        scan.following = after
        if before is None:
            self._converting = scan
        else:
            before.following = scan

    def _due(self, now: int) -> "Scan | None":
        """Take the chips that are due from those that convert; the first of them."""
        first = scan = self._converting
        last = None
        while scan is not None and ticks_diff(scan.driver.due, now) <= 0:
            last = scan
            scan = scan.following
        if last is None:
            return None
        last.following = None
        self._converting = scan
        return first

    def _collect(self, scan: Scan, now: int) -> None:
        """Look for the result of a conversion that is due, and begin the chip's next."""
        status = scan.poll(now)
        if status == CONVERTING:
            self._await(scan)
        elif scan.driver.raw == scan.missing:
            self.fail(scan, status, now)
        else:
            if scan.cold and status == OK:
                status = OUT_OF_RANGE
            self._store(scan.running, scan.driver.raw, status, now)
            scan.running = None
            scan.back_off_us = 0
            if scan.features is not None and scan.features.due:
                self._burst(scan)
            if scan.wanted:
                self._convert(scan, now)

    def _burst(self, scan: Scan) -> None:
        """Hand a window on that is to be looked at, under the channel of the acceleration."""
        scan.features.due = False
        for slot in scan.slots:
            if slot.number == MEAN:
                self._sink.burst(slot.channel, scan.features, scan.driver.period_ns)

    def _recovered(self, scan: Scan, now: int) -> bool:
        """Whether a chip that failed works again; it is asked when its back-off is over."""
        if ticks_diff(scan.retry, now) <= 0:
            status = scan.check()
            if status == OK:
                scan.failing = OK
                return True
            self.fail(scan, status, now)
        else:
            self._give_up(scan, now)
        return False

    def fail(self, scan: Scan, status: int, now: int) -> None:
        self.errors += 1
        scan.running = None
        scan.failing = status
        scan.retry = ticks_add(now, scan.back_off_us)
        longer = scan.back_off_us * 2 or _BACK_OFF_US
        scan.back_off_us = longer if longer < _BACK_OFF_MOST_US else _BACK_OFF_MOST_US
        self._give_up(scan, now)

    def _give_up(self, scan: Scan, now: int) -> None:
        """No row need wait for this chip."""
        at = 0
        while at < len(scan.slots):
            if scan.slots[at].wanted:
                self._store(scan.slots[at], scan.slots[at].row.block.missing, scan.failing, now)
            at += 1

    def _store(self, slot: "Any", raw: int, status: int, now: int) -> None:
        """A channel's part of its row. Its last one finishes the row."""
        block = slot.row.block
        if status != OK or block.row_statuses[slot.column] != OK:
            self._judge(slot, status, now)
        block.row[slot.column] = raw
        slot.wanted = False
        slot.scan.wanted -= 1
        slot.row.left -= 1
        if not slot.row.left:
            self._finish(slot.row)

    def _judge(self, slot: Slot, status: int, now: int) -> None:
        """The channel's status from now on: a fault is held for a while."""
        if status == OK and slot.holding > 0:
            slot.holding -= 1
            return
        before = slot.row.block.row_statuses[slot.column]
        if status != before:
            slot.row.block.row_statuses[slot.column] = status
            if status != OK or slot.holding == 0:
                self._sink.status_changed(slot.channel, before, status, now)
        slot.holding = 0 if status == OK else slot.row.hold_rows

    def _finish(self, row: Row) -> None:
        block = row.block
        if block.rows and (
            ticks_diff(row.began, block.began) != block.rows * row.period_us
            or block.rows == block.capacity
            or block.changed()
        ):
            self._sink.flush(self._blocks)
        block.append(row.began)
