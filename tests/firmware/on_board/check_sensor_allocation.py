"""Reading sensors that move, and computing what windows say, allocates nothing."""

import gc
from array import array
from time import ticks_diff

from drivers import features_plain, features_viper

import check_adxl345
import check_contact
import check_iis3dwb
import check_tacho


class Sink:
    def flush(self, blocks):
        for block in blocks:
            block.clear()

    def status_changed(self, channel, old, new, tick):
        pass


def passes(made, count):
    """So many turns of the loop, without the method calls that the board itself does not make."""
    sampler = made.sampler
    ticks = made.ticks
    for _ in range(count):
        now = sampler._clock.tick()
        sampler.step(now)
        if ticks_diff(sampler.flush_at, now) <= 500:
            sampler.flush(now)
        ticks.advance(sampler.idle_ms(sampler._clock.tick()) * 1000 + 150)


def grown(made):
    """Bytes that a thousand passes leave behind."""
    made.sampler._sink = Sink()
    passes(made, 1000)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    passes(made, 1000)
    after = gc.mem_alloc()
    gc.enable()
    return after - before


def test_windows_of_the_vibration_sensor():
    assert grown(check_iis3dwb.rig()) == 0


def test_windows_of_the_accelerometer_on_both_buses():
    for bus in check_adxl345.BUSES:
        assert grown(check_adxl345.rig(bus)) == 0, bus[0]


def test_speeds():
    for port in check_tacho.PORTS:
        for rpm in (0, 30, 1500, 4500):
            assert grown(check_tacho.rig(port, rpm=rpm)) == 0, (port, rpm)


def test_contacts():
    assert grown(check_contact.rig(inverse=True)) == 0


def test_the_loops_over_a_window_with_the_largest_numbers():
    """The plain ones count in small integers too."""
    samples = array("h", [-0x8000, 0x7FFF] * 256)
    data = bytes(samples)
    work = array("i", bytes(4 * 15))
    for part in (features_viper, features_plain):
        gc.collect()
        gc.disable()
        for _ in range(2):
            before = gc.mem_alloc()
            for at in range(len(work)):
                work[at] = 0
            work[0] = 2
            work[3] = 512
            part.gather(data, samples, work)
            work[2] = 0
            work[9] = 4
            part.spread(samples, work)
            after = gc.mem_alloc()
        gc.enable()
        assert after == before, (part, after - before)
