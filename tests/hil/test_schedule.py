"""What the schedule of simulated time lets happen side by side, and what it keeps in order."""

from math import inf
from typing import cast

import pytest

from hil.lockstep import LockstepTarget, Sent
from hil.schedule import Schedule, SimulatedClock

END_US = 1_000_000


class ScriptedBoard:
    """Sends at given times, and tells at each stand until when it sleeps: until it next sends, or
    `wakes_us`. `granted`: from when to when it was let run."""

    def __init__(self, heard: list[str], name: str, sends_us: list[int], wakes_us: int = 0):
        self.now_us = 0
        self.runs = False
        self.answer_us = 0
        """How long after it was heard a message may be answered, at the earliest."""
        self.answers: list[bool] = []
        """What it says when it is asked whether it has come to a stand; then that it has."""
        self.granted: list[tuple[int, int]] = []
        self._heard = heard
        self._name = name
        self._sends_us = sends_us
        self._wakes_us = wakes_us
        self._until_us = 0
        self._written: list[Sent] = []

    @property
    def leaves_us(self) -> int | None:
        return self._written[0].end_us if self._written else None

    @property
    def quiet_until_us(self) -> int:
        return self._wakes_us or (self._sends_us[0] if self._sends_us else 10 * END_US)

    @property
    def answered(self) -> bool:
        return self.answers.pop(0) if self.answers else True

    def begin(self, until_us: int) -> None:
        assert not self.runs
        self.runs = True
        self._until_us = until_us

    def finish(self) -> None:
        if not self.runs:
            return
        self.runs = False
        before_us, self.now_us = self.now_us, self._until_us
        if self._sends_us and self._sends_us[0] <= self._until_us:
            self.now_us = self._sends_us.pop(0)
            self._written.append(Sent(self.now_us, self._name.encode()))
        self.granted.append((before_us, self.now_us))

    @property
    def left(self) -> list[Sent]:
        return self._written

    def take(self) -> Sent:
        return self._written.pop(0)

    def sent(self, data: bytes) -> None:
        self._heard.append(data.decode())

    def answered_us(self, data: bytes, end_us: int) -> float:
        return end_us + self.answer_us


class Bench:
    """A schedule with scripted boards; `heard`: whose bytes arrived, and what was called."""

    def __init__(self, *boards: tuple[str, list[int], int]) -> None:
        self.heard: list[str] = []
        self.schedule = Schedule(SimulatedClock())
        self.boards = {
            name: ScriptedBoard(self.heard, name, sends_us, wakes_us)
            for name, sends_us, wakes_us in boards
        }
        for board in self.boards.values():
            self.schedule.add(cast(LockstepTarget, board), board)

    def call(self, word: str) -> None:
        self.heard.append(word)


def test_what_a_board_sent_is_heard_while_one_that_sleeps_runs_on() -> None:
    bench = Bench(("a", [100_000], 0), ("b", [], 200_000))
    ran = []
    bench.boards["a"].sent = lambda data: ran.append(bench.boards["b"].runs)  # type: ignore
    bench.schedule.run_until(END_US)
    assert ran == [True]
    assert bench.boards["b"].granted == [(0, END_US)]


@pytest.mark.parametrize("b_us", [80_000, 100_000, 120_000])
def test_bytes_are_heard_in_the_order_of_time_whatever_a_board_says_of_its_sleep(
    b_us: int,
) -> None:
    bench = Bench(("a", [100_000], 0), ("b", [b_us], 1))
    bench.schedule.run_until(END_US)
    assert bench.heard == (["b", "a"] if b_us < 100_000 else ["a", "b"])


def test_a_call_that_boards_may_notice_finds_all_of_them_there() -> None:
    bench = Bench(("a", [250_000], 0), ("b", [], 0))
    stood: list[list[int]] = []

    def look() -> None:
        stood.append([board.now_us for board in bench.boards.values()])

    bench.schedule.every(300_000, look)
    bench.schedule.run_until(END_US)
    assert stood == [[300_000] * 2, [600_000] * 2, [900_000] * 2]


