"""The gateway's parts as one: how it starts, what it says of itself, what it gives back."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from axwire.down import PING
from axwire.table import Group
from board_peer import Board, group_of
from collecting import Collecting, UnsyncedStorage
from manual_clock import ManualClock

from gateway.config import InfluxConfig
from gateway.core import Gateway
from gateway.forward import CursorFile, Log, server_of
from gateway.forward.fold import ledger_at
from gateway.forward.progress import Progress
from gateway.forwarding import Forwarding
from gateway.ledger import Run, account_of
from gateway.live import NODE_SILENT_US
from gateway.spool import (
    Kind,
    Limits,
    Position,
    Priority,
    Thinner,
    gap_of,
    make_room,
    read_records,
)
from gateway.spool.errors import SpoolLockedError
from gateway.state import Forward
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


def test_a_reserve_in_use_is_a_problem_until_there_is_room_again(
    collect: Collect, board: Board
) -> None:
    core = collect(board, reserve_mb=1).gateway
    core.make_room()
    assert core.problems() == []
    core.reserve.give_up()
    assert core.problems() == [
        "the disk was full and the store's reserve is in use: free space on the disk"
    ]
    core.make_room()
    assert core.problems() == []


class SlowDisk(UnsyncedStorage):
    """Takes so long for a sync, and calls `while_busy` in the middle of it."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.sync_us = 0
        self.while_busy: Callable[[], None] = lambda: None

    def datasync(self, fd: int) -> None:
        self.clock.advance_us(self.sync_us)
        self.while_busy()


def test_a_slow_disk_is_told_while_it_is_busy_and_until_it_is_quick_again(
    tmp_path: Path, clock: ManualClock, board: Board
) -> None:
    disk = SlowDisk(clock)
    gateway = Collecting(tmp_path, [board], clock, disk)
    told: list[list[str]] = []
    disk.while_busy = lambda: told.append(gateway.gateway.problems())
    for sync_us in (1_900_000, 2_100_000, 1_000):
        disk.sync_us = sync_us
        gateway.receive(board.event())
        gateway.commit()
        told.append(gateway.gateway.problems())
    slow = ["the disk takes over 2 s to store a commit: check or replace the card"]
    assert told == [[], [], slow, slow, slow, []]
    disk.sync_us = 2_100_000
    gateway.receive(board.event())
    gateway.commit()
    assert gateway.gateway.registry.state().spool.warning == slow[0]
    gateway.close()


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


def overfill(gateway: Collecting, board: Board) -> None:
    """Some 5 MB of readings for a store that may have one."""
    gateway.receive(board.hello())
    for _ in range(3):
        for _ in range(15):
            gateway.receive(*(board.readings([[n, n]] * 200) for n in range(100)))
            gateway.commit()
        gateway.gateway.make_room()


def test_fast_readings_are_given_up_before_their_segments_are(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board, limit_mb=1, segment_mb=1)
    overfill(gateway, board)
    losses = gateway.gateway.losses()
    assert losses["messages_thinned_unsent"] > 0
    assert losses["messages_removed_unsent"] == 0
    gone = 4500 - sum(message is not None for message in gateway.stored()[1:])
    assert losses["messages_thinned_unsent"] == gone
    gaps = [gap_of(record) for record in gateway.records(Kind.GAP)]
    assert sum(gap.messages or 0 for gap in gaps) == gone
    assert gateway.gateway.spool_state().thinned_messages == gone


@pytest.mark.parametrize(
    "group",
    [group_of("brake.pipe_pressure", 2), group_of("motor.winding_temperature", 2, period_ms=500)],
    ids=["brakes", "slow rows"],
)
def test_brakes_and_slow_rows_are_given_up_last_with_their_segments_and_counted(
    collect: Collect, group: Group
) -> None:
    board = Board(groups=[group])
    gateway = collect(board, limit_mb=1, segment_mb=1)
    overfill(gateway, board)
    losses = gateway.gateway.losses()
    assert losses["messages_removed_unsent"] > 0
    assert losses["messages_thinned_unsent"] == 0
    assert gateway.gateway.spool_state().removed_messages == losses["messages_removed_unsent"]


