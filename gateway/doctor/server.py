"""The server that readings are forwarded to: what the gateway says of it, or else one request of
our own with the line that the forwarder asks with, too.

That line is a point of measurement `gateway` with the field `probe`, and no reading; the server
gives it its own time. No other request shows address, certificate, token, organisation and bucket
all to be right: a server's ping needs no token.
"""

from collections.abc import Iterator

from gateway.config import GatewayConfig, InfluxConfig, load_token
from gateway.doctor.finding import Finding, as_told, ok
from gateway.doctor.running import Running
from gateway.errors import ConfigError
from gateway.forward import Answer, InfluxSink, Verdict
from gateway.forward.forwarder import NO_TIME
from gateway.forward.lines import LineWriter
from gateway.state import Forward
from gateway.timebase import Clock

__all__ = ["look_at_server"]

_PART = "server"
_LOOK = "look at the server and the network to it; everything is kept meanwhile"


def look_at_server(
    settings: GatewayConfig, running: Running | None, clock: Clock, token: str | None
) -> Iterator[Finding]:
    """`token`: what the environment says, which overrules the file."""
    influx = settings.influx
    if influx is None:
        yield Finding(
            level="note",
            part=_PART,
            what="nothing is forwarded: the configuration has no [influx]",
            advice="add it to have readings on a server; the store keeps them meanwhile",
        )
    elif running is None:
        yield _from_outside(influx, settings.locomotive.id, clock, token)
    else:
        yield _told(influx, running.state.forward)


def _told(influx: InfluxConfig, forward: Forward) -> Finding:
    if forward.state == "off":
        return Finding(
            level="wrong",
            part=_PART,
            what="the gateway that runs forwards nothing, though [influx] is there now",
            advice="start it again, so that it reads the configuration",
        )
    if forward.error == NO_TIME:
        return Finding(
            level="wrong",
            part=_PART,
            what="rows wait for a time source before they go to the server, as clock.wait_s says",
            advice="connect GNSS or NTP; after that wait they go as estimates",
        )
    if forward.error:
        return as_told(_PART, forward.error, _LOOK)
    backlog = f"{forward.backlog_bytes / 1e6:.1f} MB wait"
    if forward.state == "waiting":
        return Finding(
            level="wrong",
            part=_PART,
            what=f"the server at {influx.url} takes nothing, {backlog}",
            advice=_LOOK,
        )
    if forward.sent_up_to_ms is None:
        return Finding(
            level="unknown",
            part=_PART,
            what=f"nothing was sent to the server at {influx.url} yet, so nobody knows whether it "
            f"takes readings, {backlog}",
            advice="ask again in a minute",
        )
    return ok(_PART, f"the server at {influx.url} takes readings, {backlog}")


def _from_outside(
    influx: InfluxConfig, locomotive: str, clock: Clock, environment: str | None
) -> Finding:
    try:
        token = load_token(influx, environment)
    except ConfigError:
        return Finding(
            level="unknown",
            part=_PART,
            what=f"the server at {influx.url} was not asked, for its token cannot be read",
            advice="put influx.token_file right first",
        )
    sink = InfluxSink(influx.url, influx.org, influx.bucket, token, clock, gzip=influx.gzip)
    try:
        answer = sink.write(LineWriter(locomotive).probe())
    finally:
        sink.close()
    return _judged(influx, answer)


def _judged(influx: InfluxConfig, answer: Answer) -> Finding:
    if answer.verdict is Verdict.OK:
        return ok(
            _PART,
            f"the server at {influx.url} takes lines for bucket {influx.bucket} (asked with one "
            "point `probe`, no reading)",
        )
    if answer.verdict is Verdict.BUSY:
        return as_told(
            _PART, answer.text, "nothing, unless it goes on: it asks to be left alone", "note"
        )
    return as_told(_PART, answer.text, _LOOK)
