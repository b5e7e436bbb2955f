"""What another system on board hears at a real mosquitto, which may go, hang or refuse."""

import asyncio
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from board_peer import Board
from collecting import Collecting
from gateway_process import CabledBoard, Process, readings
from manual_clock import ManualClock
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from senml_records import resolved

from gateway.config import MqttConfig, SenmlConfig
from gateway.senml.publisher import Publisher
from hil.broker import PASSWORD, Broker, wait_for

LIMIT_S = 20
READER = "display"
NODE = "motors-a"
TOPIC = "senml/TE33A-0001"
COUNT = "axlebox:TE33A-0001:alarm:count"
CURRENT = "axlebox:TE33A-0001:node:motors-a:motor.current:motor-1"
SECOND_US = 1_000_000


class Listener:
    """Another system on board: every message it heard, by topic, in order."""

    def __init__(self, port: int, user: str = READER) -> None:
        self.heard: dict[str, list[MQTTMessage]] = {}
        self.client = Client(CallbackAPIVersion.VERSION2, user, protocol=MQTTv5)
        self.client.username_pw_set(user, PASSWORD)
        self.client.on_message = self._on_message
        self.client.on_connect = lambda client, *_: client.subscribe("senml/#", 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def packs(self, topic: str) -> list[dict[str, dict[str, Any]]]:
        return [resolved(one.payload, 0) for one in self.heard.get(f"{TOPIC}/{topic}", [])]

    def alarms(self) -> list[dict[str, dict[str, Any]]]:
        return self.packs("alarms")

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _on_message(self, _client: Any, _data: Any, message: MQTTMessage) -> None:
        self.heard.setdefault(message.topic, []).append(message)


@pytest.fixture
def broker(mosquitto_command: list[str], tmp_path: Path) -> Iterator[Broker]:
    """As docs/mosquitto.acl sets one up, with its example of a listener in use."""
    made = Broker(mosquitto_command, tmp_path / "broker", ("gateway", NODE, READER))
    rules = made.folder / "mosquitto.acl"
    text = rules.read_text(encoding="utf-8")
    for line in (f"user {READER}", "topic read senml/#"):
        assert f"# {line}\n" in text
        text = text.replace(f"# {line}\n", f"{line}\n")
    rules.write_text(text, encoding="utf-8")
    made.start()
    yield made
    made.kill()


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    made = Listener(broker.port)
    yield made
    made.close()


class Gateway:
    """A gateway's core with one board that spoke, and its publisher; both in the test's time."""

    def __init__(self, folder: Path, port: int, **more: Any) -> None:
        self.clock = ManualClock()
        self.board = Board()
        self.collecting = Collecting(folder, [self.board], self.clock)
        core = self.collecting.gateway
        self.collecting.receive(self.board.hello())
        self.collecting.answer_pings(self.board)
        self.publisher = Publisher(
            MqttConfig(host="127.0.0.1", port=port, username="gateway"),
            SenmlConfig(**more),
            "TE33A-0001",
            1,
            core.registry,
            lambda: core.alarms.life.version,
            self.clock,
            PASSWORD,
        )

    def __enter__(self) -> "Gateway":
        self.publisher.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.publisher.close()
        self.collecting.close()

    def read(self, milliamperes: int) -> None:
        t_ms = self.clock.monotonic_us() // 1000
        self.collecting.receive(self.board.readings([[milliamperes, 0]], t_ms=t_ms))

    def pass_time(self, seconds: float) -> None:
        self.clock.advance_us(round(seconds * SECOND_US))
        self.publisher.tick()


async def until(condition: Any) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.005)


def test_a_listener_hears_readings_and_alarms_each_period(
    broker: Broker, listener: Listener, tmp_path: Path
) -> None:
    async def run() -> None:
        with Gateway(tmp_path / "gateway", broker.port, period_s=2) as made:
            await until(lambda: made.publisher.is_open)
            made.read(12_300)
            made.pass_time(0)
            await until(lambda: listener.packs("nodes/motors-a") and listener.alarms())
            pack = listener.packs("nodes/motors-a")[0]
            assert (pack[CURRENT]["v"], pack[CURRENT]["u"]) == (12.3, "A")
            assert listener.alarms()[0][COUNT]["v"] == 0
            made.pass_time(1.9)
            made.pass_time(0.1)
            await until(lambda: len(listener.packs("nodes/motors-a")) == 2)
            await until(lambda: made.publisher.unsent == 0)
            assert (made.publisher.published, made.publisher.dropped) == (4, 0)
            assert made.publisher.fault is None

    asyncio.run(run())
    (message, _) = listener.heard[f"{TOPIC}/nodes/motors-a"]
    assert (message.qos, message.retain) == (0, False)
    assert message.properties is not None
    assert message.properties.ContentType == "application/senml+json"
    assert message.properties.MessageExpiryInterval <= 4


def test_a_transition_is_published_at_once_and_waits_for_who_comes_later(
    broker: Broker, listener: Listener, tmp_path: Path
) -> None:
    async def run() -> None:
        with Gateway(tmp_path / "gateway", broker.port, period_s=3600) as made:
            await until(lambda: made.publisher.is_open)
            made.pass_time(0)
            made.collecting.gateway.tick()
            made.pass_time(11)
            await until(lambda: len(listener.alarms()) == 1)
            made.collecting.gateway.tick()
            made.pass_time(0)
            await until(lambda: len(listener.alarms()) == 2)
            assert listener.alarms()[1][COUNT]["v"] > 0
            assert len(listener.packs("nodes/motors-a")) == 1
            late = Listener(broker.port)
            await until(late.alarms)
            late.close()
            assert late.alarms() == [listener.alarms()[1]]
            assert list(late.heard) == [f"{TOPIC}/alarms"]

    asyncio.run(run())


