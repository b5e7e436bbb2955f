"""The registers of the DAC, as the figures of its data sheet show them on the bus."""

from typing import Any

import pytest

from simulators.board.inputs import Input
from simulators.board.mcp4728 import Mcp4728
from simulators.board.signals import Signal


@pytest.fixture
def dac() -> Mcp4728:
    return Mcp4728("dac", [Input("dac/0", Signal("", "uV", 0, 1), 0)], lambda: 0)


def write(dac: Mcp4728, *data: int) -> None:
    """A write transaction, as the bus hands it to a chip."""
    dac.point(data[0])
    dac.store(bytes(data), 1)


def read(dac: Mcp4728) -> bytes:
    buffer = bytearray(24)
    dac.fetch(buffer)
    return bytes(buffer)


def test_multi_write_sets_reference_gain_and_code_of_the_channels_it_names(dac: Any) -> None:
    write(dac, 0x40, 0x88, 0x00, 0x46, 0x9F, 0xFF)
    assert dac.driven() == [1_024_000, 0, 0, 4_095_000]


def test_the_supply_is_the_reference_where_nothing_else_was_said(dac: Any) -> None:
    write(dac, 0x42, 0x08, 0x00)
    assert dac.driven()[1] == 1_650_000


def test_fast_write_keeps_reference_and_gain_of_figure_7_5(dac: Any) -> None:
    write(dac, *(byte for channel in range(4) for byte in (0x40 | channel << 1, 0x80, 0)))
    write(dac, 0x0F, 0xFF, 0x07, 0xFF, 0x03, 0xFF, 0x01, 0xFF)
    assert dac.driven() == [2_047_500, 1_023_500, 511_500, 255_500]


def test_a_channel_that_is_powered_down_puts_out_nothing_until_it_is_not(dac: Any) -> None:
    write(dac, 0x40, 0x8F, 0xFF)
    write(dac, 0x1F, 0xFF)
    assert dac.driven()[0] == 0
    write(dac, 0x0F, 0xFF)
    assert dac.driven()[0] == 2_047_500


def test_a_read_gives_three_bytes_of_the_register_and_three_of_the_eeprom(dac: Any) -> None:
    write(dac, 0x44, 0x9A, 0xBC)
    told = read(dac)
    assert told[12:18] == bytes((0xE0, 0x9A, 0xBC, 0xE0, 0x00, 0x00))
    assert told[0:3] == bytes((0xC0, 0x00, 0x00))


def test_a_frozen_chip_takes_nothing(dac: Any) -> None:
    dac.inject("frozen", {})
    write(dac, 0x40, 0x8F, 0xFF)
    assert dac.driven()[0] == 0
