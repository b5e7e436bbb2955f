"""A node that has a key and begins, changes its table or leaves gaps without end stops nobody."""

from collections.abc import Callable
from pathlib import Path

import pytest
from board_peer import Board, group_of
from collecting import Collecting, UnsyncedStorage
from manual_clock import ManualClock

from gateway import ingest, ledger
from gateway.ledger import BOOTS_KEPT
from gateway.spool.format import MAX_STATE_BYTES

Collect = Callable[..., Collecting]
TABLE = [group_of("motor.current", 28)]


@pytest.fixture
def healthy() -> Board:
    return Board("healthy", secret=bytes(range(1, 33)))


def test_tables_without_end_leave_room_for_the_snapshot_and_the_latest_table(
    collect: Collect, board: Board, healthy: Board
) -> None:
    gateway = collect(board, healthy)
    board.groups = TABLE
    sizes = []
    for revision in range(1000):
        board.revision = revision
        assert gateway.receive(board.hello(), board.readings([[revision] * 28])) == [True, True]
        sizes.append(len(gateway.gateway.ledger.snapshot()) if revision % 100 == 99 else 0)
    assert max(sizes) < 50_000
    assert gateway.ingest.refused == {}
    assert gateway.receive(healthy.hello(), healthy.readings()) == [True, True]
    gateway.commit()
    assert (2, []) in gateway.line.acks()


def test_boots_without_end_are_remembered_up_to_a_number(
    tmp_path: Path, clock: ManualClock, board: Board, healthy: Board
) -> None:
    gateway = Collecting(tmp_path / "gateway", [board, healthy], clock, UnsyncedStorage())
    gateway.receive(healthy.hello())
    capture = []
    for boot in range(BOOTS_KEPT + 100):
        board.reset(boot)
        capture.append(board.hello())
        gateway.receive(capture[-1])
        if boot % 1000 == 0:
            gateway.commit()
    known = [gateway.gateway.ledger.find(board.name, boot) for boot in range(BOOTS_KEPT + 100)]
    assert known[:100] == [None] * 100
    assert None not in known[100:]
    assert sum(len(boot.tables) for boot in known if boot is not None) < 50
    assert gateway.receive(healthy.readings()) == [True]
    gateway.commit()
    again = gateway.after_power_cut(tmp_path / "again")
    again.receive(capture[100], capture[-1], healthy.readings())
    assert again.ingest.refused == {"repeated": 2}
    again.close()


def test_gaps_in_many_boots_are_bounded_together_and_the_present_boot_goes_on(
    collect: Collect, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "NODE_WINDOW", 50)
    gateway = collect(board)
    for boot in range(3):
        board.reset(boot)
        gateway.receive(board.hello())
        board.next()
        gateway.receive(*(board.event() for _ in range(20)))
    assert gateway.gateway.ledger.ahead(board.name) == 56
    assert gateway.ingest.refused == {"too_far_ahead": 4}
    board.reset(3)
    gateway.receive(board.hello(), board.event())
    gateway.commit()
    assert gateway.line.acks()[-1] == (2, [])


def test_a_snapshot_holds_the_latest_boots_where_it_cannot_hold_all(
    collect: Collect, board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = collect(board)
    for boot in range(200):
        board.reset(boot)
        gateway.receive(board.hello(), board.readings())
    whole = len(gateway.gateway.ledger.snapshot())
    assert whole < MAX_STATE_BYTES
    monkeypatch.setattr(ledger, "MAX_STATE_BYTES", whole // 2)
    assert 0 < len(gateway.gateway.ledger.snapshot()) <= whole // 2
    gateway.gateway.writer.wants_snapshot = True
    gateway.receive(board.readings())
    gateway.commit()
    again = gateway.after_power_cut(tmp_path / "again")
    state = again.gateway.ledger.find(board.name, 199)
    assert state is not None
    assert state.accepted.next == 3
    again.close()
