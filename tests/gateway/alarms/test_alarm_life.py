"""The life of an alarm after ISA-18.2, what of it is stored, and what a restart leaves of it."""

from pathlib import Path

import pytest
from rule_bench import RuleBench, Series

from gateway.alarms.desk import AlarmError
from gateway.alarms.record import SILENCED
from gateway.state import Alarm

M1 = "motor.winding_temperature motor 1"
HOT = '[[rules]]\nid = "winding-hot"\non_delay_s = 0\noff_delay_s = 0\n'
ALARM = "winding-hot@motor 1"


@pytest.fixture
def bench(tmp_path: Path) -> RuleBench:
    return RuleBench(tmp_path, HOT)


def heat(bench: RuleBench, value: float | None, seconds: float = 0.1) -> None:
    bench.run(seconds, {M1: lambda at_s: value})


def the_alarm(bench: RuleBench) -> Alarm | None:
    found = bench.life.alarms()
    assert len(found) <= 1
    return found[0] if found else None


def state(bench: RuleBench) -> str:
    alarm = the_alarm(bench)
    return "normal" if alarm is None else alarm.state


def test_acknowledged_and_over_it_is_normal(bench: RuleBench) -> None:
    heat(bench, 190)
    assert state(bench) == "unacknowledged"
    bench.life.acknowledge(ALARM, "cab 1")
    assert state(bench) == "acknowledged"
    heat(bench, 20)
    assert state(bench) == "normal"
    assert [one.action for one in bench.records] == ["raised", "acknowledged", "returned"]
    assert [one.by for one in bench.records] == ["", "cab 1", ""]


def test_over_before_anybody_acknowledged_it_waits_for_that(bench: RuleBench) -> None:
    heat(bench, 190)
    heat(bench, 20)
    assert state(bench) == "returned"
    bench.life.acknowledge(ALARM, "cab 1")
    assert state(bench) == "normal"


def test_it_comes_again_to_be_acknowledged_again(bench: RuleBench) -> None:
    heat(bench, 190)
    heat(bench, 20)
    heat(bench, 190)
    assert state(bench) == "unacknowledged"
    assert bench.life.raised == {"winding-hot": 2}


def test_the_value_is_followed_and_gone_where_it_is_not_known(bench: RuleBench) -> None:
    for value in (190, 195, None, 191):
        heat(bench, value)
        alarm = the_alarm(bench)
        assert alarm is not None
        assert alarm.value == value
        assert alarm.limit == 180
    assert len(bench.records) == 1, "a value alone is no transition"


def test_shelved_it_comes_back_by_itself(bench: RuleBench) -> None:
    heat(bench, 190)
    bench.life.shelve(ALARM, "cab 1", 1)
    heat(bench, 190, 59)
    assert state(bench) == "shelved"
    heat(bench, 190, 1.1)
    assert state(bench) == "unacknowledged"
    assert [(one.action, one.by, one.minutes) for one in bench.records[1:]] == [
        ("shelved", "cab 1", 1),
        ("unshelved", "", None),
    ]


def test_shelved_and_over_it_is_normal_at_the_end(bench: RuleBench) -> None:
    heat(bench, 190)
    bench.life.shelve(ALARM, "cab 1", 1)
    heat(bench, 20)
    heat(bench, 190)
    assert state(bench) == "shelved", "also when it comes again"
    heat(bench, 20, 61)
    assert state(bench) == "normal"


def test_silence_is_no_acknowledgement_and_ends_with_a_new_alarm(bench: RuleBench) -> None:
    heat(bench, 190)
    assert not bench.life.silenced
    bench.life.silence("cab 1")
    assert bench.life.silenced
    assert state(bench) == "unacknowledged"
    assert (bench.records[-1].id, bench.records[-1].by) == (SILENCED, "cab 1")
    bench.run(0.1, {M1: lambda at_s: 190, "motor.winding_temperature motor 2": lambda at_s: 190})
    assert not bench.life.silenced


