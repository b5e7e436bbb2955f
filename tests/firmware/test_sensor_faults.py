"""Every fault of every sensor shows within two periods, and costs no other channel a sample.

In the real interpreter, with as much heap as a board has, from `node.json` to the sampling loop.
"""

from pathlib import Path

import pytest
from sensor_faults import (
    CANNOT,
    CONVERTERS,
    MOTION,
    PARTS,
    SHOWS,
    WORDS,
    Leg,
    Node,
    expected,
    run_course,
)

from hil.board_check import problems
from hil.boards import load_board

COURSES = [
    (CONVERTERS, ("loops", "ratio")),
    (CONVERTERS, ("rtd", "couple", "nau", "hx")),
    (MOTION, ("vib", "acc", "trend")),
    (MOTION, ("wheel", "axle", "contact")),
]
LEGS = [
    (chip, word, part)
    for _, chips in COURSES
    for chip in chips
    for word in expected(chip)
    for part in PARTS
]
BUS_TIME_OUT_US = 2000
CHIPS_ON_A_BUS = 2
LATENESS_US = 1000
"""Of the simulated loop: it wakes at whole milliseconds, and 0.15 ms after its time."""


@pytest.fixture(scope="module")
def legs(
    micropython: list[str], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str, float], Leg]:
    """What came of each fault."""
    done: dict[tuple[str, str, float], Leg] = {}
    for node, chips in COURSES:
        done |= run_course(micropython, tmp_path_factory.mktemp("course"), node, chips)
    return done


def node_of(chip: str) -> Node:
    return next(node for node, chips in COURSES if chip in chips)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("chip", "word", "part"), LEGS)
def test_it_shows_within_two_periods_and_ends(
    legs: dict[tuple[str, str, float], Leg], chip: str, word: str, part: float
) -> None:
    leg = legs[chip, word, part]
    assert leg.status == expected(chip)[word]
    assert 0 <= leg.after_ms <= 2 * node_of(chip).period_ms(chip) + 1
    assert leg.all_ok_again


@pytest.mark.parametrize(("chip", "word", "part"), LEGS)
def test_it_costs_no_other_channel_a_sample(
    legs: dict[tuple[str, str, float], Leg], chip: str, word: str, part: float
) -> None:
    """A held bus is no bus for the other chip on it: that one alone may have holes."""
    leg = legs[chip, word, part]
    assert (leg.missed_elsewhere, leg.changed_elsewhere) == (0, 0)
    assert leg.missed_on_bus == 0 or word == "bus_stuck"
    assert leg.worst_us <= LATENESS_US, "rows stay on their grid"


@pytest.mark.parametrize("chip", [chip for chip in SHOWS if "bus_stuck" in expected(chip)])
def test_a_held_bus_holds_the_loop_for_its_time_outs_alone(
    legs: dict[tuple[str, str, float], Leg], chip: str
) -> None:
    for part in PARTS:
        leg = legs[chip, "bus_stuck", part]
        assert BUS_TIME_OUT_US <= leg.longest_us <= CHIPS_ON_A_BUS * BUS_TIME_OUT_US
        assert legs[chip, "nack", part].longest_us == 0, "nothing else takes time here"


def test_each_fault_of_each_sensor_is_shown_or_has_a_reason_why_not() -> None:
    assert set(CANNOT) == set(SHOWS) == {chip for _, chips in COURSES for chip in chips}
    for chip in SHOWS:
        shown = set(expected(chip))
        assert shown | set(CANNOT[chip]) >= set(WORDS), chip
        assert not shown & set(CANNOT[chip]), chip


def test_every_kind_of_sensor_is_on_the_course() -> None:
    drivers = Path(__file__).parents[2] / "firmware" / "drivers"
    kinds = {
        path.stem
        for path in drivers.glob("*.py")
        if "\ndef make(" in path.read_text(encoding="utf-8")
    }
    on_course = {
        chip["kind"]
        for node, _ in COURSES
        for chip in node.configuration()["chips"]
        if chip["name"] in SHOWS
    }
    assert on_course == kinds


TITLES = {
    "loops": "ADS1115, loops",
    "ratio": "ADS1115, ratiometric",
    "rtd": "MAX31865",
    "couple": "MAX31856",
    "nau": "NAU7802",
    "hx": "HX711",
    "vib": "IIS3DWB",
    "acc": "ADXL345",
    "trend": "ADXL345",
    "wheel": "speed sensor",
    "axle": "speed sensor with inverse",
    "contact": "contact with inverse",
}
"""Sensors as the table of docs/wiring.md names them. Its columns are WORDS, in their order."""


@pytest.mark.parametrize("chip", SHOWS)
def test_the_document_says_what_each_fault_shows_as(chip: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "wiring.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| {TITLES[chip]} | "))
    told = [cell.strip().strip("`") for cell in row.strip("|").split("|")[1:]]
    shown = expected(chip)
    for word, status in zip(WORDS, told, strict=True):
        assert status == shown.get(word, "—") or (chip, word) == ("trend", "bus_stuck"), word


@pytest.mark.parametrize("node", [CONVERTERS, MOTION], ids=["converters", "motion"])
def test_the_nodes_of_the_course_are_possible_on_their_board(node: Node) -> None:
    assert list(problems(load_board("pico"), node.configuration())) == []
