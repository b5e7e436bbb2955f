"""What `make alarm-delays` breaks brings the alarms that it waits for, and no rule is left out."""

from pathlib import Path

import pytest
from benchmarks.alarm_delays import ideal
from benchmarks.asked import due_utc_us
from benchmarks.delay_plan import NOT_HERE, RUNS, SHORT, Run
from board_peer import Board, group_of
from collecting import Collecting
from manual_clock import ManualClock

from gateway.alarms.rulebook import load_rules
from gateway.alarms.rules import OfQuantity
from gateway.profiles import load_profile
from hil.bench.scenario import load_scenario, scenario_files

SEED = 7
PROFILE = load_profile("te33a")


@pytest.mark.parametrize("run", [SHORT, *RUNS], ids=lambda run: f"{run.duty}-{run.seconds:g}")
def test_what_breaks_brings_each_alarm_that_is_waited_for(run: Run) -> None:
    print(f"seed {SEED}")
    opened_s = dict(ideal(run, PROFILE, SEED))
    for cause in run.causes:
        for name in cause.alarms:
            found = [at_s for one, at_s in opened_s.items() if f"{one}@".startswith(f"{name}@")]
            assert found, name
            assert all(at_s >= cause.at_s for at_s in found), name


def test_every_rule_is_measured_or_has_a_scenario_that_fires_it() -> None:
    measured = {
        name.partition("@")[0] for run in RUNS for one in run.causes for name in one.alarms
    }
    rules = {one.rule.id for one in load_rules(PROFILE) if not one.rule.sign}
    assert measured | NOT_HERE.keys() == rules
    assert not measured & NOT_HERE.keys()
    files = {path.stem: path for path in scenario_files()}
    for rule, (_, scenario) in NOT_HERE.items():
        expected = load_scenario(files[scenario]).expect
        assert rule in {getattr(one, "rule", "") for one in expected}, rule


def test_an_alarm_is_due_by_the_readings_that_its_gateway_had(tmp_path: Path) -> None:
    """Of a winding that is read each half second, and heard of a fifth of a second later: too hot
    since its eleventh reading."""
    rule = next(one.rule for one in load_rules(PROFILE) if one.rule.id == "winding-hot")
    assert isinstance(rule, OfQuantity)
    clock = ManualClock()
    board = Board(groups=[group_of(rule.quantity, 2, period_ms=500)])
    gateway = Collecting(tmp_path, [board], clock)
    gateway.receive(board.hello())
    taken_us = []
    for number in range(20):
        taken_us.append(clock.utc_us())
        reading = board.readings(
            [[182_000 if number >= 10 else 178_000, 20_000]],
            t_ms=clock.monotonic_us() // 1000,
            wide=True,
        )
        for look in range(5):
            if look == 2:
                gateway.receive(reading)
            gateway.answer_pings(board)
            gateway.gateway.tick()
            clock.advance_us(100_000)
    gateway.commit()
    due_us = due_utc_us(gateway.config.spool.folder, rule)
    assert due_us.keys() == {"winding-hot@motor 1"}
    late_us = due_us["winding-hot@motor 1"] - taken_us[10] - rule.on_delay_s * 1e6
    assert abs(late_us) < 5_000
