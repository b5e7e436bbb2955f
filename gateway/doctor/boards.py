"""The nodes: who is silent, what was lost, what their lines are like, why they started last."""

from collections import Counter
from collections.abc import Iterator

import msgspec
from axwire.codes import RESET_CAUSES
from axwire.errors import WireError

from gateway.config import GatewayConfig
from gateway.doctor.finding import Finding, ok
from gateway.doctor.running import Running
from gateway.errors import AxleboxError
from gateway.ledger import Ledger
from gateway.spool import FileStorage, Position, read_records
from gateway.spool.segments import list_segments
from gateway.state import Node

__all__ = ["look_at_boards"]

_PART = "boards"
_EXPECTED = ("power_on", "deep_sleep")
_MEANING = {
    "watchdog": (
        "it hung, or was told to start again",
        "read the first lines on its console at the next start; docs/operation.md, At the board",
    ),
    "hard": (
        "it crashed, was told to start again, or somebody pressed reset",
        "read the first lines on its console at the next start; docs/operation.md, At the board",
    ),
    "soft": (
        "somebody worked at its console",
        "nothing, unless nobody did: then read its console",
    ),
    "brown_out": ("its supply dipped", "measure the board's supply while the locomotive works"),
    "unknown": ("its chip does not say why", "look at its supply and its console if it goes on"),
}


def look_at_boards(settings: GatewayConfig, running: Running | None) -> Iterator[Finding]:
    """Each node of the configuration, live and by what the newest segment of the store tells."""
    ledger, fault = _stored(settings)
    if fault is not None:
        yield fault
    known = {node.name: node for node in running.state.nodes} if running is not None else {}
    for configured in settings.nodes:
        name = configured.name
        node = known.get(name)
        if node is not None:
            yield from _live(node)
        elif running is not None:
            yield _wrong(
                f"the gateway that runs does not know node {name}",
                "start it again, so that it reads the configuration",
            )
        stored = sum(boot.lost_samples for boot in ledger.boots(name))
        lost = node.lost_samples if node is not None else stored
        if lost:
            yield _note(
                f"samples of node {name} that are lost for ever: {lost}; it had no room, or was "
                "reset",
                "look for the outage behind it; docs/outbox.md says what a node can hold",
            )
        yield from _starts(ledger, name)


def _live(node: Node) -> Iterator[Finding]:
    age = "" if node.age_ms is None else f" for {node.age_ms / 1000:.0f} s"
    if node.status == "waiting":
        yield _wrong(
            f"node {node.name} has not been heard since the gateway started",
            "look at its supply and its cable; compare its key with the gateway's file",
        )
    elif node.status == "stale":
        yield _wrong(
            f"node {node.name} is silent{age}",
            "look at its cable and its supply; its readings are kept on the board meanwhile",
        )
    else:
        yield ok(_PART, f"node {node.name} speaks by {node.link or 'an unknown link'}")
    dropped, thinned = node.dropped_samples or 0, node.thinned_samples or 0
    if dropped or thinned:
        yield _note(
            f"since its start node {node.name} dropped {dropped} samples and thinned {thinned}, "
            "for lack of room",
            "look for the outage behind it; docs/outbox.md says what a node can hold",
        )
    refused, errors = node.frames_refused or 0, node.link_errors or 0
    if refused or errors:
        yield _note(
            f"since its start node {node.name} had {refused} damaged frames, and {errors} "
            "messages that its link did not take",
            "a few are normal; if they rise, look at cable, shield and ground",
        )


def _starts(ledger: Ledger, name: str) -> Iterator[Finding]:
    """By cause, of the boots whose cause the newest segment tells."""
    causes = Counter(
        RESET_CAUSES[boot.hello.reset_cause]
        for boot in ledger.boots(name)
        if boot.hello is not None
    )
    for cause, count in sorted(causes.items()):
        if cause in _EXPECTED:
            continue
        meaning, advice = _MEANING[cause]
        yield _note(
            f"of its last {causes.total()} starts node {name} made {count} by `{cause}`: "
            f"{meaning}",
            advice,
        )
    if causes and set(causes) <= set(_EXPECTED):
        yield ok(_PART, f"all known starts of node {name} were expected ({causes.total()})")


def _stored(settings: GatewayConfig) -> tuple[Ledger, Finding | None]:
    """What the newest segment tells, which begins with all that was known before it."""
    ledger = Ledger()
    folder = settings.spool.folder
    if not folder.is_dir():
        return ledger, None
    storage = FileStorage()
    try:
        newest = max(list_segments(storage, folder), default=0)
        for record in read_records(folder, Position(newest, 0), storage):
            try:
                ledger.replay(record.kind, record.body)
            except (WireError, msgspec.MsgspecError, UnicodeDecodeError):
                continue
    except (OSError, AxleboxError) as error:
        return ledger, Finding(
            level="unknown",
            part=_PART,
            what=f"the store does not tell of the nodes: {error}",
            advice="ask as the gateway's user; `axlebox spool verify` says whether it is damaged",
        )
    return ledger, None


def _wrong(what: str, advice: str) -> Finding:
    return Finding(level="wrong", part=_PART, what=what, advice=advice)


def _note(what: str, advice: str) -> Finding:
    return Finding(level="note", part=_PART, what=what, advice=advice)
