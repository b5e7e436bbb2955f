"""The sampling loop, with the real drivers, allocates nothing; a message leaves little."""

import gc
from time import ticks_diff

import drivers.ads1115
import drivers.max31865
from axnode.block import Block
from axnode.sampler import Row, Sampler, Scan
from axnode.ticks import BootClock
from axwire import MESSAGE_CAP
from axwire.cose import ROOM, UP, MacKey, Sealer
from axwire.framing import frame_in_place
from axwire.table import Channel, Group

from lockstep import PERIOD, Ticks


class I2c:
    """An ADS1115 that is always done, in few words and without allocating."""

    def __init__(self):
        self.configuration = bytearray(2)

    def writeto_mem(self, address, register, data):
        self.configuration[0] = data[0]
        self.configuration[1] = data[1]

    def readfrom_mem_into(self, address, register, data):
        if register:
            data[0] = self.configuration[0] | 0x80
            data[1] = self.configuration[1]
        else:
            data[0] = 0x2C
            data[1] = 0x42


class Spi:
    """A MAX31865 that is always done."""

    def __init__(self):
        self.registers = bytearray(8)
        self.registers[1] = 0x46

    def write(self, data):
        at = data[0] & 0x7F
        for index in range(1, len(data)):
            self.registers[at + index - 1] = data[index]
        self.registers[0] &= ~0x22

    def write_readinto(self, out, data):
        for index in range(1, len(data)):
            data[index] = self.registers[out[0] + index - 1]


class Sink:
    def flush(self, blocks):
        for block in blocks:
            block.clear()

    def status_changed(self, channel, old, new, tick):
        pass


def _sampler(ticks):
    drivers.ads1115.ticks_us = ticks
    drivers.max31865.ticks_us = ticks
    pt100 = drivers.max31865.Pt100(400_000)
    chips = [drivers.ads1115.Ads1115(I2c(), 72, 4096, 860, 120_000) for _ in (0, 1)]
    chips += [drivers.max31865.Max31865(Spi(), len, pt100, 3, 50) for _ in range(6)]
    for chip in chips[2:]:
        chip._select = lambda level: None
    rows = []
    for number, period_ms in ((0, 10), (1, 500)):
        table = [Channel(1, 0, 1, 0, 0) for _ in range(6)]
        block = Block(Group(number, 6 * number, period_ms, table), False, 12)
        rows.append(Row(block, [at % 3 if not number else 0 for at in range(6)]))
    scans = [Scan(chips[at], rows[0].slots[3 * at : 3 * at + 3]) for at in (0, 1)]
    scans += [Scan(chips[2 + at], [rows[1].slots[at]]) for at in range(6)]
    return Sampler(BootClock(ticks), rows, scans, Sink(), 100)


def _passes(sampler, ticks, count):
    for _ in range(count):
        now = sampler._clock.tick()
        sampler.step(now)
        if ticks_diff(sampler.flush_at, now) <= 500:
            sampler.flush(now)
        ticks.advance(sampler.idle_ms(sampler._clock.tick()) * 1000 + 150)


def test_twenty_thousand_passes_in_steady_state():
    ticks = Ticks(PERIOD - 20_000_000)
    sampler = _sampler(ticks)
    sampler.begin(sampler._clock.tick())
    _passes(sampler, ticks, 2000)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    _passes(sampler, ticks, 20_000)
    grown = gc.mem_alloc() - before
    assert grown == 0, grown
    assert sampler.passes == 22_000 and sampler.missed == sampler.errors == 0
    assert ticks.now < PERIOD // 2, "the counter has wrapped on the way"


def test_a_message_leaves_little_garbage():
    sealer = Sealer(MacKey(bytes(32)), "motors-a", UP, MESSAGE_CAP)
    payload = bytes(range(130))
    sealer.seal(payload)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(10):
        sealer.seal(payload)
        frame_in_place(sealer.buffer, sealer.view, ROOM, sealer.end)
    left = (gc.mem_alloc() - before) // 10
    print("%d bytes of garbage a message" % left)
    assert left < 700, left
