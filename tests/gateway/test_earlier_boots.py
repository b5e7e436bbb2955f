"""The rest of a boot that is over: what a node kept in flash and sends after a reset."""

from collections.abc import Callable
from pathlib import Path

from axwire.codes import EVENT_EARLIER_BOOT, EVENT_EARLIER_OVER
from board_peer import Board
from collecting import Collecting

Collect = Callable[..., Collecting]
OLD, PRESENT = 0xA, 0xB
TOLD_MS = 1_763_755_200_000


def declare(board: Board, oldest: int = 0, told: tuple[int, int] = (5000, TOLD_MS)) -> bytes:
    return board.event(EVENT_EARLIER_BOOT, (OLD, oldest, *told))


def rest(board: Board, messages: int = 5) -> list[bytes]:
    """What a boot sent that nobody heard; the board is then in its present boot."""
    board.reset(OLD)
    sent = [board.hello(), *(board.readings(t_ms=100 * n) for n in range(messages - 1))]
    board.reset(PRESENT)
    return sent


def test_a_boot_never_heard_is_stored_and_does_not_become_the_present_one(
    collect: Collect, board: Board
) -> None:
    old = rest(board)
    gateway = collect(board)
    gateway.receive(board.hello(), board.readings())
    gateway.answer_pings(board)
    gateway.receive(declare(board))
    gateway.receive(*old)
    gateway.commit()
    assert gateway.gateway.downlink.boot(board.name) == PRESENT
    assert [n for n in gateway.stored_numbers() if n[1] == OLD] == [
        (board.name, OLD, n) for n in range(5)
    ]
    acks = [d for d in gateway.line.said() if d.boot == OLD]
    assert acks[-1].fields == [5, []]


def test_the_time_told_to_it_places_an_earlier_boot_also_after_a_restart(
    collect: Collect, board: Board, tmp_path: Path
) -> None:
    gateway = collect(board)
    gateway.receive(board.hello(), declare(board))
    gateway.commit()
    again = gateway.after_power_cut(tmp_path / "again")
    for each in (gateway, again):
        known = each.gateway.ledger.find(board.name, OLD)
        assert known is not None
        assert known.clock is not None
        assert known.clock.utc_at(6_000_000) == TOLD_MS * 1000 + 1_000_000
    again.close()


def test_what_was_dropped_from_flash_is_counted_and_its_table_still_taken(
    collect: Collect, board: Board
) -> None:
    old = rest(board, 9)
    gateway = collect(board)
    gateway.receive(board.hello(), declare(board, 4, (0, 0)))
    gateway.receive(old[0], *old[4:], old[0])
    gateway.commit()
    known = gateway.gateway.ledger.find(board.name, OLD)
    assert known is not None
    assert (known.durable.next, known.lost_messages, known.clock) == (9, 4, None)
    assert len([n for n in gateway.stored_numbers().elements() if n[1] == OLD]) == 6


def test_the_end_of_an_earlier_boot_counts_its_lost_samples_also_after_a_restart(
    collect: Collect, board: Board, tmp_path: Path
) -> None:
    old = rest(board, 9)
    gateway = collect(board)
    gateway.receive(board.hello(), declare(board))
    gateway.receive(*old[:3], *old[5:8])
    before = gateway.gateway.ingest.lost_samples
    came = gateway.gateway.ledger.boot(board.name, OLD).samples
    put = came + 17
    gateway.receive(board.event(EVENT_EARLIER_OVER, (OLD, 9, put, 0)))
    gateway.commit()
    assert gateway.gateway.ingest.lost_samples - before == 17
    again = gateway.after_power_cut(tmp_path / "again")
    for each in (gateway, again):
        known = each.gateway.ledger.find(board.name, OLD)
        assert known is not None
        assert (known.durable.next, known.lost_messages, known.lost_samples) == (9, 3, 17)
    again.close()


def test_nonsense_about_earlier_boots_changes_nothing(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    board.reset(PRESENT)
    gateway.receive(board.hello())
    for arguments in ((OLD,), (PRESENT, 9, 0, 0), (-1, 0, 0, 0), (OLD, 1 << 40, 0, 0)):
        gateway.receive(board.event(EVENT_EARLIER_BOOT, arguments))
        gateway.receive(board.event(EVENT_EARLIER_OVER, arguments))
    gateway.commit()
    assert gateway.gateway.ledger.find(board.name, OLD) is None
    known = gateway.gateway.ledger.find(board.name, PRESENT)
    assert known is not None
    assert (known.durable.next, known.lost_messages) == (9, 0)
