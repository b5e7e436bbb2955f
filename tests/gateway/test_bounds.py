"""Every queue keeps its bound, and a node that sends without end starves no other."""

import asyncio
import os
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from axwire import cose
from axwire.framing import Deframer, frame
from board_peer import Board
from collecting import Collecting
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import SerialConfig
from gateway.downlink import Link
from gateway.links.inbox import Arrival, Inbox
from gateway.links.serial_port import LineDeframer, SerialLink

Collect = Callable[..., Collecting]
MEGABYTE = 1 << 20
FLOOD = 2 * MEGABYTE
READ_BYTES = 4096


def flooded(gateway: Collecting, board: Board) -> int:
    """The board sends until it is held back; how many bytes of it were taken."""
    taken = 0
    while taken < FLOOD:
        message = board.readings([[0] * 2] * 200)
        if gateway.receive(message) == [False]:
            board.sequence -= 1
            return taken
        taken += len(message)
    return taken


def test_a_node_that_floods_fills_half_of_the_buffer_and_another_is_taken_at_once(
    collect: Collect, board: Board
) -> None:
    """And acknowledged with the next commit."""
    other = Board("brakes-a", boot=7)
    gateway = collect(board, other, buffer_mb=1)
    gateway.receive(board.hello())
    taken = flooded(gateway, board)
    writer = gateway.gateway.writer
    assert MEGABYTE // 3 < taken <= MEGABYTE // 2
    assert gateway.ingest.held_back == {board.name: 1}
    assert gateway.receive(other.hello(), *[other.readings() for _ in range(500)]) == [True] * 501
    assert writer.buffered_bytes <= writer.settings.buffer_bytes
    gateway.line.said()
    gateway.commit()
    assert (501, []) in gateway.line.acks()
    assert flooded(gateway, board) > MEGABYTE // 3, "once it is on the disk, the next half"


def test_several_that_flood_leave_room_for_one_more(collect: Collect) -> None:
    boards = [Board(f"motors-{letter}", boot=ord(letter)) for letter in "abcdefg"]
    last = boards.pop()
    gateway = collect(*boards, last, buffer_mb=1)
    for board in boards:
        gateway.receive(board.hello())
    for _ in range(2):
        for board in boards:
            flooded(gateway, board)
    writer = gateway.gateway.writer
    assert writer.room_bytes > MEGABYTE // 128
    assert gateway.receive(last.hello(), last.readings()) == [True, True]
    assert gateway.ingest.refused == {}
    assert writer.metrics.refused_full == 0


def test_rubbish_fills_only_what_quarantine_has_room_for(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    before = gateway.gateway.writer.buffered_bytes
    stranger = Board(secret=bytes(32))
    assert all(gateway.receive(*[stranger.readings() for _ in range(5000)]))
    assert (gateway.ingest.quarantine.kept, gateway.ingest.quarantine.not_kept) == (64, 4936)
    assert gateway.gateway.writer.buffered_bytes - before < 64 * 400
    assert gateway.ingest.pending == 0


def arrival(sender: str, number: int = 0) -> Arrival:
    return Arrival(sender, None, number, 1, b"%d" % number)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("ptr")), max_size=300),
    st.integers(2, 40),
)
def test_an_inbox_never_holds_more_than_its_bound_nor_a_sender_more_than_its_share(
    steps: list[tuple[str, str]], cap: int
) -> None:
    """Put, take and release in any order; each sender's come out as they were put."""
    inbox = Inbox(cap)
    put: dict[str, list[int]] = {}
    got: dict[str, list[int]] = {}
    taken: list[str] = []

    def take(offered: Arrival) -> bool:
        got.setdefault(offered.sender, []).append(offered.number)
        taken.append(offered.sender)
        return True

    for number, (sender, step) in enumerate(steps):
        if step == "p":
            held = len(put.get(sender, [])) - len(got.get(sender, [])) + taken.count(sender)
            free = cap - inbox.depth - len(taken)
            assert inbox.put(arrival(sender, number)) == (held < free)
            if held < free:
                put.setdefault(sender, []).append(number)
        elif step == "t":
            inbox.offer(take, 1)
        elif taken:
            inbox.release(taken.pop(0))
        assert inbox.depth + len(taken) <= cap
    assert inbox.offer(take, cap + 1)
    assert inbox.depth == 0
    assert {s: n for s, n in put.items() if n} == got


