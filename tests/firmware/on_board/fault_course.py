"""Every fault of every sensor of a node in turn, in what a board's heap has left.

The node is `node.json` of the current folder, read and made as a board does it, on a clock of the
test's. `course.json` has [[chip, word, arguments, parts of a period after a row's beginning, input
or null for all], ...].
Prints a line for each: chip, word, part, status that its channels showed first, ms until then,
whether all statuses were OK again in the end, samples that others missed: on its bus, elsewhere;
statuses that changed elsewhere, how late in us a row began at worst, the longest pass in us.
"""

import gc

# As main.py: collected often, garbage does not cut the rest of the heap into pieces.
gc.threshold(4096)

import json  # noqa: E402
import sys  # noqa: E402
from time import ticks_add, ticks_diff  # noqa: E402

import simulators.board.ticks  # noqa: E402

PERIOD = 1 << 30
FAULT_PERIODS = 3
START_MS = 3000
RECOVERY_MS = 6500
"""Longer than the longest back-off and the slowest start of a chip."""

LOOK_MS = 250


class Ticks:
    """Microseconds that wrap at 2^30; starts shortly before the wrap."""

    def __init__(self):
        self.now = PERIOD - 1_000_000

    def __call__(self):
        return self.now

    def advance(self, duration_us):
        self.now = ticks_add(self.now, duration_us)


ticks = Ticks()
simulators.board.ticks.ticks_us = ticks
simulators.board.ticks.sleep_us = ticks.advance

import machine  # noqa: E402, F401  (powers up the board, on that clock)
from axnode.sampler import Sampler  # noqa: E402
from axnode.ticks import BootClock  # noqa: E402
from axwire.codes import OK, STATUSES  # noqa: E402
from simulators.board.board import current  # noqa: E402


class Sink:
    """Counts the holes of each channel; keeps its newest status and its first change."""

    def __init__(self, channels):
        self.holes = [0] * channels
        self.statuses = [OK] * channels
        self.changed = [None] * channels

    def flush(self, blocks):
        for block in blocks:
            width = block.width
            hole = block.missing.to_bytes(width, "little", True)
            for at in range(block.rows * block.channels):
                if block.values[at * width : (at + 1) * width] == hole:
                    self.holes[block.group.first + at % block.channels] += 1
            for column in range(block.channels):
                self.statuses[block.group.first + column] = block._statuses[column]
            block.clear()

    def status_changed(self, channel, old, new, tick):
        if self.changed[channel] is None:
            self.changed[channel] = (new, tick)

    def burst(self, channel, features, period_ns):
        pass


class Course:
    """The node, with the names of the chips and the buses that its channels are on."""

    def __init__(self):
        from axnode.config import parse
        from axnode.hardware import Parts

        with open("node.json", "rb") as file:
            config = parse(file.read())
        self.names = []
        self.buses = []
        for group in config.sources:
            for index, _ in group:
                chip = config.chips[index]
                self.names.append(chip["name"])
                self.buses.append(bus_of(chip))
        tick_by(ticks)
        parts = Parts(config, bytes(32))
        tick_by(ticks)
        for name in ("axnode.config", "axnode.hardware"):
            del sys.modules[name]
        self.sink = Sink(len(self.names))
        self.sampler = Sampler(
            BootClock(ticks), parts.rows, parts.scans, self.sink, parts.flush_ms
        )
        self.sampler.begin(self.sampler._clock.tick())
        self.longest_us = 0

    def for_ms(self, duration_ms):
        sampler = self.sampler
        end = ticks_add(ticks(), duration_ms * 1000)
        while ticks_diff(end, ticks()) > 0:
            now = sampler._clock.tick()
            sampler.step(now)
            took_us = ticks_diff(ticks(), now)
            if took_us > self.longest_us:
                self.longest_us = took_us
            if ticks_diff(sampler.flush_at, now) <= 500:
                sampler.flush(now)
            ticks.advance(sampler.idle_ms(sampler._clock.tick()) * 1000 + 150)

    def run(self, name, word, args, part, number):
        sink = self.sink
        own = [channel for channel, chip in enumerate(self.names) if chip == name]
        bus = self.buses[own[0]]
        row = next(
            row
            for row in self.sampler.rows
            if row.block.group.first <= own[0] < row.block.group.first + row.block.channels
        )
        begun = row.next
        while row.next == begun:
            self.for_ms(1)
        self.for_ms(int(part * row.period_us) // 1000)
        sink.changed = [None] * len(self.names)
        self.sampler.worst_us = self.longest_us = 0
        holes = list(sink.holes)
        began = ticks()
        fault = {"chip": name, "word": word, "args": args}
        if number is not None:
            fault["input"] = number
        host = current().host
        host.inject(fault)
        self.for_ms(FAULT_PERIODS * row.period_us // 1000)
        shown = [sink.changed[channel] for channel in own if sink.changed[channel]]
        status, after_ms = OK, -1
        for new, tick in shown:
            ms = ticks_diff(tick, began) // 1000
            if after_ms < 0 or ms < after_ms:
                status, after_ms = new, ms
        fault["clear"] = True
        host.inject(fault)
        waited_ms = 0
        while waited_ms < RECOVERY_MS:
            self.for_ms(LOOK_MS)
            waited_ms += LOOK_MS
            if set(sink.statuses) == {OK}:
                break
        self.for_ms(2 * row.period_us // 1000)
        worst_us = self.sampler.worst_us
        on_bus = elsewhere = changed = 0
        for channel in range(len(holes)):
            missed = sink.holes[channel] - holes[channel]
            if channel in own:
                continue
            if bus and self.buses[channel] == bus:
                on_bus += missed
            else:
                elsewhere += missed
                changed += sink.changed[channel] is not None
        back = set(sink.statuses) == {OK}
        told = (name, word, part, STATUSES[status], after_ms, back)
        print(*told, on_bus, elsewhere, changed, worst_us, self.longest_us)


def bus_of(chip):
    """A word for the wires that a chip shares with others; empty: it shares none."""
    for kind in ("i2c", "spi"):
        if chip.get(kind) is not None:
            return "%s %d" % (kind, chip[kind])
    return ""


def tick_by(clock):
    """Let every driver that is loaded take the time from this clock."""
    for name in list(sys.modules):
        if name.startswith("drivers.") and hasattr(sys.modules[name], "ticks_us"):
            sys.modules[name].ticks_us = clock


def main():
    course = Course()
    gc.collect()
    gc.threshold(-1)  # as the node does when it is up
    course.for_ms(START_MS)
    assert set(course.sink.statuses) == {OK}, course.sink.statuses
    with open("course.json") as file:
        legs = json.load(file)
    for leg in legs:
        course.run(*leg)
    gc.collect()
    print("free", gc.mem_free())


main()
