"""What an outage costs the flash of a node: bytes programmed and blocks erased, in simulated time.

Beside each figure stands what docs/outbox.md computes its wear from.
"""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Figure
from gateway.profiles import GroupFit, LoopSensor, NodeFit, load_profile
from hil.interpreter import find_interpreter
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan
from simulators.locomotive import Locomotive

_DOCUMENT = Path(__file__).parents[2] / "docs" / "outbox.md"
_FLASH_BLOCKS = 352
_HOUR_S = 3600.0


@dataclass(frozen=True)
class _Mode:
    """After `full_s` of outage the flash is full, and each segment written costs one deleted; then
    another `counted_s` are counted. `row`: how its row in the table begins, `hours`: the hours of
    outage a day that stand in it."""

    fit: NodeFit
    full_s: float
    counted_s: float
    row: str
    hours: int


def measure(folder: Path, seed: int) -> dict[str, Figure]:
    profile = load_profile("te33a")
    busiest = next(node for node in profile.nodes if node.name == "motors-a")
    modes = {
        "full_rate": _Mode(busiest, 480, 300, "| one hour of outage a day", 1),
        "slow": _Mode(_slow(), 800, 800, "| six hours of outage a day", 6),
    }
    figures: dict[str, Figure] = {}
    for name, mode in modes.items():
        counted = _count(folder / name, seed, mode)
        documented = _documented(mode)
        for what, value in counted.items():
            unit = "B an hour" if what == "programmed" else f"{what} an hour"
            figures[f"flash.{name}.{what}"] = Figure(
                value, unit, None, seed, {"docs/outbox.md": documented[what]}
            )
    return figures


def _slow() -> NodeFit:
    places = [f"motor {number}" for number in range(1, 7)]
    sensor = LoopSensor(low=0, high=1200)
    currents = GroupFit(quantity="motor.current", places=places, period_ms=100, sensor=sensor)
    return NodeFit(name="motors-a", groups=[currents])


def _count(folder: Path, seed: int, mode: _Mode) -> dict[str, float]:
    """Per hour of outage, once the flash is full."""
    profile = load_profile("te33a")
    name = mode.fit.name
    plan = RigPlan(
        profile,
        "TE33A-0001",
        ((mode.fit, Locomotive(profile, seed), False),),
        folder,
        seed,
        settings={name: {"thin_rows": 0}},
    )
    rig = LockstepRig(plan, find_interpreter(), flash_blocks=_FLASH_BLOCKS)
    target = rig.targets[name]
    try:
        rig.start()
        rig.run_for(10)
        rig.cables[name].unplug()
        rig.run_for(mode.full_s)
        before = target.account()["flash"]
        rig.run_for(mode.counted_s)
        after = target.account()["flash"]
        rig.cables[name].plug()
        rig.run_for(20)
        segments = rig.gateway.core.registry.health()[name]["flash_segments_written"]
    finally:
        rig.stop()
    assert segments is not None
    counted = {what: after[what] - before[what] for what in ("erased", "programmed")}
    hours = mode.counted_s / _HOUR_S
    all_hours = (mode.full_s + mode.counted_s) / _HOUR_S
    return {
        "segments": segments / all_hours,
        "erased": counted["erased"] / hours,
        "programmed": counted["programmed"] / hours,
    }


def _documented(mode: _Mode) -> dict[str, float]:
    """What the table of modes says, for an hour of outage."""
    lines = _DOCUMENT.read_text(encoding="utf-8").splitlines()
    row = next(line for line in lines if line.startswith(mode.row))
    _, _, _, segments, erased, megabytes, *_ = (cell.strip(" |") for cell in row.split("|"))
    return {
        "segments": float(segments.replace(",", "")) / mode.hours,
        "erased": float(erased.replace(",", "")) / mode.hours,
        "programmed": float(megabytes.removesuffix(" MB")) * 1e6 / mode.hours,
    }
