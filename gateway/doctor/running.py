"""What the gateway says of itself: its page's data, and its socket for commands."""

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass, field

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from gateway.alarms.rules import Words
from gateway.config import GatewayConfig, control_socket
from gateway.control import knock
from gateway.doctor.finding import Finding, ok
from gateway.errors import CommandError
from gateway.service_cli import page_url
from gateway.state import State

__all__ = ["Running", "ask"]

_PART = "gateway"
_ANSWER_S = 3
_ANSWER_BYTES = 8 << 20
_START = "start it: systemctl start axlebox-gateway, or axlebox gateway run"
_LINK_OPEN = "axlebox_link_open"
_STRANGER = "stop what listens there, or set another page.port"
_FAILURES = (OSError, http.client.HTTPException, ValueError)
"""What a server can do: msgspec's errors and bad text are ValueErrors."""


@dataclass(frozen=True)
class Running:
    """A gateway that answers. `reasons` are the sentences of /healthz, `links_open` tells of each
    link by its name whether it is open, `words` are those of the alarm rules by id."""

    state: State
    reasons: tuple[str, ...] = ()
    links_open: dict[str, bool] = field(default_factory=dict)
    words: dict[str, Words] = field(default_factory=dict)


class _Health(msgspec.Struct):
    reasons: list[str]


def ask(settings: GatewayConfig) -> tuple[Running | None, list[Finding]]:
    """The gateway of that configuration, or None where it does not tell; and what to say of it."""
    path = control_socket(settings)
    socket_fault = _socket_fault(settings)
    page = settings.page
    if not page.port:
        if socket_fault is not None:
            return None, [_absent(f"nothing answers at {path}")]
        return None, [
            Finding(
                level="unknown",
                part=_PART,
                what="the gateway runs, but page.port is 0, so nobody knows where its page is",
                advice="give page.port a number and start the gateway again",
            )
        ]
    url = page_url(page.host, page.port).rstrip("/")
    try:
        state = msgspec.json.decode(_get(f"{url}/api/state"), type=State)
    except (*_FAILURES, msgspec.MsgspecError) as error:
        return None, [_silent(url, error, alive=socket_fault is None)]
    if state.locomotive.id != settings.locomotive.id:
        return None, [
            Finding(
                level="wrong",
                part=_PART,
                what=f"the gateway at {url} is that of {state.locomotive.id}, not of "
                f"{settings.locomotive.id}",
                advice="correct locomotive.id, or name the right file with --config; "
                "set another page.port where both run here",
            )
        ]
    try:
        running = _all_of(url, state)
    except (*_FAILURES, msgspec.MsgspecError) as error:
        return None, [_silent(url, error, alive=True)]
    found = [ok(_PART, f"the gateway of {state.locomotive.id} runs, its page answers at {url}")]
    if socket_fault is not None:
        found.append(
            Finding(
                level="note",
                part=_PART,
                what=f"this user cannot ask for commands: {socket_fault}",
                advice="ask as the user that the gateway runs as, with `sudo -u axlebox` in front",
            )
        )
    return running, found


def _all_of(url: str, state: State) -> Running:
    health = msgspec.json.decode(_get(f"{url}/healthz"), type=_Health)
    metrics = _get(f"{url}/metrics").decode()
    links = {
        sample.labels["link"]: sample.value > 0
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == _LINK_OPEN
    }
    words = msgspec.json.decode(_get(f"{url}/api/rules"), type=dict[str, Words])
    return Running(state, tuple(health.reasons), links, words)


def _get(url: str) -> bytes:
    """The body, of a 503 too: that is what /healthz says when something is wrong."""
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with directly.open(url, timeout=_ANSWER_S) as answer:
            body: bytes = answer.read(_ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 503:
                raise
            body = error.read(_ANSWER_BYTES)
    return body


def _socket_fault(settings: GatewayConfig) -> str | None:
    try:
        knock(control_socket(settings))
    except CommandError as error:
        return str(error)
    return None


def _silent(url: str, error: Exception, *, alive: bool) -> Finding:
    reason = getattr(error, "reason", None) or error
    if isinstance(error, (urllib.error.HTTPError, msgspec.MsgspecError)):
        if alive:
            what = f"the gateway at {url} answers in a form that this version does not know"
            advice = "start it again, so that it runs the version that is installed"
        else:
            what, advice = f"what answers at {url} is no gateway ({reason})", _STRANGER
    elif alive:
        what = f"the gateway answers at its socket, but its page at {url} does not ({reason})"
        advice = "look into its log: journalctl -u axlebox-gateway; then start it again"
    elif isinstance(reason, TimeoutError):
        what = f"what listens at {url} says nothing: a gateway that hangs, or another program"
        advice = "look into its log: journalctl -u axlebox-gateway; then start it again"
    else:
        return _absent(f"nothing answers at {url} ({reason})")
    return Finding(level="wrong", part=_PART, what=what, advice=advice)


def _absent(how: str) -> Finding:
    return Finding(
        level="wrong",
        part=_PART,
        what=f"no gateway runs: {how}. All else was looked at from outside",
        advice=_START,
    )
