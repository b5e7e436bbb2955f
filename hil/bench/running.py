"""Runs a scenario and records what came of it."""

import tempfile
from pathlib import Path
from typing import Protocol

import numpy as np

from gateway.spool.format import Kind
from gateway.spool.segments import read_records
from gateway.state import State
from gateway.timebase import Clock
from hil.account import Account, Store, read_store
from hil.bench.broker_stage import BrokerStage
from hil.bench.capabilities import BY_LINK
from hil.bench.expectations import LostAtMost
from hil.bench.happenings import describe
from hil.bench.heap import heap_losses, is_leak
from hil.bench.judging import PROMISES, Seen, judge
from hil.bench.needs import why_not
from hil.bench.record import Check, Record, Trace
from hil.bench.rig_stage import LOCOMOTIVE
from hil.bench.scenario import Scenario
from hil.bench.stage import LockstepStage
from hil.bench.stored import digest
from hil.bench.witness import Witness
from hil.interpreter import Interpreter
from hil.server_points import Points, ReadBack, points_on_server, points_to_send

__all__ = ["Stage", "play", "run_scenario", "skipped"]

_TRACE_POINTS = 400
_MOST_TRACES = 6
_USUAL = ("repeated", "late_pong", "no_table")
"""Refusals that are the protocol at work: what came again, and what came before its table."""

_QUIET_FIELDS = (
    "frames_refused",
    "chip_errors",
    "flash_errors",
    "flash_segments_damaged",
    "copies_repaired",
    "safe_mode",
)


def run_scenario(
    scenario: Scenario, interpreter: Interpreter, clock: Clock, *, named: bool = True
) -> Record:
    """Run it in a folder of its own, from supply on to its account; one that takes long only where
    it was `named`."""
    repeat = f"axlebox bench run {scenario.run_as} --seed {scenario.seed}"
    why = why_not(scenario, "the simulated board", BY_LINK[scenario.link])
    if scenario.long and not named:
        why = f"it takes long: axlebox bench run {scenario.run_as}"
    if why:
        return skipped(scenario, repeat, why)
    begun_us = clock.monotonic_us()
    with tempfile.TemporaryDirectory(prefix="axlebox-bench-") as folder:
        stage: Stage = (
            BrokerStage(scenario, Path(folder), clock)
            if scenario.link == "mqtt"
            else LockstepStage(scenario, interpreter, Path(folder))
        )
        return play(scenario, stage, repeat, clock, begun_us)


def skipped(scenario: Scenario, repeat: str, why: str) -> Record:
    """The record of one that was not run."""
    return Record(
        name=scenario.name,
        title=scenario.title,
        covers=scenario.covers,
        seed=scenario.seed,
        repeat=repeat,
        skipped=why,
    )


def play(scenario: Scenario, stage: "Stage", repeat: str, clock: Clock, begun_us: int) -> Record:
    """Run it on a stage and judge what came of it; the stage is given back."""
    try:
        stage.run()
        pictures = list(stage.pictures)
        last, health, resets = stage.state(), stage.health(), stage.resets()
        account = stage.settle(scenario.settle_s)
        server = stage.server
        served = points_on_server(server, LOCOMOTIVE) if server is not None else Points()
    finally:
        stage.stop()
    store = read_store(stage.spool)
    counters = _counters(last, health)
    told = points_to_send(stage.spool, LOCOMOTIVE) if server is not None else Points()
    seen = Seen(pictures, store, account, stage.source, stage.utc_start_us, counters, told, served)
    checks = [judge(expected, seen) for expected in scenario.expect]
    checks += _always(scenario, stage, account, last, health, resets)
    if "lockstep" in stage.capabilities:
        checks.append(_heap(store))
    repeats = "lockstep" in stage.capabilities
    return Record(
        name=scenario.name,
        title=scenario.title,
        covers=scenario.covers,
        seed=scenario.seed,
        repeat=repeat,
        simulated_s=stage.now_s if repeats else 0.0,
        took_s=(clock.monotonic_us() - begun_us) / 1e6,
        samples=account.taken,
        stored=account.stored,
        thinned=account.thinned,
        lost=account.lost,
        duplicated=account.duplicated,
        lost_by=account.lost_by,
        digest=digest(stage.spool) if repeats else "",
        happened=[
            (what.at_s, getattr(what, "until_s", None), describe(what))
            for what in scenario.happens
        ],
        checks=checks,
        traces=_traces(scenario, seen),
    )


