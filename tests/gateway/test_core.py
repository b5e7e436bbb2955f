"""The gateway's parts as one: how it starts, what it says of itself, what it gives back."""

import errno
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from axwire.down import PING
from board_peer import Board
from collecting import Collecting

from gateway.core import Gateway
from gateway.ledger import Run
from gateway.registry import NODE_SILENT_US
from gateway.spool import Kind, Position, Priority
from gateway.spool.errors import SpoolLockedError
from gateway.version import VERSION

Collect = Callable[..., Collecting]
MINUTE_US = 60_000_000


def test_an_empty_folder_becomes_a_spool_with_the_first_run(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    (record,) = gateway.records(Kind.RUN)
    run = msgspec.msgpack.decode(record.body, type=Run)
    assert run == Run(1, VERSION, "TE33A-0001")


def test_each_start_is_a_run_of_its_own(collect: Collect, board: Board, tmp_path: Path) -> None:
    gateway = collect(board)
    for number in range(3):
        gateway = gateway.after_power_cut(tmp_path / f"run-{number}")
    runs = [msgspec.msgpack.decode(r.body, type=Run).run for r in gateway.records(Kind.RUN)]
    assert runs == [1, 2, 3, 4]
    gateway.close()


def test_a_second_gateway_on_its_folder_is_refused(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    with pytest.raises(SpoolLockedError):
        Gateway(gateway.config, gateway.clock)


def test_a_closed_gateway_has_committed_all_and_gives_its_folder_back(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    hello = board.hello()
    gateway.receive(hello)
    assert gateway.gateway.close()
    assert gateway.stored() == [hello]
    Gateway(gateway.config, gateway.clock).close()


def test_a_state_that_cannot_be_read_costs_time_and_no_knowledge(
    collect: Collect, board: Board, tmp_path: Path
) -> None:
    gateway = collect(board)
    capture = [board.hello(), board.readings()]
    gateway.receive(*capture)
    gateway.gateway.writer.append(Kind.STATE, Priority.SERVICE, b"of another version", 0)
    gateway.commit()
    again = gateway.after_power_cut(tmp_path / "again")
    again.receive(*capture, board.readings())
    assert again.ingest.refused == {"repeated": 2}
    assert again.gateway.unreadable_records > 0
    again.close()


def test_a_silent_node_is_a_problem(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    assert gateway.gateway.problems() == []
    gateway.receive(board.hello())
    gateway.clock.advance_us(NODE_SILENT_US + 1)
    assert gateway.gateway.problems() == ["node motors-a is silent"]


def test_a_disk_that_refuses_is_a_problem_until_it_takes_data_again(
    collect: Collect, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = collect(board)

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(gateway.gateway.writer.storage, "datasync", full)
        gateway.receive(board.hello())
        assert not gateway.gateway.writer.commit()
    (problem,) = gateway.gateway.problems()
    assert "the disk is full" in problem
    assert gateway.gateway.registry.state().spool.fault == problem
    gateway.commit()
    assert gateway.gateway.problems() == []


def test_the_days_left_follow_from_the_rate_of_this_run(collect: Collect, board: Board) -> None:
    gateway = collect(board, limit_mb=1)
    assert gateway.gateway.spool_state().free_days is None
    gateway.receive(board.hello(), *(board.readings([[n, n]] * 200) for n in range(120)))
    gateway.commit()
    gateway.clock.advance_us(MINUTE_US)
    spool = gateway.gateway.spool_state()
    written = gateway.gateway.writer.metrics.bytes
    expected = (1_000_000 - spool.bytes) / (written * 24 * 60)
    assert spool.free_days == pytest.approx(expected)
    assert 0 < expected < 0.01


def test_what_is_removed_before_it_was_forwarded_is_counted_as_lost(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board, limit_mb=1, segment_mb=1)
    gateway.receive(board.hello())
    for _ in range(3):
        for _ in range(15):
            gateway.receive(*(board.readings([[n, n]] * 200) for n in range(100)))
            gateway.commit()
        gateway.gateway.make_room()
    assert gateway.gateway.losses()["messages_removed_unsent"] > 0


def test_what_was_forwarded_is_no_loss_when_it_is_removed(collect: Collect, board: Board) -> None:
    gateway = collect(board, limit_mb=1, segment_mb=1)
    core = gateway.gateway
    core.use_forwarder(lambda: core.registry.state().forward, lambda: Position(1_000_000, 0))
    gateway.receive(board.hello())
    for _ in range(3):
        for _ in range(15):
            gateway.receive(*(board.readings([[n, n]] * 200) for n in range(100)))
            gateway.commit()
        core.make_room()
    assert core.writer.metrics.segments_removed > 0
    assert core.losses()["messages_removed_unsent"] == 0


def test_nodes_are_told_the_time_only_while_it_is_believed(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    gateway.clock.trust(False)
    gateway.receive(board.hello())
    told = []
    for trusted in (False, True):
        gateway.clock.trust(trusted)
        gateway.tick(1_000_000)
        told += [down.fields[0] for down in gateway.line.said() if down.kind == PING]
    assert told == [None, gateway.clock.utc_us() // 1000]


def test_what_no_port_took_is_counted(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    gateway.receive(board.hello())
    gateway.line.cut = True
    gateway.commit()
    assert (gateway.gateway.downlink.sent, gateway.gateway.downlink.dropped) == (0, 1)
