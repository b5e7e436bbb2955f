"""What systemd is told of the gateway: it is ready, it gets on, it ends. See sd_notify(3).

A unit of Type=notify counts as started when READY=1 has come, and with WatchdogSec= it is started
anew when WATCHDOG=1 does not come in time. Without a supervisor nothing is told to anybody.
"""

import logging
import socket
from collections.abc import Mapping

__all__ = ["Supervisor"]

_log = logging.getLogger(__name__)

_TELLS_A_PERIOD = 3
"""sd_watchdog_enabled(3) recommends half of the time; one that gets lost must not matter."""


class Supervisor:
    """The one that started this process, as its environment names it; `pid` is our own.

    `period_us` is how often `alive` has to be called; None: nobody waits for it.
    """

    def __init__(self, environment: Mapping[str, str], pid: int) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._status = ""
        self.period_us: int | None = None
        limit = environment.get("WATCHDOG_USEC", "")
        if environment.get("WATCHDOG_PID", str(pid)) == str(pid) and limit.isdecimal():
            self.period_us = max(1, int(limit) // _TELLS_A_PERIOD)

    def ready(self) -> None:
        """What was asked for works from now on."""
        self._tell("READY=1")

    def alive(self) -> None:
        """All that has to get on did so since the last time."""
        if self.period_us is not None:
            self._tell("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`, told when it changes."""
        text = " ".join(text.split())
        if text != self._status:
            self._status = text
            self._tell(f"STATUS={text}")

    def stopping(self) -> None:
        """The end has begun."""
        self._tell("STOPPING=1")

    def _tell(self, line: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.setblocking(False)
                out.sendto(line.encode(), self._address)
        except OSError as error:
            _log.warning("systemd cannot be told %s: %s", line.partition("=")[0], error)


def _address(named: str) -> str | None:
    """A socket's address: a path, or behind @ a name without one."""
    if named.startswith("@"):
        return "\0" + named[1:]
    return named if named.startswith("/") else None
