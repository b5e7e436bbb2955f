"""A run of chaos: the locomotive, its troubles, and the verdict."""

import random
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from chaos.disk import Disk
from chaos.mischief import Mischief, Trouble
from chaos.verdict import Verdict, judge
from gateway.profiles import NodeFit, Profile, load_profile
from gateway.timebase import SystemClock
from hil.account import read_store
from hil.broker import PASSWORD, Broker
from hil.cable import FrameTrouble, LineNoise
from hil.interpreter import find_interpreter
from hil.programs import find_mosquitto, find_victoria_metrics
from hil.rig import Rig, RigPlan
from hil.victoria_metrics import VictoriaMetrics
from simulators.locomotive import Locomotive

__all__ = ["Report", "run"]

_LOCOMOTIVE = "TE33A-0001"
_DISK_MB = 512
_STEP_S = 0.02
_START_S = 90.0
_SETTLE_S = 300.0
_UP_S = 10.0
_PEACE_S = 1.5
"""A gateway takes seconds to start; in as many again it works, or is killed while it starts."""

_LINKS = ("cable", "broker", "both")
"""By turns: how the nodes are reached."""


@dataclass
class Report:
    """What happened, and what became of every sample; `messages` were stored in the trouble."""

    seed: int
    nodes: int
    seconds: float
    kills: dict[str, int] = field(default_factory=dict)
    troubles: dict[str, int] = field(default_factory=dict)
    disk: str = ""
    messages: int = 0
    verdict: Verdict | None = None


def run(
    folder: Path,
    seed: int,
    seconds: float,
    *,
    copies: int = 4,
    pause_s: float = 1.0,
    kills: int | None = None,
) -> Report:
    """So many times the nodes of a TE33A, in trouble for so long, or until so many kills; then all
    is well, and counted.

    The folder must be empty. Raises BenchError where something does not come back by itself.
    """
    profile = load_profile("te33a")
    clock = SystemClock()
    with ExitStack() as stack:
        disk = Disk(folder / "disk", _DISK_MB)
        stack.callback(disk.close)
        fits = _fits(profile, copies)
        broker = Broker(
            list(find_mosquitto()), folder / "broker", ("gateway", *(fit.name for fit in fits))
        )
        stack.callback(broker.kill)
        broker.start()
        server = VictoriaMetrics(list(find_victoria_metrics()), folder / "server")
        stack.callback(server.kill)
        server.start()
        rig = Rig(
            _plan(profile, fits, folder, seed, broker, server, disk), find_interpreter(), clock
        )
        stack.callback(rig.stop)
        rig.start()
        rig.wait(_all_live, _START_S)
        began_us = clock.utc_us()
        mischief = Mischief(_troubles(rig, broker, server, disk, seed), pause_s, seed)
        start_us = clock.monotonic_us()
        now_s = 0.0
        while now_s < seconds and (kills is None or mischief.kills.total() < kills):
            mischief.step(now_s)
            disk.keep_segments()
            time.sleep(_STEP_S)
            now_s = (clock.monotonic_us() - start_us) / 1e6
        mischief.end()
        report = Report(seed, len(fits), now_s, dict(mischief.kills), dict(mischief.done))
        report.disk = "filled" if disk.mounted else f"not filled: {disk.why}"
        disk.keep_segments()
        report.messages = len(read_store(disk.archive).messages)
        rig.gateway.await_page()
        rig.wait(_all_live, _START_S)
        report.verdict = judge(rig, server, disk, began_us, _SETTLE_S)
    return report


def _fits(profile: Profile, copies: int) -> list[NodeFit]:
    return [
        NodeFit(name=f"{node.name[:-1]}{'abcdefgh'[copy]}", groups=node.groups)
        for copy in range(copies)
        for node in profile.nodes
    ]


def _plan(
    profile: Profile,
    fits: list[NodeFit],
    folder: Path,
    seed: int,
    broker: Broker,
    server: VictoriaMetrics,
    disk: Disk,
) -> RigPlan:
    password_file = folder / "gateway.password"
    password_file.touch(mode=0o600)
    password_file.write_text(PASSWORD, encoding="utf-8")
    settings: dict[str, dict[str, Any]] = {}
    for number, fit in enumerate(fits):
        link = _LINKS[number % len(_LINKS)]
        settings[fit.name] = {"uart": None} if link == "broker" else {}
        if link != "cable":
            settings[fit.name]["mqtt"] = {
                "host": "127.0.0.1",
                "port": broker.port,
                "locomotive": _LOCOMOTIVE,
                "username": fit.name,
                "password": PASSWORD,
            }
    source = Locomotive(profile, seed)
    return RigPlan(
        profile,
        _LOCOMOTIVE,
        tuple((fit, source, False) for fit in fits),
        folder,
        seed,
        influx={"url": server.url},
        spool={"segment_mb": 4},
        spool_folder=disk.spool,
        mqtt={
            "host": "127.0.0.1",
            "port": broker.port,
            "username": "gateway",
            "password_file": password_file.name,
        },
        settings=settings,
    )


def _troubles(
    rig: Rig, broker: Broker, server: VictoriaMetrics, disk: Disk, seed: int
) -> list[Trouble]:
    def end_gently() -> None:
        rig.gateway.stop()

    gateway = rig.gateway
    found = [
        Trouble("gateway", "killed", gateway.kill, gateway.spawn, 0, 1, 4, True, _UP_S),
        Trouble("gateway", "told to end", end_gently, gateway.spawn, 0, 1, 1, False, _UP_S),
        Trouble("gateway", "frozen", gateway.freeze, gateway.go_on, 0.2, 4.0),
        Trouble("broker", "killed", broker.kill, broker.start, 0, 2, 3, True, _PEACE_S),
        Trouble("broker", "frozen", broker.freeze, broker.go_on, 0.2, 4.0),
        Trouble("server", "killed", server.kill, server.start, 0, 2, 3, True, _PEACE_S),
        Trouble("server", "frozen", server.freeze, server.go_on, 0.2, 4.0),
    ]
    if disk.mounted:
        found.append(Trouble("disk", "filled", disk.fill, disk.empty, 0.5, 3.0, 0.5))
    randomness = random.Random(seed)
    for name, target in rig.targets.items():
        if "uart" not in target.fitting.configuration:
            continue
        cable = rig.cables[name]
        noise = LineNoise(0.003, randomness.getrandbits(32))
        frames = FrameTrouble(0.1, 0.1, randomness.getrandbits(32))
        found += [
            Trouble(f"line:{name}", "pulled out", cable.unplug, cable.plug, 0.2, 4.0, 0.15),
            Trouble(
                f"line:{name}",
                "noisy",
                partial(cable.disturb, noise),
                partial(cable.disturb, None),
                1.0,
                5.0,
                0.15,
            ),
            Trouble(
                f"line:{name}",
                "with frames twice and swapped",
                partial(cable.trouble, frames),
                partial(cable.trouble, None),
                1.0,
                5.0,
                0.15,
            ),
        ]
    return found


def _all_live(state: dict[str, Any]) -> bool:
    return all(node["status"] == "live" for node in state["nodes"])
