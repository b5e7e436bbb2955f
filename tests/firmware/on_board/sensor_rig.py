"""One sensor, with one channel or several, beside three loops each 10 ms, on a test's clock."""

from time import ticks_add, ticks_diff

import drivers.ads1115
import machine  # noqa: F401  (powers up the board that the test installs its own in place of)
from axnode.block import Block
from axnode.sampler import Row, Sampler, Scan
from axnode.ticks import BootClock
from axwire.codes import OK
from axwire.table import Channel, Group
from simulators.board import board, buses, pins

from lockstep import LOOP_NA, Sink, Ticks

LOOPS = 3
MISSING = -0x8000


class SensorRig:
    """The loops are group 0, channels 0 to 2; the sensor's channels are group 1, from 3 on.

    `module` has the sensor's driver, made from `settings`, with its `channels` first inputs in the
    group; `sensor` is its entry in the wiring at `place`, `signals` what is wired to it.
    """

    def __init__(self, module, settings, place, sensor, signals, channels=1, period_ms=100):
        self.ticks = Ticks()
        self.board = board.Board(_wiring(place, sensor, signals), clock=self.ticks)
        board.install(self.board)
        buses.sleep_us = self.ticks.advance
        drivers.ads1115.ticks_us = module.ticks_us = self.ticks
        self.period_ms = period_ms
        self.channels = channels
        keys = dict(module.DEFAULTS)
        keys.update(settings)
        self.driver = module.make(keys, self)
        loops = drivers.ads1115.Ads1115(buses.I2C(1, timeout=2000), 72, 4096, 860, 120_000)
        fast = _row(0, 0, 10, LOOPS)
        slow = _row(1, LOOPS, period_ms, channels)
        scans = [Scan(loops, fast.slots), Scan(self.driver, slow.slots)]
        self.clock = BootClock(self.ticks)
        self.sink = Sink(self.clock)
        self.sampler = Sampler(self.clock, [fast, slow], scans, self.sink, 100)
        self.sampler.begin(self.clock.tick())

    def i2c(self, number):
        return buses.I2C(number, timeout=2000)

    def spi(self, number):
        return buses.SPI(number, polarity=1, phase=1)

    def output(self, number, level):
        return pins.Pin(number, pins.Pin.OUT, value=level)

    def run_ms(self, duration_ms, late_us=150):
        """Turn the loop as the board would; each wake-up comes `late_us` after its time."""
        end = ticks_add(self.ticks.now, duration_ms * 1000)
        while ticks_diff(end, self.ticks.now) > 0:
            now = self.clock.tick()
            self.sampler.step(now)
            if ticks_diff(self.sampler.flush_at, now) <= 500:
                self.sampler.flush(now)
            self.ticks.advance(self.sampler.idle_ms(self.clock.tick()) * 1000 + late_us)

    def run_rows(self, count):
        """Run until so many rows more have been flushed."""
        self.run_ms(count * self.period_ms + 110)

    def fault(self, word, clear=False, number=None, **args):
        fault = {"chip": "sensor", "word": word, "clear": clear}
        if number is not None:
            fault["input"] = number
        if args:
            fault["args"] = args
        self.board.host.inject(fault)

    def set(self, name, value):
        """Another value of a signal from now on."""
        for chip in self.board.hardware.chips.values():
            chip.settle(self.ticks.now)
        for signal in self.board.hardware.signals:
            if signal.name == name:
                signal.hold(value)

    def rows(self):
        return [row for number, _, rows, _ in self.sink.blocks if number == 1 for row in rows]

    def values(self, channel=0):
        """What a channel had, rows without a value left out."""
        return [row[channel] for row in self.rows() if row[channel] != MISSING]

    def statuses(self):
        return [statuses for number, _, _, statuses in self.sink.blocks if number == 1][-1]

    def now_ms(self):
        return self.clock.us_at(self.clock.tick()) // 1000

    def first_change(self, since_ms):
        """(ms after that, old status, new status) of the sensor's first channel."""
        for t_ms, channel, old, new in self.sink.changes:
            if channel == LOOPS and t_ms >= since_ms:
                return t_ms - since_ms, old, new
        raise AssertionError("no change since %d: %s" % (since_ms, self.sink.changes))

    def shows(self, word, status, periods=2, has_value=True, cleared_ms=6000, **args):
        """A fault of a sensor that works: its status within so many periods, and its end."""
        began_ms = self.now_ms()
        self.fault(word, **args)
        self.run_rows(periods)
        after_ms, old, new = self.first_change(began_ms)
        assert (old, new) == (OK, status), (word, old, new)
        assert after_ms <= periods * self.period_ms + 1, (word, after_ms)
        assert set(self.statuses()) == {status}, (word, self.statuses())
        assert (self.rows()[-1][0] != MISSING) == has_value, (word, self.rows()[-1])
        self.fault(word, clear=True)
        self.run_ms(cleared_ms)
        assert set(self.statuses()) == {OK}, (word, self.statuses())
        assert MISSING not in self.rows()[-1]

    def end(self):
        """Silence all sensors, let the last rows out; then the account must balance, and no loop
        may have missed a sample."""
        before = len(self.rows_of_loops())
        self.board.host.obey(3, memoryview(b""))
        self.run_ms(2 * self.period_ms + 300)
        taken = self.board.host.account()["taken"]
        count = sum([taken[name] for name in taken if name.startswith("sensor/")])
        stored = sum([len(self.values(channel)) for channel in range(self.channels)])
        assert count == stored, (count, stored)
        code = LOOP_NA * 120 * 32768 // 4_096_000_000
        for row in self.rows_of_loops()[:before]:
            for value in row:
                assert abs(value - code) <= 1, row

    def rows_of_loops(self):
        return [row for number, _, rows, _ in self.sink.blocks if number == 0 for row in rows]


def _row(number, first, period_ms, channels):
    table = [Channel(1, 0, 1, 0, 0) for _ in range(channels)]
    capacity = max(12, 100 // period_ms + 2)
    block = Block(Group(number, first, period_ms, table), False, capacity)
    return Row(block, list(range(channels)))


def _wiring(place, sensor, signals):
    sensor = dict(sensor)
    sensor["name"] = "sensor"
    loops = {"name": "loops", "kind": "ads1115", "address": 72, "inputs": ["loop"] * LOOPS}
    loops["shunt_milliohm"] = 120_000
    wiring = {
        "unique_id": "e66038b7132a5b2f",
        "seed": 7,
        "signals": [{"name": "loop", "unit": "nA", "initial": LOOP_NA}] + signals,
        "i2c": {"1": {"chips": [loops]}},
        "spi": {},
        "pins": [],
    }
    if place == "pins":
        wiring["pins"].append(sensor)
    else:
        wiring[place]["0"] = {"chips": [sensor]}
    return wiring
