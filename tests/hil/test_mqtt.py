"""Nodes over a broker, end to end: real firmware, a real mosquitto, a real gateway process."""

import os
import signal
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from bad_lines import SilentPort, SlowLine
from broker_peer import BrokerPeer
from busiest_role import SAMPLES_A_SECOND, busiest_fitting
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from rigs import running
from turns import Turns

from gateway.timebase import SystemClock
from hil.account import Account
from hil.broker import PASSWORD, Broker, wait_for
from hil.interpreter import find_interpreter
from hil.rig import Rig
from hil.target import BOARD_HEAP_BYTES, MicropythonTarget
from simulators.board.signals import STEADY
from simulators.board.ticks import PERIOD

pytestmark = pytest.mark.timeout(300)

NODE = "axles-a"
A_SECOND = 60
"""Samples that it takes in a second."""

LIMIT_S = 120.0
PAUSES_S = (0.5, 1.0, 2.0, 4.0)
"""The least between attempts to reach a broker."""

GROWTH_BYTES = 2048
OUTAGE_CODE_BYTES = 6144
"""What writes to flash is loaded once, when a broker is away for so long that RAM is crowded."""

HEAP_ROOM_BYTES = 0.3 * BOARD_HEAP_BYTES
HEALTH_REPORTS = 5
"""The first comes after 1 s, then one each 5 s."""


@pytest.fixture
def broker(mosquitto_command: list[str], tmp_path: Path) -> Iterator[Broker]:
    started = Broker(mosquitto_command, tmp_path / "broker", ("gateway", NODE, "brakes-a"))
    started.start()
    yield started
    started.kill()


def by_broker(
    folder: Path,
    broker: Broker,
    port: int | None = None,
    cabled: bool = False,
    node: str = NODE,
    **settings: Any,
) -> Any:
    """How a node is reached: through the broker, at another port where given; by cable as well."""
    password_file = folder / "gateway.password"
    password_file.touch(mode=0o600)
    password_file.write_text(PASSWORD, encoding="utf-8")
    settings["mqtt"] = {
        "host": "127.0.0.1",
        "port": port or broker.port,
        "locomotive": "TE33A-0001",
        "username": node,
        "password": PASSWORD,
    }
    if not cabled:
        settings["uart"] = None
    return {
        "mqtt": {
            "host": "127.0.0.1",
            "port": broker.port,
            "username": "gateway",
            "password_file": password_file.name,
        },
        "settings": {node: settings},
    }


def node_state(rig: Rig, name: str = NODE) -> dict[str, Any]:
    nodes = rig.gateway.state()["nodes"]
    return next(dict(node) for node in nodes if node["name"] == name)


def metrics(rig: Rig) -> dict[str, float]:
    """Every metric by its name with its labels."""
    with urllib.request.urlopen(rig.gateway.page + "metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def health(rig: Rig, field: str, node: str = NODE) -> float:
    """A figure of the node's newest HEALTH; waits for the first."""
    name = f'axlebox_node_health{{field="{field}",node="{node}"}}'
    rig.until(lambda: name in metrics(rig), LIMIT_S)
    return metrics(rig)[name]


def settled(rig: Rig) -> Account:
    """The account at the end, which must balance; nothing lost, nothing twice."""
    account = rig.settle(60)
    assert account.taken > 100
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)
    return account


def take_more(rig: Rig, samples: int, name: str = NODE) -> None:
    """Until the node has taken so many more: the time that passes for it, whatever else runs."""
    wanted = rig.targets[name].taken() + samples
    rig.until(lambda: rig.targets[name].taken() >= wanted, LIMIT_S)


def until_live(rig: Rig) -> None:
    rig.wait(lambda _: node_state(rig)["status"] == "live", LIMIT_S)


def test_every_sample_arrives_once_over_a_broker(tmp_path: Path, broker: Broker) -> None:
    with running(tmp_path, 40, links=by_broker(tmp_path, broker)) as rig:
        take_more(rig, 5 * A_SECOND)
        assert node_state(rig)["link"] == "mqtt"
        assert node_state(rig, "brakes-a")["link"] == "serial brakes-a"
        settled(rig)


