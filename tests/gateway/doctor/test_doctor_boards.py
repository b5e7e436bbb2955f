"""The doctor on nodes: what a gateway says of them, and what its store tells without it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from axwire import up
from axwire.codes import RESET_CAUSES
from board_peer import Board
from collecting import Collecting
from crew_page.live_picture import te33a
from manual_clock import ManualClock

from gateway.config import GatewayConfig
from gateway.doctor.boards import look_at_boards
from gateway.doctor.running import Running
from gateway.doctor.versions import look_at_versions, shipped_firmware
from gateway.state import Node
from gateway.version import VERSION

from .conftest import Depot, somebody_else, told

LOSS = "look for the outage behind it; docs/outbox.md says what a node can hold"
CONSOLE = "read the first lines on its console at the next start; docs/operation.md, At the board"


def running(**fields: Any) -> Running:
    """A gateway that knows one node."""
    node = Node(name="motors-a", status="live", age_ms=120, link="serial motors", boot="9f3a01c2")
    return Running(te33a(nodes=(msgspec.structs.replace(node, **fields),)))


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        ({}, ("ok", "node motors-a speaks by serial motors", "")),
        (
            {"status": "stale", "age_ms": 61_000},
            (
                "wrong",
                "node motors-a is silent for 61 s",
                "look at its cable and its supply; its readings are kept on the board meanwhile",
            ),
        ),
        (
            {"status": "waiting"},
            (
                "wrong",
                "node motors-a has not been heard since the gateway started",
                "look at its supply and its cable; compare its key with the gateway's file",
            ),
        ),
        (
            {"dropped_samples": 3, "thinned_samples": 40},
            (
                "note",
                "since its start node motors-a dropped 3 samples and thinned 40, for lack of room",
                LOSS,
            ),
        ),
        (
            {"frames_refused": 5, "link_errors": 2},
            (
                "note",
                "since its start node motors-a had 5 damaged frames, and 2 messages that its link "
                "did not take",
                "a few are normal; if they rise, look at cable, shield and ground",
            ),
        ),
        (
            {"lost_samples": 9},
            (
                "note",
                "samples of node motors-a that are lost for ever: 9; it had no room, or was reset",
                LOSS,
            ),
        ),
    ],
)
def test_what_a_gateway_that_runs_says_of_a_node(
    depot: Depot, fields: dict[str, Any], finding: tuple[str, str, str]
) -> None:
    found = told(look_at_boards(depot.write(), running(**fields)))
    assert found[0 if fields.get("status") or not fields else 1] == finding


def test_a_node_that_the_gateway_has_not_read_of(depot: Depot) -> None:
    assert told(look_at_boards(depot.write(), Running(te33a(nodes=())))) == [
        (
            "wrong",
            "the gateway that runs does not know node motors-a",
            "start it again, so that it reads the configuration",
        )
    ]


def started(board: Board, boot: int, cause: str) -> bytes:
    """HELLO of another boot that began for that cause."""
    board.reset(boot)
    about = up.About("0.1.0", "sim", RESET_CAUSES.index(cause), 7)
    return board.send(
        lambda writer, sequence: up.hello(writer, boot, sequence, about, 0, 0, [board.groups])
    )


def stored(folder: Path, causes: list[str], lost: int = 0) -> GatewayConfig:
    """The configuration of a gateway that has ended, whose node started for these causes."""
    board = Board()
    collecting = Collecting(folder, [board], ManualClock())
    for number, cause in enumerate(causes, 1):
        collecting.receive(started(board, number, cause))
    if lost:
        collecting.receive(board.health(samples=lost))
    collecting.commit()
    collecting.close()
    return collecting.config


def test_the_store_tells_why_a_node_started_and_what_it_lost(tmp_path: Path) -> None:
    causes = ["power_on", "watchdog", "hard", "watchdog", "soft", "brown_out", "unknown"]
    assert told(look_at_boards(stored(tmp_path, causes, lost=8), None)) == [
        (
            "note",
            "samples of node motors-a that are lost for ever: 8; it had no room, or was reset",
            LOSS,
        ),
        (
            "note",
            "of its last 7 starts node motors-a made 1 by `brown_out`: its supply dipped",
            "measure the board's supply while the locomotive works",
        ),
        (
            "note",
            "of its last 7 starts node motors-a made 1 by `hard`: it crashed, was told to start "
            "again, or somebody pressed reset",
            CONSOLE,
        ),
        (
            "note",
            "of its last 7 starts node motors-a made 1 by `soft`: somebody worked at its console",
            "nothing, unless nobody did: then read its console",
        ),
        (
            "note",
            "of its last 7 starts node motors-a made 1 by `unknown`: its chip does not say why",
            "look at its supply and its console if it goes on",
        ),
        (
            "note",
            "of its last 7 starts node motors-a made 2 by `watchdog`: it hung, or was told to "
            "start again",
            CONSOLE,
        ),
    ]


def test_starts_that_were_expected(tmp_path: Path) -> None:
    assert told(look_at_boards(stored(tmp_path, ["power_on", "power_on"]), None)) == [
        ("ok", "all known starts of node motors-a were expected (2)", "")
    ]


def test_a_store_that_cannot_be_read(depot: Depot) -> None:
    settings = depot.write()
    (depot.folder / "spool").chmod(0o000)
    with somebody_else():
        ((level, what, advice),) = told(look_at_boards(settings, None))
    assert level == "unknown"
    assert what.startswith("the store does not tell of the nodes: ")
    assert advice == (
        "ask as the gateway's user; `axlebox spool verify` says whether it is damaged"
    )


INSTALLED = (
    "ok",
    f"axlebox {VERSION} is installed, with firmware 0.1.0; it speaks wire protocol 1",
    "",
)


def test_versions_that_fit() -> None:
    assert shipped_firmware() == "0.1.0"
    assert told(look_at_versions(running(firmware="0.1.0"), "0.1.0")) == [INSTALLED]
    assert told(look_at_versions(None, "0.1.0")) == [INSTALLED]


def test_versions_that_do_not_fit() -> None:
    one = running(firmware="0.0.9")
    old = Running(msgspec.structs.replace(one.state, version="0.0.8"))
    assert told(look_at_versions(old, "0.1.0"))[1:] == [
        (
            "wrong",
            f"the gateway that runs is axlebox 0.0.8, and {VERSION} is installed",
            "start it again: systemctl restart axlebox-gateway",
        ),
        (
            "note",
            "node motors-a runs firmware 0.0.9, and this axlebox ships 0.1.0",
            "make a bundle with `axlebox firmware bundle`, and put it on with `axlebox gateway "
            "update` when the locomotive stands",
        ),
    ]
