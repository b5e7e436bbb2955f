"""The sampling loop with the real drivers on simulated chips, in lock-step."""

from axwire.codes import (
    NO_ANSWER,
    NOT_READY,
    OK,
    OPEN,
    SATURATED,
    SHORT,
    STUCK,
)

from lockstep import LOOP_NA, Rig

MISSING = -0x8000
BEFORE_MS = 1035
"""A fault begins in the middle of a block."""

CODE = LOOP_NA * 120 * 32768 // 4_096_000_000


def test_rows_lie_on_an_exact_grid_and_every_conversion_is_in_one():
    rig = Rig()
    rig.run_ms(5000)
    times = [t_ms for group, t_ms, _, _ in rig.sink.blocks if group == 0]
    assert times[0] == int(times[0])
    assert times == [times[0] + 100 * at for at in range(len(times))], times
    for group, _, rows, statuses in rig.sink.blocks:
        assert set(statuses) == {OK}, statuses
        assert len(rows) == (10 if group == 0 else 1)
    assert set([value for row in rig.rows(0) for value in row]) <= {CODE, CODE - 1, CODE + 1}
    assert set([value for row in rig.rows(1) for value in row]) <= {0, -1, 1, -2, 2, -3, 3}
    assert rig.sampler.missed == rig.sampler.late == 0 and rig.sink.changes == []
    _all_taken_are_stored(rig)
    assert rig.samples() > 6 * 490


def test_a_pass_may_come_late_by_less_than_what_is_left_of_a_period():
    rig = Rig()
    rig.run_ms(2000, late_us=900)
    assert rig.sampler.missed == 0
    assert rig.sampler.worst_us < 2000


def test_four_inputs_are_too_many_for_a_slow_loop_and_each_gets_its_turn():
    rig = Rig(loops_a_chip=4, period_ms=8)
    rig.run_ms(4000, late_us=900)
    assert rig.sampler.missed > 100
    for column in range(8):
        present = [row[column] != MISSING for row in rig.rows(0)]
        assert sum(present) > len(present) // 2, column
    _all_taken_are_stored(rig)


def test_a_pause_leaves_rows_out_and_counts_them():
    rig = Rig()
    rig.run_ms(1000)
    before = rig.sampler.missed
    rig.ticks.advance(105_000)
    rig.run_ms(1000)
    missed = rig.sampler.missed - before
    assert 10 * 6 <= missed <= 11 * 6, missed
    assert rig.sampler.late == 1 and 100_000 < rig.sampler.worst_us < 115_000
    starts = []
    for group, t_ms, rows, _ in rig.sink.blocks:
        if group == 0:
            starts += [t_ms + 10 * at for at in range(len(rows))]
    assert all([(t_ms - starts[0]) % 10 == 0 for t_ms in starts])
    assert all([starts[at] > starts[at - 1] for at in range(1, len(starts))])
    assert len(starts) + missed // 6 >= 199


def _status_after(rig, chip, word, periods_ms, **more):
    """The statuses of all channels, that long after a fault began."""
    rig.run_ms(BEFORE_MS)
    rig.fault(chip, word, **more)
    rig.run_ms(periods_ms + 110)
    fast = [block for block in rig.sink.blocks if block[0] == 0][-1]
    slow = [block for block in rig.sink.blocks if block[0] == 1][-1]
    return fast[3] + slow[3]


def _within_two_periods(rig, channels, period_ms):
    first = {}
    for t_ms, channel, _, _ in rig.sink.changes:
        first.setdefault(channel, t_ms)
    assert sorted(first) == list(channels), rig.sink.changes
    assert max(first.values()) - BEFORE_MS <= 2 * period_ms, first


def _no_other_lost_a_sample(rig, channels):
    """None but these channels has a hole."""
    for row in rig.rows(0):
        for column, value in enumerate(row):
            assert column in channels or value != MISSING, row
    for row in rig.rows(1):
        for column, value in enumerate(row):
            assert 6 + column in channels or value != MISSING, row


