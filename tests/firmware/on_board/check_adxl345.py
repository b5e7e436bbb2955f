"""The driver of the accelerometer for trends, on both of its buses, beside loops."""

import drivers.adxl345
from axwire.codes import NO_ANSWER, NOT_READY, OK, SATURATED, STUCK
from drivers.features import CREST, KURTOSIS, MEAN, PEAK, RMS

from sensor_rig import MISSING, SensorRig

SIGNALS = [
    {"name": "x", "unit": "ug", "initial": 0},
    {"name": "z", "unit": "ug", "initial": 2_000_000},
]
SINE_CODES = 512
FILLING = 0
BUSES = (("i2c", {"address": 83}, {"i2c": 0}), ("spi", {"cs": 17}, {"spi": 0, "cs": 17}))


def rig(bus=BUSES[0], channels=5, period_ms=500, sensor=(), **changed):
    place, wires, keys = bus
    samples = changed.get("samples", 256)
    wired = {"kind": "adxl345", "inputs": [None, "x", "z"], "features": channels}
    wired.update({"tone_hz": 410, "fills": samples // 32})
    wired.update(wires)
    wired.update(sensor)
    settings = {"axis": "z"}
    settings.update(keys)
    settings.update(changed)
    module = drivers.adxl345
    return SensorRig(module, settings, place, wired, SIGNALS, channels, period_ms)


def test_a_sine_has_the_features_of_a_sine_on_both_buses():
    for bus in BUSES:
        made = rig(bus)
        made.run_rows(6)
        assert made.statuses() == [OK] * 5 and made.sampler.missed == made.sampler.errors == 0
        for row in made.rows():
            assert abs(row[RMS] - SINE_CODES / 2**0.5) < 12, row
            assert abs(row[PEAK] - SINE_CODES) < 30, row
            assert abs(row[CREST] - 1000 * 2**0.5) < 90, row
            assert abs(row[KURTOSIS] - 1.5 * 50) < 5, row
            assert abs(row[MEAN]) < 40, row
        assert len(made.rows()) >= 6
        made.end()


def test_each_rate_and_length():
    for rate, samples, period_ms in (
        (3200, 32, 100),
        (3200, 512, 1000),
        (1600, 64, 250),
        (800, 128, 500),
        (400, 128, 1000),
    ):
        made = rig(rate=rate, samples=samples, period_ms=period_ms)
        made.run_rows(4)
        assert made.statuses() == [OK] * 5 and made.sampler.missed == 0, (rate, samples)
        assert made.driver.period_ns == 1_000_000_000 // rate
        made.end()


def test_another_axis():
    made = rig(axis="y")
    made.set("x", 1_000_000)
    made.run_rows(3)
    assert abs(made.values(PEAK)[-1] - 256) < 20


def test_each_fault_shows_within_two_periods():
    for bus in BUSES:
        for word, status, has_value, args in (
            ("nack", NO_ANSWER, False, {}),
            ("frozen", STUCK, False, {}),
            ("slow_conversion", STUCK, False, {"permille": 4000}),
            ("stuck", STUCK, True, {}),
            ("open", STUCK, True, {}),
            ("short", STUCK, True, {}),
            ("saturated", SATURATED, True, {}),
        ):
            made = rig(bus)
            made.run_rows(3)
            made.shows(word, status, has_value=has_value, **args)
            made.end()


def test_a_bus_that_is_held():
    made = rig()
    made.run_rows(3)
    made.shows("bus_stuck", NO_ANSWER, has_value=False)
    made.end()


def test_another_chip_at_its_address_is_not_taken_for_it():
    made = rig()
    made.fault("wrong_id", id=0xE6)
    made.run_rows(2)
    assert made.statuses() == [NO_ANSWER] * 5 and made.values() == []
    made.fault("wrong_id", clear=True)
    made.run_ms(3000)
    assert made.statuses() == [OK] * 5
    made.end()


def test_a_brown_out_is_noticed_and_repaired():
    for bus in BUSES:
        for after_ms in (2004, 2013, 2030, 2300):
            made = rig(bus)
            made.run_ms(after_ms)
            began_ms = made.now_ms()
            made.fault("brown_out")
            made.run_rows(2)
            after, old, new = made.first_change(began_ms)
            assert (old, new) == (OK, NOT_READY) and after <= 1000, (after_ms, after, old, new)
            made.run_ms(4000)
            assert made.statuses() == [OK] * 5 and MISSING not in made.rows()[-1]
            made.end()


def test_a_register_that_changed_alone_is_noticed():
    for bus in BUSES:
        for register, value in ((0x2C, 0x0E), (0x2D, 0x00), (0x38, 0x00)):
            made = rig(bus)
            made.run_rows(3)
            while made.driver._phase != FILLING:
                made.run_ms(1)
            made.board.hardware.chips["sensor"]._registers[register] = value
            made.run_rows(2)
            assert made.sink.changes[0][2:] == (OK, NOT_READY), (register, made.sink.changes)
            made.run_ms(3000)
            assert made.statuses() == [OK] * 5
            made.end()


def test_a_chip_is_on_one_bus():
    for keys in ({}, {"i2c": 0, "spi": 0, "cs": 17}, {"spi": 0}, {"i2c": 0, "cs": 17}):
        settings = dict(drivers.adxl345.DEFAULTS)
        settings["axis"] = "x"
        settings.update(keys)
        refusal = "accepted"
        try:
            drivers.adxl345.make(settings, None)
        except ValueError as error:
            refusal = str(error)
        assert refusal == "it needs i2c, or spi and cs", keys
