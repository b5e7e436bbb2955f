"""The numbers on the wire: none has two meanings, and every one has a word."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from axwire import (
    ACCEPTED_VERSIONS,
    GATEWAY_MESSAGE_CAP,
    MESSAGE_CAP,
    PROTOCOL_VERSION,
    codes,
    down,
    places,
    quantities,
    up,
)
from axwire.places import parse_place, place, place_name
from hypothesis import given
from hypothesis import strategies as st

QUANTITY_NAME = re.compile(r"[a-z]+\.[a-z]+(_[a-z]+)*")
WORD = re.compile(r"[a-z]+(_[a-z]+)*")
CDDL = (Path(__file__).parents[2] / "docs" / "wire.cddl").read_text()

NUMBERS_GIVEN = {
    "motor.current": 1,
    "motor.voltage": 2,
    "motor.winding_temperature": 3,
    "axle.load": 20,
    "brake.pipe_pressure": 40,
    "brake.cylinder_pressure": 41,
    "brake.main_reservoir_pressure": 42,
    "supply.voltage": 60,
}
"""Some of those that stored readings carry: they can never change."""


def repeated(values: Iterable[object]) -> list[object]:
    seen: list[object] = []
    return [value for value in values if value in seen or seen.append(value)]  # type: ignore[func-returns-value]


def constants(module: object, prefix: str) -> dict[str, int]:
    return {name: value for name, value in vars(module).items() if name.startswith(prefix)}


def test_no_quantity_comes_twice() -> None:
    rows = quantities._TABLE
    assert not repeated(row[0] for row in rows)
    assert not repeated(row[1] for row in rows)
    assert len(quantities.QUANTITIES) == len(quantities.BY_NAME) == len(rows)


def test_numbers_of_quantities_stay_what_they_are() -> None:
    for name, number in NUMBERS_GIVEN.items():
        assert quantities.BY_NAME[name].number == number


@pytest.mark.parametrize("quantity", quantities.QUANTITIES.values(), ids=lambda q: q.name)
def test_quantity_is_sound(quantity: quantities.Quantity) -> None:
    assert 0 < quantity.number <= 0xFFFF
    assert QUANTITY_NAME.fullmatch(quantity.name)
    assert quantity.unit
    assert -9 <= quantity.exponent <= 0
    assert quantity.low < quantity.high
    assert 0 <= quantity.decimals <= 3
    finest = 10.0**quantity.exponent
    full_scale = max(abs(quantity.low), abs(quantity.high))
    assert full_scale / finest < 1 << 62, "an offset must reach the ends of the range"


def test_the_cddl_names_the_same_vocabulary() -> None:
    listed = re.findall(r"^  (\d+) ?/? +; (\S+)$", CDDL, re.MULTILINE)
    assert {int(number): name for number, name in listed} == {
        number: quantity.name for number, quantity in quantities.QUANTITIES.items()
    }
    assert (
        f"; {', '.join(codes.RESET_CAUSES)}\nreset-code = 0..{len(codes.RESET_CAUSES) - 1}\n"
        in CDDL
    )
    assert f"; {', '.join(codes.STATUSES)}\nstatus-code = 0..{len(codes.STATUSES) - 1}\n" in CDDL


def test_each_status_has_its_constant() -> None:
    for number, word in enumerate(codes.STATUSES):
        assert WORD.fullmatch(word)
        assert getattr(codes, word.upper()) == number
    assert not repeated(codes.STATUSES)


def test_reset_causes_and_health_fields_are_words_that_come_once() -> None:
    for words in (codes.RESET_CAUSES, codes.HEALTH_FIELDS):
        assert not repeated(words)
        assert all(WORD.fullmatch(word) for word in words)


@pytest.mark.parametrize(
    ("prefix", "meanings"), [("EVENT_", codes.EVENTS), ("COMMAND_", codes.COMMANDS)]
)
def test_each_code_has_one_meaning(prefix: str, meanings: dict[int, str]) -> None:
    numbers = constants(codes, prefix)
    assert not repeated(numbers.values())
    assert set(numbers.values()) == set(meanings)
    assert not repeated(meanings.values())
    assert all(0 < number <= 0xFFFF for number in numbers.values())


def test_message_types_do_not_overlap() -> None:
    ups = [up.HELLO, up.READINGS, up.EVENT, up.HEALTH, up.WAVEFORM, up.PONG]
    downs = [down.ACK, down.PING, down.CONFIGURE, down.COMMAND, down.UPDATE]
    assert ups == [1, 2, 3, 4, 5, 6]
    assert downs == [16, 17, 18, 19, 20]


def test_the_present_version_is_accepted_and_at_most_one_before_it() -> None:
    assert ACCEPTED_VERSIONS[-1] == PROTOCOL_VERSION
    assert len(ACCEPTED_VERSIONS) <= 2
    assert MESSAGE_CAP <= GATEWAY_MESSAGE_CAP


def test_every_place_has_a_name_that_leads_back_to_it() -> None:
    named = {}
    for code in range(0x10000):
        try:
            named[code] = place_name(code)
        except ValueError:
            continue
    assert not repeated(sorted(named.values()))
    assert {parse_place(name): name for name in named.values()} == named
    assert len(named) == len(places._KINDS) * 64 * len(places._SIDES)


@given(st.integers(0, 5), st.integers(0, 63), st.integers(0, 2))
def test_a_place_is_its_three_parts(kind: int, number: int, side: int) -> None:
    code = place(kind, number, side)
    assert code == kind << 8 | number << 2 | side
    assert parse_place(place_name(code)) == code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("locomotive", 0),
        ("motor 3", 4 << 8 | 3 << 2),
        ("axle 2 left", 3 << 8 | 2 << 2 | 1),
        ("section 1", 1 << 8 | 1 << 2),
        ("bogie 1 right", 2 << 8 | 1 << 2 | 2),
        ("compressor", 5 << 8),
    ],
)
def test_names_of_places(name: str, code: int) -> None:
    assert parse_place(name) == code
    assert place_name(code) == name


@pytest.mark.parametrize(
    "name",
    ["", "left", "3", "motor three", "motor 3 top", "wheel 1", "motor 64", "motor 1 2", "a b c d"],
)
def test_what_is_no_place_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="place"):
        parse_place(name)


@pytest.mark.parametrize("parts", [(-1, 0, 0), (6, 0, 0), (0, 64, 0), (0, -1, 0), (0, 0, 3)])
def test_parts_of_no_place_are_refused(parts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="no place"):
        place(*parts)