def _all_taken_are_stored(rig):
    """Silence the chips, let the last rows out, and compare with the chips' own count."""
    rig.board.host.obey(3, memoryview(b""))
    rig.run_ms(1200)
    assert sum(rig.taken().values()) == rig.samples(), (rig.taken(), rig.samples())


def test_faults_of_one_loop():
    for word, status, value in (
        ("open", OPEN, 0),
        ("short", SHORT, 0x7000),
        ("saturated", SATURATED, 0x7FFF),
    ):
        rig = Rig()
        statuses = _status_after(rig, "adc0", word, 20, input=1)
        assert statuses == [OK, status, OK, OK, OK, OK, OK, OK], (word, statuses)
        assert abs(rig.rows(0)[-1][1] - value) < 0x1000, rig.rows(0)[-1]
        _within_two_periods(rig, [1], 10)
        for group, _, rows, statuses in rig.sink.blocks:
            healthy = [abs(row[1] - CODE) < 2 for row in rows]
            assert group or set(healthy) == {statuses[1] == OK}, (statuses, rows)
        _no_other_lost_a_sample(rig, [])
        _all_taken_are_stored(rig)


def test_a_loop_outside_namur_limits_is_named_and_its_value_kept():
    for nanoampere, status in (
        (3_590_000, OPEN),
        (3_610_000, OK),
        (20_990_000, OK),
        (21_010_000, SHORT),
    ):
        rig = Rig()
        rig.board.hardware.signals[0].hold(nanoampere)
        rig.run_ms(200)
        last = [block for block in rig.sink.blocks if block[0] == 0][-1]
        assert set(last[3]) == {status}, (nanoampere, last)
        code = nanoampere * 120 * 32768 // 4_096_000_000
        assert abs(rig.rows(0)[-1][0] - code) <= 1


def test_a_chip_that_does_not_answer_stops_no_other_and_comes_back():
    rig = Rig()
    statuses = _status_after(rig, "adc0", "nack", 20)
    assert statuses == [NO_ANSWER] * 3 + [OK] * 5, statuses
    _within_two_periods(rig, [0, 1, 2], 10)
    errors = rig.sampler.errors
    rig.run_ms(20_000)
    assert rig.sampler.errors - errors < 12, "retried with back-off"
    rig.fault("adc0", "nack", clear=True)
    rig.run_ms(5700)
    assert rig.sink.blocks[-1][3] == [OK] * len(rig.sink.blocks[-1][3])
    assert MISSING not in rig.rows(0)[-1]
    _no_other_lost_a_sample(rig, [0, 1, 2])
    _all_taken_are_stored(rig)


def test_a_thermometer_that_does_not_answer():
    rig = Rig()
    statuses = _status_after(rig, "rtd0", "nack", 2000)
    assert statuses == [OK] * 6 + [NO_ANSWER, OK], statuses
    assert all([MISSING not in row for row in rig.rows(0)])
    assert rig.rows(1)[-1][0] == MISSING and rig.rows(1)[-1][1] != MISSING


def test_faults_of_a_thermometer():
    for word, status in (("open", OPEN), ("short", SHORT)):
        rig = Rig()
        statuses = _status_after(rig, "rtd1", word, 2000)
        assert statuses == [OK] * 7 + [status], (word, statuses)
        assert rig.rows(1)[-1][1] != MISSING
        _within_two_periods(rig, [7], 1000)
        rig.fault("rtd1", word, clear=True)
        rig.run_ms(2200)
        assert [block[3] for block in rig.sink.blocks if block[0] == 1][-1] == [OK, OK]


