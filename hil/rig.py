"""A locomotive on the bench in real time: boards on cables, a feeder, a gateway process."""

import ctypes
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gateway.profiles import NodeFit, Profile
from gateway.timebase import Clock
from hil.account import Account, read_store, settle
from hil.cable import Cable, LineNoise
from hil.errors import BenchError
from hil.feeder import Feeder, Source
from hil.fitting import Fitting, fit_node
from hil.interpreter import Interpreter
from hil.target import MicropythonTarget

__all__ = ["GatewayProcess", "Rig", "RigPlan"]

_START_S = 15.0
_STOP_S = 2.5
_POLL_S = 0.05
_LOG_LINES = 20
_SETTLE_S = 15.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class RigPlan:
    """What to build. `fits`: each node with where its values come from, and whether they step.

    `influx`: lines for the [influx] section of the gateway's configuration, `mqtt` for [mqtt].
    `settings`: by node, what its node.json says besides or instead; `uart` None: it has no cable.
    `files`: by node, what lies beside its node.json. `measured`: nodes whose accounts tell how
    long the firmware's turns are. `rules`: a depot's, for `alarms.rules`. `update_keys`: whose
    firmware nodes are given, for `update.keys`.
    """

    profile: Profile
    locomotive: str
    fits: tuple[tuple[NodeFit, Source, bool], ...]
    folder: Path
    seed: int
    page_port: int = 0
    noise: dict[str, LineNoise] = field(default_factory=dict)
    influx: dict[str, str] = field(default_factory=dict)
    spool: dict[str, int] = field(default_factory=dict)
    spool_folder: Path | None = None
    mqtt: dict[str, str | int] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    measured: tuple[str, ...] = ()
    rules: Path | None = None
    update_keys: tuple[str, ...] = ()

    def fit(self, fit: NodeFit, unique_id: str) -> Fitting:
        """A node as fitted, with the settings that the plan has for it."""
        fitting = fit_node(fit, unique_id, self.seed)
        configuration = {**fitting.configuration, **self.settings.get(fit.name, {})}
        if configuration["uart"] is None:
            del configuration["uart"]
        return replace(fitting, configuration=configuration)


class GatewayProcess:
    """`axlebox gateway run` as a process of its own; `page` is its address once it is up."""

    def __init__(self, config: Path, log: Path, environment: dict[str, str] | None = None) -> None:
        self._config = config
        self._log = log
        self._environment = environment or {}
        self._process: subprocess.Popen[str] | None = None
        self.page = ""

    def start(self) -> None:
        """Returns once the page can be opened. Raises BenchError with the end of its log."""
        self.spawn()
        self.await_page()

    def spawn(self) -> None:
        """Begin to start it."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "gateway", "run", "-c", str(self._config)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **self._environment},
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    def await_page(self) -> None:
        """Until the page can be opened. Raises BenchError with the end of its log."""
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("page "):
            self.kill()
            raise BenchError(f"the gateway did not start:\n{self._log.read_text()[-2000:]}")
        self.page = line.split()[1]

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """It stands still until `go_on`."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Ask it to end, and make it where it does not."""
        self._end(signal.SIGTERM)

    def state(self) -> dict[str, Any]:
        """/api/state. Raises OSError while it does not answer."""
        with urllib.request.urlopen(self.page + "api/state", timeout=_STOP_S) as answer:
            state: dict[str, Any] = json.load(answer)
        return state

    @property
    def has_ended(self) -> bool:
        """Whether it ended though nobody ended it."""
        return self._process is not None and self._process.poll() is not None

    def what_it_says(self) -> str:
        """Whether it runs, and the end of its log: for who does not get an answer."""
        code = None if self._process is None else self._process.poll()
        log = self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return "\n".join([f"{_how_it_is(code)}; its log ends:", *(log or ["(it is empty)"])])

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None


def _how_it_is(code: int | None) -> str:
    """In words, by what Popen.poll says."""
    if code is None:
        return "the gateway runs"
    if code < 0:
        return f"the gateway was ended by signal {-code} ({signal.strsignal(-code)})"
    return f"the gateway ended with exit code {code}"


