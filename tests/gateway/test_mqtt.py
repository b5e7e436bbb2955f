"""A gateway's link to a real mosquitto that goes, hangs, refuses, or has too much to say."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import pytest
from axwire import GATEWAY_MESSAGE_CAP, cose
from certificates import Authority
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from gateway.config import MqttConfig, load_password
from gateway.errors import ConfigError
from gateway.links.mqtt import INFLIGHT, MqttLink
from hil.broker import PASSWORD, Broker

LIMIT_S = 20
NODE = "motors-a"
OTHER = "brakes-a"
KEY = cose.MacKey(bytes(32))
P = ParamSpec("P")


class Receiver:
    """Takes messages while `takes`; they are on the disk once the test says so."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.noise: Counter[str] = Counter()
        self.openings = 0
        self.takes = True
        self.ticket = 0
        self.durable = 0

    def link_opened(self, link: MqttLink) -> None:
        self.openings += 1

    def receive(self, link: MqttLink, message: bytes) -> bool:
        if self.takes:
            self.messages.append(message)
            self.ticket += 1
        return self.takes

    def refuse_noise(self, reason: str, count: int) -> None:
        self.noise[reason] += count

    def commit(self, link: MqttLink) -> None:
        self.durable = self.ticket
        link.committed()


class Node:
    """A client in a node's name; `heard` came down, `receipts` counts what the broker took."""

    def __init__(self, port: int, name: str = NODE) -> None:
        self.name = name
        self.heard: list[bytes] = []
        self.receipts = 0
        self.is_ready = False
        self.client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTv5)
        self.client.username_pw_set(name, PASSWORD)
        self.client.on_message = lambda _c, _d, message: self.heard.append(bytes(message.payload))
        self.client.on_publish = self._on_publish
        self.client.on_subscribe = self._on_subscribe
        self.client.max_queued_messages_set(0)
        self.client.connect("127.0.0.1", port)
        self.client.subscribe(f"axlebox/TE33A-0001/{name}/down", qos=1)
        self.client.loop_start()

    def say(self, *messages: bytes, qos: int = 1) -> None:
        for message in messages:
            self.client.publish(f"axlebox/TE33A-0001/{self.name}/up", message, qos=qos)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _on_publish(self, *_: Any) -> None:
        self.receipts += 1

    def _on_subscribe(self, *_: Any) -> None:
        self.is_ready = True


@pytest.fixture
def broker(mosquitto_command: list[str], tmp_path: Path) -> Iterator[Broker]:
    made = Broker(mosquitto_command, tmp_path / "broker", ("gateway", NODE, OTHER))
    made.start()
    yield made
    made.kill()


