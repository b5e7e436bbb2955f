"""What a scenario on simulated boards is, in whichever time."""

from pathlib import Path
from typing import Any

from gateway.profiles import Profile, load_profile
from gateway.state import State
from hil.account import Account
from hil.bench.happenings import ChipFault, SensorFault
from hil.bench.scenario import Scenario
from hil.bench.witness import Witness
from hil.feeder import Source
from hil.fitted_inputs import input_of
from hil.fitting import Fitting
from hil.lockstep_rig import LockstepRig
from hil.rig import Rig, RigPlan
from hil.server_points import ReadBack
from simulators.recordings.runs import load_run

__all__ = ["LOCOMOTIVE", "LOOK_S", "RigStage", "fault_of", "source_of"]

LOOK_S = 0.1
"""How often the page's picture is looked at: as often as a page gets a new one. Less often in a
scenario of hours."""

LOCOMOTIVE = "BENCH-0001"
_SENT_LOOK_S = 0.5

_FORWARDER_LOOKS_S = 2.0
"""The account balances with the last commit, and `idle` may be older than that."""


class RigStage:
    """A scenario on a `rig`; see hil.bench.running.Stage. `server`: what its gateway forwards to;
    nothing is forwarded in a scenario that says nothing of it."""

    rig: LockstepRig | Rig
    server: ReadBack | None = None

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.profile = load_profile(scenario.profile)
        self.source = source_of(scenario, self.profile)
        self.pictures: list[tuple[float, State | None]] = []

    @property
    def spool(self) -> Path:
        return self.rig.spool

    @property
    def now_s(self) -> float:
        raise NotImplementedError

    def state(self) -> State:
        raise NotImplementedError

    def resets(self) -> dict[str, dict[str, int]]:
        return {name: dict(target.resets) for name, target in self.rig.targets.items()}

    def settle(self, limit_s: float) -> Account:
        """As the rig's; then what is stored is let go to the server."""
        account = self.rig.settle(limit_s)
        end_s = self.now_s + limit_s
        if self.server is not None:
            self.rig.run_for(_FORWARDER_LOOKS_S)
        while self.server is not None and self.state().forward.state != "idle":
            if self.now_s > end_s:
                break
            self.rig.run_for(_SENT_LOOK_S)
        return account

    def plan(self, **more: Any) -> RigPlan:
        """Of the scenario; `folder` is needed."""
        scenario = self.scenario
        return RigPlan(
            self.profile,
            LOCOMOTIVE,
            tuple((fit, self.source, False) for fit in scenario.fits(self.profile)),
            seed=scenario.seed,
            spool=dict(scenario.spool),
            rules=Path(scenario.rules) if scenario.rules else None,
            **{"settings": dict(scenario.settings), **more},
        )


def source_of(scenario: Scenario, profile: Profile) -> Witness:
    """What the sensors of a scenario see."""
    source: Source = (
        load_run(Path(scenario.recording)) if scenario.recording else scenario.locomotive(profile)
    )
    return Witness(source, scenario.channels())


def fault_of(what: SensorFault | ChipFault, fitting: Fitting) -> dict[str, Any]:
    """The fault as a simulated board takes it."""
    chip, number = input_of(fitting, what.quantity, what.place)
    fault: dict[str, Any] = {"chip": chip, "word": what.word, "args": what.args}
    if isinstance(what, SensorFault):
        fault["input"] = number
    return fault
