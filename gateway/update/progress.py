"""How far an update is, as data: for status, page, metrics and the command line."""

from typing import Literal

import msgspec

__all__ = ["ENDED", "GOOD", "NodeProgress", "NodeStep", "UpdateState"]

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
    "left_out",
]
"""`trying`: the node runs it and has yet to prove it.
Ended: `done`; `refused` by the gateway or the node; `undone`: the node went back by itself;
`unanswered`: nobody can tell; `left_out`: a node before it did not end well."""

GOOD: tuple[NodeStep, ...] = ("done",)
ENDED: tuple[NodeStep, ...] = (*GOOD, "refused", "undone", "unanswered", "left_out")


class NodeProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Of one node: bytes that lie in its flash, of all; `reason` in words where there is one."""

    node: str
    step: NodeStep
    bytes: int = 0
    of_bytes: int = 0
    reason: str = ""


class UpdateState(msgspec.Struct, frozen=True, kw_only=True):
    """The update that is under way, or the last one of this run of the gateway."""

    board: str
    firmware: str
    release: int
    who: str
    ended: bool
    nodes: tuple[NodeProgress, ...]
