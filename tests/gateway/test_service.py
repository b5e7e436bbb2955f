"""The gateway as a process: a board on its port, signals, and what is on the disk afterwards."""

import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from board_peer import Board
from gateway_process import LIMIT_S, CabledBoard, Process, readings


@pytest.fixture
def cabled(tmp_path: Path) -> Iterator[tuple[Process, CabledBoard]]:
    board = Board()
    process, cable = Process(tmp_path, board), CabledBoard(tmp_path / "port", board)
    yield process, cable
    process.close()
    cable.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_time_with_all_that_was_acknowledged_on_the_disk(
    cabled: tuple[Process, CabledBoard], number: int
) -> None:
    process, cable = cabled
    assert process.start().startswith("page http://127.0.0.1:")
    cable.listen()
    cable.send(cable.board.hello(), *readings(cable.board, 30))
    cable.until_acknowledged(31)
    cable.send(*readings(cable.board, 5))
    assert process.end(number) == 0
    stored = process.stored()
    assert cable.acknowledged <= set(stored)
    assert len(stored) == len(set(stored))


def test_after_a_kill_and_a_restart_nothing_acknowledged_is_missing_or_twice(
    cabled: tuple[Process, CabledBoard],
) -> None:
    process, cable = cabled
    process.start()
    cable.listen()
    messages = [cable.board.hello(), *readings(cable.board, 10)]
    cable.send(*messages)
    cable.until_acknowledged(11)
    process.end(signal.SIGKILL)
    process.start()
    cable.acknowledged.clear()
    cable.listen()
    cable.send(*messages, *readings(cable.board, 1))
    cable.until_acknowledged(12)
    assert process.end(signal.SIGTERM) == 0
    assert process.stored() == list(range(12))


def test_it_ends_in_time_with_fifty_pages_open_and_one_that_never_reads(
    cabled: tuple[Process, CabledBoard],
) -> None:
    process, cable = cabled
    host, port = _address(process.start())
    cable.listen()
    with ExitStack() as open_pages:
        deaf = open_pages.enter_context(_Page(host, port, receive_bytes=1024))
        pages = [open_pages.enter_context(_Page(host, port)) for _ in range(50)]
        for page in pages:
            page.until(b"data: ")
        cable.send(cable.board.hello(), *readings(cable.board, 30))
        cable.until_acknowledged(31)
        assert process.end(signal.SIGTERM) == 0
        assert all(page.has_ended() for page in pages)
        assert deaf.has_ended()
    assert cable.acknowledged <= set(process.stored())


class _Page(socket.socket):
    """A listener to /api/events."""

    def __init__(self, host: str, port: int, receive_bytes: int | None = None) -> None:
        super().__init__(socket.AF_INET)
        if receive_bytes is not None:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.settimeout(LIMIT_S)
        self.connect((host, port))
        self.sendall(b"GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n")

    def until(self, mark: bytes) -> None:
        heard = b""
        while mark not in heard:
            piece = self.recv(65536)
            assert piece, "the connection ended"
            heard += piece

    def has_ended(self) -> bool:
        """Read to the end, which comes in time or not at all."""
        try:
            while self.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True


def _address(line: str) -> tuple[str, int]:
    parts = urlsplit(line.removeprefix("page ").strip())
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port
