"""A tacho's pulses as its wires show them, and as the two kinds of counters count them."""

import copy
from itertools import pairwise
from typing import Any

import pytest
from board_parts import BOARD, Ticks, samples
from hypothesis import given
from hypothesis import strategies as st

from simulators.board import board, rp2
from simulators.board.counter import Counter
from simulators.board.errors import BoardError, FaultError
from simulators.board.pins import Pin
from simulators.board.signals import LINEAR
from simulators.board.tacho import Tacho

PIN, INVERSE = 2, 3
MASK = (1 << 30) - 1
IN_X, IN_Y, IN_OSR, PUSH = 0x403E, 0x405E, 0x40FE, 0x8000


class Bench:
    """A board with one tacho, at so many pulses a second."""

    def __init__(self, hz: float, now_us: int | None = None) -> None:
        self.ticks = Ticks() if now_us is None else Ticks(now_us)
        wiring: dict[str, Any] = copy.deepcopy(BOARD)
        wiring["signals"].append({"name": "m1.rate", "unit": "mHz", "initial": round(hz * 1000)})
        tacho = {"name": "tacho0", "kind": "tacho", "pin": PIN, "inverse": INVERSE}
        wiring["pins"] = [{**tacho, "signal": "m1.rate"}]
        self.board = board.Board(wiring, self.ticks)
        board.install(self.board)
        chip = self.board.hardware.chips["tacho0"]
        assert isinstance(chip, Tacho)
        self.tacho = chip

    def fault(self, word: str, **args: Any) -> None:
        self.board.host.inject({"chip": "tacho0", "word": word, "args": args})

    def levels(self, count: int, step_us: int) -> list[tuple[int, int]]:
        """Of both pins, so far apart."""
        pins = Pin(PIN, Pin.IN, Pin.PULL_UP), Pin(INVERSE, Pin.IN, Pin.PULL_UP)
        seen = []
        for _ in range(count):
            self.ticks.advance(step_us)
            one, other = pins[0].value(), pins[1].value()
            assert one is not None
            assert other is not None
            seen.append((one, other))
        return seen

    def taken(self) -> int:
        return int(self.board.host.account()["taken"]["tacho0/0"])


def state_machine(filter_us: int = 10) -> rp2.StateMachine:
    @rp2.asm_pio()
    def count_pulses() -> None:
        """Its model is looked for by this name."""

    machine = rp2.StateMachine(0, count_pulses, freq=64_000_000 // filter_us, jmp_pin=Pin(PIN))
    machine.active(1)
    return machine


def looked(machine: rp2.StateMachine, *instructions: int) -> list[int]:
    for instruction in instructions:
        machine.exec(instruction)
        machine.exec(PUSH)
    return [machine.get() for _ in instructions]


@given(st.integers(1, 20_000_000), st.lists(st.integers(1, 300_000), min_size=1, max_size=30))
def test_pulses_are_the_rate_times_the_time_however_seldom_somebody_looks(
    millihertz: int, steps: list[int]
) -> None:
    bench = Bench(millihertz / 1000)
    edges = bench.tacho.watch(0)
    for step_us in steps:
        bench.ticks.advance(step_us)
        edges.look()
    exact = millihertz * sum(steps) / 1e9
    assert exact - 1 <= edges.count <= exact + 1e-6
    if edges.count:
        ago_us = (bench.ticks() - edges.last_us) % (1 << 30)
        since_us = (exact - edges.count) * 1e9 / millihertz
        assert ago_us == pytest.approx(since_us, abs=3 + sum(steps) / 2500)


def test_a_rate_that_changes_is_followed() -> None:
    bench = Bench(0)
    edges = bench.tacho.watch(0)
    signal = bench.tacho.inputs[0].signal
    signal.feed(bench.ticks(), LINEAR, bench.ticks(), 1_000_000, samples([0, 1_000_000]))
    for _ in range(100):
        bench.ticks.advance(10_000)
        edges.look()
    assert edges.count == pytest.approx(500, abs=3)


def test_stretches_that_come_before_anybody_looked_are_not_forgotten() -> None:
    bench = Bench(0)
    edges = bench.tacho.watch(0)
    signal = bench.tacho.inputs[0].signal
    for turn in range(20):
        rate = 1_000_000 * (turn & 1)
        assert signal.feed(bench.ticks(), 0, bench.ticks(), 100_000, samples([rate]))
        bench.ticks.advance(100_000)
    edges.look()
    assert edges.count == pytest.approx(1000, abs=2)


def test_the_direction_does_not_matter() -> None:
    bench = Bench(-200)
    edges = bench.tacho.watch(0)
    bench.ticks.advance(1_000_000)
    edges.look()
    assert edges.count == 200


def test_the_wires_are_high_and_low_for_as_long_and_differ() -> None:
    bench = Bench(100)
    seen = bench.levels(4000, 250)
    assert {one + other for one, other in seen} == {1}
    assert sum(one for one, _ in seen) == pytest.approx(2000, abs=25)
    rises = sum(a == 0 and b == 1 for (a, _), (b, _) in pairwise(seen))
    assert rises == pytest.approx(100, abs=1)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("open", {(1, 1)}), ("nack", {(1, 1)}), ("short", {(0, 0)})],
)
def test_dead_wires(word: str, expected: set[tuple[int, int]]) -> None:
    bench = Bench(100)
    bench.fault(word)
    assert set(bench.levels(100, 777)) == expected


