"""A node whose broker is reached by TLS: whom it believes, and what a handshake costs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from rigs import running

from hil.broker import PASSWORD, Broker
from hil.rig import Rig

pytestmark = pytest.mark.timeout(300)

NODE = "axles-a"
LIMIT_S = 120.0


@pytest.fixture
def broker(mosquitto_command: list[str], tmp_path: Path) -> Iterator[Broker]:
    made = Broker(mosquitto_command, tmp_path / "broker", ("gateway", NODE))
    yield made
    made.kill()


def by_tls(folder: Path, broker: Broker, port: int, authority: Authority) -> dict[str, Any]:
    """A node with a cable too; node and gateway go to the same port."""
    password_file = folder / "gateway.password"
    password_file.touch(mode=0o600)
    password_file.write_text(PASSWORD, encoding="utf-8")
    to_broker = {
        "host": "127.0.0.1",
        "port": port,
        "locomotive": "TE33A-0001",
        "username": NODE,
        "password": PASSWORD,
        "tls": "ca.der",
    }
    return {
        "mqtt": {
            "host": "127.0.0.1",
            "port": port,
            "username": "gateway",
            "password_file": password_file.name,
            "ca_file": str(authority.pem),
        },
        "settings": {NODE: {"mqtt": to_broker}},
        "files": {NODE: {"ca.der": authority.der}},
        "measured": (NODE,),
    }


def link(rig: Rig) -> str:
    (node,) = rig.gateway.state()["nodes"]
    return str(node["link"])


def console(rig: Rig) -> str:
    return (rig.plan.folder / "nodes" / NODE / "console.log").read_text(encoding="utf-8")


def connections(broker: Broker) -> int:
    """Of the node, so far."""
    return broker.log().count(f" as axlebox-TE33A-0001-{NODE} ")


def test_every_sample_arrives_once_by_tls_also_after_breaks(
    tmp_path: Path, broker: Broker
) -> None:
    authority = Authority(tmp_path, "authority")
    port = broker.also_by_tls(*authority.server("127.0.0.1"))
    broker.start()
    plan = by_tls(tmp_path, broker, port, authority)
    plan["settings"][NODE]["uart"] = None
    with running(tmp_path, 50, nodes=(NODE,), links=plan) as rig:
        target = rig.targets[NODE]
        for _ in range(3):
            assert link(rig) == "mqtt"
            taken = target.taken()
            rig.until(lambda taken=taken: target.taken() > taken + 120, LIMIT_S)
            came = connections(broker)
            broker.kill()
            target.account()
            broker.start()
            rig.until(lambda came=came: connections(broker) > came, LIMIT_S)
            turns = target.account()["turns"]
            print("with a handshake in it:", turns)
            assert turns["slept"] == 0
        account = rig.settle(60)
        assert not target.resets
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)
    assert "MQTT" not in console(rig)


@pytest.mark.parametrize(
    ("stranger", "address", "words"),
    [
        (True, "127.0.0.1", "The certificate is not correctly signed by the trusted CA"),
        (False, "127.0.0.2", "The certificate Common Name (CN) does not match"),
    ],
)
def test_a_broker_that_is_not_believed_gets_nothing(
    tmp_path: Path, broker: Broker, stranger: bool, address: str, words: str
) -> None:
    authority = Authority(tmp_path, "authority")
    port = broker.also_by_tls(*authority.server(address))
    broker.start()
    plan = by_tls(tmp_path, broker, port, authority)
    if stranger:
        plan["files"][NODE]["ca.der"] = Authority(tmp_path, "stranger").der
    with running(tmp_path, 51, nodes=(NODE,), links=plan) as rig:
        rig.until(lambda: console(rig).count(words) >= 3, LIMIT_S)
        assert link(rig) == f"serial {NODE}"
        account = rig.settle(60)
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)
    assert PASSWORD not in console(rig)
    assert f"axlebox-TE33A-0001-{NODE}" not in broker.log()
