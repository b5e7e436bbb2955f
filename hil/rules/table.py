"""How long each rule takes to find what it must, and how often it cries in healthy duty."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from gateway.alarms.rulebook import BoundRule, load_rules
from gateway.profiles import load_profile
from hil.rules.cases import Case
from hil.rules.play import play
from hil.rules.simulated import SimulatedFeed
from simulators.duties import load_duty
from simulators.locomotive import Locomotive
from simulators.physics.figures import read_figures
from simulators.physics.train import within_rating

__all__ = ["HEALTHY", "Found", "Healthy", "find", "run_healthy"]

_GOODS = ("main_line", "heavy_start", "descent", "shunting", "cold_start", "demo")
_PASSENGER = ("passenger", "shunting", "cold_start", "demo")
HEALTHY: dict[str, tuple[str, ...]] = {
    "te33a": _GOODS,
    "kz8a": _GOODS,
    "vl80s": _GOODS,
    "es44aci": _GOODS,
    "te33at": _GOODS,
    "kz4at": _PASSENGER,
}
"""Duties of each class, over and over, with a train within its rating."""

_REST_S = 1800.0
"""How long a train stands before it goes once more, where its duty is not made to repeat."""


@dataclass
class Found:
    """`delay_s` None: never, in the time that it had. `others`: what else was raised."""

    case: Case
    delay_s: float | None = None
    others: Counter[str] = field(default_factory=Counter)

    @property
    def passed(self) -> bool:
        return self.delay_s is not None and 0 <= self.delay_s <= self.case.within_s


@dataclass
class Healthy:
    """Alarms raised in so many hours, by rule and priority."""

    hours: float = 0.0
    raised: Counter[tuple[str, str]] = field(default_factory=Counter)


def find(case: Case, rules: Sequence[BoundRule] | None = None, seed: int = 1) -> Found:
    """Let it break and wait for the alarm; `rules`: those shipped, where not given."""
    profile = load_profile(case.profile)
    faults = [] if case.fault is None else [(case.at_s, None, case.fault)]
    troubles = [] if case.trouble is None else [case.trouble]
    feed = SimulatedFeed(Locomotive(profile, seed, case.duty, faults), profile.all_nodes, troubles)
    found = Found(case)
    chosen = load_rules(profile) if rules is None else rules
    for happened in play(chosen, profile, feed, case.at_s + case.within_s + 1):
        record = happened.record
        if record.action != "raised":
            continue
        if record.rule == case.rule:
            found.delay_s = happened.at_s - case.at_s
            return found
        found.others[record.rule] += 1
    return found


def run_healthy(
    profile_id: str, hours: float, seed: int, tell: Callable[[str], None] = lambda line: None
) -> Healthy:
    """The class in its duties, each as long as the others, with another locomotive in each."""
    profile = load_profile(profile_id)
    rules, figures = load_rules(profile), read_figures(profile)
    found = Healthy()
    duties = HEALTHY[profile_id]
    seconds = hours * 3600 / len(duties)
    for number, name in enumerate(duties):
        duty = within_rating(figures, load_duty(name))
        if not duty.repeat:
            duty = replace(duty, repeat=True, rest_s=_REST_S)
        feed = SimulatedFeed(Locomotive(profile, seed + number, duty), profile.all_nodes)
        for happened in play(rules, profile, feed, seconds):
            record = happened.record
            if record.action == "raised":
                found.raised[record.rule, record.priority] += 1
                tell(f"{profile_id}, {name}: {record.id} at {happened.at_s:.1f} s")
        found.hours += seconds / 3600
    return found