@pytest.mark.parametrize("minutes", [0, 481])
def test_what_cannot_be_done_is_refused(bench: RuleBench, minutes: int) -> None:
    with pytest.raises(AlarmError, match="there is no alarm"):
        bench.life.acknowledge(ALARM, "cab 1")
    heat(bench, 190)
    with pytest.raises(AlarmError, match="1 to 480 minutes"):
        bench.life.shelve(ALARM, "cab 1", minutes)
    with pytest.raises(AlarmError, match="not shelved"):
        bench.life.unshelve(ALARM, "cab 1")
    bench.life.acknowledge(ALARM, "cab 1")
    with pytest.raises(AlarmError, match="nothing to acknowledge"):
        bench.life.acknowledge(ALARM, "cab 2")


def test_a_restart_keeps_state_time_and_who(bench: RuleBench) -> None:
    heat(bench, 190, 10)
    bench.life.acknowledge(ALARM, "cab 1")
    before = the_alarm(bench)
    bench.restart()
    assert the_alarm(bench) == before
    heat(bench, 190, 1)
    assert len(bench.records) == 2, "what is still so is not raised again"
    heat(bench, 20)
    assert state(bench) == "normal"


def test_what_was_silenced_is_silent_after_a_restart(bench: RuleBench) -> None:
    heat(bench, 190)
    bench.life.silence("cab 1")
    bench.restart()
    assert bench.life.silenced


def test_what_no_rule_knows_any_more_is_over(tmp_path: Path) -> None:
    bench = RuleBench(tmp_path, HOT)
    heat(bench, 190)
    bench.rules = []
    bench.restart()
    assert state(bench) == "returned"
    assert bench.records[-1].action == "removed"


@pytest.mark.parametrize(("trusted", "left"), [(True, "shelved"), (False, "unacknowledged")])
def test_a_shelf_outlives_the_machine_only_where_time_is_known(
    bench: RuleBench, trusted: bool, left: str
) -> None:
    heat(bench, 190)
    bench.life.shelve(ALARM, "cab 1", 60)
    now_us = bench.clock.utc_us() + 30 * 60_000_000
    bench.clock.reboot(30 * 60_000_000, now_us)
    bench.clock.trust(trusted)
    bench.restart()
    heat(bench, 190)
    assert state(bench) == left
    alarm = the_alarm(bench)
    assert alarm is not None
    assert alarm.age_ms // 60_000 == 30


def test_detection_goes_on_while_the_store_takes_nothing(bench: RuleBench) -> None:
    bench.full = True
    heat(bench, 190)
    assert state(bench) == "unacknowledged"
    assert bench.life.unstored == 1
    with pytest.raises(AlarmError, match="the store takes nothing"):
        bench.life.acknowledge(ALARM, "cab 1")
    assert state(bench) == "unacknowledged"
    bench.full = False
    heat(bench, 190)
    assert [one.action for one in bench.records] == ["raised"]
    assert bench.life.unstored == 0


def test_a_storm_has_its_first_as_the_cause(bench: RuleBench) -> None:
    def at(motor: int) -> Series:
        return lambda at_s: 190 if at_s >= motor * 0.1 else 20

    places = [f"motor {number}" for number in range(1, 7)]
    bench.run(2, {f"motor.winding_temperature {p}": at(k) for k, p in enumerate(places)})
    causes = {alarm.place: alarm.cause for alarm in bench.life.alarms()}
    assert causes == {p: None if p == "motor 1" else ALARM for p in places}
    bench.restart()
    assert {alarm.place: alarm.cause for alarm in bench.life.alarms()} == causes


def test_a_few_alarms_are_no_storm(bench: RuleBench) -> None:
    places = [f"motor.winding_temperature motor {number}" for number in range(1, 5)]
    bench.run(1, {place: lambda at_s: 190 for place in places})
    assert [alarm.cause for alarm in bench.life.alarms()] == [None] * 4


def test_the_most_urgent_is_first(tmp_path: Path) -> None:
    bench = RuleBench(tmp_path, HOT + '[[rules]]\nid = "winding-warm"\non_delay_s = 0\n')
    heat(bench, 190)
    assert [one.rule for one in bench.life.alarms()] == ["winding-hot", "winding-warm"]
    bench.life.acknowledge(ALARM, "cab 1")
    assert [one.rule for one in bench.life.alarms()] == ["winding-warm", "winding-hot"]
