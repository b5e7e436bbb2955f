"""The cursor survives power cuts, and a damaged one never skips anything."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from board_peer import Board
from collecting import Collecting
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import InfluxConfig
from gateway.forward import CursorFile, server_of
from gateway.forward.progress import LATE, REPLAYED, Progress, SentLate, Stretch
from gateway.forwarding import Forwarding
from gateway.spool import FileStorage, Position

SERVER = server_of("http://depot:8086", "depot", "axlebox")


def reached(segment: int, offset: int) -> Progress:
    """All before that place sent, and something left out and something to send again."""
    return Progress(
        live=Position(segment, offset),
        behind=(
            Stretch(Position(1, 32), Position(2, 77), LATE),
            Stretch(Position(2, 77), Position(2, 99), REPLAYED),
        ),
        sent_late=(SentLate(1, 2, Position(1, 2), Position(1, 3)),),
        forgotten_us=5,
    )


class PowerCutError(Exception):
    """The machine stopped here."""


class CutStorage(FileStorage):
    """Stops before the operation of that number, and forgets what was not synced."""

    def __init__(self, cut_at: int) -> None:
        self.done = 0
        self._cut_at = cut_at

    def create(self, path: Path) -> int:
        self._count()
        return super().create(path)

    def write(self, fd: int, data: memoryview, offset: int) -> int:
        self._count()
        return super().write(fd, data[: max(1, len(data) // 2)], offset)

    def datasync(self, fd: int) -> None:
        self._count()
        super().datasync(fd)

    def rename(self, old: Path, new: Path) -> None:
        self._count()
        super().rename(old, new)

    def sync_folder(self, folder: Path) -> None:
        self._count()
        super().sync_folder(folder)

    def _count(self) -> None:
        if self.done == self._cut_at:
            raise PowerCutError
        self.done += 1


def test_a_cursor_comes_back(tmp_path: Path) -> None:
    CursorFile(tmp_path, SERVER).save(reached(3, 4096))
    CursorFile(tmp_path, SERVER).save(reached(12, 77))

    again = CursorFile(tmp_path, SERVER)
    assert again.load() == reached(12, 77)
    assert again.note is None
    assert [path.name for path in tmp_path.iterdir()] == ["forward.json"]


def test_a_cursor_of_the_first_form_is_still_read(tmp_path: Path) -> None:
    """As the versions wrote it that knew one position alone."""
    check = zlib.crc32(f"3:4096:{SERVER}".encode())
    written = {"segment": 3, "offset": 4096, "server": SERVER, "check": check}
    path = tmp_path / "forward.json"
    path.write_text(json.dumps(written))
    cursor = CursorFile(tmp_path, SERVER)
    assert cursor.load() == Progress(live=Position(3, 4096))
    assert cursor.note is None

    path.write_text(json.dumps(written | {"offset": 4097}))
    assert cursor.load() is None
    assert cursor.note is not None
    assert "is damaged" in cursor.note


def test_without_a_cursor_everything_is_sent(tmp_path: Path) -> None:
    cursor = CursorFile(tmp_path, SERVER)

    assert cursor.load() is None
    assert cursor.note is not None
    assert "begins at the oldest record" in cursor.note


def test_a_cursor_of_another_bucket_is_not_used(tmp_path: Path) -> None:
    CursorFile(tmp_path, SERVER).save(reached(3, 4096))

    other = CursorFile(tmp_path, server_of("http://depot:8086", "depot", "other"))

    assert other.load() is None
    assert other.note is not None
    assert "of another server or bucket" in other.note


def test_a_slash_behind_the_address_is_no_other_server() -> None:
    assert server_of("http://depot:8086/", "depot", "axlebox") == SERVER
    assert server_of("http://depot:8086", "depota", "xlebox") != SERVER


@given(st.data())
def test_a_damaged_cursor_never_points_elsewhere(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    CursorFile(folder, SERVER).save(reached(3, 4096))
    path = folder / "forward.json"
    good = path.read_bytes()
    at = data.draw(st.integers(0, len(good) - 1))
    damaged = data.draw(
        st.sampled_from([good[:at], good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :]])
    )
    path.write_bytes(damaged)

    cursor = CursorFile(folder, SERVER)

    assert cursor.load() is None
    assert cursor.note is not None
    assert "everything the spool holds is sent again" in cursor.note


def test_a_power_cut_leaves_the_old_cursor_or_the_new_one(tmp_path: Path) -> None:
    operations = 0
    while True:
        folder = tmp_path / str(operations)
        folder.mkdir()
        CursorFile(folder, SERVER).save(reached(3, 4096))
        storage = CutStorage(operations)
        try:
            CursorFile(folder, SERVER, storage).save(reached(12, 77))
        except PowerCutError:
            assert CursorFile(folder, SERVER).load() in (reached(3, 4096), reached(12, 77))
            CursorFile(folder, SERVER).save(reached(13, 78))
            assert CursorFile(folder, SERVER).load() == reached(13, 78)
            operations += 1
        else:
            break
    assert operations > 5


def test_the_new_cursor_is_on_the_disk_before_it_replaces_the_old_one(tmp_path: Path) -> None:
    calls: list[str] = []

    class Noting(FileStorage):
        def datasync(self, fd: int) -> None:
            calls.append("sync")
            super().datasync(fd)

        def rename(self, old: Path, new: Path) -> None:
            calls.append("rename")
            super().rename(old, new)

        def sync_folder(self, folder: Path) -> None:
            calls.append("sync folder")
            super().sync_folder(folder)

    CursorFile(tmp_path, SERVER, Noting()).save(reached(3, 4096))

    assert calls == ["sync", "rename", "sync folder"]


def test_a_cursor_behind_the_end_that_a_start_found_is_held_back_for_good(tmp_path: Path) -> None:
    """The disk lied about a sync: the place that was sent is written anew, and must be sent."""
    CursorFile(tmp_path, SERVER).save(reached(3, 4096))
    CursorFile(tmp_path, SERVER).hold_back(Position(3, 4096))
    assert CursorFile(tmp_path, SERVER).load() == reached(3, 4096)
    CursorFile(tmp_path, SERVER).hold_back(Position(3, 1000))
    assert CursorFile(tmp_path, SERVER).load() == reached(3, 1000)


def test_a_gateway_holds_the_cursor_back_before_it_collects(
    collect: Callable[..., Collecting], caplog: pytest.LogCaptureFixture
) -> None:
    gateway = collect(Board()).gateway
    folder = gateway.config.spool.folder
    config = InfluxConfig(url="http://127.0.0.1:9")
    server = server_of(config.url, config.org, config.bucket)
    CursorFile(folder, server).save(reached(7, 4096))

    forwarding = Forwarding(gateway, config, None)

    forwarding.start()
    forwarding.stop()
    progress = CursorFile(folder, server).load()
    assert progress is not None
    assert progress.live == gateway.recovery.end
    assert "the disk has lost what it had promised to keep" in caplog.text
    assert "all up to 7:4096 was sent" in caplog.text
