"""A broker as the way to the gateway, behind the interface of axnode.serial_link.

The broker's receipts (PUBACK) free nothing but room for the next packet: a message stays in the
outbox until the gateway acknowledges it. After a break nothing is repeated here for that reason.
Nothing here makes another task wait: no name is looked up, the socket does not block, and a broker
that takes nothing or says nothing is left and tried again, at ever longer intervals.
"""

import asyncio
import errno
import os
import socket
from time import ticks_add, ticks_diff

from micropython import const

from axnode import mqtt
from axwire import MESSAGE_CAP
from axwire.cose import ROOM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from axnode.mqtt_tls import Tls
    from axnode.ticks import BootClock
    from axnode.wifi import Wifi
    from axwire.cose import Sealer

_CHUNK = const(256)
_PACKET_CAP = const(128)
"""Room of a packet besides its message: the topic and its heads."""

_PAUSE_MS = const(5)
_STALLED_MS = const(1000)
_ANSWER_MS = const(5000)
_LOOK_MS = const(1000)
_KEEP_ALIVE_S = const(10)
_PING_US = const(4_000_000)
_SILENT_US = const(10_000_000)
"""A broker that said nothing for so long, though pinged, is left."""

_IN_FLIGHT = const(16)
_BYTES_IN_FLIGHT = const(4096)
"""What the broker has not confirmed, in packets and bytes. On RP2 a socket that does not block
blocks nevertheless, up to 10 s, where the network has no memory left for what is written
(MicroPython extmod/modlwip.c, lwip_tcp_send): it has 8000 bytes (unverified)."""

_FIRST_PAUSE_MS = const(500)
_LONGEST_PAUSE_MS = const(16_000)


