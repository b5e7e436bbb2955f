"""The doctor on a real broker, and on what a gateway says of it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from certificates import Authority
from crew_page.live_picture import te33a

from gateway.config import GatewayConfig
from gateway.doctor.broker import look_at_broker
from gateway.doctor.running import Running
from hil.broker import PASSWORD, Broker, free_port

from .conftest import Depot, told


@pytest.fixture
def broker(mosquitto_command: list[str], depot: Depot) -> Iterator[Broker]:
    made = Broker(mosquitto_command, depot.folder / "broker", ("gateway",))
    yield made
    made.kill()


def configured(depot: Depot, port: int, password: str = PASSWORD, more: str = "") -> GatewayConfig:
    depot.file("broker.password", password)
    return depot.write(
        f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\nusername = "gateway"\n'
        f'password_file = "broker.password"\n{more}'
    )


def test_a_broker_that_is_well_is_asked_by_a_name_of_the_doctors_own(
    depot: Depot, broker: Broker
) -> None:
    broker.start()
    assert told(look_at_broker(configured(depot, broker.port), None)) == [
        (
            "ok",
            f"the broker at 127.0.0.1:{broker.port} takes name and password",
            "",
        )
    ]
    assert "as axlebox-doctor-" in broker.log()
    assert "as axlebox-TE33A-0001" not in broker.log()
    assert "Received PUBLISH" not in broker.log()


def test_a_wrong_password(depot: Depot, broker: Broker) -> None:
    broker.start()
    assert told(look_at_broker(configured(depot, broker.port, "wrong and rail"), None)) == [
        (
            "wrong",
            f"the broker at 127.0.0.1:{broker.port} refuses user gateway",
            "correct mqtt.username and the password in mqtt.password_file",
        )
    ]


@contextmanager
def answering(*packets: bytes) -> Iterator[int]:
    """A broker that answers each packet with the next of these; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            client, _ = listening.accept()
            with client:
                for packet in packets:
                    asked = client.recv(1024)
                    client.sendall(packet.replace(b"id", asked[2:4]))
                while client.recv(1024):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            thread.join()


def test_a_user_who_may_not_read(depot: Depot) -> None:
    """mosquitto with a file of rules lets anyone subscribe; other brokers answer so."""
    with answering(b"\x20\x03\0\0\0", b"\x90\x04id\0\x87") as port:
        found = told(look_at_broker(configured(depot, port), None))
    assert found == [
        (
            "wrong",
            f"the broker at 127.0.0.1:{port} does not let user gateway read "
            "axlebox/TE33A-0001/+/up",
            "allow it, docs/mosquitto.conf shows how",
        )
    ]


def test_a_broker_that_refuses_for_another_reason(depot: Depot) -> None:
    with answering(b"\x20\x03\0\x88\0") as port:
        found = told(look_at_broker(configured(depot, port), None))
    assert found == [
        (
            "wrong",
            f"the broker at 127.0.0.1:{port} refuses the connection (Server unavailable)",
            "look into its log",
        )
    ]


def test_no_broker(depot: Depot) -> None:
    port = free_port()
    assert told(look_at_broker(configured(depot, port), None)) == [
        (
            "wrong",
            f"no broker at 127.0.0.1:{port} (Connection refused)",
            "start it, or correct mqtt.host and mqtt.port",
        )
    ]


# Where a handshake fails, paho leaves the socket to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tls_with_the_right_authority_and_with_another(depot: Depot, broker: Broker) -> None:
    depot_authority = Authority(depot.folder, "depot")
    Authority(depot.folder, "other")
    port = broker.also_by_tls(*depot_authority.server("127.0.0.1"))
    broker.start()
    settings = configured(depot, port, more='ca_file = "depot.crt"\n')
    assert told(look_at_broker(settings, None)) == [
        (
            "ok",
            f"the broker at 127.0.0.1:{port} takes name and password over TLS",
            "",
        )
    ]
    settings = configured(depot, port, more='ca_file = "other.crt"\n')
    ((level, what, advice),) = told(look_at_broker(settings, None))
    assert level == "wrong"
    assert what.startswith(f"the certificate of the broker at 127.0.0.1:{port} is not believed (")
    assert advice == "correct mqtt.ca_file or mqtt.host"


def test_it_is_not_asked_without_its_password(depot: Depot) -> None:
    settings = configured(depot, 1883)
    (depot.folder / "broker.password").unlink()
    assert told(look_at_broker(settings, None)) == [
        (
            "unknown",
            "the broker at 127.0.0.1:1883 was not asked, for there is no password",
            "put mqtt.password_file right first",
        )
    ]


def test_without_a_broker_nothing_is_said(depot: Depot) -> None:
    assert told(look_at_broker(depot.write(), None)) == []


def test_what_a_gateway_that_runs_says_of_its_broker(depot: Depot) -> None:
    settings = configured(depot, 1883)
    assert told(look_at_broker(settings, Running(te33a(), links_open={"mqtt": True}))) == [
        ("ok", "the gateway is connected to the broker at 127.0.0.1:1883", "")
    ]
    reason = "the broker at 127.0.0.1:1883 left or does not answer: start it again"
    away = Running(te33a(), ("the disk is full: free space", reason), {"mqtt": False})
    assert told(look_at_broker(settings, away)) == [
        ("wrong", "the broker at 127.0.0.1:1883 left or does not answer", "start it again")
    ]
    mute = Running(te33a(), (), {"mqtt": False})
    assert told(look_at_broker(settings, mute)) == [
        (
            "wrong",
            "the gateway is not connected to the broker at 127.0.0.1:1883",
            "look at it, systemctl status mosquitto",
        )
    ]
