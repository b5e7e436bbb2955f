"""The line through a board's answers: whatever the delays, the truth lies within its error."""

import math
from dataclasses import dataclass
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fit import Drift, Line, PingFit

SECOND_US = 1_000_000
MINUTE_S = 60


@dataclass(frozen=True)
class Way:
    """One direction of a line: at least `least_us`, jitter, and a share that waits in a queue."""

    least_us: int
    jitter_us: int
    queued: float
    queue_us: int

    def draw_us(self, random: Random) -> int:
        delay = self.least_us + round(random.expovariate(1 / (self.jitter_us + 1)))
        if random.random() < self.queued:
            delay += random.randrange(self.queue_us + 1)
        return delay


@dataclass(frozen=True)
class Crystal:
    """Off by `ppm`, and by `swing_ppm` more or less as the temperature goes up and down."""

    ppm: float
    swing_ppm: float
    period_s: float
    phase: float

    def board_us(self, true_us: int) -> int:
        seconds = true_us / SECOND_US
        turn = 2 * math.pi / self.period_s
        swing = (
            self.swing_ppm * (math.cos(self.phase) - math.cos(turn * seconds + self.phase)) / turn
        )
        return round(true_us * (1 + self.ppm * 1e-6) + swing)


ways = st.builds(
    Way,
    least_us=st.integers(20, 15_000),
    jitter_us=st.integers(0, 8_000),
    queued=st.sampled_from([0.0, 0.05, 0.5, 0.95]),
    queue_us=st.integers(0, 200_000),
)
crystals = st.builds(
    Crystal,
    ppm=st.floats(-50, 50),
    swing_ppm=st.floats(0, 50),
    period_s=st.floats(3_600, 36_000),
    phase=st.floats(0, 2 * math.pi),
)


def monotonic_at(line: Line, board_us: int) -> float:
    elapsed = board_us - line.board_us
    return line.monotonic_us + elapsed + elapsed * line.drift.ppb / 1e9


def ping(fit: PingFit, crystal: Crystal, down: Way, up: Way, at_us: int, random: Random) -> int:
    """One ping sent at that true time; returns when its answer came."""
    arrived_us = at_us + down.draw_us(random)
    received_us = arrived_us + up.draw_us(random)
    assert fit.add(at_us, received_us, crystal.board_us(arrived_us))
    return received_us


@settings(max_examples=150, deadline=None)
@given(
    down=ways, up=ways, crystal=crystals, seed=st.integers(0, 2**32), start=st.integers(0, 2**50)
)
def test_the_truth_lies_within_the_error_that_is_admitted(
    down: Way, up: Way, crystal: Crystal, seed: int, start: int
) -> None:
    random = Random(seed)
    fit = PingFit()
    covered = []
    shortest = []
    at_us = start
    for _ in range(400):
        received_us = ping(fit, crystal, down, up, at_us, random)
        shortest.append(received_us - at_us)
        at_us += SECOND_US
        line = fit.line()
        board_us = crystal.board_us(received_us)
        error_us = abs(monotonic_at(line, board_us) - received_us)
        growth_us = (board_us - line.board_us) * line.drift.error_ppb / 1e9
        covered.append(error_us <= line.error_us + growth_us + 2)
        widened_us = 16 * SECOND_US * line.drift.error_ppb / 1e9
        assert line.error_us <= min(shortest[-16:]) / 2 + widened_us + 2
    assert sum(covered) >= 0.99 * len(covered)
    assert fit.contradictions == 0


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), ppm=st.floats(-100, 100))
def test_an_outlier_moves_nothing(seed: int, ppm: float) -> None:
    random = Random(seed)
    crystal = Crystal(ppm, 0, 3600, 0)
    quick, stuck = Way(400, 100, 0, 0), Way(400, 100, 1, 4 * SECOND_US)
    fit, twin = PingFit(), PingFit()
    for number in range(200):
        state = random.getstate()
        ping(twin, crystal, quick, quick, number * SECOND_US, random)
        random.setstate(state)
        back = stuck if number > 100 and number % 3 == 0 else quick
        ping(fit, crystal, quick, back, number * SECOND_US, random)
    at_us = crystal.board_us(200 * SECOND_US)
    assert abs(monotonic_at(fit.line(), at_us) - monotonic_at(twin.line(), at_us)) < 200


@given(ppm=st.floats(-100, 100), way=ways)
def test_drift_is_found_within_two_minutes(ppm: float, way: Way) -> None:
    random = Random(1)
    fit = PingFit()
    for number in range(120):
        ping(fit, Crystal(ppm, 0, 3600, 0), way, way, number * SECOND_US, random)
    drift = fit.line().drift
    assert abs(-ppm * 1000 / (1 + ppm * 1e-6) - drift.ppb) <= drift.error_ppb + 1000


def test_a_drift_that_was_known_serves_until_a_better_one_is_found() -> None:
    random = Random(1)
    crystal = Crystal(40, 0, 3600, 0)
    fit = PingFit(Drift(-40_000, 30_000))
    quick = Way(400, 300, 0, 0)
    ping(fit, crystal, quick, quick, 0, random)
    assert fit.line().drift == Drift(-40_000, 30_000)
    for number in range(1, 100):
        ping(fit, crystal, quick, quick, number * SECOND_US, random)
    assert fit.line().drift.error_ppb < 10_000


def test_a_count_that_jumps_is_left_out_and_believed_when_it_stays() -> None:
    """A board whose counter lost a wrap, say: two odd answers are noise, three the truth."""
    random = Random(1)
    crystal = Crystal(10, 0, 3600, 0)
    quick = Way(400, 300, 0, 0)
    fit = PingFit()
    for number in range(30):
        ping(fit, crystal, quick, quick, number * SECOND_US, random)
    before = fit.line()
    wrap_us = 1 << 30
    taken = []
    for number in range(30, 33):
        at_us = number * SECOND_US
        taken.append(fit.add(at_us, at_us + 1000, crystal.board_us(at_us + 500) + wrap_us))
        if number < 32:
            assert fit.line() == before
    assert taken == [False, False, True]
    assert fit.contradictions == 3
    now_us = 33 * SECOND_US
    assert abs(monotonic_at(fit.line(), crystal.board_us(now_us) + wrap_us) - now_us) < 1000


def test_a_board_whose_count_stands_still_ends_in_no_loop() -> None:
    fit = PingFit()
    for number in range(20):
        fit.add(number * 3000, number * 3000 + 1000, 5)
    assert fit.line().board_us == 5


def test_a_long_silence_leaves_the_fit_sound() -> None:
    random = Random(1)
    crystal = Crystal(30, 20, 7200, 1)
    quick = Way(400, 300, 0, 0)
    fit = PingFit()
    for number in range(100):
        ping(fit, crystal, quick, quick, number * SECOND_US, random)
    later_us = 3600 * SECOND_US
    for number in range(5):
        received_us = ping(fit, crystal, quick, quick, later_us + number * SECOND_US, random)
        error_us = abs(monotonic_at(fit.line(), crystal.board_us(received_us)) - received_us)
        assert error_us <= fit.line().error_us + 2
        assert error_us < 2_000
