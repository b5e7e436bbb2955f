"""The driver of the vibration sensor, with its windows and features, beside loops."""

import drivers.iis3dwb
from axwire.codes import NO_ANSWER, NOT_READY, OK, OUT_OF_RANGE, SATURATED, STUCK
from drivers.features import CREST, KURTOSIS, MEAN, PEAK, RMS

from sensor_rig import MISSING, SensorRig

SIGNALS = [
    {"name": "x", "unit": "ug", "initial": 0},
    {"name": "z", "unit": "ug", "initial": 2_000_000},
]
SINE_CODES = 2_000_000 / 488
FILLING, READING = 1, 2


def rig(channels=5, period_ms=250, sensor=(), **changed):
    wired = {"kind": "iis3dwb", "cs": 17, "inputs": ["x", None, "z"], "features": channels}
    wired["tone_hz"] = 1000
    wired.update(sensor)
    settings = {"spi": 0, "cs": 17, "axis": "z"}
    settings.update(changed)
    module = drivers.iis3dwb
    return SensorRig(module, settings, "spi", wired, SIGNALS, channels, period_ms)


def test_a_sine_has_the_features_of_a_sine():
    made = rig()
    made.run_rows(8)
    assert made.statuses() == [OK] * 5 and made.sampler.missed == made.sampler.errors == 0
    for row in made.rows():
        assert abs(row[RMS] - SINE_CODES / 2**0.5) < 30, row
        assert abs(row[PEAK] - SINE_CODES) < 120, row
        assert abs(row[CREST] - 1000 * 2**0.5) < 30, row
        assert abs(row[KURTOSIS] - 1.5 * 50) < 2, row
        assert abs(row[MEAN]) < 200, row
    assert len(made.rows()) >= 8
    made.end()


def test_each_axis_and_range():
    for axis, first in (("x", 0), ("z", 2)):
        for range_g, ug in ((2, 61), (4, 122), (8, 244), (16, 488)):
            made = rig(axis=axis, range_g=range_g)
            made.set("x", 500_000)
            made.set("z", 1_500_000)
            made.run_rows(3)
            expected = (500_000 if first == 0 else 1_500_000) / ug
            assert abs(made.values(PEAK)[-1] - expected) < 0.03 * expected + 40, (axis, range_g)


def test_windows_of_every_length():
    for samples in (128, 256, 512):
        made = rig(samples=samples)
        made.run_rows(4)
        assert made.statuses() == [OK] * 5
        assert abs(made.values(RMS)[-1] - SINE_CODES / 2**0.5) < 60, samples
        made.end()


def test_impacts_raise_crest_and_kurtosis():
    made = rig()
    made.set("z", 100_000)
    made.run_rows(3)
    before = made.rows()[-1]
    made.fault("spike", size=5_000_000, every=128)
    made.run_rows(3)
    after = made.rows()[-1]
    assert before[KURTOSIS] < 100 and before[CREST] < 2000, before
    assert after[KURTOSIS] > 1000 and after[CREST] > 5000, after


def test_no_step_keeps_the_other_sensors_waiting():
    """A window takes a fifth of a row; each poll of it reads 32 samples at most."""
    made = rig(period_ms=100)
    longest = [0]
    plain = made.driver._spi.readinto

    def readinto(data):
        longest[0] = max(longest[0], len(data))
        plain(data)

    class Spi:
        write = made.driver._spi.write
        write_readinto = made.driver._spi.write_readinto

    Spi.readinto = readinto
    made.driver._spi = Spi
    made.run_rows(10)
    assert made.sampler.missed == 0 and longest[0] == 32 * 7
    made.end()


def test_a_row_holds_the_features_of_one_window():
    made = rig()
    for amplitude in (200_000, 900_000, 3_000_000):
        made.set("z", amplitude)
        made.run_rows(3)
        row = made.rows()[-1]
        assert abs(row[PEAK] / row[RMS] * 1000 - row[CREST]) < 20, row
    results = list(made.driver.features.results)
    made.run_rows(1)
    assert results in made.rows()


def test_each_fault_shows_within_two_periods():
    for word, status, has_value, args in (
        ("nack", NO_ANSWER, False, {}),
        ("wrong_id", NO_ANSWER, False, {"id": 0x6C}),
        ("frozen", STUCK, False, {}),
        ("slow_conversion", STUCK, False, {"permille": 4000}),
        ("stuck", STUCK, True, {}),
        ("open", STUCK, True, {}),
        ("short", STUCK, True, {}),
        ("saturated", SATURATED, True, {}),
        ("saturated", SATURATED, True, {"low": True}),
    ):
        made = rig()
        made.run_rows(4)
        made.shows(word, status, has_value=has_value, **args)
        made.end()


