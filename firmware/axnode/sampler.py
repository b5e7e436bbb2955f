"""The one sampling loop: keeps every chip converting and puts the results on an exact time grid.

Row k of a group begins at t0 + k x period; there its chips begin to convert its channels, one
after the other on a chip, all chips at the same time. What is not converted when the next row
begins is missing in its row and counted; the conversion that still runs then serves the next row.
A pass that comes later than a whole period leaves rows out, and counts their channels too.

A pass allocates nothing unless a status changes. All times in it are ticks of the boot clock.
"""

import asyncio
from time import ticks_add, ticks_diff

from micropython import const

from axwire.codes import NO_ANSWER, NOT_READY, OK, OUT_OF_RANGE
from drivers import CONVERTING, MISSING_16, MISSING_32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from axnode.block import Block
    from axnode.ticks import BootClock
    from drivers.features import Features

    class Sink(Protocol):
        """Where finished rows and changes go."""

        def flush(self, blocks: "list[Block]") -> None: ...
        def status_changed(self, channel: int, old: int, new: int, tick: int) -> None: ...
        def burst(self, channel: int, features: "Features", period_ns: int) -> None: ...
        def chip_tested(self, scan: "Scan", status: int) -> None: ...
        def period_changed(self, row: "Row") -> None: ...


_EARLY_US = const(500)
"""A row may begin this much before its time: the loop sleeps whole milliseconds."""

_HOLD_MS = const(500)
"""A fault is shown for at least this long, lest a loose contact makes a message of each row."""

_BACK_OFF_US = const(100_000)
_BACK_OFF_MOST_US = const(5_000_000)
_IDLE_US = const(1_000_000)

MEAN = const(4)


class Slot:
    """One channel: its input on a chip, its column in a row."""

    def __init__(self, row: "Row", column: int, number: int) -> None:
        self.row = row
        self.column = column
        self.number = number
        self.wanted = False
        self.fresh = True
        self.holding = 0


class Row:
    """The row of a group that is being filled, and when the next begins.

    `most` rows fit one message. `asked_ms`: the period from the next row on, asked for by the
    command with the sequence `asked_by`; 0: as it is.
    """

    def __init__(self, block: "Block", inputs: "list[int]", most: int = 0) -> None:
        self.block = block
        self.slots = [Slot(self, column, number) for column, number in enumerate(inputs)]
        self.most = most or block.capacity
        self.asked_ms = 0
        self.asked_by = 0
        self.began = 0
        self.next = 0
        self.left = 0
        self.set_period(block.group.period_ms)

    def set_period(self, period_ms: int) -> None:
        """Of the rows to come. The finished ones must have been taken."""
        self.block.group.period_ms = period_ms
        self.period_us = period_ms * 1000
        self.hold_rows = _HOLD_MS // period_ms


class Scan:
    """One chip and the channels on it, taken in turn; retried with back-off when it fails.

    `number` is the chip's in the configuration. `testing`: it is to be asked who it is and how it
    is set up as soon as it converts nothing. `cold`: it is colder than it is rated for.
    """

    def __init__(self, driver: "Any", slots: "list[Slot]", number: int = 0) -> None:
        self.driver = driver
        self.slots = slots
        self.number = number
        self.testing = False
        self.cold = False
        self.running: Slot | None = None
        self.failing = NOT_READY
        self.retry = 0
        self.back_off_us = 0
        self.turn = 0
        self.features: Any = getattr(driver, "features", None)


