"""Publishes the live picture at the broker of `[mqtt]`, over a connection of its own.

It only reads: nothing that happens to the broker holds up ingest, and what could not be published
is counted and never kept, for the next period has newer. The alarms are retained, so that who
comes later has them at once; the last will replaces them when the gateway is gone, and the broker
forgets them when they are not renewed. They go at QoS 1, because then a broker says that it does
not let us write, and readings at QoS 0.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.config import MqttConfig, SenmlConfig
from gateway.senml.pack import CONTENT_TYPE, alarms_gone, alarms_pack, node_pack
from gateway.state import State
from gateway.timebase import Clock

__all__ = ["Picture", "Publisher"]

_log = logging.getLogger(__name__)

_UPDATE_PERIODS = 2
"""What is older than so many periods is no news any more."""

_KEEPALIVE_S = 5
"""After half as long again without a word the broker takes us for gone."""

_CONNECT_S = 5.0
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 8.0
_LOOK_S = 0.5
_CLOSE_S = 0.5
_AROUND_BYTES = 512
"""At most, of a packet around its pack: topic and properties."""

_LONGEST_BYTES = 1 << 20
"""Of a packet, to a broker that names no limit."""

_SPARE = 8
"""Packs that may wait besides those of a period: alarms that change meanwhile."""


class Picture(Protocol):
    """Where it reads; in the loop that it runs in."""

    def state(self) -> State: ...


class Publisher:
    """`open` it once in an asyncio loop and call `tick` there; a thread waits for the broker.

    `transitions` rises with each transition of an alarm; `nodes` is how many there are.
    """

    def __init__(
        self,
        broker: MqttConfig,
        config: SenmlConfig,
        locomotive: str,
        nodes: int,
        picture: Picture,
        transitions: Callable[[], int],
        clock: Clock,
        password: str | None = None,
    ) -> None:
        self._broker = broker
        self._password = password
        self._locomotive = locomotive
        self._topics = f"{config.topic}/{locomotive}"
        self._alarms_topic = f"{self._topics}/alarms"
        self._period_us = config.period_s * 1_000_000
        self._update_s = config.period_s * _UPDATE_PERIODS
        self._packs = nodes + 1
        self._bound = self._packs + _SPARE
        self._picture = picture
        self._transitions = transitions
        self._clock = clock
        self._due_us = 0
        self._told = -1
        self._unsent: dict[int, int] = {}
        """QoS by the number of a packet."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._client: Client | None = None
        self._longest = 0
        self._refusal: str | None = None
        self._too_long: str | None = None
        self.crashes = 0
        """Errors of our own that were survived."""
        self.published = 0
        """Packs handed to the connection."""
        self.dropped = 0
        """Packs for which there was no broker, or no room."""

    @property
    def fault(self) -> str | None:
        """What the broker does not let us do, and the remedy. That it is away its link says."""
        return self._refusal or self._too_long

    @property
    def is_open(self) -> bool:
        return self._client is not None

    @property
    def unsent(self) -> int:
        """Packs that the connection has not taken, or the broker not confirmed."""
        return len(self._unsent)

    def open(self) -> None:
        """Use the broker as soon as it is there; must be called in the running loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="senml", daemon=True)
        self._thread.start()

    def tick(self) -> None:
        """Publish what is due: everything each period, the alarms with each transition too."""
        now_us = self._clock.monotonic_us()
        is_due = now_us >= self._due_us
        transitions = self._transitions()
        if not is_due and transitions == self._told:
            return
        if is_due:
            self._due_us = now_us + self._period_us
        if self._client is None:
            self.dropped += self._packs if is_due else 0
            return
        self._told = transitions
        state = self._picture.state()
        alarms = alarms_pack(state, self._update_s, self._longest)
        self._publish(self._client, self._alarms_topic, alarms, qos=1, retain=True)
        for node in state.nodes if is_due else ():
            pack = node_pack(state, node, self._update_s)
            self._publish(self._client, f"{self._topics}/nodes/{node.name}", pack)

    def close(self) -> None:
        """Say that nobody watches the alarms any more, and leave the broker."""
        self._stop.set()
        if self._client is not None:
            gone = alarms_gone(self._locomotive)
            self._client.publish(self._alarms_topic, gone, qos=1, retain=True)
            self._client.disconnect()
        if self._thread is not None:
            self._thread.join(_CLOSE_S)

    def _publish(
        self, client: Client, topic: str, pack: bytes, qos: int = 0, *, retain: bool = False
    ) -> None:
        if len(pack) > self._longest:
            self._too_long = (
                f"the broker at {self._broker.where} takes no packet as long as {topic} needs: "
                "raise max_packet_size, docs/mosquitto.conf shows how"
            )
        if len(pack) > self._longest or len(self._unsent) >= self._bound:
            self.dropped += 1
            return
        about = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        about.ContentType = CONTENT_TYPE
        about.PayloadFormatIndicator = 1
        about.MessageExpiryInterval = self._update_s
        sent = client.publish(topic, pack, qos, retain, about)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.dropped += 1
            return
        self._unsent[sent.mid] = qos
        self.published += 1

    # In the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stop.is_set():
            try:
                was_open = self._stay_connected()
            except (OSError, ValueError):  # it is away, or cannot be trusted: its link says so
                was_open = False
            except Exception:
                _log.exception("senml: the connection failed")
                self.crashes += 1
                was_open = False
            self._call(self._lost)
            pause_s = _FIRST_PAUSE_S if was_open else pause_s * 2
            self._stop.wait(min(pause_s, _LONGEST_PAUSE_S))

    def _stay_connected(self) -> bool:
        """Connect and stay until the connection ends; returns whether there was one."""
        opened, ended = threading.Event(), threading.Event()
        client = Client(
            CallbackAPIVersion.VERSION2,
            f"axlebox-{self._locomotive}-senml",
            protocol=MQTTv5,
            reconnect_on_failure=False,
        )

        def on_connect(_client: Client, _data: Any, _flags: Any, code: Any, more: Any) -> None:
            if not code.is_failure:
                opened.set()
                longest = getattr(more, "MaximumPacketSize", _LONGEST_BYTES)
                self._call(self._opened, client, longest)

        def on_publish(_client: Client, _data: Any, number: int, code: Any, _more: Any) -> None:
            self._call(self._sent, client, number, code.is_failure)

        client.on_connect = on_connect
        client.on_publish = on_publish
        client.on_disconnect = lambda *_: ended.set()
        client.connect_timeout = _CONNECT_S
        client.username_pw_set(self._broker.username, self._password)
        client.will_set(self._alarms_topic, alarms_gone(self._locomotive), qos=1, retain=True)
        if self._broker.ca_file is not None:
            client.tls_set(ca_certs=str(self._broker.ca_file))
        client.connect(self._broker.host, self._broker.port, _KEEPALIVE_S, clean_start=True)
        client.loop_start()
        while not ended.wait(_LOOK_S):
            if self._stop.is_set():  # `close` came before the loop knew this client
                client.disconnect()
        client.loop_stop()
        return opened.is_set()

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        """Go on in the loop, unless that is over."""
        assert self._loop is not None
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)

    # In the loop --------------------------------------------------------------------------------

    def _opened(self, client: Client, longest: int) -> None:
        self._client = client
        self._longest = longest - _AROUND_BYTES
        self._too_long = None
        self._due_us = 0

    def _lost(self) -> None:
        self._client = None
        self._unsent.clear()

    def _sent(self, client: Client, number: int, is_refused: bool) -> None:
        if client is not self._client:
            return
        qos = self._unsent.pop(number, 0)
        if is_refused:
            self._refusal = (
                f"the broker at {self._broker.where} does not let {self._broker.who} write "
                f"{self._alarms_topic}: allow it, docs/mosquitto.acl shows how"
            )
        elif qos:
            self._refusal = None
