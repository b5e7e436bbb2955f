"""A node's sampling part on simulated chips, under a clock that the test owns."""

from time import ticks_add, ticks_diff

import drivers.ads1115
import drivers.max31865
from axnode.block import Block
from axnode.sampler import Row, Sampler, Scan
from axnode.ticks import BootClock
from axwire.table import Channel, Group
from simulators.board import board, buses, pins

PERIOD = 1 << 30
LOOP_NA = 12_000_000
PT100_0_C = 1_000_000


class Ticks:
    """Microseconds that wrap at 2^30; starts shortly before the wrap."""

    def __init__(self, now=PERIOD - 1_000_000):
        self.now = now

    def __call__(self):
        return self.now

    def advance(self, duration_us):
        self.now = ticks_add(self.now, duration_us)


class Sink:
    """Keeps each finished block as (group, t_ms, rows, statuses), and each change."""

    def __init__(self, clock):
        self.clock = clock
        self.blocks = []
        self.changes = []

    def flush(self, blocks):
        for block in blocks:
            if block.rows:
                values = block.values
                width = block.width
                flat = [
                    int.from_bytes(bytes(values[at : at + width]), "little")
                    for at in range(0, block.rows * block.channels * width, width)
                ]
                flat = [
                    value - (1 << 8 * width if value >> 8 * width - 1 else 0) for value in flat
                ]
                rows = [
                    flat[at : at + block.channels] for at in range(0, len(flat), block.channels)
                ]
                t_ms = self.clock.us_at(block.began) / 1000
                self.blocks.append((block.group.number, t_ms, rows, list(block._statuses)))
                block.clear()

    def status_changed(self, channel, old, new, tick):
        self.changes.append((self.clock.us_at(tick) // 1000, channel, old, new))


class Rig:
    """Six loops on two ADS1115 each 10 ms and two PT100 each second."""

    def __init__(self, loops_a_chip=3, period_ms=10):
        self.ticks = Ticks()
        self.board = board.Board(_wiring(), clock=self.ticks)
        board.install(self.board)
        drivers.ads1115.ticks_us = self.ticks
        drivers.max31865.ticks_us = self.ticks
        i2c = buses.I2C(0)
        spi = buses.SPI(0, polarity=0, phase=1)
        pt100 = drivers.max31865.Pt100(400_000)
        self.adcs = [drivers.ads1115.Ads1115(i2c, 72 + at, 4096, 860, 120_000) for at in (0, 1)]
        self.rtds = [
            drivers.max31865.Max31865(spi, pins.Pin(pin, pins.Pin.OUT, value=1), pt100, 3, 50)
            for pin in (17, 20)
        ]
        loops = [(at // loops_a_chip, at % loops_a_chip) for at in range(2 * loops_a_chip)]
        fast = self._row(0, 0, period_ms, [number for _, number in loops])
        slow = self._row(1, len(loops), 1000, [0, 0])
        slots = [[] for _ in range(4)]
        for slot, (chip, _) in zip(fast.slots, loops):
            slots[chip].append(slot)
        slots[2].append(slow.slots[0])
        slots[3].append(slow.slots[1])
        scans = [Scan(chip, each) for chip, each in zip(self.adcs + self.rtds, slots)]
        self.clock = BootClock(self.ticks)
        self.sink = Sink(self.clock)
        self.sampler = Sampler(self.clock, [fast, slow], scans, self.sink, 100)
        self.sampler.begin(self.clock.tick())

    def _row(self, number, first, period_ms, inputs):
        channels = [Channel(1, 0, 1, 0, 0) for _ in inputs]
        return Row(Block(Group(number, first, period_ms, channels), False, 12), inputs)

    def run_ms(self, duration_ms, late_us=150):
        """Turn the loop as the board would; each wake-up comes `late_us` after its time."""
        end = ticks_add(self.ticks.now, duration_ms * 1000)
        while ticks_diff(end, self.ticks.now) > 0:
            now = self.clock.tick()
            self.sampler.step(now)
            if ticks_diff(self.sampler.flush_at, now) <= 500:
                self.sampler.flush(now)
            self.ticks.advance(self.sampler.idle_ms(self.clock.tick()) * 1000 + late_us)

    def fault(self, chip, word, **more):
        fault = {"chip": chip, "word": word}
        fault.update(more)
        self.board.host.inject(fault)

    def taken(self):
        """Conversions that were read, by input."""
        return self.board.host.account()["taken"]

    def rows(self, group):
        """All finished rows of a group, in order."""
        return [row for number, _, rows, _ in self.sink.blocks if number == group for row in rows]

    def samples(self):
        """Samples in all finished rows."""
        return sum(
            [
                value != -0x8000
                for _, _, rows, _ in self.sink.blocks
                for row in rows
                for value in row
            ]
        )


def _wiring():
    return {
        "unique_id": "e66038b7132a5b2f",
        "seed": 7,
        "signals": [{"name": "loop", "unit": "nA", "initial": LOOP_NA}]
        + [{"name": "rtd", "unit": "tenth_milliohm", "initial": PT100_0_C}],
        "i2c": {
            "0": {
                "chips": [
                    {
                        "name": "adc%d" % at,
                        "kind": "ads1115",
                        "address": 72 + at,
                        "inputs": ["loop"] * 4,
                        "shunt_milliohm": 120_000,
                    }
                    for at in (0, 1)
                ]
            }
        },
        "spi": {
            "0": {
                "chips": [
                    {
                        "name": "rtd%d" % at,
                        "kind": "max31865",
                        "cs": pin,
                        "signal": "rtd",
                        "rref_milliohm": 400_000,
                        "wires": 3,
                    }
                    for at, pin in enumerate((17, 20))
                ]
            }
        },
    }
