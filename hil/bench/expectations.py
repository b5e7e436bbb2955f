"""What must be seen in a scenario, as typed data: one table `[[expect]]` of its file each.

Beside them, every scenario is held to what `axlebox` promises always: see hil.bench.health.
`promise` names which of the design's promises breaks where one is not met.
"""

from msgspec import Struct, field

from gateway.state import AlarmPriority, ForwardState, NodeStatus, Quality

__all__ = [
    "AlarmRaised",
    "Answers",
    "Apart",
    "Backlog",
    "Between",
    "Changes",
    "Counted",
    "Expectation",
    "InServer",
    "LostAtMost",
    "NoAlarm",
    "OthersOk",
    "Shown",
    "Tracks",
]


class _Base(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    promise: str = ""


class _OfChannel(_Base, frozen=True, kw_only=True):
    quantity: str
    place: str


class Shown(_OfChannel, frozen=True, kw_only=True, tag="shown"):
    """The page shows the channel with that quality, at the latest `within_s` after `after_s`,
    and then until `until_s` where that is given."""

    quality: Quality
    after_s: float
    within_s: float
    until_s: float | None = None


class OthersOk(_Base, frozen=True, kw_only=True, tag="others_ok"):
    """No other channel of the node than these leaves "ok" in that time."""

    node: str
    besides: list[str] = field(default_factory=list)
    """Each as quantity and place: "motor.current motor 3"."""
    from_s: float
    to_s: float


class Answers(_Base, frozen=True, kw_only=True, tag="node"):
    """The page shows the node as live, stale or waiting, at the latest `within_s` after."""

    node: str
    status: NodeStatus
    after_s: float
    within_s: float


class Tracks(_OfChannel, frozen=True, kw_only=True, tag="tracks"):
    """What is stored is what the sensor saw, each sample, within a tolerance in its unit."""

    tolerance: float
    from_s: float
    to_s: float


class Between(_OfChannel, frozen=True, kw_only=True, tag="between"):
    """What is stored lies between these, in the mean of that time."""

    low: float
    high: float
    from_s: float
    to_s: float


class Apart(_OfChannel, frozen=True, kw_only=True, tag="apart"):
    """What is stored lies above the same of another place, in the mean of that time, by at least
    so much; negative: below."""

    than: str
    least: float
    from_s: float
    to_s: float


class Changes(_OfChannel, frozen=True, kw_only=True, tag="changes"):
    """The mean of what is stored from `from_s` to `to_s` is above that of an earlier time by at
    least so much; negative: below."""

    least: float
    before_from_s: float
    before_to_s: float
    from_s: float
    to_s: float


class Counted(_Base, frozen=True, kw_only=True, tag="counted"):
    """A counter at the end of the run: "refused.REASON", "losses.NAME", "NODE.HEALTHFIELD"."""

    counter: str
    least: int = 0
    most: int | None = None


class LostAtMost(_Base, frozen=True, kw_only=True, tag="lost"):
    """So many samples in named counters of losses, and no more; at least `least`."""

    most: int
    least: int = 0


class InServer(_Base, frozen=True, kw_only=True, tag="in_server"):
    """In the end each stored sample is on the time-series server once, with the time and value
    that the store tells, and nothing else is; `refused` of them are not, because the server would
    not have them."""

    refused: int = 0


class Backlog(_Base, frozen=True, kw_only=True, tag="backlog"):
    """The page says that what is stored waits for the server, is being sent, or is all sent, at
    the latest `within_s` after `after_s`; with `says` in its reason, and at least so many
    messages still to send."""

    state: ForwardState
    says: str = ""
    least: int = 0
    after_s: float
    within_s: float


class AlarmRaised(_Base, frozen=True, kw_only=True, tag="alarm"):
    """The rule raises its alarm, at that place and with that priority where they are given, at
    the latest `within_s` after `after_s`, and not before that. With `over_s` it is over so long
    after it was raised."""

    rule: str
    place: str = ""
    priority: AlarmPriority | None = None
    after_s: float
    within_s: float
    over_s: float | None = None


class NoAlarm(_Base, frozen=True, kw_only=True, tag="no_alarm"):
    """No alarm of these rules, or where none is named of any rule with one of these priorities,
    is there in that time, but those of `besides`."""

    rules: list[str] = field(default_factory=list)
    priorities: list[AlarmPriority] = field(default_factory=lambda: ["high", "medium", "low"])
    besides: list[str] = field(default_factory=list)
    from_s: float
    to_s: float


Expectation = (
    Shown
    | OthersOk
    | Answers
    | Tracks
    | Between
    | Apart
    | Changes
    | Counted
    | LostAtMost
    | AlarmRaised
    | NoAlarm
    | InServer
    | Backlog
)
