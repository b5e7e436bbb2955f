"""From a fault to its alarm painted in Chromium, rule by rule: `make alarm-delays`.

A whole TE33A runs on the bench in real time: boards with the real firmware, a gateway as a
process, its page on the cab's panel. Machine, sensors and cables fail as benchmarks.delay_plan
says. What a rule itself takes, and the machine until its fault shows, is known from the same
locomotive played to the same rules without boards, lines or a page (hil.rules.play): what is
painted later than that is ours: `beyond`, with the time that a sensor waits for its next reading.
When a forecast was due the gateway's own store says (benchmarks.asked). An alarm counts as painted
when a frame has begun after the one that it was drawn in.
"""

import argparse
import secrets
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from crew_page.chromium import open_chromium
from numpy.typing import NDArray
from playwright.sync_api import Page
from rich.console import Console
from rich.table import Table

from benchmarks.asked import due_utc_us
from benchmarks.delay_plan import NOT_HERE, RUNS, SHORT, Cause, Run
from benchmarks.report import Figure
from gateway.alarms.rulebook import load_rules
from gateway.alarms.rules import TimeToLimit
from gateway.profiles import Profile, load_profile
from gateway.timebase import SystemClock
from hil.bench.happenings import SensorFault
from hil.bench.rig_stage import fault_of
from hil.errors import BenchError
from hil.interpreter import find_interpreter
from hil.programs import find_chromium
from hil.rig import Rig, RigPlan
from hil.rules.play import play
from hil.rules.simulated import SimulatedFeed
from hil.target import MicropythonTarget
from simulators.locomotive import Locomotive
from simulators.sensors import electrical

_PROFILE = "te33a"
_START_S = 15.0
_LOOK_MS = 100
_LATE_S = 1.0
_ORDINARY = {"motor.current": 400.0, "brake.pipe_pressure": 500.0}
_WATCH = """() => {
  globalThis.painted = [];
  const seen = new Set();
  new MutationObserver(() => {
    for (const item of document.querySelectorAll("#alarms .alarm")) {
      const title = item.querySelector(".title").textContent;
      if (title === "" || seen.has(item.dataset.id)) continue;
      seen.add(item.dataset.id);
      requestAnimationFrame(() => requestAnimationFrame(() =>
        painted.push([item.dataset.id, title, performance.timeOrigin + performance.now()])));
    }
  }).observe(document.getElementById("alarms"),
             { subtree: true, childList: true, characterData: true });
}"""


class Delay(NamedTuple):
    """Seconds from a cause to its alarm painted, and how much of that is ours; None: never."""

    rule: str
    alarm: str
    total_s: float | None
    beyond_s: float | None


class Seen(NamedTuple):
    """Of a run, in seconds of it: when each alarm was painted first, when each fault that is put
    on a board was there, and when each forecast was due."""

    painted_s: dict[str, float]
    began_s: dict[Cause, float]
    due_s: dict[str, float]


def measure(folder: Path, seed: int) -> dict[str, Figure]:
    """What `make bench` has the time for. Raises BenchError where an alarm was never painted."""
    folder.mkdir()
    found = _run(SHORT, folder, seed)
    if never := _never(found):
        raise BenchError(f"never painted, seed {seed}: {', '.join(never)}")
    p50, p99 = _percentiles([one.beyond_s for one in found])
    beside = {
        "p50": 1000 * p50,
        "alarms": len(found),
        "rules": len({one.rule for one in found}),
    }
    return {"page.fault_painted_p99_ms": Figure(1000 * p99, "ms", 1000, seed, beside)}


def main() -> int:
    """1 where an alarm was never painted."""
    parser = argparse.ArgumentParser(description="measure the delay of alarms, rule by rule")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    parser.add_argument("--short", action="store_true", help="the first run alone, for 75 s")
    arguments = parser.parse_args()
    console = Console(width=110, highlight=False)
    console.print(f"seed {arguments.seed}")
    found: list[Delay] = []
    with tempfile.TemporaryDirectory(prefix="axlebox-delays-") as folder:
        for number, run in enumerate((SHORT,) if arguments.short else RUNS):
            console.print(f"{run.duty}: {run.seconds:g} s")
            place = Path(folder) / str(number)
            place.mkdir()
            found += _run(run, place, arguments.seed)
    _print(console, found)
    never = _never(found)
    for alarm in never:
        console.print(f"never painted: {alarm}")
    return 1 if never else 0


def _print(console: Console, found: Sequence[Delay]) -> None:
    by_rule: defaultdict[str, list[Delay]] = defaultdict(list)
    for one in found:
        if one.total_s is not None:
            by_rule[one.rule].append(one)
    table = Table(
        "code",
        "rule",
        "alarms",
        "total p50 s",
        "p99 s",
        "beyond p50 ms",
        "p99 ms",
    )
    rules = {one.rule.id: one for one in load_rules(load_profile(_PROFILE))}
    for rule, bound in rules.items():
        if rule in by_rule:
            table.add_row(bound.words.code, rule, *_cells(by_rule[rule]))
    table.add_row("", "all", *_cells([one for each in by_rule.values() for one in each]))
    console.print(table)
    for rule, bound in rules.items():
        if rule not in {one.rule for one in found} and not bound.rule.sign:
            why, scenario = NOT_HERE.get(rule, ("its cause is in a run that was left out", ""))
            told = f"{why}: hil/scenarios/{scenario}.toml" if scenario else why
            console.print(f"{bound.words.code} {rule}: {told}", soft_wrap=True)


def _cells(found: Sequence[Delay]) -> list[str]:
    total = _percentiles([one.total_s for one in found])
    ms = [f"{1000 * s:.0f}" for s in _percentiles([one.beyond_s for one in found])]
    return [str(len(found)), *(f"{s:.1f}" for s in total), *ms]


