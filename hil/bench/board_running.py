"""Runs a scenario on a real board, and looks at what is connected to a bench."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import serial
from axwire import MESSAGE_CAP
from axwire.cose import split
from axwire.errors import WireError
from axwire.framing import Deframer

from gateway.profiles import NodeFit, load_profile
from gateway.timebase import Clock
from hil.bench.bench_file import Bench
from hil.bench.board_stage import BoardStage, capabilities_of
from hil.bench.capabilities import WORDS
from hil.bench.needs import channels_of, needs_of, why_not
from hil.bench.record import Record
from hil.bench.running import play, skipped
from hil.bench.scenario import Scenario
from hil.board_target import BoardTarget
from hil.fitting import fit_node
from hil.stimulus import StimulusUnit

__all__ = ["check_bench", "run_on_board"]

_LISTEN_S = 3.0


def run_on_board(scenario: Scenario, bench: Bench, path: Path, clock: Clock) -> Record:
    """Run it in real time, in a folder of its own, on the board of a bench described in `path`.

    Skipped, with the reason, where the bench lacks what it needs. BenchError where the bench is
    not as described.
    """
    repeat = f"axlebox bench run {scenario.run_as} --seed {scenario.seed} --bench {path}"
    with _opened(bench, clock) as target:
        why = _why_not(scenario, bench, target)
        if why:
            return skipped(scenario, repeat, why)
        begun_us = clock.monotonic_us()
        with tempfile.TemporaryDirectory(prefix="axlebox-bench-") as folder:
            profile = load_profile(bench.profile)
            stage = BoardStage(scenario, profile, bench, target, clock, Path(folder))
            return play(scenario, stage, repeat, clock, begun_us)


def check_bench(bench: Bench, scenarios: list[Scenario], clock: Clock) -> Iterator[str]:
    """What is connected, what it can, and what is missing, a line each. Raises BenchError where
    the stimulus unit is not there or not wired as described."""
    with _opened(bench, clock) as target:
        unit = target.unit
        yield f"stimulus unit {unit.unique_id} at {bench.stimulus.port}"
        yield f"  clock matched to {unit.error_us / 1000:.1f} ms"
        for problem in unit.problems:
            yield f"  missing: {problem}"
        yield f"  outputs: {', '.join(unit.outputs)}"
        for (quantity, place), output in bench.channels.items():
            yield f"  {output} is {quantity} {place} of {bench.board.node}"
        yield f"board {bench.board.node} at {bench.board.port}"
        yield f"  {_heard(bench, clock)}"
        for channel in sorted(_measured(_fit(bench)) - set(bench.channels)):
            yield f"  not wired: {' '.join(channel)}"
        capabilities = capabilities_of(target)
        yield f"can: {', '.join(sorted(capabilities))}"
        missing = {WORDS.get(need, need) for s in scenarios for need in needs_of(s) - capabilities}
        yield f"has no: {', '.join(sorted(missing)) or 'nothing that a scenario needs'}"
        can = [s.name for s in scenarios if not _why_not(s, bench, target)]
        yield f"runs {len(can)} of {len(scenarios)} scenarios: {', '.join(can) or 'none'}"


@contextmanager
def _opened(bench: Bench, clock: Clock) -> Iterator[BoardTarget]:
    fitting = fit_node(_fit(bench), "00", 0)
    unit = StimulusUnit(bench.stimulus.port, clock)
    try:
        yield BoardTarget(fitting, unit, bench.channels, supply=bench.board.supply)
    finally:
        unit.close()


def _fit(bench: Bench) -> NodeFit:
    return next(
        fit for fit in load_profile(bench.profile).all_nodes if fit.name == bench.board.node
    )


def _measured(fit: NodeFit) -> set[tuple[str, str]]:
    return {(group.quantity, place) for group in fit.groups for place in group.places}


def _why_not(scenario: Scenario, bench: Bench, target: BoardTarget) -> str:
    """Why the scenario cannot be run on this bench; "" where it can."""
    whose = f"the bench of {bench.name}"
    node = bench.board.node
    if scenario.profile != bench.profile or scenario.nodes != [node]:
        nodes = ", ".join(scenario.nodes)
        return f"{whose} is {node} of {bench.profile}, the scenario {nodes} of {scenario.profile}"
    why = why_not(scenario, whose, capabilities_of(target))
    measured = {node: sorted(_measured(_fit(bench)))}
    wired = {" ".join(channel) for channel in target.wired}
    unwired = sorted(channels_of(scenario, measured) - wired)
    if not why and unwired:
        why = f"{whose} has no output wired to {', '.join(unwired)}"
    return why


def _heard(bench: Bench, clock: Clock) -> str:
    """Who speaks at the board's port, in words."""
    board = bench.board
    deframer = Deframer(MESSAGE_CAP)
    try:
        with serial.Serial(str(board.port), board.baud, timeout=0.1, exclusive=True) as port:
            end_us = clock.monotonic_us() + round(_LISTEN_S * 1e6)
            while clock.monotonic_us() < end_us:
                for message in deframer.feed(port.read(port.in_waiting or 1)):
                    try:
                        return f"speaks, as {split(message).name}"
                    except WireError:
                        continue
    except (serial.SerialException, OSError) as error:
        return f"missing: the port cannot be opened ({error})"
    return f"missing: nothing was heard for {_LISTEN_S:g} s"
