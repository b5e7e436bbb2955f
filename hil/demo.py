"""The demo: a TE33A in software, three boards, a gateway, a page; ends with an account."""

import json
import signal
import sys
import tempfile
import threading
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway.profiles import NodeFit, load_profile
from gateway.timebase import Clock
from hil.account import Account
from hil.driving import Cab, Keyboard
from hil.errors import BenchError
from hil.feeder import Source
from hil.interpreter import find_interpreter
from hil.rig import GatewayProcess, Rig, RigPlan
from simulators.locomotive import Locomotive
from simulators.physics.driver import Hands
from simulators.recordings import RECORDED_NODE, Recording

__all__ = ["run_demo"]

_PROFILE = "te33a"
_LOCOMOTIVE = "TE33A-0001"
_REFRESH_S = 0.5
_HURRY_S = 1.0
_GRACE_S = 15.0
_WHAT_TO_DO = """\
The demo ends with it, without an account: start it again. Signal 9 comes from a person, or from a
machine that ran out of memory (`dmesg` tells); otherwise the log above says why."""
_STYLES = {"ok": "", "live": "green", "stale": "bold yellow", "waiting": "dim"}


def run_demo(
    *,
    duration_s: float | None,
    recording: Recording | None,
    port: int,
    seed: int,
    as_json: bool,
    drive: bool,
    clock: Clock,
) -> bool:
    """Run until the duration is over or a person stops it; True when the account balances.
    Raises BenchError as soon as the gateway has ended by itself.

    With `drive` a person drives from the keyboard; raises ConfigError without a terminal. With
    `as_json` the account is one JSON object on the last line of standard output, and
    everything else goes to standard error.
    """
    console = Console(stderr=as_json, highlight=False)
    interpreter = find_interpreter(tell=lambda line: console.print(line))
    console.print(
        f"MicroPython {interpreter.version}, {interpreter.bits}-bit: {interpreter.origin}"
    )
    console.print(f"seed {seed}")
    hands = Hands() if drive else None
    locomotive = Locomotive(load_profile(_PROFILE), seed, hands=hands)
    cab = None if hands is None else Cab(locomotive, hands)
    keyboard = None if cab is None else Keyboard(cab.press)
    with tempfile.TemporaryDirectory(prefix="axlebox-demo-") as folder, _signals() as stop:
        plan = RigPlan(
            load_profile(_PROFILE),
            _LOCOMOTIVE,
            _fits(recording, locomotive),
            Path(folder),
            seed,
            page_port=port,
        )
        rig = Rig(plan, interpreter, clock)
        try:
            rig.start()
            console.print(f"page {rig.gateway.page}", soft_wrap=True)
            if keyboard is not None:
                keyboard.start()
            try:
                _watch(rig, console, duration_s, stop, clock, quiet=as_json, cab=cab)
            finally:
                if keyboard is not None:
                    keyboard.stop()
            account = rig.settle(_HURRY_S if stop.is_set() else _GRACE_S)
            _must_run(rig.gateway)
        finally:
            rig.stop()
    _print_account(console, account, as_json)
    return account.balanced


def _fits(
    recording: Recording | None, locomotive: Locomotive
) -> tuple[tuple[NodeFit, Source, bool], ...]:
    profile = load_profile(_PROFILE)
    fits: list[tuple[NodeFit, Source, bool]] = []
    for node in profile.nodes:
        if recording is not None and node.name == RECORDED_NODE.name:
            fits.append((RECORDED_NODE, recording, True))
        else:
            fits.append((node, locomotive, False))
    return tuple(fits)


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that SIGINT, SIGTERM and SIGHUP set; the handlers are put back at the end."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {
        number: signal.signal(number, on_signal)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(
    rig: Rig,
    console: Console,
    duration_s: float | None,
    stop: threading.Event,
    clock: Clock,
    *,
    quiet: bool,
    cab: Cab | None,
) -> None:
    end_us = None if duration_s is None else clock.monotonic_us() + round(duration_s * 1e6)
    show = not quiet and console.is_terminal
    view = Live(console=console, refresh_per_second=4, transient=True) if show else nullcontext()
    with view as live:
        while not stop.is_set():
            left_s = _REFRESH_S
            if end_us is not None:
                left_s = min(left_s, (end_us - clock.monotonic_us()) / 1e6)
            if left_s <= 0 or stop.wait(left_s):
                return
            _must_run(rig.gateway)
            if live is not None:
                with suppress(urllib.error.URLError, OSError):
                    live.update(_picture(rig.gateway.state(), rig.gateway.page, cab))


def _must_run(gateway: GatewayProcess) -> None:
    """Raise BenchError where it ended by itself: without it nothing is stored, and no account can
    be made."""
    if gateway.has_ended:
        raise BenchError(f"{gateway.what_it_says()}\n{_WHAT_TO_DO}")


def _picture(state: dict[str, Any], page: str, cab: Cab | None) -> Group:
    nodes = Table("node", "status", "age ms", "outbox", "lost")
    for node in state["nodes"]:
        nodes.add_row(
            node["name"],
            Text(node["status"], _STYLES.get(node["status"], "bold red")),
            str(node["age_ms"]),
            str(node["outbox_messages"]),
            str(node["lost_samples"]),
        )
    values = Table("quantity", "place", "value", "age ms", "quality")
    for channel in state["channels"]:
        value = channel["value"]
        shown = "-" if value is None else f"{value:.{channel['decimals']}f} {channel['unit']}"
        values.add_row(
            channel["quantity"],
            channel["place"],
            shown,
            str(channel["age_ms"]),
            Text(channel["quality"], _STYLES.get(channel["quality"], "bold red")),
        )
    spool = state["spool"]["bytes"] / 1e6
    footer = f"spool {spool:.1f} MB   page {page}   Ctrl-C stops"
    lines = [footer] if cab is None else [cab.text(), cab.HELP, footer]
    return Group(f"{state['locomotive']['id']}", nodes, values, *lines)


def _print_account(console: Console, account: Account, as_json: bool) -> None:
    for name, count in (
        ("samples taken by the sensors", account.taken),
        ("stored", account.stored),
        ("thinned to minimum, mean, maximum", account.thinned),
        ("lost, counted", account.lost),
        ("stored twice", account.duplicated),
    ):
        console.print(f"{name:>34}  {count}")
    for name, count in account.lost_by.items():
        console.print(f"{'lost by ' + name:>34}  {count}")
    missing = account.taken - account.stored - account.thinned - account.lost
    if missing:
        console.print(f"{missing} samples are neither stored nor counted", style="bold red")
    if as_json:
        fields = {
            "taken": account.taken,
            "stored": account.stored,
            "thinned": account.thinned,
            "lost": account.lost,
            "duplicated": account.duplicated,
            "lost_by": account.lost_by,
        }
        sys.stdout.write(json.dumps(fields) + "\n")
        sys.stdout.flush()
