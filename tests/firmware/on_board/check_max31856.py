"""The thermocouple's driver on the simulated chip, beside loops that must not notice."""

import drivers.max31856
from axwire.codes import NO_ANSWER, NOT_READY, OK, OPEN, OUT_OF_RANGE, SATURATED, STUCK
from simulators.board.max31856 import emf_nv

from chip_rig import ChipRig, shows

COLD_C = 25


def nanovolts(celsius):
    return round(emf_nv(celsius) - emf_nv(COLD_C))


def rig(celsius=180, period_ms=500, filter_hz=50):
    chip = {"name": "chip", "kind": "max31856", "cs": 17, "signal": "couple"}
    wiring = {
        "signals": [{"name": "couple", "unit": "nV", "initial": nanovolts(celsius)}],
        "spi": {"0": {"chips": [chip]}},
    }
    settings = {"spi": 0, "cs": 17, "filter_hz": filter_hz}
    module = drivers.max31856
    return ChipRig(module, lambda board: module.make(settings, board), wiring, period_ms)


def test_temperatures_in_hundredths_of_a_degree():
    made = rig()
    made.run_until_good()
    for celsius in (-190, -40, 0, 20, 99, 180, 327, 328, 1000, 1371):
        made.set(nanovolts(celsius))
        made.run_ms(1500)
        assert abs(made.values()[-1] - celsius * 100) <= 10, (celsius, made.values()[-1])
        assert made.status() == OK
    made.end()


def test_the_converters_step_is_rounded_to_hundredths():
    made = rig()
    made.run_until_good()
    chip = made.board.hardware.chips["chip"]
    for code in (0, 1, -1, 63, 64, -64, 12345, -12345, 175_616, -25_600):
        chip._linearised = _always(code)
        made.run_ms(1000)
        exact = code * 100 / 128
        assert abs(made.values()[-1] - exact) <= 0.5, (code, made.values()[-1])
    del chip._linearised
    made.end()


def test_each_row_has_its_conversion():
    for filter_hz, period_ms in ((50, 250), (60, 200)):
        made = rig(period_ms=period_ms, filter_hz=filter_hz)
        made.run_ms(10_000)
        assert made.sampler.missed == made.sampler.errors == 0, (filter_hz, made.sampler.missed)
        assert len(made.values()) >= 10_000 // period_ms - 2
        assert made.sink.changes == [] and made.status() == OK
        made.end()


def test_each_fault_shows_within_two_periods():
    for word, status, has_value, more in (
        ("open", OPEN, True, {}),
        ("saturated", SATURATED, True, {}),
        ("saturated", SATURATED, True, {"args": {"low": True}}),
        ("nack", NO_ANSWER, False, {}),
        ("frozen", STUCK, False, {}),
        ("slow_conversion", STUCK, False, {}),
    ):
        made = rig()
        made.run_until_good()
        shows(made, word, status, has_value, **more)
        made.end()


def test_a_short_reads_as_the_cold_junction():
    made = rig()
    made.run_until_good()
    made.fault("short")
    made.run_ms(1500)
    assert made.status() == OK and abs(made.values()[-1] - 2500) <= 2, made.values()[-1]
    made.end()


def test_a_lead_below_ground_is_out_of_range():
    made = rig()
    made.run_until_good()
    began_ms = made.now_ms()
    made.set(-800_000_000)
    made.run_ms(1000)
    after_ms, old, new = made.first_change(began_ms)
    assert (old, new) == (OK, OUT_OF_RANGE) and after_ms <= 1000
    made.end()


def test_a_cold_junction_beyond_its_range_is_out_of_range():
    made = rig()
    made.run_until_good()
    made.board.hardware.chips["chip"]._cold = -56 * 64
    made.run_ms(1500)
    assert made.status() == OUT_OF_RANGE
    made.end()


def test_a_brown_out_is_noticed_at_any_moment_and_put_right():
    for wait_ms in (20, 100, 190, 230, 300, 480):
        made = rig()
        took_ms = made.run_until_good()
        made.run_ms(500 * (took_ms // 500 + 1) - took_ms + wait_ms)
        began_ms = made.now_ms()
        made.fault("brown_out")
        made.run_ms(1000)
        after_ms, old, new = made.first_change(began_ms)
        assert (old, new) == (OK, NOT_READY) and after_ms <= 1000, (wait_ms, after_ms, old, new)
        made.run_ms(2000)
        assert made.status() == OK
        assert made.board.hardware.chips["chip"]._registers[2] == 0xFC
        made.end()


def test_without_a_chip_there_is_no_answer_from_the_start():
    for level in (0xFF, 0x00):
        made = rig()
        made.board.hardware.chips["chip"].exchange = _always(level)
        made.run_ms(2000)
        assert made.status() == NO_ANSWER and made.values() == []
        assert made.sampler.missed == 0


def test_a_chip_that_answers_but_forgets_is_none():
    made = rig()
    chip = made.board.hardware.chips["chip"]
    write = chip._write
    chip._write = lambda address, byte: None if address == 2 else write(address, byte)
    made.run_ms(2000)
    assert made.status() == NO_ANSWER and made.values() == []


def _always(value):
    return lambda _: value