def test_a_call_that_no_board_can_notice_stops_none_and_comes_in_its_place() -> None:
    bench = Bench(("a", [100_000, 350_000, 700_000], 0), ("b", [], 0))
    bench.schedule.every(300_000, lambda: bench.call("look"), lambda: inf)
    bench.schedule.run_until(END_US)
    assert bench.heard == ["a", "look", "a", "look", "a", "look"]
    assert bench.boards["b"].granted == [(0, END_US)]
    assert [end_us for _, end_us in bench.boards["a"].granted] == [
        100_000,
        350_000,
        700_000,
        END_US,
    ]


def test_a_call_is_stood_for_as_soon_as_it_will_be_noticed() -> None:
    bench = Bench(("a", [], 0))
    words = [500_000, inf]

    def look() -> None:
        bench.call("look")
        if bench.schedule.clock.monotonic_us() > words[0]:
            words.pop(0)

    bench.schedule.every(300_000, look, lambda: words[0])
    bench.schedule.run_until(END_US)
    assert bench.boards["a"].granted == [(0, 600_000), (600_000, END_US)]
    assert bench.heard == ["look"] * 3


def test_what_can_be_done_meanwhile_is_done_while_a_board_that_is_waited_for_runs() -> None:
    bench = Bench(("a", [], 0))
    bench.boards["a"].answers = [False, False]
    ran = []
    for _ in range(3):
        bench.schedule.meanwhile(lambda: ran.append(bench.boards["a"].runs))
    bench.schedule.run_until(END_US)
    assert ran == [True, True]
    bench.schedule.catch_up()
    assert ran == [True, True, False]


def test_a_board_runs_on_before_it_is_heard_where_nobody_can_answer_yet() -> None:
    """One message ahead, in which the other is heard; all in the order of time."""
    bench = Bench(("a", [100_000, 200_000, 300_000], 1), ("b", [150_000], 1))
    bench.boards["a"].answer_us = END_US
    a_us: list[int] = []
    bench.boards["b"].sent = lambda data: a_us.append(bench.boards["a"].now_us)  # type: ignore
    bench.schedule.run_until(END_US)
    assert a_us == [300_000]
    assert bench.heard == ["a"] * 3
    assert bench.boards["a"].granted[-1] == (300_000, END_US)


def test_a_board_is_at_most_one_message_ahead_of_who_listens() -> None:
    bench = Bench(("a", [100_000, 200_000, 300_000], 1), ("b", [], 1))
    bench.boards["a"].answer_us = END_US
    heard_at_us: list[tuple[int, int]] = []

    def listen(data: bytes) -> None:
        bench.boards["a"].finish()
        heard_at_us.append((bench.schedule.clock.monotonic_us(), bench.boards["a"].now_us))

    bench.boards["a"].sent = listen  # type: ignore
    bench.schedule.run_until(END_US)
    assert heard_at_us == [(100_000, 200_000), (200_000, 300_000), (300_000, END_US)]


@pytest.mark.parametrize("answer_us", [0, 30_000])
def test_a_board_runs_no_further_than_to_the_first_possible_answer(answer_us: int) -> None:
    bench = Bench(("a", [100_000], 1), ("b", [100_000], 1))
    bench.boards["a"].answer_us = answer_us
    a_us: list[int] = []

    def listen(data: bytes) -> None:
        bench.boards["a"].finish()
        a_us.append(bench.boards["a"].now_us)

    bench.boards["a"].sent = listen  # type: ignore
    bench.schedule.run_until(END_US)
    assert a_us == [100_000 + answer_us]


def test_a_call_that_is_noticed_late_stops_a_board_only_then() -> None:
    bench = Bench(("a", [], 0))
    bench.schedule.at(300_000, lambda: bench.call("fed"), 500_000)
    bench.schedule.run_until(END_US)
    assert bench.boards["a"].granted == [(0, 500_000), (500_000, END_US)]
    assert bench.heard == ["fed"]
