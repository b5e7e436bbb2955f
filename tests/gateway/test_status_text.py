"""What `axlebox gateway status` says, in words that a fitter acts on."""

import io
from typing import Any

import msgspec
import pytest
from crew_page.live_picture import server_away, te33a
from rich.console import Console

from gateway.state import Forward, Node, Spool, State
from gateway.status_text import print_state


def said(state: State) -> str:
    """As it is printed where nobody has a terminal: 80 columns."""
    out = io.StringIO()
    picture: dict[str, Any] = msgspec.to_builtins(state)
    print_state(Console(file=out, width=80, markup=False), picture)
    return out.getvalue()


def row(text: str, table: int, node: str) -> list[str]:
    """The cells of a node in one of the tables."""
    rows = [line for line in text.splitlines() if line.startswith(f"\u2502 {node}")]
    return [cell.strip() for cell in rows[table].strip("\u2502").split("\u2502")]


def test_a_server_that_is_away_is_told_since_when_and_how_much_waits() -> None:
    assert (
        "server: waiting since 2025-11-21 18:00:00 UTC (2 h), backlog 12.4 MB (about 52000 "
        "messages), the oldest of 2025-11-21 17:59:56 UTC, "
        "sent up to 2025-11-21 17:59:56 UTC\n" in said(server_away())
    )


@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (Forward(state="off"), "server: forwarding is off\n"),
        (Forward(state="idle"), "server: idle, no backlog\n"),
        (
            Forward(state="sending", backlog_bytes=400_000, backlog_messages=2000),
            "server: sending, backlog 0.4 MB (about 2000 messages)\n",
        ),
    ],
)
def test_the_server_in_other_states(forward: Forward, words: str) -> None:
    assert words in said(te33a(forward=forward))


def test_rates_are_told_once_they_are_known() -> None:
    assert "rates: not known yet\n" in said(te33a())
    assert "rates: 1920 samples/s in 36.0 messages/s, 8.2 kB/s in, 0.0 kB/s forwarded\n" in said(
        server_away()
    )


def test_room_is_told_in_days() -> None:
    room = "on the disk, room for what is not sent:"
    assert f"spool: 1.2 MB {room} 31.5 days\n" in said(te33a())
    assert f"spool: 0.0 MB {room} not known yet\n" in said(te33a(spool=Spool(bytes=0)))


def test_each_node_has_its_link_and_its_losses() -> None:
    node = Node(
        name="motors-a", status="live", age_ms=120, link="serial motors", firmware="0.1.0",
        outbox_messages=3, frames_refused=2, resent_messages=7, link_errors=1, lost_samples=60,
        thinned_samples=600, dropped_samples=20, round_trip_ms=4.2, clock_error_ms=2.6,
        clock_drift_ppm=-12.34,
    )  # fmt: skip
    text = said(te33a(nodes=(node, Node(name="axles-a", status="waiting"))))
    head = next(line for line in text.splitlines() if "refused" in line)
    assert [cell.strip() for cell in head.strip("\u2503").split("\u2503")] == [
        "node", "refused", "resent", "errors", "round trip", "clock error", "drift",
    ]  # fmt: skip
    assert row(text, 0, "motors-a") == ["motors-a", "live", "120.0 ms", "serial motors", "0.1.0"]
    assert row(text, 2, "motors-a") == ["motors-a", "3", "60", "600", "20"]
    assert row(text, 1, "motors-a") == [
        "motors-a", "2", "7", "1", "4.2 ms", "2.6 ms", "-12.3 ppm",
    ]  # fmt: skip
    assert row(text, 1, "axles-a") == ["axles-a", "-", "-", "-", "-", "-", "-"]


def test_what_is_lost_or_refused_is_told_by_reason_and_zeros_are_not() -> None:
    text = said(te33a(losses={"samples_dropped_by_nodes": 60, "messages_thinned_unsent": 0}))
    assert "losses: samples_dropped_by_nodes 60\n" in text
    assert "refused: repeated 7\n" in text
    assert "losses: none\n" in said(te33a(losses={"messages_removed_unsent": 0}))


def test_what_has_to_be_mended_is_marked() -> None:
    text = said(
        te33a(forward=Forward(state="waiting", error="wrong token: set influx.token_file"))
    )
    assert "! wrong token: set influx.token_file\n" in text


def test_a_clock_that_nobody_set_is_told() -> None:
    words = (
        "clock: not set by any time source; times are estimates until GNSS or NTP is there, "
        "`timedatectl` shows what is missing\n"
    )
    assert words in said(te33a(clock_trusted=False))
    assert words not in said(te33a())


def test_a_clock_whose_source_is_gone_is_told_with_its_error() -> None:
    words = "clock: its time source is gone; times may be wrong by 12.0 ms\n"
    assert words in said(te33a(clock_error_ms=12.0))
