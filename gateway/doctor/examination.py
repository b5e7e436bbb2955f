"""All checks, each in its turn; one that fails hides none of the others."""

import logging
from collections.abc import Callable, Iterable

from gateway.config import GatewayConfig
from gateway.doctor.boards import look_at_boards
from gateway.doctor.broker import look_at_broker
from gateway.doctor.clocks import look_at_clocks
from gateway.doctor.complaints import look_at_complaints
from gateway.doctor.files import look_at_files
from gateway.doctor.finding import Finding, most_urgent_first
from gateway.doctor.ports import look_at_ports
from gateway.doctor.running import ask
from gateway.doctor.server import look_at_server
from gateway.doctor.store import look_at_store
from gateway.doctor.versions import look_at_versions, shipped_firmware
from gateway.timebase import Clock

__all__ = ["examine"]

_log = logging.getLogger(__name__)


def examine(settings: GatewayConfig, clock: Clock, token: str | None) -> list[Finding]:
    """What was found, the most urgent first. `token`: the server's, where the environment has
    one."""
    running, found = ask(settings)
    checks: dict[str, Callable[[], Iterable[Finding]]] = {
        "files": lambda: look_at_files(settings, token),
        "store": lambda: look_at_store(settings, running),
        "ports": lambda: look_at_ports(settings, running),
        "broker": lambda: look_at_broker(settings, running),
        "server": lambda: look_at_server(settings, running, clock, token),
        "clocks": lambda: look_at_clocks(settings, running, clock),
        "boards": lambda: look_at_boards(settings, running),
        "versions": lambda: look_at_versions(running, shipped_firmware()),
        "complaints": lambda: look_at_complaints(running, found),
    }
    for part, look in checks.items():
        found += _looked(part, look)
    return most_urgent_first(finding.without_secrets() for finding in found)


def _looked(part: str, look: Callable[[], Iterable[Finding]]) -> list[Finding]:
    try:
        return list(look())
    except Exception as error:
        _log.debug("the check of %s fails", part, exc_info=True)
        return [
            Finding(
                level="unknown",
                part=part,
                what=f"{part} could not be looked at: {type(error).__name__}",
                advice="ask as the gateway's user; if it stays so, it is a defect of axlebox",
            )
        ]