def test_a_sender_whose_messages_are_not_taken_holds_up_no_other() -> None:
    inbox = Inbox(100)
    for number in range(10):
        for sender in "ab":
            assert inbox.put(arrival(sender, number))
    taken: list[Arrival] = []

    def take(offered: Arrival) -> bool:
        if offered.sender == "a":
            return False
        taken.append(offered)
        return True

    assert not inbox.offer(take, 100)
    assert [offered.number for offered in taken] == list(range(10))
    assert inbox.depth == 10


@given(st.lists(st.binary(max_size=12) | st.just(b"\0"), max_size=40))
def test_a_line_is_cut_into_the_same_messages_and_refusals_as_everywhere(
    chunks: list[bytes],
) -> None:
    usual, line = Deframer(8), LineDeframer(8)
    chunks = [*chunks, frame(b"good"), b"\2\0", b"\1\1\1\1\0", b"\1\1\3\1\0"]
    assert [usual.feed(chunk) for chunk in chunks] == [line.feed(chunk) for chunk in chunks]
    assert usual.refused == line.refused


class Taken:
    """Takes everything; has the flooding pty filled again before each message."""

    def __init__(self) -> None:
        self.by: list[str] = []
        self.refill: Callable[[], None] = lambda: None

    def link_opened(self, link: Link) -> None:
        pass

    def receive(self, link: Link, message: bytes) -> bool:
        self.refill()
        self.by.append(link.name)
        return True

    def refuse_noise(self, reason: str, count: int) -> None:
        raise AssertionError(reason)


@pytest.mark.parametrize("size", [20, 1000])
def test_a_port_that_is_never_empty_lets_the_others_have_their_turns(
    tmp_path: Path, size: int
) -> None:
    """Between two turns of a port each other port brings at most one reading of 4 KB."""
    taken = Taken()
    pairs = [os.openpty() for _ in range(3)]
    flood = frame(b"\1" * size) * 400
    links = []
    for number, (far, near) in enumerate(pairs):
        tty.setraw(near)
        os.set_blocking(far, False)
        config = SerialConfig(name=f"p{number}", port=Path(os.ttyname(near)))
        links.append(SerialLink(config, taken))
    left = [b"", b""]

    def refill() -> None:
        for number in range(2):
            left[number] = left[number] or flood
            with suppress(BlockingIOError):
                left[number] = left[number][os.write(pairs[number][0], left[number]) :]

    async def run() -> None:
        for link in links:
            link.open()
        taken.refill = refill
        refill()
        async with asyncio.timeout(20):
            while len(taken.by) < 200:
                await asyncio.sleep(0)
            os.write(pairs[2][0], frame(b"\2" * size))
            written = len(taken.by)
            while links[2].name not in taken.by:
                await asyncio.sleep(0)
        between = taken.by[written:].index(links[2].name)
        a_turn = 1 + READ_BYTES // len(frame(b"\1" * size))
        # The flush of a pty's buffer is the kernel's: it may come a turn later than the write.
        assert between <= 3 * 2 * a_turn
        assert all(link.depth <= a_turn for link in links)
        for link in links:
            link.close()

    asyncio.run(run())
    for far, near in pairs:
        os.close(far)
        os.close(near)


def test_what_waits_for_a_port_is_counted_and_what_finds_no_room_too(tmp_path: Path) -> None:
    far, near = os.openpty()
    tty.setraw(near)
    message = cose.seal(cose.MacKey(bytes(32)), "motors-a", cose.DOWN, bytes(1000))

    async def run() -> None:
        link = SerialLink(SerialConfig(name="p", port=Path(os.ttyname(near))), Taken())
        assert (link.send(message), link.send_refused) == (False, 1), "there is no port yet"
        link.open()
        sent = sum(link.send(message) for _ in range(1000))
        assert link.send_refused == 1 + 1000 - sent
        assert 64 * 1024 < link.unsent_bytes <= 64 * 1024 + len(frame(message))
        link.close()

    asyncio.run(run())
    os.close(far)
    os.close(near)
