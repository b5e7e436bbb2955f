"""Whatever lies in its folder, a gateway starts, and takes and acknowledges what comes."""

import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from board_peer import Board
from gateway_process import CabledBoard, Process, readings

from gateway.spool import Kind, read_records
from gateway.spool.format import segment_path

SERVER = '[influx]\nurl = "http://127.0.0.1:9"\n'
"""Nobody answers there."""

CURSOR = "forward.json"


@pytest.fixture
def cabled(tmp_path: Path) -> Iterator[tuple[Process, CabledBoard]]:
    board = Board()
    process, cable = Process(tmp_path, board, SERVER), CabledBoard(tmp_path / "port", board)
    yield process, cable
    process.close()
    cable.close()


def newest(spool: Path) -> Path:
    return sorted(spool.glob("*.seg"))[-1]


def cursor_of_rubbish(spool: Path) -> None:
    (spool / CURSOR).write_bytes(b"\xff{rubbish")


def cursor_that_is_a_folder(spool: Path) -> None:
    (spool / CURSOR).unlink(missing_ok=True)
    (spool / CURSOR).mkdir()


def damaged_state(spool: Path) -> None:
    (*_, state) = [r for r in read_records(spool) if r.kind == Kind.STATE]
    path = segment_path(spool, state.segment)
    data = bytearray(path.read_bytes())
    at = data.index(state.body, state.offset)
    data[at + len(state.body) // 2] ^= 0xFF
    path.write_bytes(data)


def damaged_newest_segment(spool: Path) -> None:
    path = newest(spool)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(64)
    path.write_bytes(data)


def newest_segment_without_a_header(spool: Path) -> None:
    path = newest(spool)
    path.write_bytes(bytes(16) + path.read_bytes()[16:])


def empty_newest_segment(spool: Path) -> None:
    newest(spool).write_bytes(b"")


def left_over_socket(spool: Path) -> None:
    (spool / "control.sock").unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(spool / "control.sock"))


def file_for_a_socket(spool: Path) -> None:
    (spool / "control.sock").unlink(missing_ok=True)
    (spool / "control.sock").write_bytes(b"")


def index_of_rubbish(spool: Path) -> None:
    for segment in spool.glob("*.seg"):
        segment.with_suffix(".idx").write_bytes(b"rubbish" * 100)


def index_that_is_a_folder(spool: Path) -> None:
    for segment in spool.glob("*.seg"):
        segment.with_suffix(".idx").unlink(missing_ok=True)
        segment.with_suffix(".idx").mkdir()


def left_over_temporaries(spool: Path) -> None:
    segment = newest(spool)
    (spool / CURSOR).with_suffix(".tmp").write_bytes(b"half")
    for suffix in (".seg.tmp", ".idx.tmp", ".tmp"):
        segment.with_suffix(suffix).write_bytes(b"half")


DAMAGES = [
    cursor_of_rubbish,
    cursor_that_is_a_folder,
    damaged_state,
    damaged_newest_segment,
    newest_segment_without_a_header,
    empty_newest_segment,
    left_over_socket,
    file_for_a_socket,
    index_of_rubbish,
    index_that_is_a_folder,
    left_over_temporaries,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_state_does_not_keep_it_from_collecting(
    cabled: tuple[Process, CabledBoard], damage: Callable[[Path], None]
) -> None:
    process, cable = cabled
    assert process.start().startswith("page ")
    cable.listen()
    cable.send(cable.board.hello(), *readings(cable.board, 10))
    cable.until_acknowledged(11)
    process.end(signal.SIGKILL)

    damage(process.spool)

    assert process.start().startswith("page ")
    cable.acknowledged.clear()
    cable.listen()
    new = readings(cable.board, 2)
    cable.send(cable.board.hello(), *new)
    while not {12, 13} <= cable.acknowledged:
        cable.listen()
    assert process.end(signal.SIGTERM) == 0
    assert {12, 13} <= set(process.stored())
