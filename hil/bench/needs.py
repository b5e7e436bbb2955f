"""What a scenario needs of its target: what it names itself, and what follows from what happens.

`WORDS` says what each need is, so that a reason can be read; docs/bench.md has the same table.
"""

from hil.bench.expectations import OthersOk
from hil.bench.happenings import (
    BrokerDown,
    BrokerFrozen,
    CableOut,
    ChipFault,
    ClockStep,
    ClockUnset,
    Delay,
    DiskFull,
    Forgery,
    FrameTrouble,
    Garbage,
    GatewayDown,
    Happening,
    Machine,
    Noise,
    PowerCut,
    Reordered,
    Replay,
    Restart,
    SensorFault,
    Silence,
)
from hil.bench.scenario import Scenario
from hil.board_target import SHORTEST_CUT_US

__all__ = ["WORDS", "channels_of", "needs_of", "why_not"]

WORDS = {
    "account": "count of what its sensors gave",
    "broker": "broker between it and the gateway",
    "chip_faults": "chips that fail on command",
    "clock": "clock that can be set wrong",
    "commands": "way to send it a command",
    "disk": "disk that can be full",
    "flash": "flash of a chosen size",
    "gateway": "gateway that can be stopped",
    "line": "line that can be disturbed",
    "power": "supply that can be cut",
    "settings": "node.json of the scenario's own",
    "short_cuts": f"supply that can be cut for less than {SHORTEST_CUT_US // 1000} ms",
    "lockstep": "simulated time",
}
"""By need; a fault of a sensor is `sensor_WORD`."""

_LONGEST_S = 3600
"""What runs longer is for simulated time."""


def needs_of(scenario: Scenario) -> set[str]:
    """All that it needs, by the words above or its own."""
    needs = set(scenario.needs)
    for what in scenario.happens:
        needs |= _needs_of(what)
    if scenario.flash_blocks:
        needs.add("flash")
    if scenario.link == "mqtt":
        needs.add("broker")
    if scenario.settings:
        needs.add("settings")
    if scenario.long or scenario.seconds > _LONGEST_S:
        needs.add("lockstep")
    return needs


def why_not(scenario: Scenario, target: str, capabilities: frozenset[str]) -> str:
    """Why it cannot be run on a target that has these; "" where it can."""
    lacks = [WORDS.get(need, need) for need in sorted(needs_of(scenario) - capabilities)]
    return f"{target} has no {', no '.join(lacks)}" if lacks else ""


def channels_of(scenario: Scenario, measured: dict[str, list[tuple[str, str]]]) -> set[str]:
    """The channels that must have a signal, of those that its nodes measure."""
    spoken = set(scenario.channels())
    for expected in scenario.expect:
        if isinstance(expected, OthersOk):
            names = {" ".join(channel): channel for channel in measured[expected.node]}
            spoken |= {names[name] for name in names if name not in expected.besides}
    return {" ".join(channel) for channel in spoken}


def _needs_of(what: Happening) -> set[str]:
    match what:
        case Machine():
            return set()
        case SensorFault():
            return {f"sensor_{what.word}"}
        case ChipFault():
            return {"chip_faults"}
        case CableOut() | Noise() | Delay() | FrameTrouble() | Replay() | Forgery() | Garbage():
            return {"line"}
        case PowerCut() if what.off_s * 1e6 < SHORTEST_CUT_US:
            return {"power", "short_cuts"}
        case PowerCut() | Silence():
            return {"power"}
        case BrokerDown() | BrokerFrozen() | Reordered():
            return {"broker"}
        case Restart():
            return {"commands"}
        case GatewayDown():
            return {"gateway"}
        case DiskFull():
            return {"disk"}
        case ClockStep() | ClockUnset():
            return {"clock"}