@pytest.mark.parametrize("word", ["open", "short", "nack", "stuck", "frozen", "saturated"])
def test_faults_that_leave_no_pulses(word: str) -> None:
    bench = Bench(1000)
    edges = bench.tacho.watch(0)
    bench.ticks.advance(100_000)
    bench.fault(word)
    bench.ticks.advance(100_000)
    edges.look()
    assert edges.count == 100
    bench.board.host.inject({"chip": "tacho0", "word": word, "clear": True})
    bench.ticks.advance(100_000)
    edges.look()
    assert edges.count == pytest.approx(200, abs=1)


@pytest.mark.parametrize("word", ["stuck", "frozen"])
def test_a_wheel_that_is_not_seen_leaves_the_levels_as_they_were(word: str) -> None:
    bench = Bench(1000)
    bench.ticks.advance(100_250)
    bench.fault(word)
    (level,) = set(bench.levels(50, 333))
    assert sum(level) == 1


def test_a_missing_tooth_is_one_pulse_less_a_turn() -> None:
    bench = Bench(600)
    edges = bench.tacho.watch(0)
    bench.fault("missing_tooth", every=60)
    dates = []
    for _ in range(2000):
        before = edges.count
        bench.ticks.advance(500)
        edges.look()
        if edges.count != before:
            dates.append(edges.last_us)
    assert edges.count == 590
    gaps = [(b - a) % (1 << 30) for a, b in pairwise(dates)]
    assert sum(gap > 3000 for gap in gaps) == 9, "no pulse has come yet behind the tenth"


@pytest.mark.parametrize(("filter_us", "factor"), [(10, 4), (20, 4), (21, 1), (1000, 1)])
def test_bounce_is_counted_by_who_does_not_filter_it_out(filter_us: int, factor: int) -> None:
    bench = Bench(500)
    edges = bench.tacho.watch(filter_us)
    bench.ticks.advance(100_000)
    bench.fault("bounce", edges=3, us=20)
    bench.ticks.advance(100_000)
    edges.look()
    assert edges.count == 50 + 50 * factor


def test_faults_that_a_tacho_cannot_have() -> None:
    bench = Bench(1)
    for word in ("slow_conversion", "brown_out", "bus_stuck", "wrong_id"):
        with pytest.raises(FaultError, match="tacho0"):
            bench.board.host.inject({"chip": "tacho0", "word": word})