class Sampler:
    """Fills the blocks and hands them to the sink each `flush_ms`, when full, and at each change.

    `missed`   samples that were not taken in time
    `late`     passes that began a row a period or more too late
    `worst_us` the longest that a row began after its time; reset by whoever reports it
    `errors`   failures of chips: no answer, stuck, configuration lost
    `passes`   turns of the loop
    `rows`     of each group, `scans` of each chip, flushed each `flush_us`, at `flush_at` next
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
        self.rows = rows
        self.scans = scans
        self._clock = clock
        self._sink = sink
        self._blocks = [row.block for row in rows]
        self.flush_us = flush_ms * 1000
        self.flush_at = 0

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
        self.flush_at = ticks_add(start, self.flush_us)

    def step(self, now: int) -> None:
        """One pass: take what is converted, begin the rows whose time has come, convert on."""
        self.passes += 1
        for scan in self.scans:
            if scan.running is not None and ticks_diff(scan.driver.due, now) <= 0:
                self._collect(scan, now)
        for row in self.rows:
            if ticks_diff(row.next, now) <= _EARLY_US:
                self._begin_row(row, now)
        for scan in self.scans:
            if scan.running is None:
                self._convert(scan, now)

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

    def ask_burst(self, channel: int) -> bool:
        """Take the next window of the sensor with this channel as a burst. False: it has none."""
        for scan in self.scans:
            for slot in scan.slots:
                if slot.row.block.group.first + slot.column == channel:
                    if scan.features is not None:
                        scan.features.ask()
                    return scan.features is not None
        return False

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
        for row in self.rows:
            until = ticks_diff(row.next, now)
            if until < wait:
                wait = until
        wait -= _EARLY_US
        for scan in self.scans:
            if scan.running is not None:
                until = ticks_diff(scan.driver.due, now)
                if until < wait:
                    wait = until
        if wait <= 0:
            return 0
        return (wait + 999) // 1000 if wait < _IDLE_US else _IDLE_US // 1000

    def _begin_row(self, row: Row, now: int) -> None:
        if row.left:
            self.missed += row.left
            row.left = 0
            self._finish(row)
        late = ticks_diff(now, row.next)
        if late > self.worst_us:
            self.worst_us = late
        if late >= row.period_us:
            self.late += 1
            skipped = late // row.period_us
            self.missed += skipped * row.block.channels
            row.next = ticks_add(row.next, skipped * row.period_us)
        row.began = row.next
        if row.asked_ms:
            self._sink.flush(self._blocks)
            row.set_period(row.asked_ms)
            row.asked_ms = 0
            self._sink.period_changed(row)
        row.next = ticks_add(row.next, row.period_us)
        row.left = row.block.channels
        row.block.open_row()
        for slot in row.slots:
            slot.wanted = True

    def _convert(self, scan: Scan, now: int) -> None:
        """Begin the next conversion that a row waits for."""
        if scan.testing:
            self._test(scan, now)
        slots = scan.slots
        for _ in range(len(slots)):
            slot = slots[scan.turn]
            scan.turn += 1
            if scan.turn == len(slots):
                scan.turn = 0
            if slot.wanted:
                break
        else:
            return
        try:
            if scan.failing != OK and not self._recovered(scan, now):
                return
            scan.driver.start(slot.number)
        except OSError:
            self._fail(scan, NO_ANSWER, now)
            return
        scan.running = slot

    def _collect(self, scan: Scan, now: int) -> None:
        """Look for the result of the conversion that runs."""
        slot: Any = scan.running
        try:
            status = scan.driver.poll(now)
        except OSError:
            self._fail(scan, NO_ANSWER, now)
            return
        if status == CONVERTING:
            return
        if scan.driver.raw == (MISSING_32 if scan.driver.wide else MISSING_16):
            self._fail(scan, status, now)
            return
        scan.running = None
        scan.back_off_us = 0
        if scan.cold and status == OK:
            status = OUT_OF_RANGE
        self._store(slot, scan.driver.raw, status, now)
        if scan.features is not None and scan.features.due:
            scan.features.due = False
            self._burst(scan)

    def _test(self, scan: Scan, now: int) -> None:
        """Ask a chip that converts nothing now; one that is not what it should be has failed."""
        scan.testing = False
        driver = scan.driver
        try:
            if scan.failing == OK:
                status = getattr(driver, "verify", driver.check)()
            else:
                status = scan.failing = driver.check()
        except OSError:
            status = NO_ANSWER
        if status != OK:
            self._fail(scan, status, now)
        self._sink.chip_tested(scan, status)

    def _burst(self, scan: Scan) -> None:
        """Hand a window on that is to be looked at, under the channel of the acceleration."""
        for slot in scan.slots:
            if slot.number == MEAN:
                channel = slot.row.block.group.first + slot.column
                self._sink.burst(channel, scan.features, scan.driver.period_ns)

    def _recovered(self, scan: Scan, now: int) -> bool:
        """Whether a chip that failed works again; it is asked when its back-off is over."""
        if ticks_diff(scan.retry, now) <= 0:
            status = scan.driver.check()
            if status == OK:
                scan.failing = OK
                return True
            self._fail(scan, status, now)
        else:
            self._give_up(scan, now)
        return False

    def _fail(self, scan: Scan, status: int, now: int) -> None:
        self.errors += 1
        scan.running = None
        scan.failing = status
        scan.retry = ticks_add(now, scan.back_off_us)
        longer = scan.back_off_us * 2 or _BACK_OFF_US
        scan.back_off_us = longer if longer < _BACK_OFF_MOST_US else _BACK_OFF_MOST_US
        self._give_up(scan, now)

    def _give_up(self, scan: Scan, now: int) -> None:
        """No row need wait for this chip."""
        for slot in scan.slots:
            if slot.wanted:
                self._store(slot, slot.row.block.missing, scan.failing, now)

    def _store(self, slot: Slot, raw: int, status: int, now: int) -> None:
        """A channel's part of its row. Its last one finishes the row."""
        row = slot.row
        statuses = row.block.row_statuses
        before = statuses[slot.column]
        if status != OK:
            slot.holding = row.hold_rows
        elif before != OK and slot.holding:
            slot.holding -= 1
            status = before
        if status != before:
            statuses[slot.column] = status
            if status != OK or not slot.fresh:
                channel = row.block.group.first + slot.column
                self._sink.status_changed(channel, before, status, now)
        slot.fresh = False
        row.block.row[slot.column] = raw
        slot.wanted = False
        row.left -= 1
        if not row.left:
            self._finish(row)

    def _finish(self, row: Row) -> None:
        block = row.block
        if block.rows:
            apart = ticks_diff(row.began, block.began)
            if (
                apart != block.rows * row.period_us
                or block.rows == block.capacity
                or block.changed()
            ):
                self._sink.flush(self._blocks)
        block.append(row.began)