def test_a_brown_out_is_noticed_and_repaired():
    for after_ms in (1003, 1030, 1100):
        made = rig()
        made.run_ms(after_ms)
        began_ms = made.now_ms()
        made.fault("brown_out")
        made.run_rows(2)
        after, old, new = made.first_change(began_ms)
        assert (old, new) == (OK, NOT_READY) and after <= 500, (after, old, new)
        made.run_ms(3000)
        assert made.statuses() == [OK] * 5 and MISSING not in made.rows()[-1]
        assert made.board.hardware.chips["sensor"]._registers[0x10] == 0xA4
        made.end()


def test_a_brown_out_while_the_window_is_read_leaves_no_half_window():
    made = rig()
    made.run_rows(3)
    while made.driver._phase != READING:
        made.run_ms(1)
    before = len(made.rows())
    made.fault("brown_out")
    made.run_rows(1)
    assert made.rows()[before] == [MISSING] * 5, made.rows()[before:]
    made.run_ms(2000)
    assert made.statuses() == [OK] * 5 and made.sink.changes[0][2:] == (OK, NOT_READY)
    made.end()


def test_a_register_that_changed_alone_is_noticed():
    """With another range the values would be wrong by eight, and look good."""
    for register, value in ((0x10, 0xA0), (0x07, 0x10), (0x08, 0x80), (0x09, 0x00), (0x0A, 0x06)):
        made = rig()
        made.run_rows(3)
        while made.driver._phase != FILLING:
            made.run_ms(1)
        made.board.hardware.chips["sensor"]._registers[register] = value
        made.run_rows(2)
        assert made.sink.changes[0][2:] == (OK, NOT_READY), (register, made.sink.changes)
        made.run_ms(2000)
        assert made.statuses() == [OK] * 5
        made.end()


def test_each_row_is_of_a_window_of_its_own():
    made = rig(channels=1, period_ms=30, samples=128)
    made.run_rows(20)
    assert made.sampler.missed == 0 and len(set(made.values())) > 5
    made.end()


def test_a_little_slow_is_not_stuck():
    made = rig()
    made.run_rows(3)
    made.fault("slow_conversion", permille=1500)
    made.run_rows(4)
    assert made.statuses() == [OK] * 5 and made.sampler.errors == 0
    made.end()


def test_below_its_rated_temperature_its_values_are_marked():
    for celsius, status in ((-41, OUT_OF_RANGE), (-40, OK), (105, OK)):
        made = rig(sensor={"celsius": celsius})
        made.run_rows(3)
        assert set(made.statuses()) == {status}, celsius
        assert MISSING not in made.rows()[-1]
        made.end()


def test_its_own_clock_gives_the_period_of_a_waveform():
    for permille in (970, 1000, 1030):
        made = rig(sensor={"rate_permille": permille})
        made.run_rows(2)
        period_ns = 37_500 * 1000 / permille
        assert abs(made.driver.period_ns - period_ns) < 0.001 * period_ns, made.driver.period_ns


def _bursts(made, rows):
    """What a node takes within so many rows: features and samples of each window that is due."""
    features = made.driver.features
    taken = []
    for _ in range(rows * made.period_ms):
        made.run_ms(1)
        if features.due:
            features.due = False
            data = bytes(features.data)
            samples = [data[at] | data[at + 1] << 8 for at in range(0, len(data), 2)]
            samples = [value - (value >> 15 << 16) for value in samples]
            assert samples == list(features.samples)
            taken.append((list(features.results), samples, features.began))
    return taken


def test_a_feature_that_reaches_its_level_makes_its_window_due_once():
    made = rig(burst_on="peak", burst_level=4500)
    assert _bursts(made, 4) == []
    made.set("z", 2_500_000)
    bursts = _bursts(made, 5)
    assert len(bursts) == 1, "told once, though the level stays reached"
    results, samples, began = bursts[0]
    mean = sum(samples) / len(samples)
    assert len(samples) == 512 and results[PEAK] >= 4500
    assert abs(max([abs(value - mean) for value in samples]) - results[PEAK]) <= 1
    assert results in made.rows()
    assert began not in (0, made.ticks.now)
    made.set("z", 2_000_000)
    assert _bursts(made, 3) == [], "2.0 g are above seven eighths of the level"
    made.set("z", 2_500_000)
    assert _bursts(made, 3) == []
    made.set("z", 1_500_000)
    assert _bursts(made, 3) == []
    made.set("z", 2_500_000)
    assert len(_bursts(made, 3)) == 1
    made.end()


def test_the_next_window_is_due_when_somebody_asks():
    made = rig()
    assert _bursts(made, 3) == []
    made.driver.features.ask()
    assert len(_bursts(made, 3)) == 1
    assert _bursts(made, 3) == []
