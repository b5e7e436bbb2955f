"""The live picture as data: what the registry fills in and every reader of /api/state gets.

Ages are milliseconds at the moment the picture was taken; a reader that keeps a picture adds the
time that has passed since. `value` is None whenever the value must not be shown as one.
"""

from typing import Literal

import msgspec

from gateway.update.progress import UpdateState

__all__ = [
    "Alarm",
    "AlarmFacts",
    "AlarmKind",
    "AlarmPriority",
    "AlarmState",
    "Channel",
    "Forward",
    "ForwardState",
    "Layout",
    "Locomotive",
    "Node",
    "NodeStatus",
    "Quality",
    "Rates",
    "Spool",
    "State",
]

AlarmKind = Literal["machine", "sensor", "system"]
AlarmPriority = Literal["high", "medium", "low"]
AlarmState = Literal["unacknowledged", "acknowledged", "returned", "shelved"]
NodeStatus = Literal["live", "stale", "waiting"]
ForwardState = Literal["off", "idle", "sending", "waiting"]
Quality = Literal[
    "ok",
    "stale",
    "waiting",
    "open",
    "short",
    "saturated",
    "stuck",
    "no_answer",
    "out_of_range",
    "not_ready",
]


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """What a class looks like, of its profile: counts over all sections; each bogie has as many
    axles. `wheel_diameter_mm` and `gear_ratio` make a speed of turns; the speed is an estimate
    unless `speed_verified`."""

    sections: int
    bogies: int
    axles: int
    motors: int
    wheel_diameter_mm: float
    gear_ratio: float
    speed_verified: bool


class Locomotive(msgspec.Struct, frozen=True, kw_only=True):
    """Which locomotive this is; `title` is its class as crews write it."""

    id: str
    profile: str
    title: str
    layout: Layout | None = None


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One board. What only a HELLO or a HEALTH tells is None until one came.

    `lost_samples` = what the gateway will never get, of all boots that it knows; the other counts
    are the node's own of this boot. `frames_refused`, `resent_messages` and `link_errors` are the
    link as the node sees it. `round_trip_ms` = the latest ping and its answer.
    `clock_error_ms`: how wrong its time may be against the gateway's; `clock_drift_ppm`: by how
    much its seconds are longer than the gateway's.
    """

    name: str
    status: NodeStatus
    age_ms: int | None = None
    boot: str | None = None
    link: str | None = None
    firmware: str | None = None
    board: str | None = None
    reset_cause: str | None = None
    outbox_messages: int | None = None
    frames_refused: int | None = None
    resent_messages: int | None = None
    link_errors: int | None = None
    lost_samples: int = 0
    thinned_samples: int | None = None
    dropped_samples: int | None = None
    round_trip_ms: float | None = None
    clock_error_ms: float | None = None
    clock_drift_ppm: float | None = None


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity at one place, in `unit`, to be shown with `decimals` places.

    With quality "stale" or "waiting" the value is None. With a sensor fault it may be the number
    the sensor gave, which no reader may show as a measurement. Past `stale_after_ms` a reader
    marks the value stale by itself, whatever the quality says.
    """

    id: str
    node: str
    quantity: str
    place: str
    unit: str
    value: float | None
    decimals: int | None
    age_ms: int | None
    quality: Quality
    stale_after_ms: int


class AlarmFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What an alarm is; life and words after ISA-18.2.

    `id` is `RULE@PLACE` and the same each time it comes; of a sensor it has the quantity before
    the place. `code` is what a crew says on the radio; the texts belong to `rule`. `kind`: what is
    wrong is the machine, one of its sensors, or axlebox itself, and then `place` is the node.
    `value` and `limit` are in `unit`, and None where there is no number; `value` follows while the
    condition holds. In a storm `cause` is the id of the alarm that came first, which has none
    itself. An alarm that rests on a limit nobody verified is not `verified`, and never high.
    `conditions`: in which state of the train it was judged, by the words of a rule's `when`; while
    that does not hold it has no value.
    """

    id: str
    rule: str
    code: str
    kind: AlarmKind
    priority: AlarmPriority
    state: AlarmState
    place: str
    quantity: str | None = None
    channels: tuple[str, ...] = ()
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    verified: bool = False
    cause: str | None = None
    conditions: tuple[str, ...] = ()
    acknowledged_by: str | None = None


class Alarm(AlarmFacts, frozen=True, kw_only=True):
    """One alarm that is not in its normal state, as it is shown. Times are Unix times."""

    since_ms: int
    age_ms: int
    returned_ms: int | None = None
    shelved_until_ms: int | None = None


class Spool(msgspec.Struct, frozen=True, kw_only=True):
    """The durable store: bytes kept, at most so many, days of room, age of the last commit.

    `fault` is why nothing can be stored now, `warning` what is about to be given up. The messages
    that were given up before the server had them count since the start, and so do segments found
    damaged. `verified_ms` = Unix time when all closed segments had been read through last.
    """

    bytes: int
    limit_bytes: int | None = None
    free_days: float | None = None
    commit_age_ms: int | None = None
    fault: str | None = None
    warning: str | None = None
    removed_messages: int = 0
    thinned_messages: int = 0
    damaged_segments: int = 0
    verified_ms: int | None = None


class Forward(msgspec.Struct, frozen=True, kw_only=True):
    """What still has to reach the server. `waiting_since_ms` = since when it takes nothing,
    `oldest_unsent_ms` = when the oldest of the backlog was received, `sent_up_to_ms` = all
    received up to then is there: Unix times. `sent_bytes` of the log went out since the start.
    """

    state: ForwardState
    backlog_messages: int = 0
    backlog_bytes: int = 0
    waiting_since_ms: int | None = None
    oldest_unsent_ms: int | None = None
    sent_up_to_ms: int | None = None
    sent_bytes: int = 0
    error: str | None = None


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Over the last ten seconds; `bytes_per_s` of the log came in, `sent_bytes_per_s` went out."""

    samples_per_s: float
    messages_per_s: float
    bytes_per_s: float
    sent_bytes_per_s: float


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The whole picture; `losses` and `refused` count since start by reason. `rates` is None in
    the first second, `update` until one was begun.

    `clock_error_ms`: how wrong the gateway's own time may be, besides what its source is off; None
    while no source has set it.
    """

    locomotive: Locomotive
    now_ms: int
    clock_trusted: bool
    clock_error_ms: float | None = None
    version: str
    nodes: tuple[Node, ...]
    channels: tuple[Channel, ...]
    alarms: tuple[Alarm, ...] = ()
    """The most urgent first: unacknowledged before acknowledged, then priority, then newest."""
    silenced: bool = False
    """The sound of all present alarms was silenced; a new one sounds again."""
    spool: Spool
    forward: Forward
    rates: Rates | None = None
    losses: dict[str, int]
    refused: dict[str, int]
    update: UpdateState | None = None
