"""A scenario over a real broker, in real time: mosquitto, the gateway as a process.

What a stranger does he does as a client of the broker who may read and write everything, which is
the worst that a broker can do to its users.
"""

import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client.parser import text_string_to_metric_families

from gateway.state import State
from gateway.timebase import Clock
from hil.bench.capabilities import BY_LINK
from hil.bench.happenings import (
    BrokerDown,
    BrokerFrozen,
    ChipFault,
    Forgery,
    GatewayDown,
    GatewayFrozen,
    Happening,
    Machine,
    Reordered,
    Replay,
    SensorFault,
    ServerDown,
    ServerFrozen,
)
from hil.bench.rig_stage import LOCOMOTIVE, LOOK_S, RigStage, fault_of
from hil.bench.scenario import Scenario
from hil.bench.strangers import forged_messages
from hil.broker import PASSWORD, Broker
from hil.errors import BenchError
from hil.interpreter import find_interpreter
from hil.programs import find_mosquitto, find_victoria_metrics
from hil.rig import Rig
from hil.victoria_metrics import VictoriaMetrics

__all__ = ["BrokerStage"]

_STRANGER = "stranger"
_LOOK_LIMIT_S = 2.0
_ANSWER_LIMIT_S = 20.0
"""For an answer that there must be: a busy machine is no failure."""


