"""What is wrong between this machine and its broker, and what to do, a sentence each."""

import ssl
from typing import Any

from gateway.config import MqttConfig

__all__ = ["BrokerWords"]

_BAD_LOGIN = (134, 135)


class BrokerWords:
    """About one broker; none of them shows the password."""

    def __init__(self, config: MqttConfig, locomotive: str) -> None:
        self._where = config.where
        self._who = config.who
        self._topics = f"axlebox/{locomotive}"

    def refused(self, code: Any) -> str:
        """To a CONNECT, by its reason code."""
        if code.value in _BAD_LOGIN:
            return (
                f"the broker at {self._where} refuses {self._who}: correct mqtt.username and "
                "the password in mqtt.password_file"
            )
        return f"the broker at {self._where} refuses the connection ({code}): look into its log"

    def hidden(self) -> str:
        """To a SUBSCRIBE to what the nodes say."""
        return (
            f"the broker at {self._where} does not let {self._who} read "
            f"{self._topics}/+/up: allow it, docs/mosquitto.conf shows how"
        )

    def left(self) -> str:
        """The connection ended."""
        return f"the broker at {self._where} left or does not answer: start it again"

    def unreached(self, error: Exception) -> str:
        """There was no connection."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                f"the certificate of the broker at {self._where} is not believed "
                f"({error.verify_message}): correct mqtt.ca_file or mqtt.host"
            )
        if isinstance(error, TimeoutError):
            return f"the broker at {self._where} does not answer: look at it and its network"
        reason = getattr(error, "strerror", None) or error
        return (
            f"no broker at {self._where} ({reason}): start it, or correct mqtt.host and mqtt.port"
        )