def in_a_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """A test that runs in an event loop."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@contextmanager
def opened(
    port: int, receiver: Receiver, password: str = PASSWORD, **more: Any
) -> Iterator[MqttLink]:
    """A link that is on its way to the broker; closed at the end."""
    config = MqttConfig(host="127.0.0.1", port=port, username="gateway", **more)
    link = MqttLink(config, "TE33A-0001", receiver, password)
    link.open()
    try:
        yield link
    finally:
        link.close()


@asynccontextmanager
async def joined(port: int, receiver: Receiver) -> AsyncIterator[tuple[MqttLink, Node]]:
    """A link and a node, both at the broker; both leave at the end."""
    with opened(port, receiver) as link:
        node = Node(port)
        try:
            await until(lambda: link.is_open and node.is_ready)
            yield link, node
        finally:
            node.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.005)


def numbered(count: int, first: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(first, first + count)]


@in_a_loop
async def test_messages_go_both_ways(broker: Broker) -> None:
    receiver = Receiver()
    async with joined(broker.port, receiver) as (link, node):
        assert (receiver.openings, link.opened, link.attempts, link.fault) == (1, 1, 1, None)
        node.say(*numbered(50))
        await until(lambda: len(receiver.messages) == 50)
        assert receiver.messages == numbered(50)
        down = cose.seal(KEY, NODE, cose.DOWN, b"\x00")
        assert link.send(down)
        await until(lambda: node.heard == [down])
        assert link.bytes_sent == len(down)
        assert link.bytes_received == sum(map(len, numbered(50)))


@in_a_loop
async def test_a_receipt_follows_the_disk_and_what_has_none_comes_again(broker: Broker) -> None:
    receiver = Receiver()
    async with joined(broker.port, receiver) as (link, node):
        node.say(*numbered(3))
        await until(lambda: len(receiver.messages) == 3)
        receiver.commit(link)
        assert link.unreceipted == 0
        node.say(*numbered(5, 3))
        await until(lambda: len(receiver.messages) == 8)
        assert link.unreceipted == 5
    again = Receiver()
    with opened(broker.port, again):
        await until(lambda: len(again.messages) == 5)
        assert again.messages == numbered(5, 3)


@in_a_loop
async def test_a_node_that_floods_a_full_store_leaves_room_for_another(broker: Broker) -> None:
    """Both at QoS 1: the first fills its share, the second's messages are all held, and its turn
    comes with every other message once the store takes some."""
    receiver = Receiver()
    receiver.takes = False
    async with joined(broker.port, receiver) as (link, node):
        other = Node(broker.port, OTHER)
        share, count = INFLIGHT // 2, INFLIGHT + 500
        node.say(*numbered(count))
        await until(lambda: node.receipts == count)
        await until(lambda: link.dropped == count - share)
        assert link.depth == share
        other.say(*numbered(40, 9000))
        await until(lambda: link.depth == share + 40)
        node.say(*numbered(20, count), qos=0)
        await until(lambda: link.dropped == count - share + 20)
        assert (link.depth, receiver.messages) == (share + 40, [])
        receiver.takes = True
        await until(lambda: len(receiver.messages) == share + 40)
        mine = [at for at, message in enumerate(receiver.messages) if int(message) >= 9000]
        assert [receiver.messages[at] for at in mine] == numbered(40, 9000)
        assert max(mine) < 2 * 40
        assert link.unreceipted == share + 40
        receiver.commit(link)
        assert (link.unreceipted, link.depth) == (0, 0)
        node.say(*numbered(count - share, share))
        dropped = count - share + 20 + count - 2 * share
        await until(lambda: link.dropped == dropped)
        await until(lambda: len(receiver.messages) == share + 40 + share)
        receiver.commit(link)
        node.say(*numbered(500, INFLIGHT))
        await until(lambda: len(receiver.messages) == count + 40)
        assert [m for m in receiver.messages if int(m) < 9000] == numbered(count)
        assert link.attempts == 1
        other.close()


@in_a_loop
async def test_a_broker_brings_no_packet_longer_than_a_message(broker: Broker) -> None:
    receiver = Receiver()
    async with joined(broker.port, receiver) as (_, node):
        node.say(bytes(GATEWAY_MESSAGE_CAP + 1024), bytes(GATEWAY_MESSAGE_CAP))
        await until(lambda: receiver.messages)
        assert receiver.messages == [bytes(GATEWAY_MESSAGE_CAP)]


@in_a_loop
async def test_what_the_broker_has_not_confirmed_is_bounded_and_counted(broker: Broker) -> None:
    with opened(broker.port, Receiver()) as link:
        await until(lambda: link.is_open)
        message = cose.seal(KEY, NODE, cose.DOWN, b"\x00")
        broker.freeze()
        try:
            sent = sum(link.send(message) for _ in range(2000))
            assert 256 <= sent < 300
            assert link.send_refused == 2000 - sent
            assert link.unsent_bytes == sent * len(message)
        finally:
            broker.go_on()
        await until(lambda: link.unsent_bytes == 0)


@in_a_loop
async def test_a_killed_broker_is_named_and_found_again(broker: Broker) -> None:
    receiver = Receiver()
    with opened(broker.port, receiver) as link:
        await until(lambda: link.is_open)
        broker.kill()
        await until(lambda: link.fault is not None and "no broker at" in link.fault)
        assert link.fault == (
            f"no broker at 127.0.0.1:{broker.port} (Connection refused): start it, or correct "
            "mqtt.host and mqtt.port"
        )
        assert not link.send(cose.seal(KEY, NODE, cose.DOWN, b"\x00"))
        broker.start()
        await until(lambda: link.is_open)
        assert (link.fault, receiver.openings) == (None, 2)


@in_a_loop
async def test_a_hung_broker_is_left_and_found_again(broker: Broker) -> None:
    with opened(broker.port, Receiver()) as link:
        await until(lambda: link.is_open)
        broker.freeze()
        try:
            await until(lambda: link.fault is not None)
        finally:
            broker.go_on()
        assert link.fault == (
            f"the broker at 127.0.0.1:{broker.port} left or does not answer: start it again"
        )
        await until(lambda: link.is_open)


@in_a_loop
async def test_a_wrong_password_is_named_with_the_remedy(broker: Broker) -> None:
    with opened(broker.port, Receiver(), password="wrong") as link:
        await until(lambda: link.fault is not None)
        assert link.fault == (
            f"the broker at 127.0.0.1:{broker.port} refuses user gateway: correct mqtt.username "
            "and the password in mqtt.password_file"
        )
        assert not link.is_open


@in_a_loop
async def test_another_gateway_of_the_same_name_is_told(broker: Broker) -> None:
    with opened(broker.port, Receiver()) as link:
        await until(lambda: link.is_open)
        other = Client(CallbackAPIVersion.VERSION2, "axlebox-TE33A-0001", protocol=MQTTv5)
        other.username_pw_set("gateway", PASSWORD)
        other.connect("127.0.0.1", broker.port)
        other.loop_start()
        await until(lambda: link.fault is not None)
        assert link.fault == (
            f"another client calls itself axlebox-TE33A-0001 at 127.0.0.1:{broker.port}: "
            "end the other gateway, or give it another locomotive.id"
        )
        other.disconnect()
        other.loop_stop()


@in_a_loop
async def test_a_gateway_that_may_not_read_is_told_what_to_allow() -> None:
    """mosquitto with a file of rules lets anyone subscribe; other brokers answer so."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(b"\x20\x03\x00\x00\x00")
        subscribe = await reader.read(1024)
        writer.write(b"\x90\x04" + subscribe[2:4] + b"\x00\x87")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with opened(port, Receiver()) as link:
        await until(lambda: link.fault is not None)
        assert link.fault == (
            f"the broker at 127.0.0.1:{port} does not let user gateway read "
            "axlebox/TE33A-0001/+/up: allow it, docs/mosquitto.conf shows how"
        )
    server.close()