class BrokerStage(RigStage):
    """A rig whose first nodes, `by_broker` of them, speak over a broker and whose others have
    cables; see hil.bench.running.Stage. Second 0 is when the page can be opened."""

    rig: Rig
    capabilities = BY_LINK["mqtt"]

    def __init__(self, scenario: Scenario, folder: Path, clock: Clock) -> None:
        super().__init__(scenario)
        self._server: VictoriaMetrics | None = None
        if scenario.has_server:
            self._server = VictoriaMetrics(find_victoria_metrics(), folder / "server")
        self.server = self._server
        self.utc_start_us = 0
        self._clock = clock
        self._begun_us = 0
        self._random = Random(scenario.seed)
        self._heard: dict[str, list[bytes]] = {}
        self._plans: list[tuple[float, int, Callable[[], None]]] = []
        names = [fit.name for fit in scenario.fits(self.profile)]
        users = ("gateway", *names, _STRANGER)
        self._broker = Broker(find_mosquitto(), folder / "broker", users)
        acl = self._broker.folder / "mosquitto.acl"
        with acl.open("a", encoding="utf-8") as file:
            file.write(f"\nuser {_STRANGER}\ntopic readwrite axlebox/#\n")
        password_file = folder / "gateway.password"
        password_file.touch(mode=0o600)
        password_file.write_text(PASSWORD, encoding="utf-8")
        way: dict[str, str | int] = {"host": "127.0.0.1", "port": self._broker.port}
        settings: dict[str, dict[str, Any]]
        settings = {name: dict(own) for name, own in scenario.settings.items()}
        for node in names[: scenario.by_broker]:
            user = {"locomotive": LOCOMOTIVE, "username": node, "password": PASSWORD}
            settings.setdefault(node, {}).update(uart=None, mqtt={**way, **user})
        plan = self.plan(
            folder=folder,
            influx={} if self._server is None else {"url": self._server.url},
            mqtt={**way, "username": "gateway", "password_file": password_file.name},
            settings=settings,
        )
        self.rig = Rig(plan, find_interpreter(), clock)
        self._stranger = Client(CallbackAPIVersion.VERSION2, client_id=_STRANGER)
        self._stranger.username_pw_set(_STRANGER, PASSWORD)
        self._stranger.on_message = self._hear
        self._stranger.on_connect = lambda client, *_: client.subscribe("axlebox/#", qos=1)

    @property
    def now_s(self) -> float:
        return (self._clock.monotonic_us() - self._begun_us) / 1e6

    def run(self) -> None:
        self._broker.start()
        if self._server is not None:
            self._server.start()
        self._stranger.connect("127.0.0.1", self._broker.port)
        self._stranger.loop_start()
        self.rig.start()
        self._begun_us = self.rig.feeder.start_us
        self.utc_start_us = self._clock.utc_us() - self._clock.monotonic_us() + self._begun_us
        for what in self.scenario.happens:
            self._plan(what)
        self._plans.sort(key=lambda plan: plan[:2])
        while self.now_s < self.scenario.seconds:
            while self._plans and self._plans[0][0] <= self.now_s:
                self._plans.pop(0)[2]()
            self._look()
            self.rig.run_for(LOOK_S)

    def state(self) -> State:
        return msgspec.json.decode(self._asked("api/state"), type=State)

    def health(self) -> dict[str, dict[str, int | None]]:
        found: dict[str, dict[str, int | None]] = {}
        for family in text_string_to_metric_families(self._asked("metrics").decode()):
            for sample in family.samples:
                if sample.name == "axlebox_node_health":
                    labels = sample.labels
                    found.setdefault(labels["node"], {})[labels["field"]] = round(sample.value)
        return found

    def stop(self) -> None:
        self._stranger.disconnect()
        self._stranger.loop_stop()
        self.rig.stop()
        self._broker.kill()
        if self._server is not None:
            self._server.go_on()
            self._server.stop()

    def _look(self) -> None:
        """Raises BenchError where the gateway ended by itself: what comes then says nothing."""
        state = None
        with suppress(OSError):
            state = msgspec.json.decode(self._ask("api/state", _LOOK_LIMIT_S), type=State)
        if state is None and self.rig.gateway.has_ended:
            raise BenchError(f"at {self.now_s:.1f} s {self.rig.gateway.what_it_says()}")
        self.pictures.append((self.now_s, state))

    def _asked(self, path: str) -> bytes:
        """The page's answer, which there must be."""
        try:
            return self._ask(path, _ANSWER_LIMIT_S)
        except OSError as error:
            raise BenchError(
                f"no answer from the page to {path}: {error}; {self.rig.gateway.what_it_says()}"
            ) from None

    def _ask(self, path: str, limit_s: float) -> bytes:
        with urllib.request.urlopen(self.rig.gateway.page + path, timeout=limit_s) as answer:
            body: bytes = answer.read()
            return body

    def _at(self, at_s: float, call: Callable[[], None]) -> None:
        self._plans.append((at_s, len(self._plans), call))

    def _plan(self, what: Happening) -> None:
        match what:
            case BrokerDown():
                self._at(what.at_s, self._broker.kill)
                self._at(what.until_s, self._broker.start)
            case BrokerFrozen():
                self._at(what.at_s, self._broker.freeze)
                self._at(what.until_s, self._broker.go_on)
            case GatewayDown():
                end = self.rig.gateway.kill if what.killed else self.rig.gateway.stop
                self._at(what.at_s, end)
                self._at(what.until_s, self.rig.gateway.start)
            case GatewayFrozen():
                self._at(what.at_s, self.rig.gateway.freeze)
                self._at(what.until_s, self.rig.gateway.go_on)
            case ServerDown() | ServerFrozen():
                assert self._server is not None
                is_down = isinstance(what, ServerDown)
                self._at(what.at_s, self._server.stop if is_down else self._server.freeze)
                self._at(what.until_s, self._server.start if is_down else self._server.go_on)
            case Replay() | Reordered() | Forgery():
                self._at(what.at_s, lambda: self._speak(what))
            case Machine():
                """The locomotive knows it from the start."""
            case SensorFault() | ChipFault():
                target = self.rig.targets[what.node]
                self._at(what.at_s, lambda: target.inject(fault_of(what, target.fitting)))
                if what.until_s is not None:
                    end_fault = {**fault_of(what, target.fitting), "clear": True}
                    self._at(what.until_s, lambda: target.inject(end_fault))

    def _speak(self, what: Replay | Reordered | Forgery) -> None:
        direction = "down" if isinstance(what, Replay) and what.towards == "node" else "up"
        topic = f"axlebox/{LOCOMOTIVE}/{what.node}/{direction}"
        heard = list(self._heard.get(topic, []))
        if isinstance(what, Forgery):
            messages = forged_messages(what.node, what.how, what.times, heard, self._random)
        elif isinstance(what, Reordered):
            messages = heard[-what.messages :][::-1]
        else:
            messages = heard
        for message in messages:
            self._stranger.publish(topic, message, qos=1)

    def _hear(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        self._heard.setdefault(message.topic, []).append(bytes(message.payload))
