"""A broker with nodes behind it, by MQTT 5 towards it; it may be away, hung or wiped at any time.

The broker's word counts for nothing: nodes keep a message until the gateway's own ACK. Its receipt
(PUBACK) is nevertheless given only when the message is on the disk, so that a broker that keeps
its session hands over again what a killed gateway had in hand. At most `INFLIGHT` messages are
without receipt, and of one node as many as it leaves free for the others: what it sends above that
gets its receipt and is dropped, so that it blocks nobody in the broker, and the node repeats it.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from axwire import GATEWAY_MESSAGE_CAP, cose
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.config import MqttConfig
from gateway.links.broker_words import BrokerWords
from gateway.links.inbox import Arrival, Inbox
from gateway.links.receiver import CommittingReceiver

__all__ = ["INFLIGHT", "MqttLink"]

_log = logging.getLogger(__name__)

INFLIGHT = 1024
"""Messages without receipt: more than a locomotive sends while a commit is under way."""

_KEEPALIVE_S = 5
"""A broker that says nothing for twice as long is left. It pings nobody: nodes do that."""

_CONNECT_S = 5.0
_OFFER_AGAIN_S = 0.05
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 8.0
_CLOSE_S = 1.0
_LOOK_S = 0.5
_SESSION_S = 3600
_QUEUED = 256
"""Messages to nodes that wait for the broker; what they say is said again later."""

_TURN = 64
"""Messages taken in a turn of the loop, before ports and page have theirs."""

_PACKET_BYTES = GATEWAY_MESSAGE_CAP + 512
"""The longest packet that the broker may send: a message, its topic and its properties."""

_TAKEN_OVER = 142


class MqttLink:
    """One broker in an asyncio loop. `open` it once; it connects and connects again.

    A thread of its own waits for the broker; all else happens in the loop. Tell it by `committed`
    when the receiver's `durable` has risen.
    """

    def __init__(
        self,
        config: MqttConfig,
        locomotive: str,
        receiver: CommittingReceiver,
        password: str | None = None,
    ) -> None:
        self._config = config
        self._password = password
        self._receiver = receiver
        self._words = BrokerWords(config, locomotive)
        self._client_id = f"axlebox-{locomotive}"
        self._topics = f"axlebox/{locomotive}"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._client: Client | None = None
        self._inbox = Inbox(INFLIGHT)
        self._unreceipted: deque[tuple[int, Arrival]] = deque()
        self._unsent: dict[int, int] = {}
        self._is_called = False
        self._timer: asyncio.TimerHandle | None = None
        self._is_reading = True
        self.name = "mqtt"
        self._log = logging.LoggerAdapter(_log, {"link": self.name})
        self.is_open = False
        self.fault: str | None = None
        self.bytes_received = 0
        self.bytes_sent = 0
        self.opened = 0
        self.attempts = 0
        """Connections tried."""
        self.dropped = 0
        """Messages above their node's share."""
        self.send_refused = 0
        """Messages to nodes for which there was no broker, or no room."""

    @property
    def depth(self) -> int:
        """Messages read and not yet taken."""
        return self._inbox.depth

    @property
    def unreceipted(self) -> int:
        """Messages taken whose receipt waits for the disk."""
        return len(self._unreceipted)

    @property
    def unsent_bytes(self) -> int:
        """Messages to nodes that the broker has not confirmed."""
        return sum(self._unsent.values())

    def open(self) -> None:
        """Use the broker as soon as it is there; must be called in the running loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    def send(self, message: bytes) -> bool:
        """Queue a message for its node; False when the broker is away or too much waits."""
        if self._client is None or not self.is_open:
            self.send_refused += 1
            return False
        topic = f"{self._topics}/{cose.split(message).name}/down"
        sent = self._client.publish(topic, message, qos=1)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.send_refused += 1
            return False
        self._unsent[sent.mid] = len(message)
        self.bytes_sent += len(message)
        return True

    def committed(self) -> None:
        """Give the receipts that are due."""
        while self._unreceipted and self._unreceipted[0][0] <= self._receiver.durable:
            _, arrival = self._unreceipted.popleft()
            self._inbox.release(arrival.sender)
            if self._client is not None:
                self._client.ack(arrival.number, 1)

    def stop_reading(self) -> None:
        """Take nothing more in; what was read and not taken stays with the broker."""
        self._is_reading = False
        if self._timer is not None:
            self._timer.cancel()

    def close(self) -> None:
        """Say that the gateway goes, and leave the broker."""
        self.stop_reading()
        self._stop.set()
        if self._client is not None:
            if self.is_open:
                self._client.publish(f"{self._topics}/status", "offline", retain=True)
            self._client.disconnect()
        if self._thread is not None:
            self._thread.join(_CLOSE_S)

    # In the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stop.is_set():
            opened = self.opened
            try:
                fault = self._stay_connected()
            except Exception as error:
                self._log.exception("%s: the connection failed", self.name)
                fault = f"the connection to the broker failed: {error}"
            self._call(self._lost, fault)
            pause_s = _FIRST_PAUSE_S if self.opened > opened else pause_s * 2
            self._stop.wait(min(pause_s, _LONGEST_PAUSE_S))

    def _stay_connected(self) -> str:
        """Connect and stay until the connection ends; returns why it did."""
        self.attempts += 1
        ended = threading.Event()
        faults: list[str] = []
        client = self._new_client()

        def on_connect(_client: Client, _data: Any, _flags: Any, code: Any, _more: Any) -> None:
            if code.is_failure:
                faults.append(self._words.refused(code))
            elif self._stop.is_set():
                client.disconnect()
            else:
                client.subscribe(f"{self._topics}/+/up", qos=1)

        def on_subscribe(_client: Client, _data: Any, _id: int, codes: Any, _more: Any) -> None:
            if any(code.is_failure for code in codes):
                faults.append(self._words.hidden())
                client.disconnect()
            else:
                client.publish(f"{self._topics}/status", "online", qos=1, retain=True)
                self._call(self._opened, client)

        def on_disconnect(_client: Client, _data: Any, _flags: Any, code: Any, _more: Any) -> None:
            if code.value == _TAKEN_OVER:
                faults.append(
                    f"another client calls itself {self._client_id} at {self._config.where}: "
                    "end the other gateway, or give it another locomotive.id"
                )
            faults.append(self._words.left())
            ended.set()

        client.on_connect = on_connect
        client.on_subscribe = on_subscribe
        client.on_disconnect = on_disconnect
        client.on_message = self._arrived
        client.on_publish = lambda _c, _d, number, *_: self._call(self._confirmed, client, number)
        try:
            if self._config.ca_file is not None:
                client.tls_set(ca_certs=str(self._config.ca_file))
        except OSError as error:
            return f"mqtt.ca_file: {self._config.ca_file} cannot be used: {error}"
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        session.SessionExpiryInterval = _SESSION_S
        session.ReceiveMaximum = INFLIGHT
        session.MaximumPacketSize = _PACKET_BYTES
        self._call(self._begun, client)
        try:
            client.connect(
                self._config.host,
                self._config.port,
                _KEEPALIVE_S,
                clean_start=False,
                properties=session,
            )
        except (OSError, ValueError) as error:
            return self._words.unreached(error)
        client.loop_start()
        while not ended.wait(_LOOK_S):
            if self._stop.is_set():  # `close` came before the loop knew this client
                client.disconnect()
        client.loop_stop()
        return faults[0]

    def _new_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            self._client_id,
            protocol=MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.connect_timeout = _CONNECT_S
        client.max_queued_messages_set(_QUEUED)
        client.username_pw_set(self._config.username, self._password)
        client.will_set(f"{self._topics}/status", "offline", qos=1, retain=True)
        return client

    def _arrived(self, client: Client, _data: Any, message: MQTTMessage) -> None:
        sender = message.topic.split("/")[-2]
        if self._inbox.put(
            Arrival(sender, client, message.mid, message.qos, bytes(message.payload))
        ):
            self._call_offer()
            return
        self.dropped += 1
        if message.qos:
            client.ack(message.mid, message.qos)

    def _call_offer(self) -> None:
        """Once, however many arrive before the loop comes to it."""
        if not self._is_called:
            self._is_called = True
            self._call(self._offer)

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        """Go on in the loop, unless that is over."""
        assert self._loop is not None
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)

    # In the loop --------------------------------------------------------------------------------

    def _begun(self, client: Client) -> None:
        self._client = client
        self._forget()

    def _opened(self, client: Client) -> None:
        if client is not self._client:
            return
        if self.fault is not None:
            self._log.info("%s: the broker is back", self.name)
        self.fault = None
        self.is_open = True
        self.opened += 1
        self._receiver.link_opened(self)

    def _lost(self, fault: str) -> None:
        self._client = None
        self.is_open = False
        self._forget()
        if self._stop.is_set():
            return
        if self.fault != fault:
            self._log.warning("%s: %s", self.name, fault)
        self.fault = fault

    def _confirmed(self, client: Client, number: int) -> None:
        if client is self._client:
            self._unsent.pop(number, None)

    def _forget(self) -> None:
        """A connection is over: nothing of it can be confirmed any more, either way."""
        for _, arrival in self._unreceipted:
            self._inbox.release(arrival.sender)
        self._unreceipted.clear()
        self._unsent.clear()

    def _offer(self) -> None:
        self._is_called = False
        if not self._is_reading:
            return
        if not self._inbox.offer(self._take, _TURN):
            self._pause()
        elif self._inbox.depth:
            self._call_offer()
        self.committed()

    def _take(self, arrival: Arrival) -> bool:
        if arrival.connection is not self._client:
            self._inbox.release(arrival.sender)
            return True
        if not self._is_taken(arrival.message):
            return False
        if arrival.qos:
            self._unreceipted.append((self._receiver.ticket, arrival))
        else:
            self._inbox.release(arrival.sender)
        return True

    def _is_taken(self, message: bytes) -> bool:
        try:
            taken = self._receiver.receive(self, message)
        except Exception:
            self._log.exception("%s: a message that the gateway cannot handle", self.name)
            self._receiver.refuse_noise("internal_error", 1)
            taken = True
        self.bytes_received += len(message) if taken else 0
        return taken

    def _pause(self) -> None:
        assert self._loop is not None
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(_OFFER_AGAIN_S, self._offer)
