"""THINNED in the gateway: stored as it came, and every sample in exactly one account."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from struct import pack

import pytest
from axwire.cbor import INT16, Writer
from axwire.cose import split
from axwire.parse import Thinned, parse_up
from axwire.thinned import thinned, thinned_block
from board_peer import Board
from collecting import Collecting

from gateway.boot import Boot
from gateway.ledger import Ledger
from gateway.seen import Seen
from gateway.spool.format import Kind
from gateway.thinned import count_thinned

Collect = Callable[..., Collecting]
SAMPLES = 4
"""Two rows of two channels in each message of readings."""


def summary(
    board: Board,
    first: int,
    last: int,
    messages: int,
    in_doubt: Sequence[tuple[int, int]] = (),
    taken: int | list[int] | None = None,
    rows: Sequence[int] = (1, 2, 5, 6, 9, 9),
    revision: int = 0,
) -> bytes:
    """In place of readings with two rows of two channels each."""
    writer = Writer(1024)
    thinned(writer, board.boot, first, last, messages, list(in_doubt), revision, 1)
    count = messages * SAMPLES // 2 if taken is None else taken
    samples = memoryview(pack(f"<{len(rows)}h", *rows))
    thinned_block(writer, 0, 100 * first, INT16, samples, None, 100, count, None)
    return board.seal(bytes(writer.written()))


def two_rows(board: Board, sequence: int) -> bytes:
    board.sequence = sequence
    return board.readings(((1, 2), (3, 4)), t_ms=100 * sequence)


def health(board: Board, sequence: int, samples: int, oldest: int) -> bytes:
    board.sequence = sequence
    return board.health(oldest, samples=samples)


def state_of(gateway: Collecting, board: Board) -> Boot:
    boot = gateway.gateway.ledger.find(board.name, board.boot)
    assert boot is not None
    return boot


def account(boot: Boot) -> tuple[int, int, int, int]:
    """Samples stored, thinned, lost, and messages lost."""
    return boot.samples, boot.thinned_samples, boot.lost_samples, boot.lost_messages


def test_what_it_stands_for_is_in_and_nothing_of_it_is_lost(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    gateway.receive(board.hello(), summary(board, 1, 20, 20), health(board, 21, 80, 21))
    gateway.commit()
    assert account(state_of(gateway, board)) == (0, 80, 0, 0)
    assert gateway.line.acks()[-1] == (22, [])
    assert gateway.ingest.thinned_samples == 80
    assert [n for _, _, n in gateway.stored_numbers()] == [0, 1, 21]


def test_a_message_that_it_stands_for_is_a_repeat_when_it_comes_yet(
    collect: Collect, board: Board
) -> None:
    """So after a cut between the thinned segment's end and the removal of the others."""
    gateway = collect(board)
    sent = summary(board, 1, 20, 20)
    gateway.receive(board.hello(), sent, two_rows(board, 1), two_rows(board, 7), sent)
    gateway.commit()
    assert gateway.ingest.refused["repeated"] == 3
    assert gateway.line.acks()[-1] == (21, [])
    assert account(state_of(gateway, board)) == (0, 80, 0, 0)
    gateway.receive(two_rows(board, 3))
    gateway.tick()
    assert gateway.line.acks()[-1] == (21, [])


