"""What the gateway believes of its own wall clock, whatever that does."""

import pytest
from manual_clock import ManualClock

from gateway.timebase import SystemClock, is_set
from gateway.walltime import SURE_US, TimeRecord, Times, WallTime

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
UNSYNC, NANO = 0x40, 0x2000


def test_a_clock_that_nobody_set_is_followed_and_not_believed() -> None:
    clock = ManualClock(trusted=False)
    wall = WallTime(clock)
    clock.step_wall_us(-HOUR_US)
    record = wall.look()
    assert record is not None
    assert not record.trusted
    assert wall.utc_us() == clock.utc_us()
    assert wall.error_us() is None
    assert not wall.trusted()


def test_nothing_new_is_no_record() -> None:
    for trusted in (False, True):
        clock = ManualClock(trusted=trusted)
        wall = WallTime(clock)
        for _ in range(10):
            clock.advance_us(SECOND_US)
            assert wall.look() is None


def test_a_time_source_after_an_hour_places_that_hour() -> None:
    clock = ManualClock(trusted=False)
    clock.step_wall_us(-40 * 365 * 24 * HOUR_US)
    wall = WallTime(clock)
    before_us, true_us = clock.monotonic_us(), clock.true_us
    clock.advance_us(HOUR_US)
    clock.set_wall()
    record = wall.look()
    assert record is not None
    assert before_us + record.wall_us == true_us
    assert 0 < record.error_at(before_us) < SURE_US
    assert record.error_at(clock.monotonic_us()) == 0


@pytest.mark.parametrize("step_s", [-40 * 365 * 86_400, -7200, 3, 10 * 365 * 86_400])
def test_a_step_that_nobody_vouches_for_moves_nothing_once_the_time_was_sure(step_s: int) -> None:
    clock = ManualClock()
    wall = WallTime(clock)
    clock.trust(False)
    clock.step_wall_us(step_s * SECOND_US)
    wall.look()
    clock.advance_us(HOUR_US)
    wall.look()
    assert wall.utc_us() == clock.true_us
    assert wall.steps == 1
    assert wall.trusted()
    clock.advance_us(24 * HOUR_US)
    assert wall.error_us() == (25 * HOUR_US) * 20 // 1_000_000
    assert not wall.trusted()


def test_a_correction_of_a_time_that_was_sure_counts_as_an_error_of_what_was_before() -> None:
    clock = ManualClock()
    wall = WallTime(clock)
    early_us = clock.monotonic_us()
    clock.advance_us(SECOND_US)
    clock.step_wall_us(2 * SECOND_US)
    record = wall.look()
    assert record is not None
    assert record.trusted
    assert record.error_at(early_us) > SURE_US
    assert record.error_at(clock.monotonic_us()) == 0
    assert wall.utc_us() == clock.utc_us()


def test_trust_that_comes_back_ends_the_error() -> None:
    clock = ManualClock()
    wall = WallTime(clock)
    clock.trust(False)
    wall.look()
    clock.advance_us(HOUR_US)
    assert wall.error_us() == 72_000
    clock.trust(True)
    wall.look()
    assert wall.error_us() == 0


def test_a_new_run_on_the_same_machine_goes_on_with_what_was_known() -> None:
    clock = ManualClock()
    known = WallTime(clock).record
    clock.trust(False)
    clock.step_wall_us(-HOUR_US)
    clock.advance_us(60 * SECOND_US)
    again = WallTime(clock, known)
    assert again.utc_us() == clock.true_us
    assert again.trusted()


def test_a_reading_that_was_interrupted_is_no_step() -> None:
    class Interrupted(ManualClock):
        interrupted = False

        def utc_us(self) -> int:
            if self.interrupted:
                self.advance_us(50_000)
            return super().utc_us()

    clock = Interrupted()
    wall = WallTime(clock)
    clock.interrupted = True
    assert wall.look() is None
    assert wall.steps == 0


class TestTimes:
    """What the log says of each base."""

    def test_a_guess_never_replaces_what_was_sure(self) -> None:
        times = Times()
        sure = TimeRecord("a", 5, True, 0)
        times.learn(sure)
        times.learn(TimeRecord("a", 7, False, 0))
        assert times.of("a") == sure
        times.learn(TimeRecord("a", 9, True, 0))
        assert times.of("a") == TimeRecord("a", 9, True, 0)

    def test_what_a_node_told_of_an_earlier_base_does_not_make_it_the_present_one(self) -> None:
        times = Times()
        times.learn(TimeRecord("a", 5, False, 0))
        times.learn(TimeRecord("b", 5, True, 0))
        times.learn(TimeRecord("a", 6, True, 0, 0, by="motors-a"))
        assert times.base == "b"
        again = Times()
        again.restore(times.all(), times.base)
        assert (again.base, again.of("a"), again.of("b")) == ("b", times.of("a"), times.of("b"))

    def test_years_of_boots_take_no_more_than_so_many(self) -> None:
        times = Times()
        for number in range(1000):
            times.learn(TimeRecord(str(number), 5, True, 0))
        assert len(times.all()) == 64
        assert times.of("999") is not None


class TestKernel:
    """When the kernel's answer means that somebody set the clock."""

    @pytest.mark.parametrize(
        ("state", "status", "offset", "is_good"),
        [
            (0, 0, 0, True),
            (5, UNSYNC, 0, False),
            (0, UNSYNC, 0, False),
            (-1, 0, 0, False),
            (1, 0, 4_000, True),
            (0, 0, -6_000, False),
            (0, NANO, 4_000_000, True),
            (0, NANO, -6_000_000, False),
        ],
        ids=["ok", "error", "unsync", "refused", "leap", "slewing", "near", "slewing nano"],
    )
    def test_state_status_and_what_is_left_of_a_correction(
        self, state: int, status: int, offset: int, is_good: bool
    ) -> None:
        assert is_set(state, status, offset) is is_good

    def test_a_machine_names_its_boot_and_can_be_overruled(self) -> None:
        clock = SystemClock()
        assert clock.boot_id() == SystemClock().boot_id() != ""
        assert isinstance(clock.trusted(), bool)
        assert SystemClock("always").trusted()
        assert not SystemClock("never").trusted()
        assert clock.monotonic_us() <= clock.monotonic_us()
