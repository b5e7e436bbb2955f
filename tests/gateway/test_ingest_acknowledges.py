"""Promise 1: an acknowledged reading is never lost and never stored twice."""

import errno
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from axwire.codes import COMMAND_HELLO
from board_peer import MISSING, Board
from collecting import Collecting, UnsyncedStorage
from hypothesis import given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock

from gateway.ingest import WINDOW
from gateway.spool import Kind
from gateway.spool.errors import BufferFullError

Collect = Callable[..., Collecting]


def fill_buffer(collecting: Collecting) -> None:
    """Leave the spool's buffer no room for any message."""
    writer = collecting.gateway.writer
    size = 60_000
    while size:
        try:
            writer.append(Kind.QUARANTINE, 0, bytes(size), 0)
        except BufferFullError:
            size //= 2


def test_nothing_is_acknowledged_before_it_is_on_the_disk(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    assert gateway.receive(board.hello(), board.readings()) == [True, True]
    gateway.tick()
    assert gateway.line.acks() == []
    assert gateway.stored() == []


def test_what_is_on_the_disk_is_acknowledged(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    messages = [board.hello(), board.readings(), board.event()]
    gateway.receive(*messages)
    gateway.commit()
    assert gateway.line.acks() == [(3, [])]
    assert gateway.stored() == messages


def test_what_comes_during_a_commit_waits_for_the_next(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    hello, event = board.hello(), board.event()

    def committed(ticket: int) -> None:
        gateway.receive(event)
        gateway.ingest.committed(ticket)

    gateway.gateway.writer.on_committed = committed
    gateway.receive(hello)
    gateway.commit()
    assert gateway.line.acks() == [(1, [])]
    assert gateway.stored() == [hello]


def test_a_disk_that_refuses_acknowledges_nothing(
    collect: Collect, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = collect(board)

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(gateway.gateway.writer.storage, "datasync", full)
    gateway.receive(board.hello())
    assert not gateway.gateway.writer.commit()
    assert gateway.line.acks() == []
    monkeypatch.undo()
    gateway.commit()
    assert gateway.line.acks() == [(1, [])]


def test_what_came_behind_a_gap_is_acknowledged_one_by_one(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    hello, _, *rest = [board.hello(), *(board.event() for _ in range(4))]
    gateway.receive(hello, *rest)
    gateway.commit()
    assert gateway.line.acks() == [(1, [2, 3, 4])]


def test_a_gap_that_stays_never_hides_what_is_stored_behind_it(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    gateway.receive(board.hello())
    board.next()
    acknowledged: set[int] = set()
    for _ in range(10):
        gateway.receive(*(board.event() for _ in range(30)))
        gateway.commit()
        acknowledged.update(*(singles for _, singles in gateway.line.acks()))
    assert acknowledged == set(range(2, 302))


def test_a_commit_of_many_is_acknowledged_in_acks_that_a_board_accepts(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    board.next()
    gateway.receive(*(board.event() for _ in range(150)))
    gateway.commit()
    acks = gateway.line.acks()
    assert [len(singles) for _, singles in acks] == [64, 64, 22]
    assert sorted(n for _, singles in acks for n in singles) == list(range(1, 151))


def test_the_last_sequence_there_is_gets_an_ack_that_a_board_accepts(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    board.sequence = 0xFFFFFFFE
    gateway.receive(board.health(), board.event())
    gateway.commit()
    assert gateway.line.acks() == [(0xFFFFFFFF, [0xFFFFFFFF])]


def test_a_repeated_message_is_stored_once_and_acknowledged_again(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    hello = board.hello()
    gateway.receive(hello)
    gateway.commit()
    gateway.line.acks()
    assert gateway.receive(hello, hello) == [True, True]
    gateway.commit()
    assert gateway.line.acks() == []
    gateway.tick()
    assert gateway.line.acks() == [(1, [])]
    gateway.tick()
    assert gateway.line.acks() == []
    assert gateway.stored() == [hello]
    assert gateway.ingest.refused["repeated"] == 2


def test_a_repeat_that_is_not_on_the_disk_yet_is_not_acknowledged(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    hello = board.hello()
    gateway.receive(hello, hello)
    gateway.tick()
    assert gateway.line.acks() == []
    gateway.commit()
    assert gateway.stored() == [hello]


def test_a_node_that_only_repeats_is_answered_after_a_restart(
    collect: Collect, board: Board, tmp_path: Path
) -> None:
    gateway = collect(board)
    hello = board.hello()
    gateway.receive(hello)
    gateway.commit()
    again = gateway.after_power_cut(tmp_path / "again")
    again.receive(hello)
    again.tick()
    assert again.line.acks() == [(1, [])]
    again.close()


def test_a_full_buffer_takes_nothing_and_marks_nothing_as_in(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board, buffer_mb=1)
    gateway.receive(board.event())
    fill_buffer(gateway)
    board.next()
    refused = [board.hello(), board.event(), board.health(oldest=2), board.nonsense()]
    assert gateway.receive(*refused) == [False] * 4
    assert gateway.ingest.lost_messages == 0
    gateway.commit()
    assert gateway.line.acks() == [(1, [])]
    assert gateway.receive(*refused) == [True] * 4
    gateway.commit()
    assert gateway.line.acks() == [(6, [])]
    assert gateway.ingest.lost_messages == 1
    assert gateway.ingest.refused == {"message": 1}


def test_a_table_that_was_not_taken_is_not_used(collect: Collect, board: Board) -> None:
    gateway = collect(board, buffer_mb=1)
    gateway.receive(board.event())
    fill_buffer(gateway)
    assert gateway.receive(board.hello()) == [False]
    gateway.commit()
    gateway.receive(board.readings())
    assert gateway.ingest.refused == {"no_table": 1}


def test_readings_without_a_table_stay_with_their_node_until_it_is_told(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    hello, readings = board.hello(), board.readings()
    gateway.receive(readings)
    gateway.commit()
    assert gateway.stored() == []
    assert gateway.ingest.refused == {"no_table": 1}
    assert gateway.line.commands() == [COMMAND_HELLO]
    gateway.receive(hello, readings)
    gateway.commit()
    assert gateway.stored() == [hello, readings]
    assert gateway.line.acks() == [(2, [])]


def test_a_table_is_asked_for_at_most_once_a_second(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    board.hello()
    asked = []
    for _ in range(31):
        gateway.receive(board.readings())
        asked += gateway.line.commands()
        gateway.clock.advance_us(100_000)
    assert asked == [COMMAND_HELLO] * 4


def test_readings_are_read_with_the_table_of_their_own_revision(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    board.hello()
    board.revision = 1
    gateway.receive(board.hello())
    board.revision = 0
    old = board.readings()
    assert gateway.receive(old) == [True]
    assert gateway.ingest.refused == {"no_table": 1}


def test_health_closes_the_gap_of_what_will_never_come(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    gateway.receive(board.hello())
    for _ in range(5):
        board.next()
    gateway.receive(board.event(), board.health(oldest=6))
    gateway.commit()
    assert gateway.line.acks() == [(8, [])]
    assert gateway.ingest.lost_messages == 5


def test_what_a_node_dropped_is_counted_to_the_sample(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    gateway.receive(board.hello(), board.readings([[1, 2], [3, MISSING]]))
    dropped = board.readings([[1, 2]] * 4)
    gateway.receive(board.readings([[5, 6]]))
    gateway.receive(board.health(oldest=3, samples=3 + 8 + 2))
    gateway.receive(board.readings(), board.health(samples=3 + 8 + 2 + 2))
    assert gateway.ingest.lost_samples == 8
    assert gateway.gateway.losses()["samples_dropped_by_nodes"] == 8
    assert gateway.receive(dropped) == [True]
    assert gateway.ingest.lost_samples == 8


def test_what_may_still_come_is_not_counted_as_lost(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    gateway.receive(board.hello())
    delayed = board.readings()
    gateway.receive(board.health(oldest=1, samples=2))
    assert gateway.ingest.lost_samples == 0
    gateway.receive(delayed, board.health(samples=2))
    assert gateway.ingest.lost_samples == 0


def test_what_is_given_up_is_not_taken_when_it_comes_after_all(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    late = board.event()
    gateway.receive(board.health(oldest=1), late)
    gateway.commit()
    assert gateway.stored_numbers() == {(board.name, board.boot, 1): 1}
    assert gateway.ingest.refused == {"repeated": 1}


def test_no_more_than_a_window_is_taken_behind_a_gap(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    first = board.event()
    gateway.receive(*(board.event() for _ in range(WINDOW)))
    too_far = board.event()
    gateway.receive(too_far)
    assert gateway.ingest.refused == {"too_far_ahead": 1}
    gateway.receive(first, too_far)
    gateway.commit()
    assert gateway.line.acks() == [(WINDOW + 2, [])]


def test_health_is_taken_though_the_window_is_full_where_it_closes_the_gap(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    board.next()
    gateway.receive(*(board.event() for _ in range(WINDOW)))
    gateway.receive(board.health(oldest=1))
    gateway.commit()
    assert gateway.ingest.refused == {}
    assert gateway.line.acks() == [(WINDOW + 2, [])]


def test_a_node_far_into_its_boot_is_taken_up_by_a_gateway_with_a_new_disk(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    board.sequence = 1_000_000
    gateway.receive(board.hello(), board.readings(), board.health(oldest=1_000_000))
    gateway.commit()
    assert gateway.line.acks() == [(1_000_003, [])]


def test_what_is_too_far_ahead_shows_that_the_node_is_alive(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    board.next()
    gateway.receive(*(board.event() for _ in range(WINDOW)))
    gateway.clock.advance_us(60_000_000)
    gateway.receive(board.event())
    assert gateway.ingest.refused == {"too_far_ahead": 1}
    assert gateway.gateway.registry.status(board.name) == "live"


def test_the_rest_of_an_older_boot_is_stored_beside_the_present_one(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    gateway.receive(board.hello())
    rest = board.event()
    board.reset(boot=2)
    gateway.receive(board.hello())
    gateway.answer_pings(board)
    gateway.receive(rest)
    gateway.commit()
    assert len(gateway.stored()) == 3
    assert gateway.gateway.downlink.boot(board.name) == 2


class Outbox:
    """What a board holds until it is acknowledged, and a line that loses and repeats."""

    def __init__(self, board: Board, count: int) -> None:
        self.board = board
        self.held = {0: board.hello()}
        for number in range(1, count):
            self.held[number] = board.event() if number % 5 == 0 else board.readings()
        self.sent = dict(self.held)

    def hear(self, gateway: Collecting) -> None:
        for upto, singles in gateway.line.acks():
            for number in [n for n in self.held if n < upto or n in singles]:
                del self.held[number]


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), st.integers(0, 39)),
        st.sampled_from([("commit", 0), ("tick", 0), ("hear", 0), ("lose acks", 0)]),
    ),
    max_size=120,
)


def carry_out(gateway: Collecting, outbox: Outbox, operations: list[tuple[str, int]]) -> None:
    for operation, number in operations:
        if operation == "deliver":
            if number in outbox.sent:
                gateway.receive(outbox.sent[number])
        elif operation == "commit":
            gateway.commit()
        elif operation == "tick":
            gateway.tick(100_000)
        elif operation == "hear":
            outbox.hear(gateway)
        else:
            gateway.line.acks()


@settings(max_examples=60)
@given(OPERATIONS)
def test_shuffled_repeated_and_lost_messages_are_stored_exactly_once(
    operations: list[tuple[str, int]],
) -> None:
    board = Board()
    with tempfile.TemporaryDirectory() as folder:
        gateway = Collecting(Path(folder), [board], ManualClock(), UnsyncedStorage())
        outbox = Outbox(board, 40)
        carry_out(gateway, outbox, operations)
        for _ in range(3):
            gateway.receive(*outbox.held.values())
            gateway.commit()
            gateway.tick(100_000)
            outbox.hear(gateway)
        assert outbox.held == {}
        numbers = gateway.stored_numbers()
        assert numbers == {(board.name, board.boot, n): 1 for n in range(40)}
        gateway.close()