@in_a_loop
async def test_a_node_speaks_in_its_own_name_only_and_hears_no_other(broker: Broker) -> None:
    receiver = Receiver()
    async with joined(broker.port, receiver) as (link, node):
        node.client.subscribe("axlebox/TE33A-0001/brakes-a/down", qos=1)
        node.client.publish("axlebox/TE33A-0001/brakes-a/up", b"as another", qos=1)
        node.client.publish(f"axlebox/TE33A-0001/{NODE}/down", b"as the gateway", qos=1)
        node.say(b"as itself")
        await until(lambda: receiver.messages)
        await until(lambda: node.receipts == 3)
        assert receiver.messages == [b"as itself"]
        assert link.send(cose.seal(KEY, "brakes-a", cose.DOWN, b"\x00"))
        mine = cose.seal(KEY, NODE, cose.DOWN, b"\x00")
        assert link.send(mine)
        await until(lambda: node.heard)
        assert node.heard == [mine]


@in_a_loop
async def test_a_link_that_is_closed_while_it_connects_leaves_nothing_behind(
    broker: Broker,
) -> None:
    receiver = Receiver()
    for _ in range(5):
        with opened(broker.port, receiver):
            pass
    await until(lambda: not any(thread.name == "mqtt" for thread in threading.enumerate()))
    assert receiver.openings == 0


@in_a_loop
async def test_people_see_whether_the_gateway_is_there(broker: Broker) -> None:
    # The recommended rules let the gateway write its status and nobody read it: people get a rule.
    acl = broker.folder / "mosquitto.acl"
    text = acl.read_text(encoding="utf-8")
    acl.write_text(text.replace("topic write axlebox/+/status", "topic axlebox/+/status"))
    broker.kill()
    broker.start()
    heard: list[bytes] = []
    with opened(broker.port, Receiver()) as link:
        await until(lambda: link.is_open)
        watcher = Client(CallbackAPIVersion.VERSION2, "watcher")
        watcher.username_pw_set("gateway", PASSWORD)
        watcher.on_message = lambda _c, _d, message: heard.append(message.payload)
        watcher.connect("127.0.0.1", broker.port)
        watcher.subscribe("axlebox/TE33A-0001/status")
        watcher.loop_start()
        await until(lambda: heard == [b"online"])
    await until(lambda: heard == [b"online", b"offline"])
    watcher.disconnect()
    watcher.loop_stop()


# Where a handshake fails, paho leaves the socket to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@in_a_loop
async def test_tls_is_used_and_a_strange_certificate_refused(
    mosquitto_command: list[str], tmp_path: Path
) -> None:
    authority = Authority(tmp_path, "authority")
    stranger = Authority(tmp_path, "stranger")
    broker = Broker(mosquitto_command, tmp_path / "broker")
    port = broker.also_by_tls(*authority.server("127.0.0.1"))
    broker.start()
    try:
        with opened(port, Receiver(), ca_file=authority.pem) as link:
            await until(lambda: link.is_open)
        with opened(port, Receiver(), ca_file=stranger.pem) as link:
            await until(lambda: link.fault is not None)
            assert link.fault is not None
            assert link.fault.startswith(
                f"the certificate of the broker at 127.0.0.1:{port} is not believed ("
            )
        with opened(port, Receiver(), ca_file=tmp_path / "missing.crt") as link:
            await until(lambda: link.fault is not None)
            assert link.fault == (
                f"mqtt.ca_file: {tmp_path / 'missing.crt'} cannot be used: "
                "[Errno 2] No such file or directory"
            )
    finally:
        broker.kill()


def test_a_password_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("secret\n", encoding="utf-8")
    path.chmod(0o644)
    config = MqttConfig(host="127.0.0.1", password_file=path)
    with pytest.raises(ConfigError) as raised:
        load_password(config)
    assert str(raised.value) == (
        f"mqtt.password_file: others can read {path}; run: chmod 600 {path}"
    )
    path.chmod(0o600)
    assert load_password(config) == "secret"
    path.unlink()
    with pytest.raises(ConfigError, match=r"mqtt\.password_file: .*/password: "):
        load_password(config)
