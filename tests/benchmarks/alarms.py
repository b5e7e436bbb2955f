"""What the rules cost: a whole TE33A at work, judged ten times a second."""

import time
from pathlib import Path

import numpy as np
from axwire.places import parse_place
from axwire.quantities import BY_NAME
from axwire.table import Channel, Group
from board_peer import Board
from collecting import Collecting
from manual_clock import ManualClock

from benchmarks.report import Figure
from gateway.profiles import NodeFit, load_profile
from simulators.locomotive import Locomotive

_SECONDS = 60
_TICK_MS = 100
_MILLI = 1000


def measure(folder: Path, seed: int) -> dict[str, Figure]:
    folder.mkdir()
    profile = load_profile("te33a")
    locomotive = Locomotive(profile, seed)
    clock = ManualClock()
    boards = {
        fit.name: Board(fit.name, boot=number, groups=_groups(fit))
        for number, fit in enumerate(profile.all_nodes, 1)
    }
    by_boot = {board.boot: board for board in boards.values()}
    collecting = Collecting(folder / "gateway", boards.values(), clock)
    for board in boards.values():
        collecting.receive(board.hello())
    took_s, ticks = 0.0, _SECONDS * _MILLI // _TICK_MS
    for tick in range(ticks):
        now_ms = tick * _TICK_MS
        t_s = np.array([now_ms / _MILLI])
        collecting.line.said()
        collecting.tick()
        for ping in collecting.line.pings():
            board = by_boot[ping.boot]
            collecting.receive(board.pong(ping, clock.monotonic_us()))
        for fit in profile.all_nodes:
            board = boards[fit.name]
            for number, group in enumerate(fit.groups):
                if now_ms % max(_TICK_MS, group.period_ms):
                    continue
                row = [
                    round(_steps(quantity) * float(locomotive.values(quantity, place, t_s)[0]))
                    for quantity, place in group.channels
                ]
                t_ms = clock.monotonic_us() // 1000
                collecting.receive(board.readings([row], t_ms=t_ms, group=number, wide=True))
        began_s = time.process_time()
        collecting.gateway.alarms.tick()
        took_s += time.process_time() - began_s
        clock.advance_us(_TICK_MS * 1000)
    shown = collecting.gateway.registry.state().channels
    assert all(channel.quality == "ok" for channel in shown)
    collecting.close()
    return {
        "alarms.tick_us": Figure(
            took_s / ticks * 1e6,
            "us",
            None,
            seed,
            {"channels": len(shown), "rules": len(collecting.gateway.alarms.rules)},
        )
    }


def _groups(fit: NodeFit) -> list[Group]:
    groups, first = [], 0
    for number, group in enumerate(fit.groups):
        channels = [_channel(quantity, place) for quantity, place in group.channels]
        groups.append(Group(number, first, group.period_ms, channels))
        first += len(channels)
    return groups


def _channel(quantity: str, place: str) -> Channel:
    known = BY_NAME[quantity]
    scale = 10**-known.exponent // _steps(quantity)
    return Channel(known.number, parse_place(place), scale, 0, 0)


def _steps(quantity: str) -> int:
    """So many a unit; what only is or is not has whole ones."""
    return _MILLI if BY_NAME[quantity].exponent < 0 else 1