class TestStateMachine:
    """Counted by the model of a PIO program."""

    def test_count_and_date_of_the_last_edge(self) -> None:
        bench = Bench(250)
        machine = state_machine(filter_us=10)
        bench.ticks.advance(999_000)
        x, edge, now = looked(machine, IN_X, IN_OSR, IN_Y)
        assert -x & MASK == 249
        assert (edge - now & MASK) * 5 == pytest.approx(3000, abs=10)
        assert -now & MASK == 999_000 // 5
        bench.ticks.advance(40_000)
        x2, edge2 = looked(machine, IN_X, IN_OSR)
        assert x - x2 == 10
        assert (edge - edge2) * 5 == pytest.approx(40_000, abs=10)

    def test_turns_go_on_between_looks_of_any_distance(self) -> None:
        bench = Bench(0)
        machine = state_machine(filter_us=10)
        for _ in range(1000):
            bench.ticks.advance(7)
            machine.rx_fifo()
        assert -looked(machine, IN_Y)[0] & MASK == 7000 // 5

    def test_nothing_is_counted_before_it_is_active(self) -> None:
        bench = Bench(1000)
        machine = state_machine()
        machine.active(0)
        bench.ticks.advance(500_000)
        assert looked(machine, IN_X, IN_OSR, IN_Y) == [0, 0, 0]
        machine.active(1)
        bench.ticks.advance(500_000)
        assert -looked(machine, IN_X)[0] & MASK == 500

    def test_a_reading_is_taken_with_the_fourth_word(self) -> None:
        bench = Bench(100)
        machine = state_machine()
        for count in (1, 2):
            for instruction in (IN_X, IN_OSR, IN_X):
                machine.exec(instruction)
                machine.exec(PUSH)
            assert bench.taken() == count - 1
            machine.exec(IN_OSR)
            machine.exec(PUSH)
            assert bench.taken() == count
            machine.exec(PUSH)
            assert machine.rx_fifo() == 4
            while machine.rx_fifo():
                machine.get()

    def test_after_the_cut_it_gives_nothing(self) -> None:
        bench = Bench(100)
        machine = state_machine()
        bench.board.host.obey(3, memoryview(b""))
        machine.exec(IN_X)
        machine.exec(PUSH)
        assert machine.rx_fifo() == 0
        assert bench.taken() == 0

    def test_a_pin_without_a_tacho_has_no_pulses(self) -> None:
        bench = Bench(100)

        @rp2.asm_pio()
        def count_pulses() -> None:
            """Its model is looked for by this name."""

        machine = rp2.StateMachine(7, count_pulses, freq=6_400_000, jmp_pin=Pin(9))
        machine.active(1)
        bench.ticks.advance(1_000_000)
        assert looked(machine, IN_X) == [0]

    def test_an_instruction_that_it_does_not_know(self) -> None:
        Bench(100)
        with pytest.raises(BoardError, match="no use for the instruction 0xe001"):
            state_machine().exec(0xE001)

    def test_machines_and_programs_that_there_are_not(self) -> None:
        Bench(100)

        @rp2.asm_pio()
        def dance() -> None:
            """No model has this name."""

        with pytest.raises(ValueError, match="invalid StateMachine"):
            rp2.StateMachine(8, dance)
        with pytest.raises(ValueError, match="no model runs the program dance"):
            rp2.StateMachine(0, dance)


class TestCounter:
    """Counted as an ESP32 does."""

    def test_it_counts_and_each_look_is_a_sample(self) -> None:
        bench = Bench(1000)
        counter = Counter(0, Pin(PIN), filter_ns=10_000)
        bench.ticks.advance(100_000)
        assert counter.value() == 100
        assert counter.value(5) == 100
        bench.ticks.advance(10_000)
        assert counter.value() == 15
        assert bench.taken() == 3

    def test_it_filters_for_13_microseconds_at_most(self) -> None:
        for filter_ns, us, count in ((12_000, 11, 10), (12_000, 12, 30), (90_000, 13, 30)):
            bench = Bench(100)
            counter = Counter(0, Pin(PIN), filter_ns=filter_ns)
            bench.fault("bounce", edges=2, us=us)
            bench.ticks.advance(100_000)
            assert counter.value() == count

    def test_after_the_cut_it_is_an_error(self) -> None:
        bench = Bench(100)
        counter = Counter(0, Pin(PIN))
        bench.board.host.obey(3, memoryview(b""))
        with pytest.raises(OSError, match="5"):
            counter.value()
        assert bench.taken() == 0

    def test_what_it_does_not_do(self) -> None:
        Bench(100)
        with pytest.raises(ValueError, match=r"Counter\(8\) doesn't exist"):
            Counter(8, Pin(PIN))
        with pytest.raises(ValueError, match="only rising edges"):
            Counter(0, Pin(PIN), edge=Counter.FALLING)
        assert Counter(1, Pin(9)).value() == 0
