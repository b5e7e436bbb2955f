"""A scenario on a real board, in real time: a stimulus unit plays its sensors, a gateway process
collects what it sends, and its page is noted."""

import heapq
import json
import time
import urllib.error
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random

import msgspec
from axwire.codes import HEALTH_FIELDS

from gateway.profiles import Profile
from gateway.state import State
from gateway.timebase import Clock
from hil.account import Account, read_store, settle
from hil.bench.bench_file import Bench
from hil.bench.happenings import (
    GatewayDown,
    GatewayFrozen,
    Happening,
    Machine,
    PowerCut,
    SensorFault,
    Silence,
)
from hil.bench.rig_stage import LOCOMOTIVE, LOOK_S, fault_of, source_of
from hil.bench.scenario import Scenario
from hil.board_target import BoardTarget
from hil.errors import BenchError
from hil.feeder import feed_stretch
from hil.rig import GatewayProcess
from hil.stimulus import Applied

__all__ = ["BoardStage", "capabilities_of"]

_STRETCH_S = 0.5
_AHEAD_S = 0.75
_TURN_S = 0.02


class BoardStage:
    """Of what can be done to a real board; see hil.bench.running.Stage."""

    server = None

    def __init__(
        self,
        scenario: Scenario,
        profile: Profile,
        bench: Bench,
        target: BoardTarget,
        clock: Clock,
        folder: Path,
    ) -> None:
        self.scenario = scenario
        self.target = target
        self.source = source_of(scenario, profile)
        self.spool = folder / "spool"
        self.pictures: list[tuple[float, State | None]] = []
        self.gateway = GatewayProcess(_configure(bench, self.spool, folder), folder / "log")
        self._clock = clock
        self._start_us = 0
        self.utc_start_us = 0
        self._fed_until_s = 0.0
        self._plans: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def run(self) -> None:
        """From supply on to the scenario's end."""
        randomness = Random(self.scenario.seed)
        for what in self.scenario.happens:
            self._plan(what, randomness)
        self.gateway.start()
        self._start_us = self._clock.monotonic_us()
        self.utc_start_us = self._clock.utc_us()
        self.target.start()
        before = self.target.applied()
        self._run_until(lambda: self.now_s >= self.scenario.seconds)
        self._look()
        self._hold_unit(before, self.target.applied())

    def settle(self, limit_s: float) -> Account:
        """The sensors are gone; let what is under way arrive. Of what came, for nobody counted
        what the sensors gave."""
        self.target.cut_sensors()
        end_s = self.now_s + limit_s
        heard_s = self.now_s + 1.0
        self._run_until(
            lambda: self.now_s >= end_s or (self.now_s >= heard_s and self._is_live()), feeds=False
        )
        account = settle(0, read_store(self.spool))
        return replace(account, taken=account.stored + account.thinned + account.lost)

    def stop(self) -> None:
        self.gateway.stop()
        self.target.stop()

    @property
    def capabilities(self) -> frozenset[str]:
        return capabilities_of(self.target)

    @property
    def now_s(self) -> float:
        return (self._clock.monotonic_us() - self._start_us) / 1e6

    def state(self) -> State:
        """The last picture. Raises BenchError where the page never answered."""
        for _, picture in reversed(self.pictures):
            if picture is not None:
                return picture
        raise BenchError("the gateway's page never answered")

    def health(self) -> dict[str, dict[str, int | None]]:
        """The latest HEALTH of the board that is stored."""
        return {
            node: dict(zip(HEALTH_FIELDS, told[-1].values, strict=False))
            for (node, _), told in read_store(self.spool).health.items()
        }

    def resets(self) -> dict[str, dict[str, int]]:
        """Starts of the board besides the first and those after a cut, by cause."""
        starts: list[tuple[str, str]] = []
        for _, picture in self.pictures:
            for node in picture.nodes if picture is not None else ():
                if node.boot and node.boot not in [boot for boot, _ in starts]:
                    starts.append((node.boot, node.reset_cause or "unknown"))
        causes = [cause for _, cause in starts[1:]]
        for _ in range(min(self.target.cuts, causes.count("power_on"))):
            causes.remove("power_on")
        return {self.target.fitting.node: {cause: causes.count(cause) for cause in causes}}

    def _run_until(self, is_over: Callable[[], bool], *, feeds: bool = True) -> None:
        look_s = self.now_s
        while not is_over():
            while self._plans and self._plans[0][0] <= self.now_s:
                heapq.heappop(self._plans)[2]()
            while feeds and self._fed_until_s < self.now_s + _AHEAD_S:
                feed_stretch(
                    self.target, self.source, False, self._start_us, self._fed_until_s, _STRETCH_S
                )
                self._fed_until_s += _STRETCH_S
            if self.now_s >= look_s:
                self._look()
                look_s += LOOK_S
            time.sleep(_TURN_S)

    def _look(self) -> None:
        picture = None
        with suppress(urllib.error.URLError, OSError):
            picture = msgspec.convert(self.gateway.state(), State)
        self.pictures.append((self.now_s, picture))

    def _is_live(self) -> bool:
        picture = self.pictures[-1][1]
        return picture is not None and all(node.status == "live" for node in picture.nodes)

    def _hold_unit(self, before: Applied, after: Applied) -> None:
        """What the board was given is the truth only where the unit played it. Raises
        BenchError."""
        errors = after.chip_errors - before.chip_errors
        starved = [
            name
            for name, level in after.levels.items()
            if level.starved > before.levels[name].starved
        ]
        if errors or starved:
            raise BenchError(
                f"the stimulus unit did not play what it was given: {errors} errors of its chips, "
                f"ran out on {', '.join(starved) or 'nothing'}"
            )

    def _at(self, at_s: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._plans, (at_s, next(self._numbers), call))

    def _plan(self, what: Happening, randomness: Random) -> None:
        match what:
            case Machine():
                """The locomotive knows it from the start."""
            case SensorFault():
                fault = fault_of(what, self.target.fitting)
                self._at(what.at_s, lambda: self.target.inject(fault))
                if what.until_s is not None:
                    self._at(what.until_s, lambda: self.target.inject({**fault, "clear": True}))
            case PowerCut():
                off_us = round(what.off_s * 1e6)
                for _ in range(what.times):
                    at_s = what.at_s + randomness.uniform(0, what.within_s)
                    self._at(at_s, lambda: self.target.cut_power(off_us))
            case Silence():
                silent_us = round((what.until_s - what.at_s) * 1e6)
                self._at(what.at_s, lambda: self.target.cut_power(silent_us))
            case GatewayDown():
                self._at(what.at_s, self.gateway.kill if what.killed else self.gateway.stop)
                self._at(what.until_s, self.gateway.start)
            case GatewayFrozen():
                self._at(what.at_s, self.gateway.freeze)
                self._at(what.until_s, self.gateway.go_on)
            case _:
                raise BenchError(f"a bench with a real board cannot make {type(what).__name__}")


def capabilities_of(target: BoardTarget) -> frozenset[str]:
    """What can be done on a bench with this board."""
    return target.capabilities | {"gateway"}


def _configure(bench: Bench, spool: Path, folder: Path) -> Path:
    board = bench.board
    text: dict[str, dict[str, object]] = {
        "locomotive": {"id": LOCOMOTIVE, "profile": bench.profile},
        "page": {"port": 0},
        "clock": {"trust": "always"},
        "spool": {"folder": str(spool)},
    }
    lines = []
    for section, keys in text.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    lines += ["[[nodes]]", f'name = "{board.node}"', f"key_file = {_quoted(board.key_file)}"]
    lines += ["[[serial]]", f'name = "{board.node}"', f"port = {_quoted(board.port)}"]
    lines += [f"baud = {board.baud}"]
    path = folder / "axlebox.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _quoted(path: Path) -> str:
    return json.dumps(str(path.absolute()))
