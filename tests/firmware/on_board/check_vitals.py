"""The board's own temperature and supply, as its converter or its port tells them."""

import sys

import machine  # noqa: F401  (powers up the board that the test installs its own in place of)
from axnode.vitals import Vitals
from simulators.board import board

from lockstep import Ticks

PICO_SUPPLY = {"pin": 29, "full_mv": 9900}


def _install(core_uv=0, supply_uv=0):
    signals = [
        {"name": "core", "unit": "uV", "initial": core_uv},
        {"name": "supply", "unit": "uV", "initial": supply_uv},
    ]
    wiring = {"unique_id": "00", "signals": signals, "adc": {"4": "core", "29": "supply"}}
    board.install(board.Board(wiring, clock=Ticks()))


def test_the_thermometer_of_the_rp2040():
    for celsius in (-40, 0, 27, 34, 85):
        _install(core_uv=706_000 - (celsius - 27) * 1721)
        told = Vitals("adc4", None).temperature_centi_c()
        assert abs(told - 100 * celsius) < 60, (celsius, told)


def test_the_supply_behind_its_divider():
    for millivolt in (0, 1800, 5000, 5500):
        _install(supply_uv=millivolt * 1000 // 3)
        told = Vitals(None, PICO_SUPPLY).supply_mv()
        assert abs(told - millivolt) <= 3, (millivolt, told)
    _install(supply_uv=5_000_000)
    assert 9890 < Vitals(None, PICO_SUPPLY).supply_mv() <= 9900


def test_a_board_that_cannot_tell_says_so():
    _install()
    assert Vitals("adc4", None).supply_mv() is None
    assert Vitals(None, PICO_SUPPLY).temperature_centi_c() is None
    for thermometer in ("mcu", "raw"):
        assert Vitals(thermometer, None).temperature_centi_c() is None, "no such port"


class Esp32:
    """The module of that port."""

    given = 0

    @staticmethod
    def mcu_temperature():
        return Esp32.given

    @staticmethod
    def raw_temperature():
        return Esp32.given


def test_the_thermometers_of_the_esp32():
    _install()
    sys.modules["esp32"] = Esp32
    for thermometer, given, told in (
        ("mcu", 31, 3100),
        ("mcu", -7, -700),
        ("raw", 122, 5000),
        ("raw", 14, -1000),
        ("raw", 128, None),
    ):
        Esp32.given = given
        assert Vitals(thermometer, None).temperature_centi_c() == told, (thermometer, given)


def test_an_esp32_without_that_thermometer():
    _install()
    sys.modules["esp32"] = object()
    assert Vitals("mcu", None).temperature_centi_c() is None
