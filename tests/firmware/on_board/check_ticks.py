"""Time since boot over many wraps of the counter."""

from axnode.ticks import BootClock

PERIOD = 1 << 30


class Counter:
    def __init__(self, us):
        self.us = us

    def __call__(self):
        return self.us & (PERIOD - 1)


def test_time_goes_on_over_every_wrap():
    for start in (0, 12345, PERIOD - 1):
        counter = Counter(start)
        clock = BootClock(counter)
        step = 479_999_999
        for turn in range(40):
            tick = clock.tick()
            assert clock.us_at(tick) == turn * step, (start, turn)
            assert clock.ms_at(tick) == turn * step // 1000
            counter.us += step


def test_a_tick_a_little_older_or_newer_than_the_last_one():
    counter = Counter(PERIOD - 500_000)
    clock = BootClock(counter)
    counter.us += 1_000_000
    clock.tick()
    early = (PERIOD - 100_000) & (PERIOD - 1)
    assert clock.us_at(early) == 400_000
    assert clock.us_at(900_000) == 1_400_000


def test_a_tick_allocates_nothing():
    import gc

    counter = Counter(PERIOD - 50)
    clock = BootClock(counter)
    counter.us = 0
    ticks = [PERIOD - 20, PERIOD - 1, 0, 20]
    clock._ticks = lambda: ticks[0]
    before = gc.mem_alloc()
    clock.tick()
    assert gc.mem_alloc() == before
