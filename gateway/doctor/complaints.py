"""What the gateway complains of: alarms of the system, refused messages, and the rest."""

from collections.abc import Iterable, Iterator

from gateway.doctor.finding import Finding, Level, as_told
from gateway.doctor.running import Running
from gateway.state import Alarm

__all__ = ["look_at_complaints"]

_PART = "complaints"
_SILENT = "node-silent"
"""The rule whose alarm says what `boards` says."""

_REFUSED: dict[str, tuple[Level, str, str]] = {
    "bad_mac": (
        "wrong",
        "messages came with a seal that no key here fits",
        "compare the node's key file with what its board was provisioned with; else it is a "
        "stranger",
    ),
    "unknown_node": (
        "wrong",
        "messages came from a node without a key here",
        "add it to [[nodes]], or look who is on the line",
    ),
    "message": (
        "wrong",
        "messages of a node make no sense, as those of another wire protocol would",
        "give that node the firmware of this version; `axlebox spool cat --kind quarantine` shows "
        "which it is",
    ),
    "cbor": (
        "wrong",
        "messages of a node cannot be decoded",
        "give that node the firmware of this version; `axlebox spool cat --kind quarantine` shows "
        "which it is",
    ),
    "internal_error": (
        "wrong",
        "messages the gateway failed over",
        "this is a defect: send its log to whoever keeps axlebox",
    ),
    "envelope": (
        "note",
        "messages were none of this protocol",
        "look for another program on the line, or a board with other firmware",
    ),
    "crc": (
        "note",
        "frames came damaged",
        "a few are normal; if they rise, look at cable, shield, ground and baud rate",
    ),
    "cobs": (
        "note",
        "frames came without their form",
        "a few are normal; if they rise, look at cable, shield, ground and baud rate",
    ),
    "too_long": (
        "note",
        "frames were too long",
        "a few are normal; if they rise, look at cable, shield, ground and baud rate",
    ),
}
"""Those that a person acts on; docs/metrics.md has all."""


def look_at_complaints(running: Running | None, told: Iterable[Finding]) -> Iterator[Finding]:
    """`told`: what other checks found; what they said is not said again."""
    if running is None:
        return
    state = running.state
    for alarm in state.alarms:
        if alarm.kind == "system" and alarm.rule != _SILENT:
            yield _alarm(alarm, running)
    sensors = sum(alarm.kind == "sensor" for alarm in state.alarms)
    if sensors:
        yield Finding(
            level="note",
            part=_PART,
            what=f"alarms about sensors: {sensors}",
            advice="the crew page lists them, with what to do",
        )
    for reason, (level, what, advice) in _REFUSED.items():
        count = state.refused.get(reason, 0)
        if count:
            yield Finding(
                level=level,
                part=_PART,
                what=f"{what} since the gateway started: {count}",
                advice=advice,
            )
    yield from _rest(running, told)


def _alarm(alarm: Alarm, running: Running) -> Finding:
    words = running.words.get(alarm.rule)
    over = alarm.state in ("returned", "shelved")
    return Finding(
        level="note" if over else "wrong",
        part=_PART,
        what=f"alarm {alarm.code} at {alarm.place}, {alarm.state}: "
        f"{alarm.rule if words is None else words.title.en}",
        advice="look at the crew page" if words is None else words.action.en,
    )


def _rest(running: Running, told: Iterable[Finding]) -> Iterator[Finding]:
    said = [f"{finding.what} {finding.advice}" for finding in told]
    for reason in running.reasons:
        finding = as_told(_PART, reason, level="wrong")
        of_a_node = any(reason == f"node {n.name} is silent" for n in running.state.nodes)
        of_the_clock = reason.startswith("the clock is not set by any time source")
        if of_a_node or of_the_clock or any(finding.what in text for text in said):
            continue
        yield finding
