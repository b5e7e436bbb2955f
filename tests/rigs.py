"""Rigs that tests start: nodes of a TE33A on cables, with a gateway process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.profiles import NodeFit, load_profile
from gateway.timebase import SystemClock
from hil.feeder import Source
from hil.interpreter import find_interpreter
from hil.rig import Rig, RigPlan
from simulators.locomotive import Locomotive

START_LIMIT_S = 20.0


@contextmanager
def running(
    folder: Path,
    seed: int,
    nodes: tuple[str, ...] = ("axles-a", "brakes-a"),
    replace: dict[str, tuple[NodeFit, Source, bool]] | None = None,
    influx: dict[str, str] | None = None,
    spool: dict[str, int] | None = None,
    links: dict[str, Any] | None = None,
) -> Iterator[Rig]:
    """A started rig with every node heard; `replace` gives a node another fit and source.

    `links`: what of RigPlan says how the nodes are reached; cables by default.
    """
    print(f"seed {seed}")
    profile = load_profile("te33a")
    locomotive = Locomotive(profile, seed)
    fits = tuple(
        (replace or {}).get(node.name, (node, locomotive, False))
        for node in profile.nodes
        if node.name in nodes
    )
    plan = RigPlan(
        profile,
        "TE33A-0001",
        fits,
        folder,
        seed,
        influx=influx or {},
        spool=spool or {},
        **(links or {}),
    )
    clock = SystemClock()
    rig = Rig(plan, find_interpreter(), clock)
    try:
        rig.start()
        rig.wait(
            lambda state: (
                len(state["channels"]) == _channels(rig)
                and all(channel["quality"] == "ok" for channel in state["channels"])
            ),
            START_LIMIT_S,
        )
        yield rig
    finally:
        rig.stop()


def all_sent(state: dict[str, Any]) -> bool:
    """Whether the server was sent all that is committed, by /api/state."""
    forward = state["forward"]
    return bool(forward["state"] == "idle" and not forward["backlog_bytes"])


def _channels(rig: Rig) -> int:
    return sum(
        len(group["channels"])
        for target in rig.targets.values()
        for group in target.fitting.configuration["groups"]
    )
