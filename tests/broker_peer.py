"""The other end of a board that speaks over a broker: hears all, acknowledges it each second."""

import threading
from typing import Any

from node_peer import NodePeer
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

__all__ = ["BrokerPeer"]

_ACK_S = 1.0


class BrokerPeer(NodePeer):
    """As much of a gateway as a node needs, as user `gateway` of a broker on this machine."""

    def __init__(self, node: str, key: bytes, locomotive: str, port: int, password: str) -> None:
        super().__init__(node, key)
        self._topic = f"axlebox/{locomotive}/{node}/"
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, "gateway")
        self._client.username_pw_set("gateway", password)
        self._client.on_message = self._heard
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(self._topic + "up", 1)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._acknowledge, name="acks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()

    def _heard(self, _client: Any, _data: Any, message: MQTTMessage) -> None:
        with self._lock:
            self.take(message.payload)

    def _acknowledge(self) -> None:
        while not self._over.wait(_ACK_S):
            with self._lock:
                message = self.ack()
            if message is not None:
                self._client.publish(self._topic + "down", message, 1)
