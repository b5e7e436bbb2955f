"""Is the time right: this machine's, which all rows rest on, and each node's against it."""

from collections.abc import Iterator
from pathlib import Path

from gateway.config import GatewayConfig
from gateway.doctor.finding import Finding, ok
from gateway.doctor.running import Running
from gateway.timebase import Clock
from gateway.walltime import SURE_US

__all__ = ["SET_BY_TIMESYNCD", "look_at_clocks"]

_PART = "clocks"

SET_BY_TIMESYNCD = Path("/run/systemd/timesync/synchronized")
"""There since systemd-timesyncd has set the clock for the first time after power-up."""

_SOURCE = "connect GNSS or NTP; `timedatectl` shows what is missing"


def look_at_clocks(
    settings: GatewayConfig,
    running: Running | None,
    clock: Clock,
    set_once: Path = SET_BY_TIMESYNCD,
) -> Iterator[Finding]:
    """`clock`: this machine's, as far as the configuration has it believed."""
    trust = settings.clock.trust
    if trust == "always":
        yield _note(
            "clock.trust is `always`, so the time is believed and nobody looks whether it is set",
            "set clock.trust to `system` where a time source is connected",
        )
    elif trust == "never":
        yield _note(
            "clock.trust is `never`, so all times go out as estimates",
            "set clock.trust to `system` where a time source is connected",
        )
    elif clock.trusted():
        yield ok(_PART, "a time source holds this machine's clock")
    elif running is not None and running.state.clock_trusted:
        error = (running.state.clock_error_ms or 0) / 1000
        yield _wrong(
            f"the time source is gone; the gateway carries the time on, within {error:.3f} s",
            _SOURCE,
        )
    elif set_once.exists():
        yield _wrong("the clock was set after power-up, but no time source holds it now", _SOURCE)
    else:
        yield _wrong(
            "the clock is not set by any time source, so rows wait for it or go out as estimates",
            _SOURCE,
        )
    for node in running.state.nodes if running is not None else ():
        if (node.clock_error_ms or 0) * 1000 > SURE_US:
            yield _note(
                f"the time of node {node.name} may be wrong by {node.clock_error_ms:.0f} ms, so "
                "its rows are marked as estimates",
                "a busy or broken line delays its pings: look at its cable and round trip",
            )


def _wrong(what: str, advice: str) -> Finding:
    return Finding(level="wrong", part=_PART, what=what, advice=advice)


def _note(what: str, advice: str) -> Finding:
    return Finding(level="note", part=_PART, what=what, advice=advice)