def test_people_see_whether_a_node_is_there(tmp_path: Path, broker: Broker) -> None:
    topic = f"axlebox/TE33A-0001/{NODE}/status"
    acl = broker.folder / "mosquitto.acl"
    acl.write_text(acl.read_text() + f"\nuser gateway\ntopic read {topic}\n", encoding="utf-8")
    broker.kill()
    broker.start()
    heard: list[bytes] = []
    with running(tmp_path, 48, links=by_broker(tmp_path, broker)) as rig:
        watcher = Client(CallbackAPIVersion.VERSION2, "watcher")
        watcher.username_pw_set("gateway", PASSWORD)
        watcher.on_message = lambda _c, _d, message: heard.append(message.payload)
        watcher.connect("127.0.0.1", broker.port)
        watcher.subscribe(topic)
        watcher.loop_start()
        rig.until(lambda: heard == [b"online"], LIMIT_S)
        pid = rig.targets[NODE].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        rig.until(lambda: heard[1:2] == [b"offline"], LIMIT_S)
        rig.until(lambda: heard[2:] == [b"online"], LIMIT_S)
        watcher.disconnect()
        watcher.loop_stop()


def test_a_killed_broker_with_a_wiped_store_costs_nothing(tmp_path: Path, broker: Broker) -> None:
    with running(tmp_path, 41, links=by_broker(tmp_path, broker)) as rig:
        attempts = metrics(rig)["axlebox_mqtt_attempts_total"]
        low_waters = []
        for _ in range(5):
            broker.kill()
            take_more(rig, A_SECOND)
            broker.start()
            until_live(rig)
            low_waters.append(health(rig, "heap_low_water_bytes"))
        falls = [before - after for before, after in pairwise(low_waters) if before > after]
        assert len([fall for fall in falls if fall > GROWTH_BYTES]) <= 1, low_waters
        assert sum(falls) <= OUTAGE_CODE_BYTES + GROWTH_BYTES, low_waters
        assert metrics(rig)["axlebox_mqtt_attempts_total"] >= attempts + 5
        settled(rig)


def test_a_hung_broker_costs_nothing(tmp_path: Path, broker: Broker) -> None:
    with running(tmp_path, 42, links=by_broker(tmp_path, broker)) as rig:
        broker.freeze()
        rig.wait(lambda _: node_state(rig)["status"] == "stale", LIMIT_S)
        take_more(rig, 12 * A_SECOND)
        broker.go_on()
        until_live(rig)
        settled(rig)
        assert not rig.targets[NODE].resets


def test_a_refusing_broker_is_named_and_left_in_peace(tmp_path: Path, broker: Broker) -> None:
    line = SlowLine(broker.port, 20_000)
    try:
        with running(tmp_path, 43, links=by_broker(tmp_path, broker, line.port)) as rig:
            broker.kill()
            broker.set_users(("gateway", "brakes-a"))
            broker.start()
            begun = line.accepted
            rig.until(lambda: line.accepted >= begun + 5, LIMIT_S)
            tried = line.accepted_us[begun : begun + 5]
            assert "MQTT: the broker refuses the connection with code 5" in console(rig)
            broker.kill()
            broker.set_users(("gateway", NODE))
            broker.start()
            until_live(rig)
            settled(rig)
    finally:
        line.close()
    pauses = [(later - earlier) / 1e6 for earlier, later in pairwise(tried)]
    assert all(took >= least for took, least in zip(pauses, PAUSES_S, strict=True)), pauses


def console(rig: Rig) -> str:
    path = rig.plan.folder / "nodes" / NODE / "console.log"
    return path.read_text(encoding="utf-8")


def test_a_slow_line_to_the_broker_loses_nothing(tmp_path: Path, broker: Broker) -> None:
    line = SlowLine(broker.port, 20_000)
    try:
        with running(tmp_path, 44, links=by_broker(tmp_path, broker, line.port)) as rig:
            low_water = health(rig, "heap_low_water_bytes")
            line.slow_to(1500)
            take_more(rig, 10 * A_SECOND)
            line.slow_to(20_000)
            settled(rig)
            assert health(rig, "heap_low_water_bytes") > low_water - GROWTH_BYTES
    finally:
        line.close()