def test_alarms_of_a_gateway_that_ended_are_not_known(
    broker: Broker, listener: Listener, tmp_path: Path
) -> None:
    async def run() -> None:
        with Gateway(tmp_path / "gateway", broker.port) as made:
            await until(lambda: made.publisher.is_open)
            made.pass_time(0)
            await until(listener.alarms)
        await until(lambda: len(listener.alarms()) == 2)
        assert listener.alarms()[1][f"{COUNT}:quality"]["vs"] == "stale"

    asyncio.run(run())


def test_a_broker_that_is_away_is_counted_and_nothing_waits_for_it(
    broker: Broker, tmp_path: Path
) -> None:
    async def run() -> None:
        with Gateway(tmp_path / "gateway", broker.port) as made:
            await until(lambda: made.publisher.is_open)
            made.pass_time(0)
            broker.kill()
            await until(lambda: not made.publisher.is_open)
            dropped = made.publisher.dropped
            for _ in range(10):
                made.pass_time(1)
            assert made.publisher.dropped == dropped + 20
            assert made.publisher.unsent == 0
            broker.start()
            await until(lambda: made.publisher.is_open)
            listener = Listener(broker.port)
            made.pass_time(0)
            await until(listener.alarms)
            listener.close()

    asyncio.run(run())


def test_a_broker_that_hangs_holds_so_many_packs_and_no_more(
    broker: Broker, tmp_path: Path
) -> None:
    async def run() -> None:
        with Gateway(tmp_path / "gateway", broker.port) as made:
            await until(lambda: made.publisher.is_open)
            broker.freeze()
            most = 0
            while made.publisher.dropped < 200:
                made.pass_time(1)
                most = max(most, made.publisher.unsent)
                await asyncio.sleep(0)
            assert most == 10
            broker.go_on()
            await until(lambda: made.publisher.unsent == 0)

    asyncio.run(run())


def test_a_broker_that_forbids_it_is_told_with_the_remedy(broker: Broker, tmp_path: Path) -> None:
    rules = broker.folder / "mosquitto.acl"
    text = rules.read_text(encoding="utf-8")
    broker.kill()
    rules.write_text(text.replace("topic write senml/#\n", ""), encoding="utf-8")
    broker.start()

    async def run() -> None:
        with Gateway(tmp_path / "gateway", broker.port) as made:
            await until(lambda: made.publisher.is_open)
            made.pass_time(0)
            await until(lambda: made.publisher.fault)
            assert made.publisher.fault == (
                f"the broker at 127.0.0.1:{broker.port} does not let user gateway write "
                f"{TOPIC}/alarms: allow it, docs/mosquitto.acl shows how"
            )

    asyncio.run(run())


def test_what_is_too_long_for_the_broker_is_left_out_with_the_remedy(
    broker: Broker, listener: Listener, tmp_path: Path
) -> None:
    """The connection stays, and the alarms go on."""
    path = broker.folder / "mosquitto.conf"
    text = path.read_text(encoding="utf-8")
    broker.kill()
    path.write_text(re.sub("max_packet_size.*", "max_packet_size 700", text), encoding="utf-8")
    broker.start()

    async def run() -> None:
        with Gateway(tmp_path / "gateway", broker.port) as made:
            await until(lambda: made.publisher.is_open)
            made.pass_time(0)
            await until(listener.alarms)
            assert (made.publisher.published, made.publisher.dropped) == (1, 1)
            assert made.publisher.fault == (
                f"the broker at 127.0.0.1:{broker.port} takes no packet as long as "
                f"{TOPIC}/nodes/motors-a needs: raise max_packet_size, docs/mosquitto.conf "
                "shows how"
            )

    asyncio.run(run())


def test_a_node_can_say_nothing_in_the_gateways_name(broker: Broker, listener: Listener) -> None:
    node = Listener(broker.port, NODE)
    codes: list[Any] = []
    node.client.on_publish = lambda _c, _d, _n, code, _p: codes.append(code)
    node.client.publish(f"{TOPIC}/alarms", b"[]", qos=1)
    wait_for(lambda: codes, "receipt")
    node.close()
    assert codes[0].is_failure


def test_a_gateway_on_a_cable_is_heard_at_the_broker_and_missed_when_killed(
    broker: Broker, listener: Listener, tmp_path: Path
) -> None:
    """The whole way, and the broker's own link beside it hears nothing of what is published."""
    password = tmp_path / "mqtt.password"
    password.touch(mode=0o600)
    password.write_text(PASSWORD, encoding="utf-8")
    board = Board()
    process = Process(
        tmp_path,
        board,
        f'[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\nusername = "gateway"\n'
        'password_file = "mqtt.password"\n[senml]\n',
    )
    cable = CabledBoard(tmp_path / "port", board)
    try:
        process.start()
        cable.listen()
        cable.send(board.hello(), *readings(board, 3))
        cable.until_acknowledged(4)
        wait_for(lambda: listener.packs("nodes/motors-a"), "pack")
        wait_for(lambda: listener.alarms() and COUNT in listener.alarms()[-1], "alarms")
        process.end(signal.SIGKILL)
        wait_for(lambda: f"{COUNT}:quality" in listener.alarms()[-1], "last will")
        assert set(process.stored()) == {0, 1, 2, 3}
        assert "Received PUBLISH from axlebox-TE33A-0001-senml (" in broker.log()
        assert "Sending PUBLISH to axlebox-TE33A-0001 (" not in broker.log()
    finally:
        process.close()
        cable.close()