class Stage(Protocol):
    """A scenario under way. `pictures`: what the page showed, with its second; `utc_start_us`: the
    time by the gateway's clock at second 0; `capabilities`: what it and its boards can, by the
    words of hil.bench.capabilities; `server`: what the gateway forwards to, where it does."""

    pictures: list[tuple[float, State | None]]
    source: Witness
    utc_start_us: int

    @property
    def server(self) -> ReadBack | None: ...

    @property
    def capabilities(self) -> frozenset[str]: ...

    @property
    def spool(self) -> Path: ...

    @property
    def now_s(self) -> float: ...

    def run(self) -> None:
        """From supply on to the scenario's end."""

    def state(self) -> State: ...

    def health(self) -> dict[str, dict[str, int | None]]: ...

    def resets(self) -> dict[str, dict[str, int]]: ...

    def settle(self, limit_s: float) -> Account:
        """Silence the sensors, let everything arrive, account for every sample."""

    def stop(self) -> None: ...


def _counters(state: State, health: dict[str, dict[str, int | None]]) -> dict[str, int]:
    counters = {f"refused.{reason}": count for reason, count in state.refused.items()}
    counters |= {f"losses.{what}": count for what, count in state.losses.items()}
    for node, fields in health.items():
        counters |= {f"{node}.{name}": value or 0 for name, value in fields.items()}
    return counters


def _always(
    scenario: Scenario,
    stage: Stage,
    account: Account,
    state: State,
    health: dict[str, dict[str, int | None]],
    resets: dict[str, dict[str, int]],
) -> list[Check]:
    """What every scenario is held to: the account of every sample, and nothing unexplained."""
    expects_loss = any(isinstance(each, LostAtMost) for each in scenario.expect)
    untold = account.taken - account.stored - account.thinned - account.lost
    checks = [
        Check(
            text="no message is stored twice",
            passed=account.duplicated == 0,
            measured=str(account.duplicated),
            promise=PROMISES["1"],
        )
    ]
    if "account" in stage.capabilities:
        checks.append(
            Check(
                text="every sample is stored once, thinned, or in a named counter",
                passed=0 <= untold <= scenario.unsaved_most,
                measured=f"{untold} of {account.taken} are not",
                limit=str(scenario.unsaved_most),
                promise=PROMISES["1"],
            )
        )
    if not expects_loss:
        checks.append(
            Check(
                text="nothing is lost",
                passed=account.lost == 0,
                measured=str(account.lost),
                promise=PROMISES["1"],
            )
        )
    odd = [f"refused.{why}" for why in state.refused if why not in _USUAL]
    odd += [f"reset.{cause}" for causes in resets.values() for cause in causes]
    odd += [
        f"health.{name}"
        for fields in health.values()
        for name in _QUIET_FIELDS
        if fields.get(name)
    ]
    kinds = [record.kind for record in read_records(stage.spool, None)]
    odd += ["quarantine"] * (Kind.QUARANTINE in kinds)
    unexplained = sorted({each for each in odd if each not in scenario.allows})
    checks.append(
        Check(
            text="no reset, error, refusal or quarantine that nothing explains",
            passed=not unexplained,
            measured=", ".join(unexplained) or "none",
        )
    )
    return checks


def _heap(store: Store) -> Check:
    losses = heap_losses(store)
    leaks = [str(loss) for loss in losses if is_leak(loss)]
    most = max((loss.lows for loss in losses), default=0)
    return Check(
        text="no node loses heap as it runs",
        passed=not leaks,
        measured=", ".join(leaks) or f"at most {most} new lows",
        promise=PROMISES["heap"],
    )


def _traces(scenario: Scenario, seen: Seen) -> list[Trace]:
    """Of the channels that the scenario speaks of."""
    pictures = [(t_s, picture) for t_s, picture in seen.pictures if picture is not None]
    step = max(1, len(pictures) // _TRACE_POINTS)
    traces = []
    for quantity, place in list(scenario.channels())[:_MOST_TRACES]:
        t_s = np.array([t for t, _ in pictures[::step]])
        shown: list[float | None] = []
        qualities: list[str] = []
        unit = ""
        for _, picture in pictures[::step]:
            channel = next(
                (c for c in picture.channels if (c.quantity, c.place) == (quantity, place)), None
            )
            is_good = channel is not None and channel.quality == "ok"
            shown.append(channel.value if channel and is_good else None)
            qualities.append("waiting" if channel is None else channel.quality)
            unit = channel.unit if channel is not None else unit
        truth = seen.source.truth(quantity, place, t_s).tolist()
        traces.append(
            Trace(
                name=f"{quantity} {place}",
                unit=unit,
                t_s=t_s.round(2).tolist(),
                truth=[round(v, 4) for v in truth],
                shown=[None if v is None else round(v, 4) for v in shown],
                quality=qualities,
            )
        )
    return traces
