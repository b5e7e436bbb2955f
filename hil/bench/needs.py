"""What a scenario needs of its target: what it names, and what follows from what happens."""

from hil.bench.capabilities import lacking, needs_of_happening
from hil.bench.expectations import OthersOk
from hil.bench.scenario import Scenario

__all__ = ["channels_of", "needs_of", "why_not"]

_LONGEST_S = 3600
"""What runs longer is for simulated time."""


def needs_of(scenario: Scenario) -> set[str]:
    """All that it needs, by the words of hil.bench.capabilities or its own."""
    needs = set(scenario.needs)
    for what in scenario.happens:
        needs |= needs_of_happening(what)
    if scenario.flash_blocks:
        needs.add("flash")
    if scenario.link == "mqtt":
        needs.add("broker")
    if scenario.has_server:
        needs.add("server")
    if scenario.settings:
        needs.add("settings")
    if scenario.long or scenario.seconds > _LONGEST_S:
        needs.add("lockstep")
    return needs


def why_not(scenario: Scenario, target: str, capabilities: frozenset[str]) -> str:
    """Why it cannot be run on a target that has these; "" where it can."""
    lacks = lacking(needs_of(scenario), capabilities)
    return f"{target} has no {lacks}" if lacks else ""


def channels_of(scenario: Scenario, measured: dict[str, list[tuple[str, str]]]) -> set[str]:
    """The channels that must have a signal, of those that its nodes measure."""
    spoken = set(scenario.channels())
    for expected in scenario.expect:
        if isinstance(expected, OthersOk):
            names = {" ".join(channel): channel for channel in measured[expected.node]}
            spoken |= {names[name] for name in names if name not in expected.besides}
    return {" ".join(channel) for channel in spoken}
