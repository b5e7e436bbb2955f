"""What each happening needs of a target, and what the simulated targets can, by link.

`WORDS` says what each need is, so that a reason can be read; docs/bench.md has the same table.
"""

from hil.bench.happenings import (
    BrokerDown,
    BrokerFrozen,
    CableOut,
    ChipFault,
    ClockStep,
    ClockUnset,
    Delay,
    DiskFull,
    DiskStall,
    Forgery,
    FrameTrouble,
    Garbage,
    GatewayDown,
    GatewayFrozen,
    Happening,
    Machine,
    Noise,
    PowerCut,
    Reordered,
    Replay,
    Restart,
    SensorFault,
    ServerAnswersLost,
    ServerDown,
    ServerFrozen,
    ServerRefuses,
    ServerSlow,
    Silence,
)
from hil.board_target import SHORTEST_CUT_US
from hil.lockstep import LockstepTarget
from hil.target import SIMULATED_SENSORS

__all__ = ["BY_LINK", "WORDS", "lacking", "needs_of_happening"]

WORDS = {
    "account": "count of what its sensors gave",
    "broker": "broker between it and the gateway",
    "chip_faults": "chips that fail on command",
    "clock": "clock that can be set wrong",
    "commands": "way to send it a command",
    "disk": "disk that can be full or stall",
    "flash": "flash of a chosen size",
    "gateway": "gateway that can be stopped",
    "line": "line that can be disturbed",
    "lockstep": "simulated time",
    "power": "supply that can be cut",
    "server": "time-series server",
    "server_answers": "server that answers what it is told to",
    "settings": "node.json of the scenario's own",
    "short_cuts": f"supply that can be cut for less than {SHORTEST_CUT_US // 1000} ms",
    "stranger": "line that a stranger can speak on",
    "waveform": "accelerometers that feel each blow",
}
"""By need; a fault of a sensor is `sensor_WORD`."""

BY_LINK = {
    "serial": LockstepTarget.capabilities
    | {"clock", "commands", "disk", "gateway", "line", "lockstep"}
    | {"server", "server_answers", "settings", "stranger"},
    "mqtt": SIMULATED_SENSORS | {"broker", "gateway", "server", "settings", "stranger"},
}


def needs_of_happening(what: Happening) -> set[str]:
    """By the words above."""
    match what:
        case Machine():
            return set()
        case SensorFault():
            return {f"sensor_{what.word}"}
        case ChipFault():
            return {"chip_faults"}
        case CableOut() | Noise() | Delay() | FrameTrouble() | Garbage():
            return {"line"}
        case Replay() | Forgery():
            return {"stranger"}
        case PowerCut() if what.off_s * 1e6 < SHORTEST_CUT_US:
            return {"power", "short_cuts"}
        case PowerCut() | Silence():
            return {"power"}
        case BrokerDown() | BrokerFrozen() | Reordered():
            return {"broker"}
        case Restart():
            return {"commands"}
        case GatewayDown() | GatewayFrozen():
            return {"gateway"}
        case DiskFull() | DiskStall():
            return {"disk"}
        case ClockStep() | ClockUnset():
            return {"clock"}
        case ServerDown() | ServerFrozen():
            return {"server"}
        case ServerSlow() | ServerRefuses() | ServerAnswersLost():
            return {"server_answers"}


def lacking(needs: set[str], capabilities: frozenset[str]) -> str:
    """What is lacking, in words; "" where nothing is."""
    return ", no ".join(WORDS.get(need, need) for need in sorted(needs - capabilities))