def test_in_no_state_of_the_broker_is_a_row_held_up(tmp_path: Path, broker: Broker) -> None:
    """No turn sleeps, and none takes 2 ms of the node's own time (simulators/board/turns.py).

    Without the flash, whose file is the machine's: a write to it may sleep.
    """
    line = SlowLine(broker.port, 20_000)
    links = {**by_broker(tmp_path, broker, line.port, spill_bytes=0), "measured": (NODE,)}
    found = {}

    def watch(state: str, turns: int, reached: Callable[[], bool] = lambda: True) -> None:
        seen = Turns(rig.targets[NODE])
        rig.until(reached, LIMIT_S)
        rig.until(lambda: seen.count() >= turns, LIMIT_S)
        found[state] = {**seen.told, "longest_us": seen.longest_us}
        print(state, found[state])

    with closing(line), running(tmp_path, 47, links=links) as rig:
        watch("there", 1000)
        line.slow_to(1500)
        watch("slow", 2000)
        line.slow_to(20_000)
        broker.freeze()
        watch("hung", 4000)
        broker.go_on()
        until_live(rig)
        broker.kill()
        watch("behind the line, gone", 1500)
        broker.set_users(("gateway", "brakes-a"))
        broker.start()
        watch("refusing", 1500)
        broker.kill()
        broker.set_users(("gateway", NODE))
        broker.start()
        until_live(rig)
        line.close()
        watch("gone", 1500)
        with closing(SilentPort(line.port)) as silent:
            watch("silent", 1500, silent.is_tried)
        assert not rig.targets[NODE].resets
    for state, turns in found.items():
        assert turns["slept"] == 0, state
        assert turns["long"] == 0, state


def test_of_two_links_the_second_takes_over_and_back_and_all_is_stored_once(
    tmp_path: Path, broker: Broker
) -> None:
    def uses(link: str) -> None:
        rig.wait(lambda _: node_state(rig)["link"] == link, LIMIT_S)
        take_more(rig, 3 * A_SECOND)

    with running(tmp_path, 45, links=by_broker(tmp_path, broker, cabled=True)) as rig:
        assert node_state(rig)["link"] == f"serial {NODE}"
        for _ in range(2):
            rig.cables[NODE].unplug()
            uses("mqtt")
            rig.cables[NODE].plug()
            broker.kill()
            uses(f"serial {NODE}")
            broker.start()
            take_more(rig, A_SECOND)
        rig.cables[NODE].unplug()
        uses("mqtt")
        broker.freeze()
        take_more(rig, 6 * A_SECOND)
        rig.cables[NODE].plug()
        uses(f"serial {NODE}")
        broker.go_on()
        settled(rig)


def test_in_the_busiest_role_three_tenths_of_the_heap_are_free(
    mosquitto_command: list[str], tmp_path: Path
) -> None:
    broker = Broker(mosquitto_command, tmp_path / "broker", ("gateway", "busiest"))
    broker.start()
    key = bytes(range(32))
    fitting = busiest_fitting(46)
    settings = by_broker(tmp_path, broker, node="busiest")["settings"]["busiest"]
    configuration = {**fitting.configuration, "mqtt": settings["mqtt"]}
    del configuration["uart"]
    folder = tmp_path / "node"
    folder.mkdir()
    target = MicropythonTarget(
        replace(fitting, configuration=configuration), key, find_interpreter(), folder, ""
    )
    peer = BrokerPeer("busiest", key, "TE33A-0001", broker.port, PASSWORD)
    now_us = SystemClock().monotonic_us()
    for signal_number in range(12):
        level = 12_000_000 if signal_number < 6 else 1_385_000
        target.feed(signal_number, STEADY, now_us % PERIOD, 1000, [level])
    target.start()
    try:
        wait_for(lambda: len(peer.health) >= HEALTH_REPORTS, "health", LIMIT_S)
        assert not target.resets
        assert target.account()["refused"] == 0
    finally:
        target.stop()
        peer.stop()
        broker.kill()
    first, last = peer.health[1], peer.health[-1]
    print(", ".join(f"{name} {value}" for name, value in last.items() if value))
    assert (last["samples"] or 0) > HEALTH_REPORTS * SAMPLES_A_SECOND
    assert (last["dropped_samples"], last["chip_errors"]) == (0, 0)
    begun, low = first["heap_low_water_bytes"] or 0, last["heap_low_water_bytes"] or 0
    assert low > begun - GROWTH_BYTES
    assert low >= HEAP_ROOM_BYTES
