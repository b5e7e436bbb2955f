"""Every fault of the sensors of motion shows within two periods, and costs no other a sample.

In the real interpreter, with as much heap as a board has.
"""

import json
import subprocess
from pathlib import Path

import pytest

from simulators.board.layout import HEAP_EXTRA_BYTES, lay_out

HERE = Path(__file__).parent / "on_board"
FIRMWARE = Path(__file__).parents[2] / "firmware"
BOARD_HEAP_BYTES = 128 * 1024
PERIOD_MS = {"vib": 250, "acc": 500, "wheel": 20, "axle": 20, "contact": 100}

WIRING = {
    "unique_id": "e66038b7132a5b2f",
    "seed": 7,
    "signals": [
        {"name": "loop", "unit": "nA", "initial": 12_000_000, "samples": 8},
        {"name": "shake", "unit": "ug", "initial": 1_500_000, "samples": 8},
        {"name": "rate", "unit": "mHz", "initial": 1_500_000, "samples": 8},
        {"name": "level", "unit": "level", "initial": 0, "samples": 8},
    ],
    "i2c": {
        "0": {
            "chips": [
                {
                    "name": "acc",
                    "kind": "adxl345",
                    "address": 83,
                    "inputs": ["shake"],
                    "tone_hz": 700,
                }
            ]
        },
        "1": {
            "chips": [
                {
                    "name": "loops",
                    "kind": "ads1115",
                    "address": 72,
                    "inputs": ["loop", "loop", "loop"],
                    "shunt_milliohm": 120_000,
                }
            ]
        },
    },
    "spi": {
        "0": {
            "chips": [
                {
                    "name": "vib",
                    "kind": "iis3dwb",
                    "cs": 17,
                    "inputs": [None, None, "shake"],
                    "tone_hz": 700,
                    "features": 5,
                }
            ]
        }
    },
    "pins": [
        {"name": "wheel", "kind": "tacho", "pin": 2, "signal": "rate"},
        {"name": "axle", "kind": "tacho", "pin": 3, "inverse": 4, "signal": "rate"},
        {"name": "contact", "kind": "contact", "pin": 5, "inverse": 6, "signal": "level"},
    ],
}

EXPECTED = {
    ("vib", "open"): "stuck",
    ("vib", "short"): "stuck",
    ("vib", "saturated"): "saturated",
    ("vib", "stuck"): "stuck",
    ("vib", "nack"): "no_answer",
    ("vib", "wrong_id"): "no_answer",
    ("vib", "frozen"): "stuck",
    ("vib", "slow_conversion"): "stuck",
    ("vib", "brown_out"): "not_ready",
    ("acc", "open"): "stuck",
    ("acc", "short"): "stuck",
    ("acc", "saturated"): "saturated",
    ("acc", "stuck"): "stuck",
    ("acc", "nack"): "no_answer",
    ("acc", "bus_stuck"): "no_answer",
    ("acc", "frozen"): "stuck",
    ("acc", "slow_conversion"): "stuck",
    ("acc", "brown_out"): "not_ready",
    ("wheel", "open"): "stuck",
    ("wheel", "short"): "stuck",
    ("wheel", "saturated"): "stuck",
    ("wheel", "stuck"): "stuck",
    ("wheel", "nack"): "stuck",
    ("wheel", "frozen"): "stuck",
    ("wheel", "bounce"): "out_of_range",
    ("axle", "open"): "open",
    ("axle", "short"): "short",
    ("axle", "stuck"): "stuck",
    ("axle", "nack"): "open",
    ("contact", "open"): "open",
    ("contact", "short"): "short",
    ("contact", "nack"): "open",
}


@pytest.fixture(scope="module")
def course(
    micropython: list[str], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], list[str]]:
    """What was printed for each fault."""
    folder = tmp_path_factory.mktemp("course")
    lay_out(folder)
    (folder / "wiring.json").write_text(json.dumps(WIRING), encoding="utf-8")
    done = subprocess.run(
        [
            *micropython,
            "-X",
            f"heapsize={BOARD_HEAP_BYTES + HEAP_EXTRA_BYTES}",
            "-c",
            "import motion_course",
        ],
        env={
            "MICROPYPATH": f"{HERE}:{FIRMWARE}:{folder}:.frozen",
            "AXSIM_WIRING": str(folder / "wiring.json"),
            "AXSIM_HEAP_EXTRA": str(HEAP_EXTRA_BYTES),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    return {(line[0], line[1]): line[2:] for line in lines}


@pytest.mark.parametrize(("sensor", "word"), EXPECTED)
def test_it_shows_within_two_periods_and_ends(
    course: dict[tuple[str, str], list[str]], sensor: str, word: str
) -> None:
    status, after_ms, back, missed_elsewhere = course[sensor, word]
    assert status == EXPECTED[sensor, word]
    assert int(after_ms) <= 2 * PERIOD_MS[sensor] + 1
    assert back == "True"
    assert missed_elsewhere == "0"


def test_no_fault_of_the_course_is_left_out(
    course: dict[tuple[str, str], list[str]],
) -> None:
    assert {key for key in course if key[0] != "free"} == set(EXPECTED)
