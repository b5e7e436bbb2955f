"""Promise 1 over a restart: what was in stays in, and nothing is stored twice."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from axwire.down import PING
from board_peer import Board, Line, currents, group_of
from collecting import Collecting, UnsyncedStorage
from hypothesis import given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock

from gateway.boot import Boot
from gateway.core import Gateway
from gateway.spool import Kind

Collect = Callable[..., Collecting]
TWO_PIECES = [currents(), [group_of("motor.speed", 1, number=1, first=2)]]


def known(gateway: Gateway, board: Board, boot: int) -> dict[str, object]:
    """What a gateway decides by, of one boot."""
    state = gateway.ledger.find(board.name, boot) or Boot()
    return {
        "in": (state.accepted.next, state.accepted.above),
        "on the disk": (state.durable.next, state.durable.above),
        "tables": state.tables,
        "counts": (state.samples, state.lost_messages, state.lost_samples),
        "clock": state.clock,
    }


def test_a_capture_played_after_a_restart_is_refused(
    collect: Collect, board: Board, tmp_path: Path
) -> None:
    gateway = collect(board)
    capture = [board.hello(), board.readings(), board.nonsense(), board.event()]
    gateway.receive(*capture)
    gateway.commit()
    again = gateway.after_power_cut(tmp_path / "again")
    again.receive(*capture)
    again.commit()
    assert again.stored_numbers().most_common(1)[0][1] == 1
    assert again.ingest.refused == {"repeated": 4}
    again.close()


def test_a_capture_of_an_old_boot_is_refused_when_its_rows_are_gone(
    collect: Collect, board: Board, tmp_path: Path
) -> None:
    gateway = collect(board)
    capture = [board.hello(), board.readings(), board.event()]
    gateway.receive(*capture)
    gateway.commit()
    for boot in range(2, 12):
        board.reset(boot)
        gateway.receive(board.hello(), board.event())
    gateway.gateway.writer.wants_snapshot = True
    gateway.receive(board.event())
    gateway.commit()
    snapshot = gateway.records(Kind.STATE)[-1].body
    other = collect(board)
    other.gateway.ledger.replay(Kind.STATE, snapshot)
    other.receive(*capture)
    other.commit()
    assert other.stored() == []
    assert other.ingest.refused == {"repeated": 3}


def test_a_node_with_nothing_to_say_is_found_again_by_a_ping(
    collect: Collect, board: Board, tmp_path: Path
) -> None:
    gateway = collect(board)
    gateway.receive(board.hello())
    gateway.commit()
    again = gateway.after_power_cut(tmp_path / "again")
    again.ingest.link_opened(again.line)
    (ping,) = again.line.pings()
    assert ping.boot == board.boot
    again.receive(board.pong(ping, 1_000_000))
    assert again.ingest.refused == {}
    assert again.gateway.registry.status(board.name) == "live"
    assert again.gateway.registry.state().channels
    again.close()


def test_a_node_is_pinged_over_the_port_it_was_plugged_into(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    gateway.receive(board.hello())
    gateway.line.said()
    other = Line(board, name="serial other")
    gateway.ingest.link_opened(other)
    assert len(other.pings()) == 1
    assert gateway.line.raw == []


def test_nobody_is_pinged_who_was_never_heard(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    gateway.ingest.link_opened(gateway.line)
    assert gateway.line.raw == []


def test_what_was_not_on_the_disk_is_taken_again(
    collect: Collect, board: Board, tmp_path: Path
) -> None:
    gateway = collect(board)
    hello, event = board.hello(), board.event()
    gateway.receive(hello)
    gateway.commit()
    gateway.receive(event)
    again = gateway.after_power_cut(tmp_path / "again")
    again.receive(hello, event)
    again.commit()
    assert again.stored() == [hello, event]
    assert again.line.acks() == [(2, [])]
    again.close()


def test_readings_are_taken_after_a_restart_without_a_new_hello(
    collect: Collect, board: Board, tmp_path: Path
) -> None:
    gateway = collect(board)
    gateway.receive(
        *board.hello_pieces([board.groups, [group_of("motor.speed", 1, number=1, first=2)]])
    )
    gateway.commit()
    again = gateway.after_power_cut(tmp_path / "again")
    again.receive(board.readings())
    assert again.ingest.refused == {}
    assert len(again.gateway.registry.state().channels) == 3
    again.close()


def test_down_sequences_rise_over_a_restart(
    collect: Collect, board: Board, tmp_path: Path
) -> None:
    gateway = collect(board)
    said = []
    for run in range(3):
        gateway.receive(board.event())
        gateway.commit()
        gateway.tick(1_000_000)
        said += gateway.line.said()
        gateway = gateway.after_power_cut(tmp_path / f"run-{run}")
    sequences = [down.sequence for down in said]
    assert len(sequences) >= 6
    assert sequences == sorted(set(sequences))
    gateway.close()


def test_a_gateway_that_lost_its_memory_speaks_above_what_the_node_heard(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    heard = 77 << 32
    gateway.receive(board.health(down_sequence=heard))
    gateway.tick()
    (ping,) = [down for down in gateway.line.said() if down.kind == PING]
    assert ping.sequence == heard + 1


def test_an_old_boot_lifts_no_sequence(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    gateway.receive(board.event())
    old = board.health(down_sequence=77 << 32)
    board.reset(boot=2)
    gateway.receive(board.event())
    gateway.answer_pings(board)
    gateway.receive(old)
    gateway.tick(1_000_000)
    assert gateway.line.pings()[0].sequence < 77 << 32


STEPS = st.lists(
    st.one_of(
        st.integers(0, 29),
        st.sampled_from(["commit", "snapshot", "ping", "reset"]),
    ),
    min_size=5,
    max_size=60,
)


class Run:
    """A board with a stock of messages; `capture` is all that was ever on the line."""

    def __init__(self, folder: Path) -> None:
        self.board = Board()
        self.capture: list[bytes] = []
        self.gateway = Collecting(folder, [self.board], ManualClock(), UnsyncedStorage())
        self.boots = [self.board.boot]
        self.stock = self.messages()

    def messages(self) -> list[bytes]:
        """One boot's worth, with readings of two revisions, nonsense, and what was dropped."""
        board = self.board
        stock = board.hello_pieces(TWO_PIECES)
        for number in range(2, 30):
            if number == 15:
                board.revision = 1
                stock.append(board.hello())
            elif number % 10 == 7:
                stock.append(board.health(oldest=number - 3, samples=4 * number))
            elif number % 10 == 8:
                stock.append(board.nonsense())
            else:
                stock.append(board.readings())
        return stock

    def do(self, step: int | str) -> None:
        if isinstance(step, int):
            self.capture.append(self.stock[step])
            self.gateway.receive(self.stock[step])
        elif step == "commit":
            self.gateway.commit()
        elif step == "snapshot":
            self.gateway.gateway.writer.wants_snapshot = True
        elif step == "ping":
            self.gateway.clock.advance_us(1_000_000)
            self.gateway.answer_pings(self.board)
        else:
            self.board.reset(self.board.boot + 1)
            self.boots.append(self.board.boot)
            self.stock = self.messages()


@settings(max_examples=60)
@given(STEPS)
def test_wherever_it_is_cut_the_log_gives_the_same_ledger(steps: list[int | str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        run = Run(Path(name) / "before")
        for step in steps:
            run.do(step)
        run.gateway.commit()
        again = run.gateway.after_power_cut(Path(name) / "after")
        for boot in run.boots:
            assert known(again.gateway, run.board, boot) == known(
                run.gateway.gateway, run.board, boot
            )
        again.close()


@settings(max_examples=60)
@given(STEPS)
def test_wherever_it_is_cut_a_replay_of_everything_stores_nothing_twice(
    steps: list[int | str],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        run = Run(Path(name) / "before")
        for step in steps:
            run.do(step)
        again = run.gateway.after_power_cut(Path(name) / "after")
        before = again.stored_numbers()
        again.receive(*run.capture, *run.capture)
        again.commit()
        after = again.stored_numbers()
        assert set(after.values()) <= {1}
        assert before <= after
        kept = [one.sender for one in again.quarantined()]
        assert len(kept) == len(set(kept))
        again.close()
