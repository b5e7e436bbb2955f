"""Sampling chips of more than 16 bits allocates nothing either."""

import gc
from time import ticks_diff

import drivers.hx711
import drivers.max31856
import drivers.nau7802
from axnode.block import Block
from axnode.sampler import Row, Sampler, Scan
from axnode.ticks import BootClock
from axwire.table import Channel, Group

from lockstep import PERIOD, Ticks


class Spi:
    """A MAX31856 that is always done."""

    def __init__(self):
        self.registers = bytearray(16)
        self.registers[12] = 0x0B

    def write(self, data):
        at = data[0] & 0x7F
        for index in range(1, len(data)):
            self.registers[at + index - 1] = data[index]
        self.registers[0] &= ~0x40

    def write_readinto(self, out, data):
        for index in range(1, len(data)):
            data[index] = self.registers[out[0] + index - 1]


class I2c:
    """A NAU7802 that is always done."""

    def __init__(self):
        self.registers = bytearray(32)
        self.registers[0x12] = 0x3A
        self.registers[0x1F] = 0x0F

    def writeto_mem(self, address, register, data):
        self.registers[register] = data[0]
        self.registers[0] |= 0x28
        self.registers[2] &= ~0x04

    def readfrom_mem_into(self, address, register, data):
        for index in range(len(data)):
            data[index] = self.registers[register + index]


class Dout:
    """Low: a result is ready."""

    def init(self, mode, pull):
        pass

    def __call__(self):
        return 0


class Clock:
    def reset(self):
        pass

    def hold(self, level):
        pass

    def begin(self, extra):
        pass

    def done(self):
        return True

    def bits(self):
        return 0x1234567


class Sink:
    def __init__(self):
        self.rows = 0
        self.holes = 0

    def flush(self, blocks):
        for block in blocks:
            self.rows += block.rows
            self.holes += block.rows * block.channels - block.present
            block.clear()

    def status_changed(self, channel, old, new, tick):
        pass


def _passes(sampler, ticks, count):
    for _ in range(count):
        now = sampler._clock.tick()
        sampler.step(now)
        if ticks_diff(sampler.flush_at, now) <= 500:
            sampler.flush(now)
        ticks.advance(sampler.idle_ms(sampler._clock.tick()) * 1000 + 150)


def test_twenty_thousand_passes_in_steady_state():
    ticks = Ticks(PERIOD - 20_000_000)
    for module in (drivers.max31856, drivers.nau7802, drivers.hx711):
        module.ticks_us = ticks
    couple = drivers.max31856.Max31856(Spi(), lambda level: None, 50)
    strains = [
        drivers.nau7802.Nau7802(I2c(), 128, 320, 3000, -0x800000, 0x7FFFFF),
        drivers.hx711.Hx711(Clock(), Dout(), 128, 80, -0x800000, 0x7FFFFF),
    ]
    rows = []
    for number, (inputs, period_ms) in enumerate(((1, 250), (2, 25))):
        channels = [Channel(1, 0, 1, 0, 0) for _ in range(inputs)]
        block = Block(Group(number, number, period_ms, channels), True, 12)
        rows.append(Row(block, [0] * inputs))
    scans = [Scan(couple, rows[0].slots)]
    scans += [Scan(chip, [slot]) for chip, slot in zip(strains, rows[1].slots)]
    sink = Sink()
    sampler = Sampler(BootClock(ticks), rows, scans, sink, 100)
    sampler.begin(sampler._clock.tick())
    _passes(sampler, ticks, 2000)
    missed = sampler.missed
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    sink.rows = sink.holes = 0
    _passes(sampler, ticks, 20_000)
    grown = gc.mem_alloc() - before
    assert grown == 0, grown
    assert sampler.missed == missed and sampler.errors == sink.holes == 0
    assert sink.rows > 4000, sink.rows
