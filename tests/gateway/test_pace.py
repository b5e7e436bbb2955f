"""Rates that the page and `axlebox gateway status` show."""

from manual_clock import ManualClock

from gateway.pace import Counts, Pace

SECOND_US = 1_000_000


def test_rates_are_those_of_the_last_ten_seconds() -> None:
    clock, now = ManualClock(0), Counts(0, 0, 0, 0)
    pace = Pace(clock, lambda: now)
    assert pace.rates() is None
    for second in range(1, 21):
        step = 1920 if second > 10 else 0
        now = Counts(now.samples + step, now.messages + 36, now.bytes + 8000, now.sent_bytes + 500)
        clock.advance_us(SECOND_US)
        pace.tick()
        if second == 10:
            found = pace.rates()
            assert found is not None
            assert found.samples_per_s == 0
    rates = pace.rates()
    assert rates is not None
    assert rates.samples_per_s == 1920
    assert (rates.messages_per_s, rates.bytes_per_s, rates.sent_bytes_per_s) == (36, 8000, 500)


def test_looks_that_come_late_do_not_raise_a_rate() -> None:
    clock, now = ManualClock(0), Counts(0, 0, 0, 0)
    pace = Pace(clock, lambda: now)
    now = Counts(9000, 0, 0, 0)
    clock.advance_us(SECOND_US // 2)
    pace.tick()
    assert pace.rates() is None
    clock.advance_us(4 * SECOND_US)
    pace.tick()
    rates = pace.rates()
    assert rates is not None
    assert rates.samples_per_s == 2000
