"""How far an update is, as data: for status, page, metrics and the command line."""

from typing import Literal

import msgspec

__all__ = ["ENDED", "GOOD", "Cause", "NodeProgress", "NodeStep", "UpdateState"]

NodeStep = Literal[
    "queued",
    "asking",
    "sending",
    "switching",
    "trying",
    "done",
    "refused",
    "undone",
    "unanswered",
    "stopped",
    "left_out",
]
"""`trying`: the node runs it and has yet to prove it.
Ended: `done`; `refused` by the gateway or the node; `undone`: the node went back by itself;
`unanswered`: nobody can tell; `stopped` by a person before the node was told to start again;
`left_out`: a node before it did not end well, or a person stopped the update."""

GOOD: tuple[NodeStep, ...] = ("done",)
ENDED: tuple[NodeStep, ...] = (*GOOD, "refused", "undone", "unanswered", "stopped", "left_out")

Cause = Literal[
    "",
    "runs_it",
    "moves",
    "speed_unknown",
    "busy",
    "memory",
    "by_cable",
    "not_newer",
    "too_old",
    "other_board",
    "room",
    "flash",
    "worn",
    "crashed",
    "reset",
    "silent",
    "misfit",
    "no_answer",
    "other_version",
    "before",
    "stopped",
    "too_late",
]
"""Why a node is not on with it, or how it came to its end; empty where there is nothing to say."""


class NodeProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Of one node: bytes that lie in its flash, of all; `cause`, and `reason` in words, where
    there is one."""

    node: str
    step: NodeStep
    bytes: int = 0
    of_bytes: int = 0
    cause: Cause = ""
    reason: str = ""


class UpdateState(msgspec.Struct, frozen=True, kw_only=True):
    """The update that is under way, or the last one of this run of the gateway."""

    board: str
    firmware: str
    release: int
    who: str
    ended: bool
    nodes: tuple[NodeProgress, ...]