def _die_with_parent() -> None:
    """Runs in the child: no gateway outlives a bench that was killed. To prctl(2) the parent is
    the thread that started it: one that ends takes its gateway with it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Rig:
    """Everything of a RigPlan, started by `start`, given back by `stop`."""

    def __init__(self, plan: RigPlan, interpreter: Interpreter, clock: Clock) -> None:
        self.plan = plan
        self.spool = plan.spool_folder or plan.folder / "spool"
        self._clock = clock
        ports = plan.folder / "ports"
        ports.mkdir(parents=True, exist_ok=True)
        self.cables: dict[str, Cable] = {}
        self.targets: dict[str, MicropythonTarget] = {}
        self.keys: dict[str, bytes] = {}
        randomness = random.Random(plan.seed)
        for fit, _, _ in plan.fits:
            fitting = plan.fit(fit, f"{randomness.getrandbits(64):016x}")
            self.keys[fit.name] = os.urandom(32)
            self.cables[fit.name] = Cable(ports / fit.name, plan.noise.get(fit.name))
            self.targets[fit.name] = MicropythonTarget(
                fitting,
                self.keys[fit.name],
                interpreter,
                plan.folder / "nodes" / fit.name,
                self.cables[fit.name].board_path,
                measured=fit.name in plan.measured,
            )
            for name, content in plan.files.get(fit.name, {}).items():
                (plan.folder / "nodes" / fit.name / "flash" / name).write_bytes(content)
        self.feeder = Feeder(
            [(self.targets[fit.name], source, held) for fit, source, held in plan.fits], clock
        )
        self.gateway = GatewayProcess(self._write_config(), plan.folder / "gateway.log")

    def start(self) -> None:
        """Supply on. Returns once the page can be opened."""
        self.feeder.start()
        for target in self.targets.values():
            target.start()
        self.gateway.start()

    def settle(self, limit_s: float = _SETTLE_S) -> Account:
        """Silence the sensors, let everything arrive, and account for every sample.

        Returns as soon as the account balances, and as it then is at the limit or when the
        gateway has ended by itself.
        """
        for target in self.targets.values():
            target.cut_sensors()
        taken = sum(target.taken() for target in self.targets.values())
        with suppress(BenchError):
            self.until(lambda: settle(taken, read_store(self.spool)).balanced, limit_s)
        return settle(taken, read_store(self.spool))

    def run_for(self, seconds: float) -> None:
        """Let the locomotive run."""
        time.sleep(seconds)

    def until(self, condition: Callable[[], bool], limit_s: float) -> None:
        """Let it run until the condition holds. Raises BenchError at the limit, and at once when
        the gateway has ended by itself."""
        deadline_us = self._clock.monotonic_us() + round(limit_s * 1e6)
        while not condition():
            if self.gateway.has_ended:
                raise BenchError(self.gateway.what_it_says())
            if self._clock.monotonic_us() > deadline_us:
                raise BenchError(f"what was waited for did not come within {limit_s} s")
            time.sleep(_POLL_S)

    def wait(self, condition: Callable[[dict[str, Any]], bool], limit_s: float) -> dict[str, Any]:
        """Let it run until /api/state meets the condition; returns that state."""
        state: dict[str, Any] = {}

        def met() -> bool:
            with suppress(urllib.error.URLError, OSError):
                state.update(self.gateway.state())
            return bool(state) and condition(state)

        try:
            self.until(met, limit_s)
        except BenchError as error:
            raise BenchError(f"{error}; the last state was {state}") from None
        return state

    def stop(self) -> None:
        """Supply off; no process is left."""
        self.feeder.stop()
        self.gateway.stop()
        for target in self.targets.values():
            target.stop()
        for cable in self.cables.values():
            cable.close()

    def _write_config(self) -> Path:
        plan = self.plan
        lines = [
            "[locomotive]",
            f'id = "{plan.locomotive}"',
            f'profile = "{plan.profile.id}"',
            "[page]",
            f"port = {plan.page_port}",
            "trusted_panel = true",
            "[clock]",
            'trust = "always"',
            "[spool]",
            f"folder = {json.dumps(str(self.spool))}",
            *(f"{key} = {value}" for key, value in plan.spool.items()),
        ]
        if plan.rules is not None:
            lines += ["[alarms]", f"rules = {json.dumps(str(plan.rules))}"]
        if plan.update_keys:
            lines += ["[update]", f"keys = {json.dumps(plan.update_keys)}"]
        if plan.influx:
            lines += ["[influx]", *(f'{key} = "{value}"' for key, value in plan.influx.items())]
        if plan.mqtt:
            lines += [
                "[mqtt]",
                *(f"{key} = {json.dumps(value)}" for key, value in plan.mqtt.items()),
            ]
        for name, key in self.keys.items():
            key_file = plan.folder / f"{name}.key"
            key_file.touch(mode=0o600)
            key_file.write_text(key.hex() + "\n", encoding="ascii")
            lines += ["[[nodes]]", f'name = "{name}"', f'key_file = "{key_file.name}"']
            if "uart" in self.targets[name].fitting.configuration:
                lines += ["[[serial]]", f'name = "{name}"', f'port = "ports/{name}"']
        path = plan.folder / "axlebox.toml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path
