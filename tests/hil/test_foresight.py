"""What the bench says before the gateway hears it: when an answer can come at the earliest."""

from collections import Counter
from pathlib import Path

import pytest
from axwire.codes import COMMAND_REBOOT

from gateway.profiles import load_profile
from hil.cable import FrameTrouble, LineNoise
from hil.interpreter import find_fast_interpreter
from hil.lockstep_gateway import LockstepCable
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan
from hil.schedule import Schedule
from simulators.locomotive import Locomotive

pytestmark = pytest.mark.timeout(300)

SEED = 49
NODES = ("motors-a", "axles-a", "brakes-a")


class Watch:
    """What each cable foresaw, and whether that is what came. `early`: answers and commits that
    came of a message sooner than was said; `foreseen`: messages by whether a board could run on.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.foreseen: Counter[bool] = Counter()
        self.early: list[tuple[int, float]] = []
        self._said: dict[tuple[LockstepCable, bytes], float] = {}
        self._until_us = 0.0
        answered_us, sent = LockstepCable.answered_us, LockstepCable.sent
        to_board, at = LockstepCable.to_board, Schedule.at

        def foresees(cable: LockstepCable, data: bytes, end_us: int) -> float:
            until_us = answered_us(cable, data, end_us)
            self._said[cable, data] = until_us
            self.foreseen[until_us > end_us] += 1
            return until_us

        def hears(cable: LockstepCable, data: bytes) -> None:
            self._until_us = self._said.pop((cable, data), 0)
            sent(cable, data)
            self._until_us = 0

        def answers(cable: LockstepCable, data: bytes) -> None:
            self._note(cable._schedule.clock.monotonic_us())
            to_board(cable, data)

        def plans(schedule: Schedule, us: int, *rest: object) -> None:
            self._note(us)
            at(schedule, us, *rest)  # type: ignore[arg-type]

        patch.setattr(LockstepCable, "answered_us", foresees)
        patch.setattr(LockstepCable, "sent", hears)
        patch.setattr(LockstepCable, "to_board", answers)
        patch.setattr(Schedule, "at", plans)

    def _note(self, us: int) -> None:
        if us < self._until_us:
            self.early.append((us, self._until_us))


def test_nothing_is_answered_sooner_than_was_foreseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through starts, events, noise, frames that come twice, an outage and a reset."""
    print(f"seed {SEED}")
    watch = Watch(monkeypatch)
    profile = load_profile("te33a")
    locomotive = Locomotive(profile, SEED)
    fits = tuple((node, locomotive, False) for node in profile.nodes if node.name in NODES)
    rig = LockstepRig(
        RigPlan(profile, "TE33A-0001", fits, tmp_path, SEED), find_fast_interpreter()
    )
    try:
        rig.start()
        rig.run_for(10)
        rig.cables["axles-a"].disturb(LineNoise(0.001, SEED))
        rig.cables["motors-a"].unplug()
        rig.run_for(8)
        rig.cables["axles-a"].disturb(None)
        rig.cables["motors-a"].plug()
        rig.cables["brakes-a"].trouble(FrameTrouble(twice=0.2, swapped=0.2, seed=SEED))
        rig.run_for(5)
        rig.cables["brakes-a"].trouble(None)
        rig.gateway.core.downlink.command("brakes-a", COMMAND_REBOOT, [])
        rig.run_for(12)
        messages, refused = rig.gateway.core.ingest.messages, rig.gateway.core.ingest.refused
    finally:
        rig.stop()
    assert watch.early == []
    assert refused["repeated"] > 0
    assert watch.foreseen[True] > 0.7 * messages
    assert watch.foreseen[False] > 50
