"""The link's own rules, before a broker that does what the test wants."""

import asyncio
import io
import socket

from axnode import mqtt, mqtt_link
from axnode.mqtt_link import MqttLink
from axnode.ticks import BootClock

from sealed import Sealed

KEYS = {"host": "127.0.0.1", "port": 1883, "locomotive": "T", "username": None, "password": None}
DOWN = b"T/n/down"
POLL, POLL_IN, POLL_OUT = 3, 1, 4


class Broker(io.IOBase):
    """A socket whose other end answers: `answers` is what it says to a packet of each kind."""

    def __init__(self):
        self.answers = {
            0x10: lambda body: b"\x20\x02\x00\x00",
            0x80: lambda body: b"\x90\x03" + body[:2] + b"\x01",
            mqtt.PUBLISH: lambda body: b"",
        }
        self.packets = []
        self.unread = b""
        self._reader = mqtt.PacketReader(4096)

    def socket(self):
        return self

    def setblocking(self, on):
        assert not on

    def connect(self, address):
        assert address == "address"

    def getaddrinfo(self, host, port):
        assert (host, port) == ("127.0.0.1", 1883)
        return [(0, 0, 0, "", "address")]

    def write(self, data):
        for first, body in self._reader.feed(bytes(data)):
            self.packets.append((first, body))
            answer = self.answers.get(first & 0xF0)
            if answer is not None:
                self.unread += answer(body)
        return len(data)

    def readinto(self, buffer):
        count = min(len(buffer), len(self.unread))
        buffer[:count] = self.unread[:count]
        self.unread = self.unread[count:]
        return count

    def ioctl(self, request, flags):
        if request != POLL:
            return -22 if request == 10 else 0
        return (POLL_IN if self.unread else 0) & flags | POLL_OUT & flags

    def close(self):
        self.unread = b""

    def of(self, kind):
        return [body for first, body in self.packets if first & 0xF0 == kind]


def _link(broker, clock=None):
    mqtt_link.socket = broker
    try:
        return MqttLink(KEYS, "n", clock or BootClock(), None)
    finally:
        mqtt_link.socket = socket


async def _opened(broker, clock=None):
    link = _link(broker, clock)
    mqtt_link.socket = broker
    await link.receive()
    mqtt_link.socket = socket
    assert broker.of(0x10) and broker.of(0x80), broker.packets
    return link


async def _sent(link, sizes):
    taken = []
    for size in sizes:
        taken.append(await link.send(Sealed(bytes(size))))
    return taken


def test_what_the_broker_has_not_confirmed_is_bounded_in_packets_and_in_bytes():
    async def main():
        broker = Broker()
        link = await _opened(broker)
        status = len(broker.of(mqtt.PUBLISH))
        assert await _sent(link, [10] * 17) == [True] * 16 + [False]
        assert (len(broker.of(mqtt.PUBLISH)) - status, link.errors) == (16, 1)
        broker = Broker()
        link = await _opened(broker)
        assert await _sent(link, [1024] * 5) == [True] * 4 + [False]

    asyncio.run(main())


def test_each_receipt_makes_the_room_of_its_own_message_in_any_order():
    async def main():
        broker = Broker()
        link = await _opened(broker)
        assert await _sent(link, [2000, 100, 1900]) == [True] * 3
        large, small, _ = [body[16:18] for body in broker.of(mqtt.PUBLISH)[-3:]]
        broker.unread += b"\x40\x02" + small + b"\x40\x02\xff\xff"
        assert await link.receive() == []
        assert await _sent(link, [2000]) == [False]
        broker.unread += b"\x40\x02" + large
        assert await link.receive() == []
        assert await _sent(link, [2000, 1000]) == [True, False]

    asyncio.run(main())


def test_a_message_before_the_answer_to_the_subscription_is_not_lost():
    async def main():
        broker = Broker()
        early = b"\x32" + bytes((2 + len(DOWN) + 2 + 5,)) + b"\x00\x08" + DOWN + b"\x00\x07hello"
        answer = broker.answers[0x80]
        broker.answers[0x80] = lambda body: early + answer(body)
        link = _link(broker)
        mqtt_link.socket = broker
        messages = await link.receive()
        mqtt_link.socket = socket
        assert messages == [b"hello"], messages
        assert broker.of(0x40) == [b"\x00\x07"]

    asyncio.run(main())


def test_a_quiet_connection_is_pinged_and_left_where_nothing_is_said():
    async def main():
        now = [0]
        broker = Broker()
        link = await _opened(broker, BootClock(lambda: now[0]))
        connect = broker.of(0x10)[0]
        assert connect[8:10] == b"\x00\x0a", "the broker is to miss it after 10 s"
        now[0] += 3_900_000
        broker.unread = b"\x40\x02\xff\xff"
        await link.receive()
        assert not broker.of(0xC0)
        now[0] += 100_000
        broker.unread = b"\xd0\x00"
        await link.receive()
        assert len(broker.of(0xC0)) == 1
        now[0] += 9_900_000
        broker.unread = b"\xd0\x00"
        assert await link.receive() == []
        assert await link.send(Sealed(b"x"))
        now[0] += 10_000_000
        await link.receive()
        assert not await link.send(Sealed(b"x"))

    asyncio.run(main())


def test_a_refused_subscription_ends_the_connection():
    async def main():
        broker = Broker()
        broker.answers[0x80] = lambda body: b"\x90\x03" + body[:2] + b"\x80"
        link = _link(broker)
        mqtt_link.socket = broker
        assert await link.receive() == []
        mqtt_link.socket = socket
        assert not await link.send(Sealed(b"x"))

    asyncio.run(main())


def test_a_will_and_a_word_of_welcome_are_kept_by_the_broker():
    async def main():
        broker = Broker()
        await _opened(broker)
        connect = broker.of(0x10)[0]
        assert connect[7] == 0x2E, "clean session, last will with QoS 1, retained"
        assert b"\x00\x12axlebox/T/n/status\x00\x07offline" in connect
        first, body = broker.packets[-1]
        assert first == 0x33
        assert body[:20] == b"\x00\x12axlebox/T/n/status"
        assert body[22:] == b"online"

    asyncio.run(main())