def test_a_message_in_doubt_counts_as_stored_where_it_is_and_as_thinned_where_not(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    gateway.receive(board.hello(), two_rows(board, 5), two_rows(board, 8))
    gateway.receive(summary(board, 1, 20, 20, [(4, SAMPLES), (5, SAMPLES), (7, SAMPLES)]))
    gateway.receive(health(board, 21, 80, 21))
    assert account(state_of(gateway, board)) == (8, 72, 0, 0)


def test_what_was_no_readings_in_its_range_is_lost_unless_it_is_there(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    gateway.receive(board.hello(), health(board, 6, 0, 1))
    gateway.receive(summary(board, 1, 20, 15, [(2, SAMPLES)]))
    gateway.receive(health(board, 21, 70, 21))
    assert account(state_of(gateway, board)) == (0, 60, 10, 4)


def test_a_range_behind_a_gap_is_acknowledged_by_its_own_sequence(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    gateway.receive(board.hello(), summary(board, 5, 20, 16))
    gateway.commit()
    assert gateway.line.acks()[-1] == (1, [5])
    gateway.receive(summary(board, 1, 4, 4))
    gateway.commit()
    assert gateway.line.acks()[-1] == (21, [])
    assert account(state_of(gateway, board)) == (0, 80, 0, 0)


def test_ranges_count_towards_what_one_node_can_make_the_gateway_hold(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    gateway.receive(board.hello())
    gateway.receive(summary(board, 10, 4105, 1), summary(board, 4106, 8201, 1))
    assert gateway.ingest.refused["too_far_ahead"] == 0
    gateway.receive(summary(board, 8202, 12297, 1))
    assert gateway.ingest.refused["too_far_ahead"] == 1
    assert len(state_of(gateway, board).accepted.above) == 8192


def test_it_waits_for_its_table_and_asks_for_it(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    gateway.receive(summary(board, 1, 20, 20))
    assert gateway.ingest.refused["no_table"] == 1
    assert gateway.ingest.messages == 0
    gateway.receive(board.hello(), summary(board, 1, 20, 20))
    assert gateway.ingest.messages == 2


def test_the_live_picture_does_not_show_it(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    gateway.receive(board.hello())
    gateway.answer_pings(board)
    gateway.receive(summary(board, 1, 20, 20))
    channels = gateway.gateway.registry.state().channels
    assert [channel.value for channel in channels] == [None, None]


@pytest.mark.parametrize(
    ("rows", "taken"),
    [
        ((5, 2, 4, 6, 9, 9), None),
        ((1, 2, 5, 6, 4, 9), None),
        ((1, 2, 5, 6, 9, 9), [9, 0]),
        ((1, -32768, 5, -32768, 9, -32768), [9, 9]),
        ((1, 2, 5, 6), None),
    ],
)
def test_nonsense_is_kept_in_quarantine_and_acknowledged(
    collect: Collect, board: Board, rows: tuple[int, ...], taken: list[int] | None
) -> None:
    gateway = collect(board)
    gateway.receive(board.hello(), summary(board, 1, 20, 20, rows=rows, taken=taken))
    gateway.commit()
    assert [each.reason for each in gateway.quarantined()] == ["message"]
    assert gateway.line.acks()[-1] == (2, [])
    assert account(state_of(gateway, board))[1] == 0


def test_any_order_and_any_restart_gives_the_same_account(
    collect: Collect, board: Board, tmp_path: Path
) -> None:
    """Random ranges with messages that came before, and holes: by seed."""
    for seed in range(12):
        print(f"seed {seed}")
        choice = random.Random(seed)
        board.reset(0x100 + seed)
        gateway = collect(board)
        gateway.receive(board.hello())
        sequence, taken, early, late = 1, 0, [], []
        dropped = 0
        while sequence < 300:
            first = sequence
            doubts, messages = [], 1
            sequence += 1
            for _ in range(choice.randrange(30)):
                kind = choice.choice(("readings", "readings", "doubt", "hole"))
                if kind != "hole":
                    messages += 1
                if kind == "doubt":
                    doubts.append((sequence - first, SAMPLES))
                    if choice.random() < 0.5:
                        early.append(two_rows(board, sequence))
                elif kind == "hole":
                    dropped += 1
                sequence += 1
            taken += messages * SAMPLES
            late.append(summary(board, first, sequence - 1, messages, doubts))
        choice.shuffle(early)
        choice.shuffle(late)
        gateway.receive(*early)
        gateway.receive(*late[: len(late) // 2])
        gateway.commit()
        gateway = gateway.after_power_cut(tmp_path / f"{seed}-again")
        gateway.receive(*late, health(board, sequence, taken, sequence))
        gateway.commit()
        stored, thinned_away, lost, messages_lost = account(state_of(gateway, board))
        assert stored == SAMPLES * len(early)
        assert stored + thinned_away == taken
        assert (lost, messages_lost) == (0, dropped)
        assert gateway.line.acks()[-1] == (sequence + 1, [])
        again = gateway.after_power_cut(tmp_path / f"{seed}-third")
        assert account(state_of(again, board)) == account(state_of(gateway, board))
        again.close()


def test_a_snapshot_keeps_the_account(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    gateway.receive(board.hello(), summary(board, 1, 20, 15))
    again = Ledger()
    again.replay(Kind.STATE, gateway.gateway.ledger.snapshot())
    known = again.find(board.name, board.boot)
    assert known is not None
    assert account(known) == account(state_of(gateway, board)) == (0, 60, 0, 5)
    assert known.accepted.next == 21


def test_samples_are_counted_without_the_table(board: Board) -> None:
    for taken, expected in (([3, 4], 7), (9, 18)):
        message = parse_up(split(summary(board, 1, 20, 20, taken=taken)).payload)
        assert isinstance(message, Thinned)
        assert count_thinned(message) == expected


def test_ranges_in_seen_are_what_single_numbers_are() -> None:
    for seed in range(50):
        choice = random.Random(seed)
        ranges, model = Seen(), set()
        for _ in range(20):
            first = choice.randrange(60)
            last = first + choice.randrange(12)
            here = set(range(first, last + 1))
            assert ranges.add_range(first, last) == len(here & model), seed
            model |= here
            assert {n for n in range(100) if n in ranges} == model, seed
            assert ranges.next not in model
            assert all(number > ranges.next for number in ranges.above)
