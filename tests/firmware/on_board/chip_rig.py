"""One chip under test beside three loops each 10 ms, under a clock that the test owns."""

from time import ticks_add, ticks_diff

import drivers.ads1115
from axnode.block import Block
from axnode.sampler import Row, Sampler, Scan
from axnode.ticks import BootClock
from axwire.codes import OK
from axwire.table import Channel, Group
from simulators.board import board, buses, pins

from lockstep import LOOP_NA, Sink, Ticks

LOOPS = 3
MISSING_16 = -0x8000
MISSING_32 = -(1 << 31)
_LOOPS_RATE = 860
_SHUNT_MILLIOHM = 120_000


class ChipRig:
    """The loops are group 0, channels 0 to 2; the chip is group 1, channel 3.

    `make(board)` makes the chip's driver from what a node's board hands out; `module` is the
    driver's, whose clock becomes the test's; `wiring` is what the simulated board has besides.
    """

    def __init__(self, module, make, wiring, period_ms=100):
        self.ticks = Ticks()
        self.board = board.Board(_wiring(wiring), clock=self.ticks)
        board.install(self.board)
        buses.sleep_us = self.ticks.advance
        drivers.ads1115.ticks_us = module.ticks_us = self.ticks
        self.i2c_0 = buses.I2C(0, timeout=2000)
        self.driver = make(self)
        self.period_ms = period_ms
        loops = drivers.ads1115.Ads1115(buses.I2C(1), 72, 4096, _LOOPS_RATE, _SHUNT_MILLIOHM)
        fast = _row(0, 0, 10, range(LOOPS), False)
        slow = _row(1, LOOPS, period_ms, [0], True)
        scans = [Scan(loops, fast.slots), Scan(self.driver, slow.slots)]
        self.clock = BootClock(self.ticks)
        self.sink = Sink(self.clock)
        self.sampler = Sampler(self.clock, [fast, slow], scans, self.sink, 100)
        self.sampler.begin(self.clock.tick())

    def i2c(self, number):
        return self.i2c_0

    def spi(self, number):
        return buses.SPI(number, polarity=0, phase=1)

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

    def run_to_row(self, behind_ms):
        """Run until so long after the beginning of a row of the chip's."""
        row = self.sampler.rows[1]
        while ticks_diff(row.next, self.ticks.now) < (self.period_ms - behind_ms) * 1000 - 500:
            self.run_ms(1)
        while ticks_diff(row.next, self.ticks.now) > (self.period_ms - behind_ms) * 1000:
            self.run_ms(1)

    def run_until_good(self, limit_ms=3000):
        """Run until the chip's channel is OK and the start is over; how long that took."""
        began = self.ticks.now
        while not (self.values() and self.status() == OK):
            self.run_ms(50)
            took_ms = ticks_diff(self.ticks.now, began) // 1000
            assert took_ms < limit_ms, (self.status(), self.values()[-3:])
        return took_ms

    def fault(self, word, on="chip", **more):
        fault = {"chip": on, "word": word}
        fault.update(more)
        self.board.host.inject(fault)

    def set(self, nanovolts):
        """Another value of the chip's signal from now on."""
        chip = self.board.hardware.inputs["chip/0"]
        chip.settle(self.ticks.now)
        self.board.hardware.chips["chip"].settle(self.ticks.now)
        chip.signal.hold(nanovolts)

    def rows(self, group):
        return [row for number, _, rows, _ in self.sink.blocks if number == group for row in rows]

    def values(self):
        """What the chip's channel had, rows without a value left out."""
        return [row[0] for row in self.rows(1) if row[0] != MISSING_32]

    def status(self):
        """The newest of the chip's channel."""
        return [statuses for number, _, _, statuses in self.sink.blocks if number == 1][-1][0]

    def first_change(self, since_ms):
        """(ms after that, old status, new status) of the chip's channel."""
        for t_ms, channel, old, new in self.sink.changes:
            if channel == LOOPS and t_ms >= since_ms:
                return t_ms - since_ms, old, new
        raise AssertionError("no change since %d: %s" % (since_ms, self.sink.changes))

    def now_ms(self):
        return self.clock.us_at(self.clock.tick()) // 1000

    def taken(self):
        """Conversions of the chip that were read."""
        taken = self.board.host.account()["taken"]
        return sum([taken[name] for name in taken if name.startswith("chip/")])

    def end(self):
        """Silence the chips, let the last rows out; then the account must balance, and no loop
        may have missed a sample."""
        self.board.host.obey(3, memoryview(b""))
        self.run_ms(2 * self.period_ms + 200)
        assert self.taken() == len(self.values()), (self.taken(), len(self.values()))
        code = LOOP_NA * 120 * 32768 // 4_096_000_000
        loops = self.rows(0)
        cut = (2 * self.period_ms + 200) // 10 + 2
        for row in loops[: len(loops) - cut]:
            for value in row:
                assert abs(value - code) <= 1, row


def shows(rig, word, status, has_value=True, periods=2, cleared_ms=6000, **more):
    """A fault of a chip that works: its status within two periods, and what comes after it."""
    rig.run_to_row(rig.period_ms // 4)
    began_ms = rig.now_ms()
    rig.fault(word, **more)
    rig.run_ms(periods * rig.period_ms)
    after_ms, old, new = rig.first_change(began_ms)
    assert (old, new) == (OK, status), (word, old, new)
    assert after_ms <= periods * rig.period_ms, (word, after_ms)
    rig.run_ms(2 * rig.period_ms)
    assert rig.status() == status, (word, rig.status())
    assert (rig.rows(1)[-1][0] != MISSING_32) == has_value, (word, rig.rows(1)[-1])
    rig.fault(word, clear=True, **more)
    rig.run_ms(cleared_ms)
    assert rig.status() == OK, (word, rig.status(), rig.sink.changes)
    assert MISSING_32 not in [row[0] for row in rig.rows(1)[-3:]]


def _row(number, first, period_ms, inputs, wide):
    channels = [Channel(1, 0, 1, 0, 0) for _ in inputs]
    capacity = max(12, 100 // period_ms + 2)
    return Row(Block(Group(number, first, period_ms, channels), wide, capacity), inputs)


def _wiring(more):
    wiring = {
        "unique_id": "e66038b7132a5b2f",
        "seed": 7,
        "signals": [{"name": "loop", "unit": "nA", "initial": LOOP_NA}],
        "i2c": {
            "1": {
                "chips": [
                    {
                        "name": "loops",
                        "kind": "ads1115",
                        "address": 72,
                        "inputs": ["loop"] * LOOPS,
                        "shunt_milliohm": _SHUNT_MILLIOHM,
                    }
                ]
            }
        },
    }
    wiring["signals"] += more["signals"]
    wiring["i2c"].update(more.get("i2c", {}))
    for key in ("spi", "pins"):
        if key in more:
            wiring[key] = more[key]
    return wiring
