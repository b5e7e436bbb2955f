"""The live picture as SenML packs (RFC 8428) in JSON; docs/senml.md shows them.

A name has a value or a quality in a pack, never both: what is not known to be good has no value.
Names hold letters, digits and `-:._` alone, a part of what RFC 8428, section 4.5.1 allows. Times
are Unix times while the gateway's clock is trusted, else seconds before "now" (section 4.5.3): a
guessed time never looks like a sure one.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from gateway.state import Alarm, Channel, Node, State

__all__ = ["CONTENT_TYPE", "UNITS", "alarms_gone", "alarms_pack", "node_pack"]

CONTENT_TYPE = "application/senml+json"

UNITS = {
    "A": ("A", 1.0),
    "V": ("V", 1.0),
    "°C": ("Cel", 1.0),
    "m/s²": ("m/s2", 1.0),
    "kPa": ("Pa", 1000.0),
    "t": ("kg", 1000.0),
    "1/min": ("1/s", 1 / 60),
    "1": ("/", 1.0),
}
"""The unit of a quantity: its symbol in RFC 8428, Table 6 (section 12.1), and how many of it one
is. The table has no kPa and no t, and advises against 1/min; docs/senml.md has its lines."""

_DECIMALS = 6
"""Of a value; finer than any sensor, and no digits that only the arithmetic made."""

_ENCODER = msgspec.json.Encoder()

Record = dict[str, Any]


def node_pack(state: State, node: Node, update_s: float) -> bytes:
    """How a node is, and each of its channels; the next one follows within `update_s`."""
    records: list[Record] = [{"n": "status", "vs": node.status}]
    suspects = _suspects(state.alarms)
    names: set[str] = set()
    for channel in state.channels:
        if channel.node == node.name:
            name = _name_of(channel, names)
            names.add(name)
            records.append(_record_of(channel, name, is_suspect=channel.id in suspects))
    return _pack(f"{_base(state.locomotive.id)}node:{node.name}:", state, records, update_s)


def alarms_pack(state: State, update_s: float, longest: int) -> bytes:
    """How many alarms are not normal, and as many of them as `longest` bytes hold, the most urgent
    first to be kept; the next one follows within `update_s`."""
    base = f"{_base(state.locomotive.id)}alarm:"
    shown = len(state.alarms)
    while True:
        records: list[Record] = [{"n": "count", "u": "count", "v": len(state.alarms)}]
        for alarm in state.alarms[:shown]:
            records += _records_of(alarm, state.now_ms)
        pack = _pack(base, state, records, update_s)
        if len(pack) <= longest or not shown:
            return pack
        shown = shown * longest // len(pack)


def alarms_gone(locomotive: str) -> bytes:
    """In place of the alarms once nobody watches: they are not known."""
    name = f"{_base(locomotive)}alarm:count:quality"
    return _ENCODER.encode([{"n": name, "vs": "stale"}])


def _base(locomotive: str) -> str:
    return f"axlebox:{locomotive}:"


def _pack(base: str, state: State, records: list[Record], update_s: float) -> bytes:
    """In the order of time, as section 4.6 asks of resolved records."""
    records.sort(key=lambda record: record.get("t", 0))
    head: Record = {"bn": base}
    if state.clock_trusted:
        head["bt"] = state.now_ms / 1000
    records[0] = head | records[0]
    return _ENCODER.encode([record | {"ut": update_s} for record in records])


def _name_of(channel: Channel, taken: set[str]) -> str:
    """`quantity:place`; a second of these on one node has its channel's number behind it."""
    name = f"{channel.quantity}:{_word(channel.place)}"
    return name if name not in taken else f"{name}:{channel.id.rpartition('/')[2]}"


def _record_of(channel: Channel, name: str, *, is_suspect: bool) -> Record:
    if channel.quality != "ok" or channel.value is None or channel.age_ms is None:
        return {"n": f"{name}:quality", "vs": channel.quality}
    if is_suspect:
        return {"n": f"{name}:quality", "vs": "suspect"}
    unit, factor = UNITS[channel.unit]
    value = round(channel.value * factor, _DECIMALS)
    return {"n": name, "u": unit, "v": value, "t": -channel.age_ms / 1000}


def _suspects(alarms: Iterable[Alarm]) -> set[str]:
    """Channels of which an alarm says that the sensor is wrong."""
    wrong = [one for one in alarms if one.kind == "sensor" and one.returned_ms is None]
    return {channel for one in wrong for channel in one.channels}


def _records_of(alarm: Alarm, now_ms: int) -> Iterator[Record]:
    name = _word(alarm.id.replace(f"@{alarm.quantity} ", f"@{alarm.quantity}@"))
    is_open = alarm.returned_ms is None
    changed_ms = alarm.since_ms if alarm.returned_ms is None else alarm.returned_ms
    yield {"n": f"{name}:open", "vb": is_open, "t": min(0, changed_ms - now_ms) / 1000}
    yield {"n": f"{name}:state", "vs": alarm.state}
    yield {"n": f"{name}:priority", "vs": alarm.priority}
    yield {"n": f"{name}:code", "vs": alarm.code}
    yield {"n": f"{name}:verified", "vb": alarm.verified}


def _word(text: str) -> str:
    """`axle 2 left` as `axle-2-left`, `RULE@PLACE` as `RULE:PLACE`."""
    return text.replace(" ", "-").replace("@", ":")
