"""Serial ports. They are never opened: that would take them from a gateway, and reset some
boards."""

import os
import stat
from collections.abc import Iterator

from gateway.config import GatewayConfig, SerialConfig
from gateway.doctor.finding import Finding, as_told, ok
from gateway.doctor.running import Running

__all__ = ["look_at_ports"]

_PART = "ports"


def look_at_ports(settings: GatewayConfig, running: Running | None) -> Iterator[Finding]:
    """One finding a port: what the gateway says of it, or else how it looks from outside."""
    for port in settings.serial:
        is_open = None if running is None else running.links_open.get(f"serial {port.name}")
        if running is None or is_open is None:
            yield _from_outside(port)
        elif is_open:
            yield ok(_PART, f"port {port.name} ({port.port}) is open")
        else:
            yield _closed(port, running)


def _closed(port: SerialConfig, running: Running) -> Finding:
    for reason in running.reasons:
        if reason.startswith(f"{port.port} ") or f" {port.port}: " in reason:
            return as_told(_PART, reason)
    return _wrong(
        f"the gateway has not opened port {port.name} ({port.port})",
        "look into its log: journalctl -u axlebox-gateway",
    )


def _from_outside(port: SerialConfig) -> Finding:
    try:
        mode = port.port.stat().st_mode
    except PermissionError:
        return _wrong(f"no permission to look for {port.port}", "ask as the gateway's user")
    except OSError:
        return _wrong(
            f"{port.port} is not there",
            f"plug the board of port {port.name} in, or correct serial.port",
        )
    if not stat.S_ISCHR(mode):
        return _wrong(f"{port.port} is no serial port", "correct serial.port")
    if not os.access(port.port, os.R_OK | os.W_OK, effective_ids=True):
        return _wrong(
            f"no permission for {port.port}",
            "add the gateway's user to group dialout: usermod -aG dialout axlebox; then start "
            "it again",
        )
    return ok(_PART, f"port {port.name} ({port.port}) is there and may be opened")


def _wrong(what: str, advice: str) -> Finding:
    return Finding(level="wrong", part=_PART, what=what, advice=advice)
