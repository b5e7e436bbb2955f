"""Every fault of three chips in turn, beside three loops, in what a board's heap has left.

Prints a line for each: chip, word, status that it showed, periods until then, whether the chip
came back, samples that other channels missed.
"""

import gc

# As main.py: collected often, garbage does not cut the rest of the heap into pieces.
gc.threshold(4096)

from time import ticks_add, ticks_diff  # noqa: E402

import simulators.board.ticks  # noqa: E402

PERIOD = 1 << 30
CHIPS = {"couple": (3, 1), "nau": (4, 2), "hx": (5, 2)}
"""Channel and group."""

GROUPS = ((0, [0, 1, 2], 10), (3, [0], 500), (4, [0, 0], 250))
"""First channel, inputs, period in ms."""

BRIDGE = ("open", "short", "saturated", "nack", "frozen", "slow_conversion", "brown_out")
COURSE = (
    ("couple", ("open", "saturated", "nack", "frozen", "slow_conversion", "brown_out")),
    ("nau", BRIDGE + ("bus_stuck",)),
    ("hx", BRIDGE),
)


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

import drivers.ads1115  # noqa: E402
import drivers.hx711  # noqa: E402
import drivers.max31856  # noqa: E402
import drivers.nau7802  # noqa: E402
import machine  # noqa: E402  (powers up the board, on that clock)
from axnode.block import Block  # noqa: E402
from axnode.sampler import Row, Sampler, Scan  # noqa: E402
from axnode.ticks import BootClock  # noqa: E402
from axwire.codes import OK, STATUSES  # noqa: E402
from axwire.table import Channel, Group  # noqa: E402
from simulators.board.board import current  # noqa: E402


class Sink:
    """Counts the holes of each channel and keeps the newest status and the first change."""

    def __init__(self):
        self.holes = [0] * 6
        self.statuses = [OK] * 6
        self.changed = None

    def flush(self, blocks):
        for block in blocks:
            width = block._width
            hole = block.missing.to_bytes(width, "little", True)
            for at in range(block.rows * block.channels):
                if block._values[at * width : (at + 1) * width] == hole:
                    self.holes[block.group.first + at % block.channels] += 1
            for column in range(block.channels):
                self.statuses[block.group.first + column] = block._statuses[column]
            block.clear()

    def status_changed(self, channel, old, new, tick):
        if self.changed is None:
            self.changed = (channel, new, tick)


class Board:
    """What a node's board hands to its drivers."""

    def __init__(self):
        self._i2c = machine.I2C(0, timeout=2000)
        self._spi = machine.SPI(0, polarity=0, phase=1)

    def i2c(self, number):
        return self._i2c

    def spi(self, number):
        return self._spi

    def output(self, number, level):
        return machine.Pin(number, machine.Pin.OUT, value=level)


def _sampler(sink):
    for module in (drivers.ads1115, drivers.max31856, drivers.nau7802, drivers.hx711):
        module.ticks_us = ticks
    board = Board()
    bridge = {"gain": 128, "rate": 10, "lowest": 500_000, "highest": 8_000_000}
    nau = {"i2c": 0, "avdd_millivolt": 3000}
    hx = {"sck": 14, "dout": 15, "sm": 0}
    nau.update(bridge)
    hx.update(bridge)
    couple = drivers.max31856.make({"spi": 0, "cs": 17, "filter_hz": 50}, board)
    chips = [drivers.ads1115.Ads1115(machine.I2C(1), 72, 4096, 860, 120_000), couple]
    chips += [drivers.nau7802.make(nau, board), drivers.hx711.make(hx, board)]
    rows = []
    for first, inputs, period_ms in GROUPS:
        channels = [Channel(1, 0, 1, 0, 0) for _ in inputs]
        group = Group(len(rows), first, period_ms, channels)
        rows.append(Row(Block(group, bool(first), 12), inputs))
    slots = [rows[0].slots, rows[1].slots, rows[2].slots[:1], rows[2].slots[1:]]
    scans = [Scan(chip, each) for chip, each in zip(chips, slots)]
    return Sampler(BootClock(ticks), rows, scans, sink, 100)


class Run:
    def __init__(self):
        self.sink = Sink()
        self.sampler = _sampler(self.sink)
        self.sampler.begin(self.sampler._clock.tick())

    def for_ms(self, duration_ms):
        end = ticks_add(ticks(), duration_ms * 1000)
        while ticks_diff(end, ticks()) > 0:
            now = self.sampler._clock.tick()
            self.sampler.step(now)
            if ticks_diff(self.sampler.flush_at, now) <= 500:
                self.sampler.flush(now)
            ticks.advance(self.sampler.idle_ms(self.sampler._clock.tick()) * 1000 + 150)

    def fault(self, name, word):
        sink = self.sink
        channel, group = CHIPS[name]
        period_ms = GROUPS[group][2]
        row = self.sampler.rows[group]
        while abs(ticks_diff(row.next, ticks()) // 1000 - period_ms + 60) > 5:
            self.for_ms(1)
        fault = {"chip": name, "word": word}
        if word == "slow_conversion":
            fault["args"] = {"permille": 5000}
        sink.changed = None
        holes = sum(sink.holes) - sink.holes[channel]
        began = ticks()
        current().host.inject(fault)
        self.for_ms(4 * period_ms)
        first, status, tick = sink.changed or (channel, OK, began)
        assert first == channel, (first, name)
        fault["clear"] = True
        current().host.inject(fault)
        self.for_ms(6500)
        back = sink.statuses[channel] == OK
        missed = sum(sink.holes) - sink.holes[channel] - holes
        periods = ticks_diff(tick, began) / 1000 / period_ms
        print(name, word, STATUSES[status], periods, back, missed)


def main():
    run = Run()
    gc.collect()
    gc.threshold(-1)
    run.for_ms(3000)
    assert run.sink.statuses == [OK] * 6, run.sink.statuses
    for chip, words in COURSE:
        for word in words:
            run.fault(chip, word)


main()
