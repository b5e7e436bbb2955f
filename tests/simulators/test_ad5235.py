"""The AD5235 as the stimulus unit meets it on the bus."""

import pytest
from board_parts import Ticks, constant

from simulators.board.ad5235 import Ad5235
from simulators.board.inputs import Input


@pytest.fixture
def chip() -> Ad5235:
    return Ad5235("pots", [Input("pots/0", constant(0, "uV"), 1)], Ticks())


def frame(chip: Ad5235, *out: int) -> bytes:
    chip.select(True)
    told = bytes(chip.exchange(byte) for byte in out)
    chip.select(False)
    return told


def test_a_wiper_moves_when_the_frame_is_over_and_is_told_in_the_next(chip: Ad5235) -> None:
    assert chip.driven() == [512, 512]
    chip.select(True)
    for byte in (0xB1, 0x03, 0xFF):
        chip.exchange(byte)
    assert chip.driven() == [512, 512]
    chip.select(False)
    assert chip.driven() == [512, 1023]
    assert frame(chip, 0xA1, 0, 0) == b"\xb1\x03\xff"
    assert frame(chip, 0, 0, 0)[1:] == b"\x03\xff"
    frame(chip, 0xA0, 0, 0)
    assert frame(chip, 0, 0, 0)[1:] == b"\x02\x00"


@pytest.mark.parametrize("out", [(0xB0, 1), (0xB0, 1, 2, 3), (0xB2, 1, 2), (0x30, 1, 2)])
def test_what_is_no_frame_for_its_wipers_moves_none(chip: Ad5235, out: tuple[int, ...]) -> None:
    frame(chip, *out)
    assert chip.driven() == [512, 512]


def test_what_it_was_set_to_is_gone_with_its_supply(chip: Ad5235) -> None:
    frame(chip, 0xB0, 0, 1)
    chip.inject("brown_out", {})
    assert chip.driven() == [512, 512]


def test_one_that_is_frozen_obeys_no_more(chip: Ad5235) -> None:
    chip.inject("frozen", {})
    frame(chip, 0xB0, 0, 1)
    assert chip.driven() == [512, 512]