def _percentiles(seconds: Sequence[float | None]) -> tuple[float, float]:
    p50, p99 = np.percentile([one for one in seconds if one is not None], [50, 99])
    return float(p50), float(p99)


def _never(found: Sequence[Delay]) -> list[str]:
    return [one.alarm for one in found if one.total_s is None]


def _run(run: Run, folder: Path, seed: int) -> list[Delay]:
    profile = load_profile(_PROFILE)
    opened_s = dict(ideal(run, profile, seed))
    seen = _seen(run, profile, folder, seed)
    found = []
    for cause in run.causes:
        begin_s = seen.began_s.get(cause, cause.at_s)
        for name in cause.alarms:
            alarms = [one for one in opened_s if one == name or one.startswith(f"{name}@")]
            if not alarms:
                raise BenchError(f"{name} does not come of what the plan breaks, seed {seed}")
            for alarm in alarms:
                total_s = beyond_s = None
                if alarm in seen.painted_s:
                    due_s = seen.due_s.get(alarm, begin_s + opened_s[alarm] - cause.at_s)
                    total_s = seen.painted_s[alarm] - begin_s
                    beyond_s = seen.painted_s[alarm] - due_s
                found.append(Delay(name.partition("@")[0], alarm, total_s, beyond_s))
    return found


def ideal(run: Run, profile: Profile, seed: int) -> Iterator[tuple[str, float]]:
    """When each alarm opens first, in seconds of the run, were there nothing between."""
    seen: set[str] = set()
    troubles = [cause.trouble for cause in run.causes if cause.trouble is not None]
    feed = SimulatedFeed(_locomotive(run, profile, seed), profile.all_nodes, troubles)
    for happened in play(load_rules(profile), profile, feed, run.seconds - 2):
        if happened.record.action == "raised" and happened.record.id not in seen:
            seen.add(happened.record.id)
            yield happened.record.id, happened.at_s


def _locomotive(run: Run, profile: Profile, seed: int) -> Locomotive:
    faults = [(one.at_s, one.until_s, one.fault) for one in run.causes if one.fault is not None]
    return Locomotive(profile, seed, run.duty, faults)


def _seen(run: Run, profile: Profile, folder: Path, seed: int) -> Seen:
    clock = SystemClock()
    locomotive = _locomotive(run, profile, seed)
    fits = tuple((node, locomotive, False) for node in profile.all_nodes)
    rig = Rig(RigPlan(profile, "TE33A-0001", fits, folder, seed), find_interpreter(), clock)
    began_s: dict[Cause, float] = {}

    def now_s() -> float:
        return (clock.monotonic_us() - rig.feeder.start_us) / 1e6

    waiting = sorted((one for one in run.causes if one.node), key=lambda one: one.at_s)
    try:
        rig.start()
        rig.until(lambda: bool(rig.gateway.state()["channels"]), _START_S)
        with open_chromium(find_chromium()) as browser:
            tab = browser.new_page(viewport={"width": 800, "height": 480}, locale="en-GB")
            tab.goto(rig.gateway.page + "#alarms")
            tab.wait_for_selector("#cover", state="hidden")
            tab.evaluate(_WATCH)
            while now_s() < run.seconds:
                while waiting and waiting[0].at_s <= now_s():
                    cause = waiting.pop(0)
                    _break(rig, cause)
                    began_s[cause] = now_s()
                    if began_s[cause] > cause.at_s + _LATE_S:
                        raise BenchError(f"this machine is too busy: {cause} is late")
                tab.wait_for_timeout(_LOOK_MS)
            begin_us = clock.utc_us() - clock.monotonic_us() + rig.feeder.start_us
            painted_s = dict(_told(tab, profile, begin_us))
    finally:
        rig.stop()
    due_us: dict[str, int] = {}
    for bound in load_rules(profile):
        if isinstance(bound.rule, TimeToLimit):
            due_us |= due_utc_us(rig.spool, bound.rule)
    due_s = {alarm: (utc_us - begin_us) / 1e6 for alarm, utc_us in due_us.items()}
    return Seen(painted_s, began_s, due_s)


def _break(rig: Rig, cause: Cause) -> None:
    if not cause.word:
        rig.cables[cause.node].unplug()
        return
    target, trouble = rig.targets[cause.node], cause.trouble
    assert trouble is not None
    args = dict(cause.args)
    if cause.word == "spike":
        args["size"] = _by(target, trouble.quantity, trouble.place, trouble.by)
    broken = SensorFault(
        at_s=0,
        node=cause.node,
        quantity=trouble.quantity,
        place=trouble.place,
        word=cause.word,
        args=args,
    )
    target.inject(fault_of(broken, target.fitting))


def _by(target: MicropythonTarget, quantity: str, place: str, by: float) -> int:
    """That much of the quantity in the unit of its sensor's signal."""
    signals = target.fitting.signals
    sensor = next(one.sensor for one in signals if (one.quantity, one.place) == (quantity, place))
    ordinary = _ORDINARY.get(quantity, 50.0)
    both: NDArray[np.float64] = np.array([ordinary, ordinary + by])
    low, high = electrical(sensor, both).tolist()
    return int(high - low)


def _told(tab: Page, profile: Profile, begin_us: int) -> Iterator[tuple[str, float]]:
    """Each alarm that was painted, the first time. Raises BenchError where its words are wrong."""
    titles = {one.rule.id: one.words.title.en for one in load_rules(profile) if not one.rule.sign}
    for alarm, title, at_ms in tab.evaluate("painted"):
        if title != titles[alarm.partition("@")[0]]:
            raise BenchError(f"{alarm} is painted as {title}")
        yield alarm, at_ms / 1000 - begin_us / 1e6


if __name__ == "__main__":
    raise SystemExit(main())
