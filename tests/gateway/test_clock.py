"""Board time to UTC over a line that delays each way as it likes."""

from dataclasses import dataclass, field
from random import Random

import pytest
from manual_clock import ManualClock

from gateway.clock import ClockRecord, ClockSync

NODE, BOOT = "motors-a", 7
STEP_US = 50_000
SECOND_US = 1_000_000


@dataclass(frozen=True)
class Delays:
    """Of each way: at least `least_us`, exponential jitter, and now and then an outlier."""

    seed: int
    least_us: int = 400
    jitter_us: float = 300
    outliers: float = 0.0

    def draw_us(self, random: Random) -> int:
        delay = self.least_us + random.expovariate(1 / self.jitter_us)
        if random.random() < self.outliers:
            delay += random.uniform(20_000, 400_000)
        return round(delay)


QUIET = Delays(seed=1)


@dataclass
class Simulation:
    """A board whose crystal is off by `drift_ppm`, pinged as ClockSync wants it."""

    delays: Delays = QUIET
    drift_ppm: float = 0.0
    clock: ManualClock = field(default_factory=ManualClock)
    records: list[ClockRecord] = field(default_factory=list)
    errors_us: list[int] = field(default_factory=list)
    within_bound: list[bool] = field(default_factory=list)
    _sequence: int = 0

    def __post_init__(self) -> None:
        self.sync = ClockSync(self.clock)
        self._random = Random(self.delays.seed)
        self._booted_us = self.clock.monotonic_us() - 3 * SECOND_US
        self.sync.seen(NODE, BOOT)

    def board_us(self) -> int:
        """The board's count now."""
        return round((self.clock.monotonic_us() - self._booted_us) * (1 + self.drift_ppm / 1e6))

    def run(self, seconds: float) -> None:
        end_us = self.clock.monotonic_us() + round(seconds * SECOND_US)
        while self.clock.monotonic_us() < end_us:
            self.sync.wall.look()
            for node, boot in self.sync.due():
                self._ping(node, boot)
            self.clock.advance_us(STEP_US)
            self._judge()

    def _ping(self, node: str, boot: int) -> None:
        self._sequence += 1
        self.sync.pinged(node, self._sequence)
        self.clock.advance_us(self.delays.draw_us(self._random))
        board_us = self.board_us()
        self.clock.advance_us(self.delays.draw_us(self._random))
        answer = self.sync.pong(node, boot, self._sequence, board_us)
        assert answer.expected
        if answer.record is not None:
            self.records.append(answer.record)

    def _judge(self) -> None:
        """How wrong the record in force is about now."""
        record = self.sync.estimate(NODE, BOOT)
        if record is None:
            return
        error_us = abs(record.utc_at(self.board_us()) - self.clock.utc_us())
        self.errors_us.append(error_us)
        self.within_bound.append(error_us <= record.error_us)

    @property
    def p99_us(self) -> int:
        return sorted(self.errors_us)[len(self.errors_us) * 99 // 100]

    @property
    def bounded_share(self) -> float:
        return sum(self.within_bound) / len(self.within_bound)

    def forget_errors(self) -> None:
        self.errors_us, self.within_bound = [], []


@pytest.mark.parametrize("drift_ppm", [-100, 0, 100])
@pytest.mark.parametrize(
    "delays",
    [
        QUIET,
        Delays(seed=2, jitter_us=1_500),
        Delays(seed=3, outliers=0.05),
        Delays(seed=4, least_us=150, jitter_us=2_500, outliers=0.2),
    ],
    ids=["quiet", "jittery", "outliers", "bad"],
)
def test_board_time_becomes_utc_within_the_error_it_admits(
    delays: Delays, drift_ppm: float
) -> None:
    simulation = Simulation(delays, drift_ppm)
    simulation.run(600)
    print(
        f"p99 {simulation.p99_us} us, worst {max(simulation.errors_us)} us, within its bound "
        f"{simulation.bounded_share:.1%}, {len(simulation.records)} records"
    )
    assert simulation.p99_us < 5_000
    assert simulation.bounded_share >= 0.985


def test_an_outlier_among_many_pings_moves_nothing() -> None:
    simulation = Simulation()
    simulation.run(30)
    before = simulation.sync.estimate(NODE, BOOT)
    simulation.delays = Delays(seed=1, least_us=300_000)
    simulation.run(5)
    simulation.forget_errors()
    simulation.run(1)
    assert max(simulation.errors_us) < 2_000
    assert simulation.sync.estimate(NODE, BOOT) == before


def test_rows_of_an_hour_ago_get_their_time_too() -> None:
    simulation = Simulation(drift_ppm=80)
    simulation.run(30)
    then_board_us, then_utc_us = simulation.board_us(), simulation.clock.utc_us()
    simulation.run(3600)
    record = simulation.sync.estimate(NODE, BOOT)
    assert record is not None
    assert abs(record.utc_at(then_board_us) - then_utc_us) < 20_000


@pytest.mark.parametrize("step_s", [-7200, 3, 86_400 * 365])
def test_a_step_of_the_wall_clock_is_followed_at_the_next_ping(step_s: int) -> None:
    simulation = Simulation(drift_ppm=50)
    simulation.run(100)
    simulation.clock.step_wall_us(step_s * SECOND_US)
    simulation.run(1.2)
    simulation.forget_errors()
    simulation.run(30)
    assert max(simulation.errors_us) < 5_000


def test_a_step_of_the_wall_clock_moves_no_age() -> None:
    simulation = Simulation()
    simulation.run(100)
    sampled_us, board_us = simulation.clock.monotonic_us(), simulation.board_us()
    simulation.clock.step_wall_us(-3600 * SECOND_US)
    before = simulation.sync.monotonic_at(NODE, BOOT, board_us)
    simulation.run(10)
    after = simulation.sync.monotonic_at(NODE, BOOT, board_us)
    assert before is not None
    assert after is not None
    assert abs(before - sampled_us) < 2_000
    assert abs(after - sampled_us) < 2_000


def test_a_record_says_whether_the_wall_clock_was_believed() -> None:
    simulation = Simulation(clock=ManualClock(trusted=False))
    simulation.run(10)
    assert {record.trusted for record in simulation.records} == {False}
    simulation.clock.trust(True)
    simulation.run(1.2)
    record = simulation.sync.estimate(NODE, BOOT)
    assert record is not None
    assert record.trusted


def test_a_record_is_stored_each_minute_even_when_nothing_moves() -> None:
    simulation = Simulation()
    simulation.run(60)
    early = len(simulation.records)
    simulation.run(600)
    assert 9 <= len(simulation.records) - early <= 11


def test_a_new_boot_is_pinged_quickly_and_then_each_second() -> None:
    clock = ManualClock()
    sync = ClockSync(clock)
    sync.seen(NODE, BOOT)
    times_ms = []
    for at_ms in range(0, 6000, 50):
        times_ms += [at_ms for _ in sync.due()]
        clock.advance_us(STEP_US)
    assert times_ms == [0, 250, 500, 750, 1000, 1250, 1500, 1750, 2000, 3000, 4000, 5000]


def test_only_the_latest_boot_is_pinged() -> None:
    sync = ClockSync(ManualClock())
    sync.seen(NODE, BOOT)
    sync.seen(NODE, BOOT + 1)
    assert sync.due() == [(NODE, BOOT + 1)]


class TestPongs:
    """Which answers count."""

    @pytest.fixture
    def sync(self, clock: ManualClock) -> ClockSync:
        sync = ClockSync(clock)
        sync.seen(NODE, BOOT)
        sync.pinged(NODE, 1)
        return sync

    def test_an_answer_to_an_open_ping_counts_once(self, sync: ClockSync) -> None:
        assert sync.pong(NODE, BOOT, 1, 1000).expected
        assert not sync.pong(NODE, BOOT, 1, 1000).expected

    def test_an_answer_that_is_late_does_not_count(
        self, sync: ClockSync, clock: ManualClock
    ) -> None:
        clock.advance_us(5 * SECOND_US + 1)
        assert not sync.pong(NODE, BOOT, 1, 1000).expected
        assert sync.estimate(NODE, BOOT) is None

    @pytest.mark.parametrize(
        ("node", "boot", "sequence"), [("axles-a", BOOT, 1), (NODE, BOOT + 1, 1), (NODE, BOOT, 2)]
    )
    def test_an_answer_that_nobody_asked_for_does_not_count(
        self, sync: ClockSync, node: str, boot: int, sequence: int
    ) -> None:
        assert not sync.pong(node, boot, sequence, 1000).expected

    def test_without_an_answer_there_is_no_estimate(self, sync: ClockSync) -> None:
        assert sync.estimate(NODE, BOOT) is None
        assert sync.monotonic_at(NODE, BOOT, 0) is None

    def test_an_estimate_is_for_its_boot_alone(self, sync: ClockSync) -> None:
        sync.pong(NODE, BOOT, 1, 1000)
        assert sync.estimate(NODE, BOOT) is not None
        assert sync.estimate(NODE, BOOT + 1) is None
        sync.seen(NODE, BOOT + 1)
        assert sync.estimate(NODE, BOOT) is None


@pytest.mark.parametrize("drift_ppb", [0, 1, -1, 37_211, -199_999])
@pytest.mark.parametrize("board_us", [0, 999_999, 123_456_789_000, 9_007_199_254_740_991_000])
@pytest.mark.parametrize("period_us", [1_000, 10_000, 1_000_000])
def test_times_of_rows_are_those_of_each_alone(
    drift_ppb: int, board_us: int, period_us: int
) -> None:
    record = ClockRecord(
        "motors-a", 1, 5_000_007, 1_763_755_200 * 10**6, drift_ppb, 500, trusted=True
    )
    alone = [record.utc_at(board_us + k * period_us) for k in range(64)]
    assert record.utc_from(board_us, period_us, 64) == alone