def test_conversions_that_never_end():
    for chip, period_ms, expected in (
        ("adc1", 10, [OK] * 3 + [STUCK] * 3 + [OK] * 2),
        ("rtd0", 1000, [OK] * 6 + [STUCK, OK]),
    ):
        rig = Rig()
        assert _status_after(rig, chip, "frozen", 2 * period_ms) == expected
        rig.fault(chip, "frozen", clear=True)
        rig.run_ms(7000)
        assert set([status for block in rig.sink.blocks[-9:] for status in block[3]]) == {OK}
        _no_other_lost_a_sample(rig, [3, 4, 5] if chip == "adc1" else [6])
        _all_taken_are_stored(rig)


def test_slow_conversions_are_no_samples_of_another_input():
    for permille in (3000, 7000, 9000, 20_000):
        rig = Rig()
        for at, signal in enumerate((8_000_000, 12_000_000, 16_000_000)):
            wired = rig.board.hardware.inputs["adc0/%d" % at]
            wired.inject("stuck", {}, rig.ticks.now)
            wired._last = signal
        slow = {"permille": permille}
        statuses = _status_after(rig, "adc0", "slow_conversion", 20, args=slow)
        assert statuses[:3] == [STUCK] * 3 and statuses[3:] == [OK] * 5, statuses
        rig.run_ms(3000)
        rig.fault("adc0", "slow_conversion", clear=True)
        rig.run_ms(6000)
        for row in rig.rows(0):
            for column, expected in enumerate((7680, 11520, 15360)):
                assert row[column] == MISSING or abs(row[column] - expected) <= 1, row
        assert MISSING not in rig.rows(0)[-1]


def test_a_little_slow_is_not_stuck():
    rig = Rig()
    statuses = _status_after(rig, "adc0", "slow_conversion", 20, args={"permille": 1500})
    assert statuses == [OK] * 8, statuses


def test_a_brown_out_of_a_chip_is_noticed_and_repaired():
    for chip, after_ms, channels in (("adc0", 2003, [0, 1, 2]), ("rtd0", 2040, [6])):
        rig = Rig()
        rig.run_ms(after_ms)
        rig.fault(chip, "brown_out")
        rig.run_ms(3000)
        assert [change[1:] for change in rig.sink.changes[: len(channels)]] == [
            (channel, OK, NOT_READY) for channel in channels
        ], rig.sink.changes
        assert set([status for block in rig.sink.blocks[-9:] for status in block[3]]) == {OK}
        assert rig.board.hardware.chips["rtd0"]._thresholds != bytearray(b"\xff\xff\x00\x00")
        _no_other_lost_a_sample(rig, channels)
        _all_taken_are_stored(rig)


def test_a_held_bus_delays_the_others_by_its_time_out_only():
    rig = Rig()
    rig.run_ms(1000)
    rig.fault("adc0", "bus_stuck")
    waits = []
    buses_sleep(rig, waits)
    rig.run_ms(10_000)
    assert sum(waits) < 40 * 2 * 50_000
    assert rig.sink.blocks[-1][3][:6] == [NO_ANSWER] * 6 or rig.sink.blocks[-1][0] == 1
    assert all([MISSING not in row for row in rig.rows(1)])
    rig.fault("adc0", "bus_stuck", clear=True)
    rig.run_ms(5700)
    assert MISSING not in rig.rows(0)[-1]


def buses_sleep(rig, waits):
    """A held bus costs its time-out of the test's clock."""
    from simulators.board import buses

    def sleep_us(duration_us):
        waits.append(duration_us)
        rig.ticks.advance(duration_us)

    buses.sleep_us = sleep_us


def test_a_loose_contact_does_not_make_a_block_of_each_row():
    rig = Rig()
    rig.run_ms(1000)
    blocks = len(rig.sink.blocks)
    for _ in range(50):
        rig.fault("adc0", "open", input=0)
        rig.run_ms(10)
        rig.fault("adc0", "open", input=0, clear=True)
        rig.run_ms(10)
    assert len(rig.sink.changes) <= 2, rig.sink.changes
    assert len(rig.sink.blocks) - blocks <= 14
    rig.run_ms(700)
    assert rig.sink.changes[-1][2:] == (OPEN, OK)
