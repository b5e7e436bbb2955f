"""How fast time passes in lock-step, once the boards run: simulated seconds for each second that
passes, and for each second of processor time that the boards' processes and the bench's take
together."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from busiest_bench import busiest_bench
from lockstep_peer import LockstepPeer

from benchmarks.report import Figure
from gateway.profiles import load_profile
from gateway.timebase import SystemClock
from hil.feeder import feed_stretch
from hil.fitting import fit_node
from hil.interpreter import Interpreter, find_fast_interpreter, find_interpreter
from hil.lockstep import LockstepTarget
from hil.lockstep_gateway import LockstepCable
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan
from hil.schedule import Schedule, SimulatedClock
from simulators.locomotive import Locomotive

_GOAL = 70.0
_LOCOMOTIVE_GOAL = 50.0
_SECONDS = 60.0
_WARM_UP_S = 5.0
_STRETCH_S = 1.5
_NODE = "motors-a"
_UNIQUE_ID = "e66038b7132a5b2f"
_KEY = bytes(range(32))


def measure(folder: Path, seed: int) -> dict[str, Figure]:
    """Of a locomotive with its gateway, by the time that passes and beside it by processor time;
    and by that, of the profile's busiest node with a peer and with the gateway, and of the busiest
    role with a peer; beside each, with the interpreter whose heap is a board's."""
    fast, board = find_fast_interpreter(), find_interpreter()
    figures = {"hil.speedup": _locomotive(folder / "locomotive", fast, seed)}
    for name, run, goal in (
        ("hil.node_speedup", _node_with_peer, _GOAL),
        ("hil.node_and_gateway_speedup", _node, None),
        ("hil.busiest_role_speedup", _role, None),
    ):
        speedups = []
        for interpreter in (fast, board):
            place = folder / name / str(interpreter.bits)
            place.mkdir(parents=True)
            speedups.append(run(place, interpreter, seed))
        figures[name] = Figure(speedups[0], "times", goal, seed, {"like a board": speedups[1]})
    return figures


def _locomotive(folder: Path, interpreter: Interpreter, seed: int) -> Figure:
    folder.mkdir(parents=True)
    clock = SystemClock()
    rig = _rig(folder, interpreter, seed, [node.name for node in load_profile("te33a").nodes])
    try:
        rig.start()
        rig.run_for(_WARM_UP_S)
        pids = [target.pid for target in rig.targets.values()]
        spent_s, began_us = _spent_s(pids), clock.monotonic_us()
        rig.run_for(_SECONDS)
        passed_s = (clock.monotonic_us() - began_us) / 1e6
        beside = {"by processor time": _SECONDS / (_spent_s(pids) - spent_s)}
        return Figure(_SECONDS / passed_s, "times", _LOCOMOTIVE_GOAL, seed, beside)
    finally:
        rig.stop()


def _node_with_peer(folder: Path, interpreter: Interpreter, seed: int) -> float:
    profile = load_profile("te33a")
    locomotive = Locomotive(profile, seed)
    fit = next(node for node in profile.nodes if node.name == _NODE)
    schedule = Schedule(SimulatedClock())
    target = LockstepTarget(fit_node(fit, _UNIQUE_ID, seed), _KEY, interpreter, folder)
    cable = LockstepCable(target, schedule)
    LockstepPeer(_NODE, _KEY, cable, schedule)
    fed_s = 0.0

    def feed() -> None:
        nonlocal fed_s
        feed_stretch(target, locomotive, False, 0, fed_s, _STRETCH_S)
        fed_s += _STRETCH_S
        schedule.at(round((fed_s - _STRETCH_S / 2) * 1e6), feed)

    feed()
    target.start()
    try:
        schedule.add(target, cable)
        return _speedup(schedule.run_for, target.pid)
    finally:
        target.stop()


def _node(folder: Path, interpreter: Interpreter, seed: int) -> float:
    rig = _rig(folder, interpreter, seed, [_NODE])
    try:
        rig.start()
        return _speedup(rig.run_for, rig.targets[_NODE].pid)
    finally:
        rig.stop()


def _rig(folder: Path, interpreter: Interpreter, seed: int, names: Iterable[str]) -> LockstepRig:
    profile = load_profile("te33a")
    locomotive = Locomotive(profile, seed)
    fits = tuple((node, locomotive, False) for node in profile.nodes if node.name in names)
    return LockstepRig(RigPlan(profile, "TE33A-0001", fits, folder, seed), interpreter)


def _role(folder: Path, interpreter: Interpreter, seed: int) -> float:
    with busiest_bench(folder, interpreter, seed) as bench:
        return _speedup(bench.schedule.run_for, bench.target.pid)


def _speedup(run_for: Callable[[float], None], pid: int | None) -> float:
    run_for(_WARM_UP_S)
    before_s = _spent_s([pid])
    run_for(_SECONDS)
    return _SECONDS / (_spent_s([pid]) - before_s)


def _spent_s(pids: Iterable[int | None]) -> float:
    """Processor time of the bench and of boards' processes, user and system."""
    bench = os.times()
    spent_s = bench.user + bench.system
    for pid in pids:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        user, system = stat.rpartition(")")[2].split()[11:13]
        spent_s += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return spent_s
