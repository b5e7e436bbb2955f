"""What a page was told in a run of the bench: real firmware, a real gateway, simulated time."""

import tempfile
from collections.abc import Iterator
from math import inf
from pathlib import Path

import msgspec

from hil.bench.scenario import load_scenario
from hil.bench.stage import LockstepStage
from hil.interpreter import Interpreter

__all__ = ["LOOK_MS", "Step", "record_run"]

LOOK_MS = 100
"""From one step to the next: a page gets ten pictures a second at most."""

_HEARTBEAT = 10


class Step(msgspec.Struct):
    """What the gateway does next for a page: see owned_gateway.js."""

    kind: str
    data: str = ""


def record_run(name: str, interpreter: Interpreter) -> list[Step]:
    """Play the scenario of that name in this folder, and keep what a page would hear of it.

    As gateway.web.events sends it: a picture where something is new, else a heartbeat a second.
    """
    scenario = load_scenario(Path(__file__).with_name(f"{name}.toml"))
    steps: list[Step] = []
    with tempfile.TemporaryDirectory(prefix="axlebox-page-") as folder:
        stage = LockstepStage(scenario, interpreter, Path(folder))
        heard = _heard(stage)
        stage.rig.schedule.every(LOOK_MS * 1000, lambda: steps.append(next(heard)), lambda: inf)
        try:
            stage.run()
        finally:
            stage.stop()
    return steps


def _heard(stage: LockstepStage) -> Iterator[Step]:
    encoder = msgspec.json.Encoder()
    gateway = stage.rig.gateway
    sent, quiet = None, 0
    while True:
        quiet += 1
        if not gateway.answers:
            yield Step("freeze" if gateway.runs else "end")
            sent = None
        elif (gateway.core, gateway.core.registry.version) != sent:
            sent, quiet = (gateway.core, gateway.core.registry.version), 0
            yield Step("picture", encoder.encode(gateway.core.registry.state()).decode())
        elif quiet % _HEARTBEAT == 0:
            yield Step("heartbeat")
        else:
            yield Step("nothing")
