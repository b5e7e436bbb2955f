"""The shipped rules on simulated locomotives: each finds what it must, within its time, and none
of the two higher priorities cries in healthy duty; and a depot tries its own on a recording."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

import hil.rules.cli
from gateway.alarms.rulebook import BoundRule, load_rules
from gateway.alarms.rules import Together
from gateway.alarms.signals import quantities_of
from gateway.profiles import NodeFit, load_profile, profile_names
from hil.bench.expectations import AlarmRaised, NoAlarm
from hil.bench.scenario import Scenario, load_scenario, scenario_files
from hil.rules.cases import CASES, Case
from hil.rules.cli import app
from hil.rules.table import HEALTHY, find, run_healthy
from simulators.recordings.runs import write_run

SEED = 1
LONGEST_S = 450
DOCUMENT = Path(__file__).parents[2] / "docs" / "alarms.md"
SCENARIOS = [load_scenario(path) for path in scenario_files()]
RULES = [one.rule.id for one in load_rules(load_profile("te33a")) if not one.rule.sign]
SHORT = [case for case in CASES if case.within_s <= LONGEST_S]


@pytest.mark.parametrize("case", SHORT, ids=lambda case: f"{case.rule}-{case.what}")
def test_what_breaks_is_found_in_time(case: Case) -> None:
    print(f"seed {SEED}")
    found = find(case, seed=SEED)
    print(f"{case.rule} after {found.delay_s} s, before it {dict(found.others)}")
    assert found.passed


def test_a_rule_that_is_switched_off_finds_nothing() -> None:
    case = next(case for case in CASES if case.rule == "current-apart")
    rules = [one for one in load_rules(load_profile(case.profile)) if one.rule.id != case.rule]
    assert find(case, rules, SEED).delay_s is None


@pytest.mark.parametrize("rule", RULES)
def test_for_every_rule_it_is_said_what_must_fire_it_and_what_must_not(rule: str) -> None:
    """A case of `axlebox rules table` and a scenario of the bench that must; a scenario with all
    that the rule judges that must not, and healthy duty of a class that must not."""
    must = [case.what for case in CASES if case.rule == rule]
    fires = [one.name for one in SCENARIOS if rule in raised_in(one)]
    quiet = [one.name for one in SCENARIOS if judges(one, rule) and is_quiet(one, rule)]
    healthy = [name for name in HEALTHY if can_judge(rule, name, load_profile(name).all_nodes)]
    print(f"{rule} must come of: {must}, {fires}; must not: {quiet}, healthy {healthy}")
    assert must
    assert fires
    assert quiet
    assert healthy
    assert set(HEALTHY) == set(profile_names())


@cache
def rules_of(profile: str) -> dict[str, BoundRule]:
    return {one.rule.id: one for one in load_rules(load_profile(profile))}


def raised_in(scenario: Scenario) -> set[str]:
    return {one.rule for one in scenario.expect if isinstance(one, AlarmRaised)}


def judges(scenario: Scenario, rule: str) -> bool:
    profile = load_profile(scenario.profile)
    return can_judge(rule, scenario.profile, scenario.fits(profile))


def can_judge(rule: str, profile: str, nodes: Iterable[NodeFit]) -> bool:
    """Whether all that it judges, and the state of the train that it needs, is measured."""
    known = {name: bound.rule for name, bound in rules_of(profile).items()}
    measured = {
        quantity for node in nodes for group in node.groups for quantity, _ in group.channels
    }
    wanted = [rule, *known[rule].rules] if isinstance(known[rule], Together) else [rule]
    return all(quantities_of(known[name]) <= measured for name in wanted)


def is_quiet(scenario: Scenario, rule: str) -> bool:
    """Whether it says that no alarm of the rule may come, from its start to its end or to where
    something happens."""
    first_s = min((what.at_s for what in scenario.happens), default=scenario.seconds)
    priority = rules_of(scenario.profile)[rule].priority
    return any(
        isinstance(one, NoAlarm)
        and (rule in one.rules if one.rules else rule not in one.besides)
        and (bool(one.rules) or priority in one.priorities)
        and one.from_s <= 1
        and one.to_s >= first_s
        for one in scenario.expect
    )


@pytest.mark.parametrize("profile", HEALTHY)
def test_healthy_duty_raises_nothing_that_a_crew_must_act_on(profile: str) -> None:
    print(f"seed {SEED}")
    told: list[str] = []
    healthy = run_healthy(profile, 0.3, SEED, told.append)
    print(*told, sep="\n")
    assert healthy.hours == pytest.approx(0.3)
    assert not [key for key in healthy.raised if key[1] != "low"]


def test_the_document_has_what_each_rule_was_measured_at() -> None:
    rows = re.findall(
        r"^\| [A-Z][0-9]+ \| `([a-z-]+)` \| ([^|]+) \| ([0-9.]+) s \|",
        DOCUMENT.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    told = {(rule, what): float(delay) for rule, what, delay in rows}
    assert set(told) == {(case.rule, case.what) for case in CASES}
    assert all(told[case.rule, case.what] <= case.within_s for case in CASES)


def test_the_table_is_printed_and_says_where_a_rule_is_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_time = next(case for case in CASES if case.rule == "supply-low")
    monkeypatch.setattr(hil.rules.cli, "CASES", (in_time,))
    monkeypatch.setattr(hil.rules.cli, "HEALTHY", ("kz4at",))
    result = CliRunner().invoke(app, ["table", "--hours", "0.02"])
    assert result.exit_code == 0, result.output
    assert re.search(r"\| E01 \| `supply-low` \| .+ \| 5\.[0-9] s \| 0 \(at most", result.output)
    late = in_time._replace(within_s=1)
    monkeypatch.setattr(hil.rules.cli, "CASES", (late,))
    result = CliRunner().invoke(app, ["table", "--hours", "0.02"])
    assert result.exit_code == 1
    assert "never" in result.output


def test_a_depot_sees_when_its_rules_would_have_fired(tmp_path: Path) -> None:
    """A winding that climbs by 1 K a second from 100 °C, recorded each second."""
    recording = tmp_path / "run.csv"
    with recording.open("w", encoding="utf-8", newline="") as stream:
        write_run(
            (
                (float(t_s), "motor.winding_temperature", "motor 1", 100.0 + t_s)
                for t_s in range(100)
            ),
            stream,
        )

    def tested(rules: str) -> str:
        path = tmp_path / "rules.toml"
        path.write_text(rules, encoding="utf-8")
        result = CliRunner().invoke(
            app, ["test", str(path), "--recording", str(recording)], env={"COLUMNS": "150"}
        )
        assert result.exit_code == 0, result.output
        return result.output

    shipped = tested("")
    assert re.search(r"84\.0 s +winding-hot@motor 1 +medium +raised +184 +180", shipped)
    assert re.search(r"76\.0 s +winding-warm@motor 1", shipped)
    assert "supply-low" in shipped.split("never fired:")[1]
    own = tested(
        'off = ["winding-warm"]\n[[rules]]\nid = "winding-hot"\non_delay_s = 0\n'
        'limit = { above = 150, close = 140, unit = "°C", source = "depot", verified = true }\n'
    )
    assert re.search(r"51\.0 s +winding-hot@motor 1 +high +raised", own)
    assert "winding-warm" not in own


def test_a_gap_in_a_recording_is_not_taken_for_a_value(tmp_path: Path) -> None:
    recording = tmp_path / "run.csv"
    with recording.open("w", encoding="utf-8", newline="") as stream:
        times = [*range(20), *range(60, 80)]
        samples = ((float(t), "supply.voltage", "locomotive", 74.0) for t in times)
        write_run(samples, stream)
    result = CliRunner().invoke(
        app, ["test", "--recording", str(recording)], env={"COLUMNS": "150"}
    )
    assert result.exit_code == 0, result.output
    assert re.search(
        r"34\.1 s +channel-silent@supply.voltage locomotive +low +raised", result.output
    )
