"""The MQTT broker: what the gateway says of it, or else a connection of our own, by a name of our
own, so that a gateway which starts meanwhile is not put out."""

import os
import threading
from collections.abc import Iterator
from typing import Any

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from gateway.config import GatewayConfig, MqttConfig, load_password
from gateway.doctor.finding import Finding, as_told, ok
from gateway.doctor.running import Running
from gateway.errors import ConfigError
from gateway.links.broker_words import BrokerWords

__all__ = ["look_at_broker"]

_PART = "broker"
_LINK = "mqtt"
_ANSWER_S = 5.0


def look_at_broker(settings: GatewayConfig, running: Running | None) -> Iterator[Finding]:
    """Nothing where no broker is configured."""
    if settings.mqtt is None:
        return
    where = f"{settings.mqtt.host}:{settings.mqtt.port}"
    is_open = None if running is None else running.links_open.get(_LINK)
    if running is None or is_open is None:
        yield _from_outside(settings.mqtt, settings.locomotive.id)
    elif is_open:
        yield ok(_PART, f"the gateway is connected to the broker at {where}")
    else:
        told = [reason for reason in running.reasons if where in reason or "broker" in reason]
        yield as_told(
            _PART,
            told[0]
            if told
            else f"the gateway is not connected to the broker at {where}: "
            "look at it, systemctl status mosquitto",
        )


def _from_outside(mqtt: MqttConfig, locomotive: str) -> Finding:
    try:
        password = load_password(mqtt)
    except ConfigError:
        return Finding(
            level="unknown",
            part=_PART,
            what=f"the broker at {mqtt.host}:{mqtt.port} was not asked, for there is no password",
            advice="put mqtt.password_file right first",
        )
    fault = _fault(mqtt, locomotive, password)
    if fault is not None:
        return as_told(_PART, fault)
    secured = " over TLS" if mqtt.ca_file is not None else ""
    return ok(
        _PART,
        f"the broker at {mqtt.host}:{mqtt.port} takes name and password{secured}",
    )


def _fault(mqtt: MqttConfig, locomotive: str, password: str | None) -> str | None:
    """Connect and subscribe as the gateway does; what is wrong, or None. Publishes nothing."""
    words = BrokerWords(mqtt, locomotive)
    ended = threading.Event()
    faults: list[str | None] = []
    client = Client(
        CallbackAPIVersion.VERSION2,
        f"axlebox-doctor-{os.getpid()}",
        protocol=MQTTv5,
        reconnect_on_failure=False,
    )
    client.connect_timeout = _ANSWER_S
    client.username_pw_set(mqtt.username, password)

    def end(fault: str | None) -> None:
        faults.append(fault)
        ended.set()

    def on_connect(_client: Client, _data: Any, _flags: Any, code: Any, _more: Any) -> None:
        if code.is_failure:
            end(words.refused(code))
        else:
            client.subscribe(f"axlebox/{locomotive}/+/up", qos=0)

    def on_subscribe(_client: Client, _data: Any, _id: int, codes: Any, _more: Any) -> None:
        end(words.hidden() if any(code.is_failure for code in codes) else None)

    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_disconnect = lambda *_: end(words.left())
    try:
        if mqtt.ca_file is not None:
            client.tls_set(ca_certs=str(mqtt.ca_file))
        client.connect(mqtt.host, mqtt.port, clean_start=True)
    except (OSError, ValueError) as error:
        return words.unreached(error)
    client.loop_start()
    try:
        return faults[0] if ended.wait(_ANSWER_S) else words.left()
    finally:
        client.disconnect()
        client.loop_stop()