def test_a_store_that_is_thinned_knows_what_had_come_in(
    collect: Collect, board: Board, tmp_path: Path
) -> None:
    """Else the forwarder would tell the server that the node had lost it."""
    gateway = collect(board, limit_mb=1000, segment_mb=1)
    overfill(gateway, board)
    gateway.receive(board.health(samples=4500 * 400))
    gateway.commit()
    core = gateway.gateway
    end = core.writer.committed
    log = Log(core.writer.folder, lambda: end)
    whole = tmp_path / "whole"
    shutil.copytree(core.writer.folder, whole)
    thinner = Thinner(core.writer.storage, core.writer.folder, account_of)
    make_room(core.writer, Limits(core.writer.total_bytes, 0), None, thinner=thinner)
    assert core.writer.metrics.messages_thinned > 500
    for place in [*[record.end for record in read_records(core.writer.folder)][::50], end]:
        before = ledger_at(Log(whole, lambda: end), place).boot(board.name, board.boot)
        after = ledger_at(log, place).boot(board.name, board.boot)
        assert after.samples >= before.samples
        assert after.accepted.next >= before.accepted.next
        assert (after.lost_messages, after.lost_samples) == (0, 0)
    assert (after.samples, after.accepted.next) == (before.samples, before.accepted.next)


def test_a_store_that_fills_with_what_is_unsent_warns_at_80_percent(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board, limit_mb=1, segment_mb=1)
    core = gateway.gateway
    gateway.receive(board.hello())
    core.make_room()
    warned_at = None
    while warned_at is None:
        gateway.receive(*(board.readings([[n, n]] * 200) for n in range(10)))
        gateway.commit()
        gateway.tick(1_000_000)
        warning = core.spool_state().warning
        if warning is not None:
            warned_at = core.writer.total_bytes
            assert warning in core.problems()
            assert "80 %" in warning or "81 %" in warning
            assert "raise spool.limit_mb" in warning
            assert "at 95 %" in warning
    assert 800_000 <= warned_at < 820_000


def test_what_was_sent_by_the_run_before_is_no_loss_before_the_forwarder_begins(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board, limit_mb=1, segment_mb=1)
    core = gateway.gateway
    gateway.receive(board.hello())
    while core.writer.committed.segment < 3:
        gateway.receive(*(board.readings([[n, n]] * 200) for n in range(100)))
        gateway.commit()
    config = InfluxConfig(url="http://127.0.0.1:9")
    cursor = CursorFile(core.writer.folder, server_of(config.url, config.org, config.bucket))
    cursor.save(Progress(live=core.writer.committed))
    forwarding = Forwarding(core, config, None)
    core.make_room()
    assert core.writer.metrics.segments_removed > 0
    assert core.losses()["messages_thinned_unsent"] == 0
    assert core.losses()["messages_removed_unsent"] == 0
    forwarding.stop()


def test_what_the_server_has_is_no_reason_to_warn(collect: Collect, board: Board) -> None:
    gateway = collect(board, limit_mb=1, segment_mb=1)
    core = gateway.gateway
    core.use_forwarder(lambda: Forward(state="idle"), lambda: core.writer.committed)
    overfill(gateway, board)
    gateway.tick(1_000_000)
    assert core.unsent_bytes == 0
    assert core.spool_state().warning is None


def test_what_was_forwarded_is_no_loss_when_it_is_removed(collect: Collect, board: Board) -> None:
    gateway = collect(board, limit_mb=1, segment_mb=1)
    core = gateway.gateway
    core.use_forwarder(lambda: core.registry.state().forward, lambda: Position(1_000_000, 0))
    overfill(gateway, board)
    assert core.writer.metrics.segments_removed > 0
    assert core.losses()["messages_removed_unsent"] == 0


def test_nodes_are_told_the_time_only_once_it_is_believed(
    collect: Collect, board: Board, clock: ManualClock
) -> None:
    clock.trust(False)
    gateway = collect(board)
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


def test_damage_found_in_the_background_is_mended_and_told(collect: Collect, board: Board) -> None:
    gateway = collect(board, limit_mb=1000, segment_mb=1)
    overfill(gateway, board)
    core = gateway.gateway
    path = core.writer.folder / "0000000001.seg"
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    for _ in range(2000):
        gateway.clock.advance_us(max(0, core.upkeep.step() - gateway.clock.monotonic_us()))
    core.make_room()
    assert path.with_suffix(".bad").read_bytes() == content
    spool = core.spool_state()
    assert spool.damaged_segments == 1
    assert spool.verified_ms is not None
    (told,) = [text for text in core.problems() if "damaged" in text]
    assert "1 segments of the store were found damaged" in told
    assert "replace the card" in told
    assert spool.warning == told
