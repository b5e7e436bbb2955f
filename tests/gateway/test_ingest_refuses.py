"""Promise 3: nothing that arrives from outside can harm it."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from axwire import GATEWAY_MESSAGE_CAP, cose, down
from axwire.cbor import Writer
from axwire.codes import COMMAND_REBOOT
from board_peer import Board, group_of
from collecting import Collecting, UnsyncedStorage
from hypothesis import given
from hypothesis import strategies as st
from manual_clock import ManualClock

Collect = Callable[..., Collecting]
WRONG = bytes(range(1, 33))


def command_to(board: Board) -> bytes:
    """A message of the gateway, as anybody can hear it on the line."""
    writer = Writer(256)
    down.command(writer, board.boot, 0, COMMAND_REBOOT, [])
    return board.seal(bytes(writer.written()), cose.DOWN)


STRANGERS = {
    "a wrong key": (lambda: Board(secret=WRONG).hello(), "bad_mac"),
    "a node without a key here": (lambda: Board(name="motors-z").hello(), "unknown_node"),
    "a message of ours, reflected": (lambda: command_to(Board()), "bad_mac"),
    "no COSE at all": (lambda: b"\x80", "envelope"),
    "nothing": (lambda: b"", "envelope"),
    "half a message": (lambda: Board().hello()[:-3], "envelope"),
    "a changed byte": (lambda: flipped(Board().hello(), 40), "bad_mac"),
    "a changed name": (lambda: Board().hello().replace(b"motors-a", b"axles-aa"), "unknown_node"),
    "too long": (
        lambda: Board().readings([[0] * 2] * (GATEWAY_MESSAGE_CAP // 4)),
        "too_long",
    ),
}


def flipped(message: bytes, at: int) -> bytes:
    return message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :]


@pytest.mark.parametrize(("message", "reason"), STRANGERS.values(), ids=STRANGERS)
def test_what_proves_nothing_is_counted_and_never_answered(
    collect: Collect, board: Board, message: Callable[[], bytes], reason: str
) -> None:
    gateway = collect(board)
    assert gateway.receive(message()) == [True]
    gateway.commit()
    gateway.tick()
    assert gateway.ingest.refused == {reason: 1}
    assert gateway.stored() == []
    assert gateway.line.raw == []
    assert gateway.gateway.registry.status(board.name) == "waiting"


@pytest.mark.parametrize(("message", "reason"), STRANGERS.values(), ids=STRANGERS)
def test_what_proves_nothing_is_kept_with_its_reason(
    collect: Collect, board: Board, message: Callable[[], bytes], reason: str
) -> None:
    gateway = collect(board)
    gateway.receive(message())
    gateway.commit()
    (kept,) = gateway.quarantined()
    assert (kept.reason, kept.link, kept.sender) == (reason, "serial test", None)
    assert kept.message == message()[:GATEWAY_MESSAGE_CAP]
    assert kept.text


def test_rubbish_is_kept_at_a_bounded_rate_and_counted_all(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    for second in range(10):
        gateway.receive(*[b"rubbish"] * 1000)
        gateway.clock.advance_us(1_000_000)
        kept = gateway.ingest.quarantine.kept
        assert kept == 64 + second
    assert gateway.ingest.refused == {"envelope": 10_000}


def test_a_quiet_hour_allows_no_more_than_a_burst(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    gateway.clock.advance_us(3_600_000_000)
    gateway.receive(*[b"rubbish"] * 1000)
    assert gateway.ingest.quarantine.kept == 64


def test_a_flood_of_rubbish_leaves_a_node_its_way(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    random = Random(5)
    gateway.receive(board.hello())
    for _ in range(20):
        gateway.receive(*(random.randbytes(50) for _ in range(50)), board.readings())
    gateway.commit()
    assert len(gateway.stored()) == 21
    assert gateway.line.acks() == [(21, [])]


def test_a_replayed_capture_is_refused_and_counted(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    capture = [board.hello(), *(board.readings() for _ in range(20))]
    gateway.receive(*capture)
    gateway.commit()
    gateway.clock.advance_us(3_600_000_000)
    gateway.receive(*capture)
    gateway.commit()
    assert gateway.stored() == capture
    assert gateway.ingest.refused == {"repeated": 21}
    assert gateway.gateway.registry.status(board.name) == "stale"


@pytest.mark.parametrize("played", [0, 1, 2])
def test_an_unheard_message_of_a_boot_that_is_over_silences_no_live_boot(
    collect: Collect, board: Board, played: int
) -> None:
    """Captured while the gateway was away, and played to it later."""
    gateway = collect(board)
    board.reset(boot=99)
    captured = [board.hello(), board.event()]
    board.reset(boot=7)
    gateway.receive(board.hello())
    gateway.answer_pings(board)
    gateway.receive(*captured[:played], board.event())
    assert gateway.gateway.downlink.boot(board.name) == 7
    gateway.clock.advance_us(1_000_000)
    assert gateway.answer_pings(board) == 1
    gateway.receive(*captured, board.event())
    assert gateway.gateway.registry.state().nodes[0].boot == "00000007"


def test_a_pong_counts_once(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    gateway.receive(board.hello())
    gateway.line.said()
    gateway.tick()
    (ping,) = gateway.line.pings()
    pong = board.pong(ping, 1000)
    gateway.receive(pong, pong)
    assert gateway.ingest.refused == {"late_pong": 1}


def test_a_pong_of_another_boot_is_refused(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    gateway.receive(board.hello())
    gateway.line.said()
    gateway.tick()
    (ping,) = gateway.line.pings()
    board.reset(boot=8)
    gateway.receive(board.pong(ping, 1000))
    assert gateway.ingest.refused == {"late_pong": 1}


def test_authentic_nonsense_is_quarantined_then_acknowledged(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    hello, nonsense, event = board.hello(), board.nonsense(), board.event()
    gateway.receive(hello, nonsense, event)
    assert gateway.line.acks() == []
    gateway.commit()
    assert gateway.line.acks() == [(3, [])]
    assert gateway.stored() == [hello, event]
    (kept,) = gateway.quarantined()
    assert kept.message == nonsense
    assert kept.sender == (board.name, board.boot, 1)
    assert gateway.ingest.refused == {"message": 1}


def test_authentic_nonsense_that_comes_again_is_kept_once_and_acknowledged_again(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    nonsense = board.nonsense()
    gateway.receive(nonsense)
    gateway.commit()
    gateway.line.acks()
    gateway.receive(nonsense)
    gateway.tick()
    assert gateway.line.acks() == [(1, [])]
    gateway.commit()
    assert len(gateway.quarantined()) == 1


@pytest.mark.parametrize(
    "write",
    [
        lambda board: board.readings([[1, 2, 3]]),
        lambda board: board.readings(group=5),
        lambda board: board.readings([[1, 2]], statuses=[0]),
        lambda board: board.differences([[1], [2]]),
    ],
    ids=["uneven", "unknown group", "too few statuses", "uneven steps"],
)
def test_readings_that_do_not_fit_their_table_do_not_block_their_node(
    collect: Collect, board: Board, write: Callable[[Board], bytes]
) -> None:
    gateway = collect(board)
    gateway.receive(board.hello(), write(board), board.readings())
    gateway.commit()
    assert gateway.line.acks() == [(3, [])]
    assert len(gateway.stored()) == 2
    assert gateway.ingest.refused == {"message": 1}


def test_a_table_that_contradicts_itself_is_quarantined(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    first, second = board.hello_pieces(
        [[group_of("motor.current", 2)], [group_of("motor.voltage", 2, number=1, first=1)]]
    )
    gateway.receive(first, second)
    gateway.commit()
    assert gateway.stored() == [first]
    assert [kept.message for kept in gateway.quarantined()] == [second]
    assert gateway.line.acks() == [(2, [])]


def test_an_authentic_payload_without_numbers_is_counted_and_not_answered(
    collect: Collect, board: Board
) -> None:
    gateway = collect(board)
    gateway.receive(board.seal(b"\x80"), board.seal(b"\xff" * 20))
    gateway.commit()
    assert gateway.line.raw == []
    assert gateway.ingest.refused == {"message": 1, "cbor": 1}


def test_noise_on_a_line_is_counted_by_reason(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    gateway.ingest.refuse_noise("crc", 3)
    gateway.ingest.refuse_noise("crc", 1)
    assert gateway.gateway.registry.state().refused == {"crc": 4}


MESSAGE = Board().hello()


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=200),
            st.integers(0, len(MESSAGE)).map(lambda end: MESSAGE[:end]),
            st.integers(0, len(MESSAGE) - 1).map(lambda at: flipped(MESSAGE, at)),
            st.binary(max_size=100).map(Board().seal),
        ),
        max_size=30,
    )
)
def test_no_bytes_whatever_stop_the_collecting(messages: list[bytes]) -> None:
    board = Board()
    with tempfile.TemporaryDirectory() as folder:
        gateway = Collecting(Path(folder), [board], ManualClock(), UnsyncedStorage())
        assert gateway.receive(*messages) == [True] * len(messages)
        assert gateway.receive(board.event()) == [True]
        gateway.commit()
        assert gateway.stored_numbers()[board.name, board.boot, 0] == 1
        gateway.close()
