"""Every fault of the sensors of motion in turn, beside three loops, in the heap of a board.

Prints a line for each: sensor, word, status that it showed, ms until then, whether it came back,
samples that other channels missed, and at the end what is free.
"""

import gc

# As main.py: collected often, garbage does not cut the rest of the heap into pieces.
gc.threshold(4096)

from time import ticks_add, ticks_diff  # noqa: E402

import simulators.board.ticks  # noqa: E402

PERIOD = 1 << 30
VIB_MS, ACC_MS, TACHO_MS, CONTACT_MS = 250, 500, 20, 100
# Sensor: its channels, its period, its faults.
COURSE = (
    (
        "vib",
        (3, 7),
        VIB_MS,
        "open short saturated stuck nack wrong_id frozen slow_conversion brown_out",
    ),
    (
        "acc",
        (8, 11),
        ACC_MS,
        "open short saturated stuck nack bus_stuck frozen slow_conversion brown_out",
    ),
    ("wheel", (12, 12), TACHO_MS, "open short saturated stuck nack frozen bounce"),
    ("axle", (13, 13), TACHO_MS, "open short stuck nack"),
    ("contact", (14, 14), CONTACT_MS, "open short nack"),
)
CHANNELS = 15


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
import drivers.adxl345  # noqa: E402
import drivers.contact  # noqa: E402
import drivers.iis3dwb  # noqa: E402
import drivers.tacho  # noqa: E402
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
        self.holes = [0] * CHANNELS
        self.statuses = [OK] * CHANNELS
        self.changed = None

    def flush(self, blocks):
        for block in blocks:
            values = block._values
            for at in range(block.rows * block.channels):
                if values[2 * at] == 0 and values[2 * at + 1] == 0x80:
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
        self._spi = machine.SPI(0, polarity=1, phase=1)

    def i2c(self, number):
        return self._i2c

    def spi(self, number):
        return self._spi

    def output(self, number, level):
        return machine.Pin(number, machine.Pin.OUT, value=level)


def _made(module, board, **settings):
    keys = dict(module.DEFAULTS)
    keys.update(settings)
    module.ticks_us = ticks
    return module.make(keys, board)


def _sampler(sink):
    drivers.ads1115.ticks_us = ticks
    board = Board()
    wheel = {"teeth": 60, "full_rpm": 4500}
    chips = [
        drivers.ads1115.Ads1115(machine.I2C(1), 72, 4096, 860, 120_000),
        _made(drivers.iis3dwb, board, spi=0, cs=17, axis="z"),
        _made(drivers.adxl345, board, i2c=0, axis="x"),
        _made(drivers.tacho, board, unit=0, pin=2, **wheel),
        _made(drivers.tacho, board, unit=1, pin=3, inverse=4, **wheel),
        _made(drivers.contact, board, pin=5, inverse=6),
    ]
    rows = []
    for first, inputs, period_ms in (
        (0, [0, 1, 2], 10),
        (3, [0, 1, 2, 3, 4], VIB_MS),
        (8, [0, 1, 2, 3], ACC_MS),
        (12, [0, 0], TACHO_MS),
        (14, [0], CONTACT_MS),
    ):
        channels = [Channel(1, 0, 1, 0, 0) for _ in inputs]
        block = Block(Group(len(rows), first, period_ms, channels), False, 12)
        rows.append(Row(block, inputs))
    slots = [row.slots for row in rows[:3]]
    slots += [[slot] for slot in rows[3].slots] + [rows[4].slots]
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

    def fault(self, name, channels, period_ms, word):
        sink = self.sink
        self.for_ms(period_ms // 3)
        sink.changed = None
        others = self.elsewhere(channels)
        fault = {"chip": name, "word": word}
        if word == "slow_conversion":
            fault["args"] = {"permille": 4000}
        if word == "bounce":
            fault["args"] = {"edges": 4, "us": 40}
        began = ticks()
        host = current().host
        host.inject(fault)
        self.for_ms(4 * period_ms)
        channel, status, tick = sink.changed or (channels[0], OK, began)
        assert channels[0] <= channel <= channels[1], (name, word, sink.changed)
        fault["clear"] = True
        host.inject(fault)
        self.for_ms(3500)
        after_ms = ticks_diff(tick, began) // 1000
        back = set(sink.statuses) == {OK}
        print(name, word, STATUSES[status], after_ms, back, self.elsewhere(channels) - others)

    def elsewhere(self, channels):
        """Holes of all other channels."""
        return sum(self.sink.holes) - sum(self.sink.holes[channels[0] : channels[1] + 1])


def main():
    run = Run()
    gc.collect()
    gc.threshold(-1)  # as the node does when it is up
    run.for_ms(3000)
    assert run.sink.statuses == [OK] * CHANNELS, run.sink.statuses
    assert sum(run.sink.holes) == 0 and run.sampler.missed == 0, run.sink.holes
    for name, channels, period_ms, words in COURSE:
        for word in words.split():
            run.fault(name, channels, period_ms, word)
    gc.collect()
    print("free", gc.mem_free())


main()
