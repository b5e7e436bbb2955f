"""Every fault of every chip shows within two periods, and costs no other channel a sample.

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

WIRING = {
    "unique_id": "e66038b7132a5b2f",
    "seed": 7,
    "signals": [
        {"name": "loop", "unit": "nA", "initial": 12_000_000, "samples": 8},
        {"name": "couple", "unit": "nV", "initial": 6_300_000, "samples": 8},
        {"name": "bridge", "unit": "nV", "initial": 3_000_000, "samples": 8},
    ],
    "i2c": {
        "0": {"chips": [{"name": "nau", "kind": "nau7802", "address": 42, "signal": "bridge"}]},
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
        "0": {"chips": [{"name": "couple", "kind": "max31856", "cs": 17, "signal": "couple"}]}
    },
    "pins": [{"name": "hx", "kind": "hx711", "sck": 14, "dout": 15, "inputs": ["bridge"]}],
}

EXPECTED = {
    ("couple", "open"): "open",
    ("couple", "saturated"): "saturated",
    ("couple", "nack"): "no_answer",
    ("couple", "frozen"): "stuck",
    ("couple", "slow_conversion"): "stuck",
    ("couple", "brown_out"): "not_ready",
    ("nau", "open"): "saturated",
    ("nau", "short"): "out_of_range",
    ("nau", "saturated"): "saturated",
    ("nau", "nack"): "no_answer",
    ("nau", "bus_stuck"): "no_answer",
    ("nau", "frozen"): "stuck",
    ("nau", "slow_conversion"): "stuck",
    ("nau", "brown_out"): "not_ready",
    ("hx", "open"): "saturated",
    ("hx", "short"): "out_of_range",
    ("hx", "saturated"): "saturated",
    ("hx", "nack"): "no_answer",
    ("hx", "frozen"): "stuck",
    ("hx", "slow_conversion"): "stuck",
    ("hx", "brown_out"): "stuck",
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
            "import fault_course",
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


@pytest.mark.parametrize(("chip", "word"), EXPECTED)
def test_it_shows_within_two_periods_and_ends(
    course: dict[tuple[str, str], list[str]], chip: str, word: str
) -> None:
    status, periods, back, missed_elsewhere = course[chip, word]
    assert status == EXPECTED[chip, word]
    assert float(periods) <= 2
    assert back == "True"
    assert missed_elsewhere == "0"


def test_no_fault_of_the_course_is_left_out(
    course: dict[tuple[str, str], list[str]],
) -> None:
    assert set(course) == set(EXPECTED)
