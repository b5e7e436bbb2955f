"""What can happen in a scenario, as typed data: one table `[[happens]]` of its file each.

Times are simulated seconds since the supply was switched on. `until_s` is when it ends again;
without it, it lasts. `node` names a node of the scenario.
"""

from typing import Any, Literal

from msgspec import Struct

from simulators.faults import MachineFault, kind_of

__all__ = [
    "BrokerDown",
    "BrokerFrozen",
    "CableOut",
    "ChipFault",
    "ClockStep",
    "ClockUnset",
    "Delay",
    "DiskFull",
    "DiskStall",
    "Forgery",
    "FrameTrouble",
    "Garbage",
    "GatewayDown",
    "GatewayFrozen",
    "Happening",
    "Machine",
    "Noise",
    "OfServer",
    "PowerCut",
    "Reordered",
    "Replay",
    "Restart",
    "SensorFault",
    "ServerAnswersLost",
    "ServerDown",
    "ServerFrozen",
    "ServerRefuses",
    "ServerSlow",
    "Silence",
    "describe",
]


class _Base(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    at_s: float


class _OfSensor(_Base, frozen=True, kw_only=True):
    node: str
    quantity: str
    place: str
    word: str
    args: dict[str, Any] = {}
    until_s: float | None = None


class SensorFault(_OfSensor, frozen=True, kw_only=True, tag="sensor"):
    """A fault of one sensor: a word of simulators.board.faults that strikes an input."""


class ChipFault(_OfSensor, frozen=True, kw_only=True, tag="chip"):
    """A fault of the whole chip, or of its bus, that one sensor is read by."""


class CableOut(_Base, frozen=True, kw_only=True, tag="cable_out"):
    """The plug is pulled at the gateway's end, `times` times in a row for equal parts of the
    time."""

    node: str
    until_s: float
    times: int = 1


class Machine(_Base, frozen=True, kw_only=True, tag="machine"):
    """Something of the locomotive itself breaks: a fault of simulators.faults."""

    fault: MachineFault
    until_s: float | None = None


class Noise(_Base, frozen=True, kw_only=True, tag="noise"):
    """Each byte is replaced by a random one with this probability, in both directions."""

    node: str
    share: float
    until_s: float | None = None


class Delay(_Base, frozen=True, kw_only=True, tag="delay"):
    """Each piece of data takes up to so much longer, both ways."""

    node: str
    ms: float
    until_s: float | None = None


class FrameTrouble(_Base, frozen=True, kw_only=True, tag="frames"):
    """A frame from the node comes twice, changes places with the next, or gets lost, with these
    probabilities."""

    node: str
    twice: float = 0.0
    swapped: float = 0.0
    lost: float = 0.0
    until_s: float | None = None


class Replay(_Base, frozen=True, kw_only=True, tag="replay"):
    """All that the node, or the gateway, has sent so far is put on the line once more."""

    node: str
    towards: Literal["gateway", "node"] = "gateway"


class Forgery(_Base, frozen=True, kw_only=True, tag="forgery"):
    """A stranger with a clip on the line sends a well-formed message: as this node with a key of
    his own, as a node that nobody knows, or one of this node's with a bit changed."""

    node: str
    how: Literal["wrong_key", "unknown_node", "changed"]
    times: int = 1


class Garbage(_Base, frozen=True, kw_only=True, tag="garbage"):
    """So many random bytes on the line towards the gateway."""

    node: str
    bytes: int


class PowerCut(_Base, frozen=True, kw_only=True, tag="power_cut"):
    """The node's supply is short to 0 V for so long, `times` times, at random moments within
    `within_s`; each time it starts anew."""

    node: str
    off_s: float
    times: int = 1
    within_s: float = 0.0


class Silence(_Base, frozen=True, kw_only=True, tag="node_off"):
    """The node's supply is off."""

    node: str
    until_s: float


class Restart(_Base, frozen=True, kw_only=True, tag="restart"):
    """The gateway tells the node to start again."""

    node: str


class GatewayDown(_Base, frozen=True, kw_only=True, tag="gateway_down"):
    """The gateway is stopped, or killed: then what it has not committed is gone."""

    until_s: float
    killed: bool = False


class GatewayFrozen(_Base, frozen=True, kw_only=True, tag="gateway_frozen"):
    """The gateway stands still: it reads nothing, stores nothing, and its page does not answer."""

    until_s: float


class DiskStall(_Base, frozen=True, kw_only=True, tag="disk_stall"):
    """The gateway's disk says of nothing that it is stored until then, as a worn card does."""

    until_s: float


class DiskFull(_Base, frozen=True, kw_only=True, tag="disk_full"):
    """The gateway's disk takes nothing more."""

    until_s: float


class ClockStep(_Base, frozen=True, kw_only=True, tag="clock_step"):
    """The wall clock of the gateway's computer jumps."""

    seconds: float


class ClockUnset(_Base, frozen=True, kw_only=True, tag="clock_unset"):
    """No time source has set the gateway's clock."""

    until_s: float


class BrokerDown(_Base, frozen=True, kw_only=True, tag="broker_down"):
    """The broker is killed, and what it kept is gone."""

    until_s: float


class BrokerFrozen(_Base, frozen=True, kw_only=True, tag="broker_frozen"):
    """The broker stands still: what it is given arrives late."""

    until_s: float


class ServerDown(_Base, frozen=True, kw_only=True, tag="server_down"):
    """The time-series server is stopped; started again it has what it had taken."""

    until_s: float


class ServerFrozen(_Base, frozen=True, kw_only=True, tag="server_frozen"):
    """The server takes connections and answers nothing; what it was sent it takes afterwards."""

    until_s: float


class ServerSlow(_Base, frozen=True, kw_only=True, tag="server_slow"):
    """The server answers so much later."""

    answer_s: float
    until_s: float


class ServerRefuses(_Base, frozen=True, kw_only=True, tag="server_refuses"):
    """The server answers with that status, and perhaps says for how long to leave it alone; where
    `lines` is given, only to what has a line with this text in it."""

    status: Literal[400, 401, 403, 404, 413, 422, 429, 500, 503]
    retry_after_s: int | None = None
    lines: str = ""
    until_s: float


class ServerAnswersLost(_Base, frozen=True, kw_only=True, tag="server_answers_lost"):
    """The server takes what it is sent, and the connection ends before its answer comes."""

    until_s: float


class Reordered(_Base, frozen=True, kw_only=True, tag="reordered"):
    """The last messages that the node sent come once more, in the wrong order."""

    node: str
    messages: int = 50


OfServer = ServerDown | ServerFrozen | ServerSlow | ServerRefuses | ServerAnswersLost
Happening = (
    BrokerDown
    | BrokerFrozen
    | Reordered
    | Machine
    | SensorFault
    | ChipFault
    | CableOut
    | Noise
    | Delay
    | FrameTrouble
    | Replay
    | Forgery
    | Garbage
    | PowerCut
    | Silence
    | Restart
    | GatewayDown
    | GatewayFrozen
    | DiskFull
    | DiskStall
    | OfServer
    | ClockStep
    | ClockUnset
)


def describe(happening: Happening) -> str:
    """In a few words, for a report."""
    where = f"{getattr(happening, 'quantity', '')} {getattr(happening, 'place', '')}".strip()
    node = getattr(happening, "node", "")
    match happening:
        case SensorFault(word=word) | ChipFault(word=word):
            return f"{word.replace('_', ' ')}: {where} on {node}"
        case Machine(fault=fault):
            return f"{kind_of(fault).replace('_', ' ')} {getattr(fault, 'place', '')}".strip()
        case CableOut():
            return f"cable of {node} pulled{_times(happening.times)}"
        case Noise():
            return f"{happening.share:.2%} of the bytes of {node} changed"
        case Delay():
            return f"line of {node} up to {happening.ms:g} ms slower"
        case FrameTrouble():
            shares = {
                "twice": happening.twice,
                "swapped": happening.swapped,
                "lost": happening.lost,
            }
            told = ", ".join(f"{share:.0%} {word}" for word, share in shares.items() if share)
            return f"frames of {node}: {told}"
        case Replay():
            return f"all that was sent towards the {happening.towards} on {node}'s line, again"
        case BrokerDown():
            return "broker killed, its store wiped"
        case BrokerFrozen():
            return "broker frozen"
        case Reordered():
            return f"the last {happening.messages} messages of {node} again, in the wrong order"
        case Forgery():
            return f"{happening.times} forged on {node}'s line: {happening.how.replace('_', ' ')}"
        case Garbage():
            return f"{happening.bytes} random bytes on {node}'s line"
        case PowerCut():
            return f"supply of {node} cut for {happening.off_s:g} s{_times(happening.times)}"
        case Silence():
            return f"{node} off"
        case Restart():
            return f"{node} told to start again"
        case GatewayDown():
            return "gateway killed" if happening.killed else "gateway stopped"
        case GatewayFrozen():
            return "gateway frozen"
        case DiskFull():
            return "disk full"
        case DiskStall():
            return "disk stalls"
        case ServerDown():
            return "server down"
        case ServerFrozen():
            return "server frozen"
        case ServerSlow():
            return f"server answers {happening.answer_s:g} s late"
        case ServerRefuses():
            what = f" lines with {happening.lines!r}" if happening.lines else ""
            return f"server refuses{what} ({happening.status})"
        case ServerAnswersLost():
            return "server's answers lost"
        case ClockStep():
            return f"wall clock jumps by {happening.seconds:g} s"
        case ClockUnset():
            return "clock not set"


def _times(times: int) -> str:
    return f" {times} times" if times > 1 else ""
