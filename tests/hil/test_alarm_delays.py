"""What `make alarm-delays` breaks brings the alarms that it waits for, and no rule is left out."""

import pytest
from benchmarks.alarm_delays import ideal
from benchmarks.delay_plan import NOT_HERE, RUNS, SHORT, Run

from gateway.alarms.rulebook import load_rules
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
