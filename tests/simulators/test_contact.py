"""A contact as the board's pins see it."""

import copy
from typing import Any

import pytest
from board_parts import BOARD, Ticks, samples

from simulators.board import board
from simulators.board.errors import FaultError
from simulators.board.pins import Pin

PIN, INVERSE = 2, 3


class Bench:
    """A board with one contact."""

    def __init__(self, level: int) -> None:
        self.ticks = Ticks()
        wiring: dict[str, Any] = copy.deepcopy(BOARD)
        wiring["signals"].append({"name": "running", "unit": "level", "initial": level})
        contact = {"name": "contact0", "kind": "contact", "pin": PIN, "inverse": INVERSE}
        wiring["pins"] = [{**contact, "signal": "running"}]
        self.board = board.Board(wiring, self.ticks)
        board.install(self.board)

    def fault(self, word: str, **keys: Any) -> None:
        self.board.host.inject({"chip": "contact0", "word": word, **keys})

    def move(self, level: int) -> None:
        signal = self.board.hardware.inputs["contact0/0"].signal
        assert signal.feed(self.ticks(), 2, self.ticks(), 1000, samples([level]))

    def levels(self, pull: int = Pin.PULL_UP) -> tuple[int | None, int | None]:
        return Pin(PIN, Pin.IN, pull).value(), Pin(INVERSE, Pin.IN, pull).value()

    def taken(self) -> int:
        return int(self.board.host.account()["taken"]["contact0/0"])


@pytest.mark.parametrize("level", [0, 1])
def test_the_level_and_its_inverse(level: int) -> None:
    bench = Bench(level)
    assert bench.levels() == (level, 1 - level)
    bench.move(1 - level)
    assert bench.levels() == (1 - level, level)


def test_a_look_at_the_pin_is_a_sample() -> None:
    bench = Bench(0)
    bench.levels()
    Pin(INVERSE).value()
    bench.levels()
    assert bench.taken() == 2


@pytest.mark.parametrize("word", ["open", "nack"])
def test_without_a_wire_the_resistors_tell(word: str) -> None:
    bench = Bench(0)
    bench.fault(word)
    assert bench.levels(Pin.PULL_UP) == (1, 1)
    assert bench.levels(Pin.PULL_DOWN) == (0, 0)


def test_short_and_saturated() -> None:
    bench = Bench(1)
    bench.fault("short")
    assert bench.levels() == (0, 0)
    bench.fault("short", clear=True)
    bench.fault("saturated", args={"low": True})
    assert bench.levels() == (0, 0)


def test_stuck() -> None:
    bench = Bench(0)
    bench.fault("stuck")
    bench.move(1)
    assert bench.levels() == (0, 1)
    bench.fault("stuck", clear=True)
    assert bench.levels() == (1, 0)


def test_bounce_follows_a_change_and_ends() -> None:
    bench = Bench(0)
    bench.fault("bounce", args={"edges": 3, "us": 100})
    bench.levels()
    bench.move(1)
    seen = []
    for _ in range(40):
        seen.append(bench.levels()[0])
        bench.ticks.advance(25)
    assert seen == [*([1] * 4 + [0] * 4) * 3, *[1] * 16]


def test_what_it_cannot_have() -> None:
    bench = Bench(0)
    for word in ("slow_conversion", "brown_out", "frozen", "missing_tooth"):
        with pytest.raises(FaultError, match="contact0"):
            bench.fault(word)


def test_after_the_cut_its_pin_cannot_be_read() -> None:
    bench = Bench(0)
    bench.board.host.obey(3, memoryview(b""))
    with pytest.raises(OSError, match="5"):
        bench.levels()
    assert bench.taken() == 0
