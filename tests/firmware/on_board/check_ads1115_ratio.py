"""Ratiometric transducers on an ADS1115: a part of the supply is read, whatever that is."""

import gc

import drivers.ads1115
from axwire.codes import NOT_READY, OK, OPEN, OUT_OF_RANGE, SATURATED, SHORT
from drivers.ads1115_ratio import RatioAds1115

from sensor_rig import MISSING, SensorRig

SUPPLY_UV = 2_500_000
SETTINGS = {
    "i2c": 0,
    "address": 72,
    "range_mv": 4096,
    "rate": 860,
    "supply_input": 3,
    "supply_millivolt": 2500,
}
SIGNALS = [
    {"name": "output", "unit": "uV", "initial": SUPPLY_UV // 2},
    {"name": "supply", "unit": "uV", "initial": SUPPLY_UV},
]
CHIP = {"kind": "ads1115", "address": 72, "inputs": ["output", "output", None, "supply"]}


def rig(**settings):
    keys = dict(SETTINGS)
    keys.update(settings)
    return SensorRig(drivers.ads1115, keys, "i2c", CHIP, SIGNALS, channels=2, period_ms=10)


def read(made, output_uv, supply_uv):
    """(value, status) of the first channel with these voltages."""
    made.set("output", output_uv)
    made.set("supply", supply_uv)
    made.run_ms(700)
    return made.rows()[-1][0], made.statuses()[0]


def test_a_supply_that_wanders_changes_nothing():
    made = rig()
    assert isinstance(made.driver, RatioAds1115)
    for permille in (100, 137, 500, 863, 900):
        for supply_uv in (2_300_000, 2_500_000, 2_700_000):
            value, status = read(made, supply_uv * permille // 1000, supply_uv)
            assert status == OK, (permille, supply_uv, status)
            # An output's step is 1 / 18400 of the smallest supply, and so is the supply's.
            assert abs(value - 25 * permille) <= 3, (permille, supply_uv, value)


def test_what_no_transducer_gives_is_a_fault_with_its_value():
    made = rig()
    for permille, status in ((0, OPEN), (49, OPEN), (51, OK), (949, OK), (951, SHORT)):
        value, told = read(made, SUPPLY_UV * permille // 1000, SUPPLY_UV)
        assert told == status, (permille, told)
        assert abs(value - 25 * permille) <= 3, (permille, value)


def test_an_output_shorted_to_the_supply():
    assert read(rig(), SUPPLY_UV, SUPPLY_UV) == (25_000, SHORT)


def test_a_supply_that_is_off_is_out_of_range_with_a_value():
    made = rig()
    for supply_uv, status in (
        (2_260_000, OK),
        (2_240_000, OUT_OF_RANGE),
        (2_740_000, OK),
        (2_760_000, OUT_OF_RANGE),
        (1_260_000, OUT_OF_RANGE),
    ):
        value, told = read(made, supply_uv // 2, supply_uv)
        assert told == status, (supply_uv, told)
        assert abs(value - 12_500) <= 3, (supply_uv, value)


def test_without_supply_there_is_no_value():
    made = rig()
    assert read(made, SUPPLY_UV // 2, SUPPLY_UV) == (12_500, OK)
    assert read(made, 600_000, 1_200_000) == (MISSING, NOT_READY)
    made.set("output", SUPPLY_UV // 2)
    made.set("supply", SUPPLY_UV)
    made.run_ms(6000)
    assert made.statuses() == [OK, OK]


def test_an_output_beyond_the_range_is_saturated():
    made = rig()
    made.fault("saturated", number=0)
    made.run_ms(300)
    assert made.statuses() == [SATURATED, OK], made.statuses()
    assert made.rows()[-1][0] == 0x7FFF


def test_each_row_has_a_value_of_each_output():
    made = rig()
    made.run_ms(1000)
    assert made.sampler.missed == 0
    assert MISSING not in [value for row in made.rows() for value in row]


def test_a_supply_beyond_the_range_and_half_a_choice_are_refused():
    for settings, words in (
        ({"range_mv": 2048}, "too much for a range of 2048 mV"),
        ({"shunt_milliohm": 120_000}, "either shunt_milliohm or supply_input"),
        ({"supply_input": None}, "either shunt_milliohm or supply_input"),
    ):
        assert words in refusal(settings), settings


def refusal(settings):
    try:
        rig(**settings)
    except ValueError as error:
        return str(error)
    return "taken"


def test_a_reading_allocates_nothing():
    made = rig()
    made.run_ms(500)
    driver = made.driver
    port = Port(driver._wanted)
    driver._i2c = port
    for _ in range(3):
        _reading(driver, port)
    gc.collect()
    before = gc.mem_alloc()
    gc.disable()
    for _ in range(100):
        _reading(driver, port)
    after = gc.mem_alloc()
    gc.enable()
    assert after == before, after - before


class Port:
    """A chip that is done at once; both its voltages are the same."""

    def __init__(self, configuration):
        self.high, self.low = configuration

    def writeto_mem(self, address, register, data):
        self.high = data[0]
        self.low = data[1]

    def readfrom_mem_into(self, address, register, data):
        if register:
            data[0] = self.high | 0x80
            data[1] = self.low
        else:
            data[0] = 0x50
            data[1] = 0


def _reading(driver, port):
    driver.start(0)
    driver.poll(0)
    assert driver.poll(0) == SHORT
