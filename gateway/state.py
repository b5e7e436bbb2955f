"""The live picture as data: what the registry fills in and every reader of /api/state gets.

Ages are milliseconds at the moment the picture was taken; a reader that keeps a picture adds the
time that has passed since. `value` is None whenever the value must not be shown as one.
"""

from typing import Literal

import msgspec

__all__ = [
    "Channel",
    "Forward",
    "ForwardState",
    "Locomotive",
    "Node",
    "NodeStatus",
    "Quality",
    "Spool",
    "State",
]

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


class Locomotive(msgspec.Struct, frozen=True, kw_only=True):
    """Which locomotive this is; `title` is its class as crews write it."""

    id: str
    profile: str
    title: str


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One board. What only a HELLO tells is None until one came.

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
    lost_samples: int = 0
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
    """What still has to reach the server; `waiting_since_ms`, `sent_up_to_ms` are Unix times."""

    state: ForwardState
    backlog_messages: int = 0
    backlog_bytes: int = 0
    waiting_since_ms: int | None = None
    sent_up_to_ms: int | None = None
    error: str | None = None


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The whole picture; `losses` and `refused` count since start by reason.

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
    spool: Spool
    forward: Forward
    losses: dict[str, int]
    refused: dict[str, int]
