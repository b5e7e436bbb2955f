"""Wi-Fi of boards that have it. Nothing here waits: `ready` is asked until it is."""

from time import ticks_add, ticks_diff, ticks_ms

import network
from micropython import const

_AGAIN_MS = const(20_000)
"""How long a connection may take before it is begun anew."""


class Wifi:
    """Joins a network and joins it again. `password` None: an open one."""

    def __init__(self, ssid: str, password: "str | None") -> None:
        self._ssid = ssid
        self._password = password
        self._station = network.WLAN(network.STA_IF)
        self._station.active(True)
        self._again: int | None = None

    def ready(self) -> bool:
        """Whether the board is in the network."""
        if self._station.isconnected():
            self._again = None
            return True
        now = ticks_ms()
        if self._again is None or ticks_diff(now, self._again) >= 0:
            self._again = ticks_add(now, _AGAIN_MS)
            self._station.disconnect()
            self._station.connect(self._ssid, self._password)
        return False