class MqttLink:
    """Messages over a broker at `keys` of node.json. `receive` must always be waited for.

    `arrived` is the tick of the last bytes read; `errors` counts messages that could not be sent;
    `attempts` connections tried.
    """

    def __init__(
        self,
        keys: "dict[str, Any]",
        name: str,
        clock: "BootClock",
        wifi: "Wifi | None" = None,
        tls: "Tls | None" = None,
    ) -> None:
        self.arrived = 0
        self.errors = 0
        self.attempts = 0
        self._clock = clock
        self._wifi = wifi
        self._tls = tls
        self._address = socket.getaddrinfo(keys["host"], keys["port"])[0][-1]
        topic = "axlebox/%s/%s/" % (keys["locomotive"], name)
        self._up = (topic + "up").encode()
        self._status = (topic + "status").encode()
        self._connect = mqtt.connect(
            "axlebox-%s-%s" % (keys["locomotive"], name),
            _KEEP_ALIVE_S,
            self._status,
            b"offline",
            keys["username"],
            keys["password"],
        )
        self._subscribe = mqtt.subscribe(1, (topic + "down").encode())
        self._lock = asyncio.Lock()
        self._chunk = bytearray(_CHUNK)
        self._view = memoryview(self._chunk)
        self._packets = mqtt.PacketReader(MESSAGE_CAP + _PACKET_CAP)
        self._refused = 0
        self._plain: Any = None
        self._socket: Any = None
        self._reader: Any = None
        self._works = False
        self._number = 0
        self._in_flight: list[int] = []
        self._sizes: list[int] = []
        self._early: list[tuple[int, bytes]] = []
        self._sent = 0
        self._pause_ms = _FIRST_PAUSE_MS

    async def send(self, sealed: "Sealer") -> bool:
        """Hand the whole message to the socket. False: there is no broker, or it is stuck."""
        size = sealed.end - ROOM
        stalled_ms = 0
        while self._works and not self._has_room(size) and stalled_ms < _STALLED_MS:
            stalled_ms += _PAUSE_MS
            await asyncio.sleep_ms(_PAUSE_MS)
        if not self._works or not self._has_room(size):
            self.errors += 1
            return False
        number = self._next_number()
        self._in_flight.append(number)
        self._sizes.append(size)
        if not await self._write(mqtt.publish_in_place(sealed, number, self._up), _STALLED_MS):
            self.errors += 1
            return False
        return True

    async def receive(self) -> "list[bytes]":
        """Wait for bytes, or for a second; the messages that they complete, often none."""
        try:
            if not self._works:
                await self._open()
            return await self._take_in()
        except (OSError, ValueError, IndexError):
            self._close()
            return []

    def refused(self) -> int:
        """Packets that arrived too long."""
        return self._refused + self._packets.refused

    async def _take_in(self) -> "list[bytes]":
        now = self._clock.tick()
        if ticks_diff(now, self.arrived) >= _SILENT_US:
            raise OSError
        if ticks_diff(now, self._sent) >= _PING_US:
            await self._write(mqtt.PING, _STALLED_MS)
        if not self._works:
            raise OSError
        messages: list[bytes] = []
        receipts = b""
        packets, self._early = self._early, []
        for first, body in packets or await self._read(_LOOK_MS):
            kind = first & 0xF0
            if kind == mqtt.PUBLISH:
                number, message = mqtt.published(first, body)
                messages.append(message)
                if number is not None:
                    receipts += mqtt.puback(number)
            elif kind == mqtt.PUBACK:
                number = int.from_bytes(body, "big")
                if number in self._in_flight:
                    self._sizes.pop(self._in_flight.index(number))
                    self._in_flight.remove(number)
        if receipts:
            await self._write(receipts, _STALLED_MS)
        return messages

    async def _open(self) -> None:
        """Wait as the back-off wants it, connect and subscribe. Raises OSError."""
        self._close()
        if self.attempts:
            await asyncio.sleep_ms(self._pause_ms + os.urandom(1)[0])
            self._pause_ms = min(2 * self._pause_ms, _LONGEST_PAUSE_MS)
        while self._wifi is not None and not self._wifi.ready():
            await asyncio.sleep_ms(_LOOK_MS)
        self.attempts += 1
        self._plain = self._socket = socket.socket()
        self._plain.setblocking(False)
        try:
            self._plain.connect(self._address)
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        if self._tls is not None:
            self._socket = self._tls.around(self._plain)
        self._reader = asyncio.StreamReader(self._socket)
        await self._ask(self._connect, mqtt.CONNACK)
        await self._ask(self._subscribe, mqtt.SUBACK)
        status = mqtt.publish(self._next_number(), self._status, b"online", True)
        if not await self._write(status, _STALLED_MS):
            raise OSError
        self._works = True
        self._pause_ms = _FIRST_PAUSE_MS

    async def _ask(self, packet: bytes, kind: int) -> None:
        """Send a packet and wait for its answer. Raises OSError for none and for a refusal.

        A message may come before the answer to SUBSCRIBE (MQTT 3.1.1, 3.8.4): it is kept.
        """
        end = ticks_add(self._clock.tick(), _ANSWER_MS * 1000)
        if not await self._write(packet, _ANSWER_MS):
            raise OSError
        answered = False
        while not answered:
            if ticks_diff(end, self._clock.tick()) <= 0:
                raise OSError
            for first, body in await self._read(_LOOK_MS):
                if first & 0xF0 == kind:
                    answered = True
                    if body[-1]:
                        _refuse(kind, body[-1])
                elif len(self._early) < _IN_FLIGHT:
                    self._early.append((first, body))

    async def _read(self, limit_ms: int) -> "list[tuple[int, bytes]]":
        """The packets that are complete with the next bytes; none at the limit."""
        try:
            count = await asyncio.wait_for_ms(self._reader.readinto(self._chunk), limit_ms)
        except asyncio.TimeoutError:  # noqa: UP041
            return []
        if not count:
            raise OSError
        self.arrived = self._clock.tick()
        return list(self._packets.feed(bytes(self._view[:count])))

    async def _write(self, packet: "bytes | memoryview", limit_ms: int) -> bool:
        """Whether the socket took the whole packet; what else is to be sent waits meanwhile."""
        async with self._lock:
            stream = self._socket
            data = memoryview(packet)
            at = 0
            stalled_ms = 0
            while at < len(data) and stream is not None and stream is self._socket:
                try:
                    count = stream.write(data[at:])
                except OSError:
                    break
                except ValueError as error:
                    print("MQTT: the broker's certificate is refused: %s" % str(error).strip())
                    break
                if count:
                    at += count
                    stalled_ms = 0
                elif stalled_ms < limit_ms:
                    stalled_ms += _PAUSE_MS
                    await asyncio.sleep_ms(_PAUSE_MS)
                else:
                    break
            if at < len(data):
                self._works = False
                return False
            self._sent = self._clock.tick()
            return True

    def _close(self) -> None:
        self._works = False
        self._in_flight = []
        self._sizes = []
        self._early = []
        self._refused += self._packets.refused
        self._packets = mqtt.PacketReader(MESSAGE_CAP + _PACKET_CAP)
        if self._socket is not None:
            # A TLS stream whose handshake failed leaves the socket below it open.
            self._socket.close()
            self._plain.close()
            self._plain = self._socket = None

    def _has_room(self, size: int) -> bool:
        """Whether so much more may be on its way."""
        waiting = len(self._in_flight)
        fits = sum(self._sizes) + size <= _BYTES_IN_FLIGHT
        return not waiting or (fits and waiting < _IN_FLIGHT)

    def _next_number(self) -> int:
        self._number = self._number % 0xFFFF + 1
        return self._number


def _refuse(kind: int, code: int) -> None:
    """Say on the console why the broker does not want us: somebody has to look at it."""
    if kind == mqtt.SUBACK and code < mqtt.REFUSED:
        return
    asked = "connection" if kind == mqtt.CONNACK else "subscription"
    print("MQTT: the broker refuses the %s with code %d" % (asked, code))
    raise OSError
