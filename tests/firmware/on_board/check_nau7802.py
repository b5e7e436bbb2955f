"""The driver of the strain converter on I2C, beside loops that must not notice."""

import drivers.nau7802
from axwire.codes import NO_ANSWER, NOT_READY, OK, OUT_OF_RANGE, SATURATED, STUCK

from chip_rig import ChipRig, shows

BRIDGE_NV = 3_000_000
LOWEST, HIGHEST = 500_000, 6_000_000


def rig(period_ms=100, ready=True, **changed):
    chip = {"name": "chip", "kind": "nau7802", "address": 42, "signal": "bridge"}
    wiring = {
        "signals": [{"name": "bridge", "unit": "nV", "initial": BRIDGE_NV}],
        "i2c": {"0": {"chips": [chip]}},
    }
    settings = {
        "i2c": 0,
        "gain": 128,
        "rate": 20,
        "avdd_millivolt": 3000,
        "lowest": LOWEST,
        "highest": HIGHEST,
    }
    settings.update(changed)
    module = drivers.nau7802
    made = ChipRig(module, lambda board: module.make(settings, board), wiring, period_ms)
    if ready:
        made.run_until_good()
    return made


def code(gain=128, millivolt=3000):
    return round(0x800000 * gain * BRIDGE_NV / (millivolt * 500_000))


def test_it_starts_within_a_second_and_a_half_and_is_calibrated():
    for rate, limit_ms in ((10, 1500), (20, 1200), (320, 1000)):
        made = rig(ready=False, rate=rate)
        took_ms = made.run_until_good()
        assert 594 <= took_ms <= limit_ms, (rate, took_ms)
        assert abs(made.values()[0] - code()) <= 1, made.values()
        assert made.sampler.errors == 0
        made.end()


def test_every_gain_and_supply():
    for gain, millivolt in ((1, 3000), (2, 2400), (16, 4500), (64, 3300), (128, 2700)):
        made = rig(gain=gain, avdd_millivolt=millivolt, lowest=-0x800000)
        made.run_ms(500)
        expected = code(gain, millivolt)
        assert set([abs(value - expected) <= 1 for value in made.values()]) == {True}, gain
        made.end()


def test_each_row_has_a_value_at_twice_its_rate():
    for rate, period_ms in ((20, 100), (80, 25), (320, 10)):
        made = rig(rate=rate, period_ms=period_ms)
        missed = made.sampler.missed
        made.run_ms(5000)
        assert made.sampler.missed == missed and made.sampler.errors == 0, (
            rate,
            made.sampler.missed,
        )
        assert made.status() == OK and made.sink.changes == []
        made.end()


def test_a_value_is_at_most_a_conversion_old():
    made = rig()
    for nanovolts in (2_000_000, 4_000_000, 3_000_000):
        made.run_ms(400)
        made.set(nanovolts)
        made.run_ms(260)
        expected = nanovolts * code() // BRIDGE_NV
        assert abs(made.values()[-1] - expected) <= 2, made.values()[-3:]
    made.end()


def test_each_fault_shows_within_two_periods():
    for word, status, has_value, more in (
        ("open", SATURATED, True, {}),
        ("saturated", SATURATED, True, {}),
        ("saturated", SATURATED, True, {"args": {"low": True}}),
        ("short", OUT_OF_RANGE, True, {}),
        ("nack", NO_ANSWER, False, {}),
        ("frozen", STUCK, False, {}),
        ("slow_conversion", STUCK, False, {"args": {"permille": 5000}}),
    ):
        made = rig()
        shows(made, word, status, has_value, **more)
        made.end()


def test_a_held_bus_shows_within_two_periods():
    made = rig()
    began_ms = made.now_ms()
    made.fault("bus_stuck")
    made.run_ms(220)
    after_ms, old, new = made.first_change(began_ms)
    assert (old, new) == (OK, NO_ANSWER) and after_ms <= 200, (after_ms, old, new)
    made.run_ms(3000)
    assert made.sampler.errors < 12, "retried with back-off"
    made.fault("bus_stuck", clear=True)
    made.run_ms(7000)
    assert made.status() == OK
    made.end()


def test_a_load_beyond_the_limits_is_out_of_range_and_its_value_kept():
    made = rig()
    for nanovolts, status in (
        (200_000, OUT_OF_RANGE),
        (2_000_000, OK),
        (8_600_000, OUT_OF_RANGE),
        (-3_000_000, OUT_OF_RANGE),
    ):
        made.set(nanovolts)
        made.run_ms(1000)
        assert made.status() == status, (nanovolts, made.status())
        expected = nanovolts * 0x800000 * 128 // 1_500_000_000
        assert abs(made.values()[-1] - expected) <= 1
    made.end()


def test_a_brown_out_is_noticed_and_the_chip_calibrated_anew():
    for wait_ms in (3, 37, 61):
        made = rig()
        made.run_ms(wait_ms)
        began_ms = made.now_ms()
        made.fault("brown_out")
        made.run_ms(220)
        after_ms, old, new = made.first_change(began_ms)
        assert (old, new) == (OK, NOT_READY) and after_ms <= 200, (wait_ms, after_ms, old, new)
        made.run_ms(2000)
        assert made.status() == OK and abs(made.values()[-1] - code()) <= 1
        made.end()


def test_a_failed_calibration_gives_no_value():
    made = rig(ready=False)
    made.fault("calibration_error")
    made.run_ms(5000)
    assert made.values() == [] and made.status() == NOT_READY
    assert 2 <= made.sampler.errors <= 8, made.sampler.errors
    made.fault("calibration_error", clear=True)
    made.run_ms(8000)
    assert made.status() == OK and abs(made.values()[-1] - code()) <= 1
    made.end()


def test_a_calibration_that_never_ends():
    made = rig(ready=False)
    made.run_ms(400)
    made.fault("frozen")
    made.run_ms(2500)
    assert made.values() == [] and made.status() == STUCK
    made.fault("frozen", clear=True)
    made.run_ms(7000)
    assert made.status() == OK
    made.end()


def test_another_chip_at_its_address_is_none():
    made = rig(ready=False)
    made.fault("wrong_id", args={"id": 0x33})
    made.run_ms(3000)
    assert made.values() == [] and made.status() == NO_ANSWER
    made.fault("wrong_id", clear=True)
    made.run_ms(7000)
    assert made.status() == OK
    made.end()


def test_a_chip_that_is_not_powered_up():
    made = rig(ready=False)
    chip = made.board.hardware.chips["chip"]
    read = chip._read
    chip._read = lambda register: read(register) & ~8 if register == 0 else read(register)
    made.run_ms(2000)
    assert made.values() == [] and made.status() == STUCK


def test_limits_that_are_none_are_refused():
    refusal = "accepted"
    try:
        rig(lowest=5, highest=5)
    except ValueError as error:
        refusal = str(error)
    assert refusal == "lowest must be less than highest"
