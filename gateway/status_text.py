"""The state of a gateway in words, for the person who looks after it."""

from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["print_state"]

_SPANS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def print_state(console: Console, state: dict[str, Any]) -> None:
    """Print what /api/state answered."""
    locomotive = state["locomotive"]
    console.print(f"{locomotive['id']} ({locomotive['title']}), axlebox {state['version']}")
    if not state["clock_trusted"]:
        console.print(
            "clock: not set by any time source; times are estimates until GNSS or NTP is there, "
            "`timedatectl` shows what is missing",
            soft_wrap=True,
        )
    elif state["clock_error_ms"]:
        error = _milliseconds(state["clock_error_ms"])
        console.print(f"clock: its time source is gone; times may be wrong by {error}")
    for table in (_nodes, _links, _losses):
        console.print(table(state["nodes"]))
    for line in (_rates(state["rates"]), _store(state["spool"]), _server(state)):
        console.print(line, soft_wrap=True)
    update = state.get("update") or {"nodes": ()}
    for one in update["nodes"]:
        reason = f" ({one['reason']})" if one["reason"] else ""
        console.print(
            f"update to firmware {update['firmware']}: node {one['node']} {one['step']}, "
            f"{one['bytes']} of {one['of_bytes']} bytes{reason}",
            soft_wrap=True,
        )
    spool, forward = state["spool"], state["forward"]
    for words in (spool["fault"], spool["warning"], forward["error"]):
        if words:
            console.print(f"! {words}", style="bold red", soft_wrap=True)
    for title in ("losses", "refused"):
        counted = {name: count for name, count in state[title].items() if count}
        words = ", ".join(f"{name} {count}" for name, count in counted.items())
        console.print(f"{title}: {words or 'none'}", soft_wrap=True)


def _nodes(nodes: list[dict[str, Any]]) -> Table:
    table = Table("node", "status", "heard", "link", "firmware")
    for node in nodes:
        table.add_row(
            node["name"],
            node["status"],
            _milliseconds(node["age_ms"]),
            node["link"] or "-",
            node["firmware"] or "-",
        )
    return table


def _links(nodes: list[dict[str, Any]]) -> Table:
    """The node's own view of its link, and the gateway's of its time."""
    table = Table("node", "refused", "resent", "errors", "round trip", "clock error", "drift")
    for node in nodes:
        table.add_row(
            node["name"],
            _number(node["frames_refused"]),
            _number(node["resent_messages"]),
            _number(node["link_errors"]),
            _milliseconds(node["round_trip_ms"]),
            _milliseconds(node["clock_error_ms"]),
            "-" if node["clock_drift_ppm"] is None else f"{node['clock_drift_ppm']:+.1f} ppm",
        )
    return table


def _losses(nodes: list[dict[str, Any]]) -> Table:
    table = Table("node", "outbox", "samples lost", "thinned", "dropped")
    for node in nodes:
        table.add_row(
            node["name"],
            _number(node["outbox_messages"]),
            _number(node["lost_samples"]),
            _number(node["thinned_samples"]),
            _number(node["dropped_samples"]),
        )
    return table


def _rates(rates: dict[str, float] | None) -> str:
    if rates is None:
        return "rates: not known yet"
    return (
        f"rates: {rates['samples_per_s']:.0f} samples/s in {rates['messages_per_s']:.1f} "
        f"messages/s, {rates['bytes_per_s'] / 1000:.1f} kB/s in, "
        f"{rates['sent_bytes_per_s'] / 1000:.1f} kB/s forwarded"
    )


def _store(spool: dict[str, Any]) -> str:
    days = spool["free_days"]
    room = "not known yet" if days is None else f"{days:.1f} days"
    return f"spool: {_megabytes(spool['bytes'])} on the disk, room for what is not sent: {room}"


def _server(state: dict[str, Any]) -> str:
    forward = state["forward"]
    if forward["state"] == "off":
        return "server: forwarding is off"
    since_ms = forward["waiting_since_ms"]
    away = ""
    if since_ms is not None:
        away = f" since {_utc(since_ms)} ({_span(state['now_ms'] - since_ms)})"
    words = [f"server: {forward['state']}{away}"]
    if forward["backlog_bytes"]:
        backlog = f"backlog {_megabytes(forward['backlog_bytes'])}"
        backlog += f" (about {forward['backlog_messages']} messages)"
        if forward["oldest_unsent_ms"] is not None:
            backlog += f", the oldest of {_utc(forward['oldest_unsent_ms'])}"
        words.append(backlog)
    else:
        words.append("no backlog")
    if forward["sent_up_to_ms"] is not None:
        words.append(f"sent up to {_utc(forward['sent_up_to_ms'])}")
    return ", ".join(words)


def _utc(unix_ms: int) -> str:
    return datetime.fromtimestamp(unix_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _span(span_ms: int) -> str:
    seconds = max(0, span_ms) // 1000
    for unit_s, name in _SPANS:
        if seconds >= unit_s:
            return f"{seconds // unit_s} {name}"
    return "0 s"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms" if value < 1000 else f"{value / 1000:.1f} s"


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)
