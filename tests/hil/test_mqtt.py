"""Nodes over a broker, end to end: real firmware, a real mosquitto, a real gateway process."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from broker import PASSWORD, Broker, SlowLine
from rigs import running

from hil.account import Account
from hil.rig import Rig

pytestmark = pytest.mark.timeout(300)

NODE = "axles-a"
LARGE_OUTBOX = {"outbox_bytes": 32_768}
"""Room for the longest outage of these tests: the usual one holds about 10 s of this node."""

GROWTH_BYTES = 2048
HEAP_ROOM_BYTES = 0.3 * 128 * 1024


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
    rig.until(lambda: name in metrics(rig), 20)
    return metrics(rig)[name]


def settled(rig: Rig) -> Account:
    """The account at the end, which must balance; nothing lost, nothing twice."""
    account = rig.settle(60)
    assert account.taken > 100
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)
    return account


def test_every_sample_arrives_once_over_a_broker(tmp_path: Path, broker: Broker) -> None:
    with running(tmp_path, 40, links=by_broker(tmp_path, broker)) as rig:
        rig.run_for(5)
        assert node_state(rig)["link"] == "mqtt"
        assert node_state(rig, "brakes-a")["link"] == "serial brakes-a"
        settled(rig)


def test_a_killed_broker_with_a_wiped_store_costs_nothing(tmp_path: Path, broker: Broker) -> None:
    with running(tmp_path, 41, links=by_broker(tmp_path, broker, **LARGE_OUTBOX)) as rig:
        attempts = metrics(rig)["axlebox_mqtt_attempts_total"]
        for _ in range(5):
            broker.kill()
            rig.run_for(1.5)
            broker.start()
            rig.wait(lambda _: node_state(rig)["status"] == "live", 30)
        assert metrics(rig)["axlebox_mqtt_attempts_total"] >= attempts + 5
        settled(rig)


def test_a_hung_broker_does_not_hold_the_sampling_up(tmp_path: Path, broker: Broker) -> None:
    with running(tmp_path, 42, links=by_broker(tmp_path, broker, **LARGE_OUTBOX)) as rig:
        missed = health(rig, "missed_deadlines")
        taken = rig.targets[NODE].taken()
        broker.freeze()
        rig.wait(lambda _: node_state(rig)["status"] == "stale", 20)
        rig.run_for(8)
        taken_meanwhile = rig.targets[NODE].taken() - taken
        broker.go_on()
        rig.wait(lambda _: node_state(rig)["status"] == "live", 40)
        settled(rig)
        rig.until(lambda: health(rig, "samples") >= taken + taken_meanwhile, 20)
        assert health(rig, "missed_deadlines") == missed
        assert not rig.targets[NODE].resets


def test_a_refusing_broker_is_asked_ever_more_seldom(tmp_path: Path, broker: Broker) -> None:
    with running(tmp_path, 43, links=by_broker(tmp_path, broker, **LARGE_OUTBOX)) as rig:
        broker.kill()
        broker.set_users(("gateway", "brakes-a"))
        broker.start()
        rig.run_for(8)
        refusals = refused(broker)
        assert 1 <= refusals <= 5, "after 0.5, 1, 2, 4 s and a little more"
        broker.kill()
        broker.set_users(("gateway", NODE))
        broker.start()
        rig.wait(lambda _: node_state(rig)["status"] == "live", 40)
        account = settled(rig)
        assert account.lost == 0
        assert "MQTT: the broker refuses the connection with code 5" in console(rig)


def refused(broker: Broker) -> int:
    """Connections that it refused for their name or password."""
    return broker.log().count("not authori")


def console(rig: Rig) -> str:
    path = rig.plan.folder / "nodes" / NODE / "console.log"
    return path.read_text(encoding="utf-8")


def test_a_slow_line_to_the_broker_loses_nothing(tmp_path: Path, broker: Broker) -> None:
    line = SlowLine(broker.port, 20_000)
    links = by_broker(tmp_path, broker, line.port, **LARGE_OUTBOX)
    try:
        with running(tmp_path, 44, links=links) as rig:
            low_water = health(rig, "heap_low_water_bytes")
            line.slow_to(1500)
            rig.run_for(10)
            assert health(rig, "missed_deadlines") == 0
            line.slow_to(20_000)
            settled(rig)
            assert health(rig, "heap_low_water_bytes") > low_water - GROWTH_BYTES
    finally:
        line.close()


def test_of_two_links_the_second_takes_over_and_back(tmp_path: Path, broker: Broker) -> None:
    with running(tmp_path, 45, links=by_broker(tmp_path, broker, cabled=True)) as rig:
        assert node_state(rig)["link"] == f"serial {NODE}"
        rig.cables[NODE].unplug()
        rig.wait(lambda _: node_state(rig)["link"] == "mqtt", 20)
        rig.cables[NODE].plug()
        broker.kill()
        rig.wait(lambda _: node_state(rig)["link"] == f"serial {NODE}", 20)
        broker.start()
        settled(rig)


def test_the_busiest_node_leaves_a_third_of_its_heap(
    mosquitto_command: list[str], tmp_path: Path
) -> None:
    busiest = "motors-a"
    broker = Broker(mosquitto_command, tmp_path / "broker", ("gateway", busiest))
    broker.start()
    links = by_broker(tmp_path, broker, node=busiest)
    try:
        with running(tmp_path, 46, nodes=(busiest,), links=links) as rig:
            rig.run_for(8)
            assert health(rig, "heap_low_water_bytes", busiest) >= HEAP_ROOM_BYTES
            settled(rig)
    finally:
        broker.kill()
