"""The crash simulator itself: what it notes of a process, and what its disks have after a cut."""

import fcntl
import mmap
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from power_cuts.disk import SECTOR_BYTES, Disk, Image
from power_cuts.recorder import KilledError, Recorder, StrayError

OLD, NEW = b"o" * 700, b"n" * 1500


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    (tmp_path / "root").mkdir()
    return Recorder(tmp_path / "root")


def write(path: Path, data: bytes, offset: int = 0, *, sync: bool = True) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    os.pwrite(fd, data, offset)
    if sync:
        os.fsync(fd)
    os.close(fd)


def sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(fd)
    os.close(fd)


def test_every_way_to_change_files_by_descriptor_and_name_is_noted(recorder: Recorder) -> None:
    root = recorder.root
    with recorder.watching():
        (root / "folder").mkdir()
        (root / "gone").mkdir()
        (root / "gone").rmdir()
        write(root / "folder" / "a", OLD)
        write(root / "folder" / "a", NEW, 100)
        os.truncate(root / "folder" / "a", 900)
        os.link(root / "folder" / "a", root / "b")
        (root / "b").replace(root / "c")
        fd = os.open(root / "d", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(fd, b"one")
        os.write(fd, b"two")
        os.posix_fallocate(fd, 0, 50)
        os.close(fd)
        (root / "c").touch()
        os.close(os.open(root / "c", os.O_WRONLY | os.O_TRUNC))
        (root / "folder" / "a").unlink()
    recorder.check()
    assert recorder.disk.prefix() == {"folder": None, "c": b"", "d": b"onetwo" + bytes(44)}


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(b"x"),
        lambda path: path.open("a"),
        lambda path: os.fdopen(os.open(path, os.O_RDWR), "r+b"),
        lambda path: os.writev(os.open(path, os.O_WRONLY), [b"x"]),
        lambda path: os.dup(os.open(path, os.O_WRONLY)),
        lambda path: os.symlink("elsewhere", path.with_name("link")),
        lambda path: os.rename(path, path.parents[1] / "outside"),
    ],
)
def test_what_goes_past_the_recorder_is_an_error_at_once_and_at_the_end(
    recorder: Recorder, change: Callable[[Path], object]
) -> None:
    with recorder.watching():
        write(recorder.root / "a", OLD)
        with pytest.raises(StrayError):
            change(recorder.root / "a")
    with pytest.raises(AssertionError):
        recorder.check()


def test_what_no_wrapper_can_see_is_found_by_its_bytes(recorder: Recorder) -> None:
    with recorder.watching():
        write(recorder.root / "a", OLD)
        fd = os.open(recorder.root / "a", os.O_RDWR)
        with mmap.mmap(fd, len(OLD)) as memory:
            memory[5] = 0
        os.close(fd)
    with pytest.raises(AssertionError, match=r"changed past the recorder: \{'a'\}"):
        recorder.check()


def test_nothing_of_a_killed_process_runs_on(recorder: Recorder) -> None:
    def kill(operation: object) -> None:
        raise KilledError

    with recorder.watching():
        write(recorder.root / "a", OLD)
        fd = os.open(recorder.root / "a", os.O_WRONLY)
        fcntl.flock(fd, fcntl.LOCK_EX)
        recorder.before = kill
        with pytest.raises(KilledError):
            os.fsync(fd)
        recorder.before = lambda operation: None
        with pytest.raises(KilledError):
            os.unlink(recorder.root / "a")
        recorder.revive()
        again = os.open(recorder.root / "a", os.O_WRONLY)
        fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(recorder.root / "a")
        os.close(again)
        os.close(fd)
    recorder.check()


def disk_of(recorder: Recorder, *, lies: bool = False) -> Disk:
    """Without the last sync of a file, or with one that lies, where `lies`."""
    disk = Disk()
    syncs = [o for o in recorder.operations if o.name == "sync"]
    for operation in recorder.operations:
        disk.apply(operation, lies=lies and operation is syncs[-1])
    return disk


def test_synced_has_what_was_synced_of_files_and_of_names(recorder: Recorder) -> None:
    root = recorder.root
    with recorder.watching():
        write(root / "a", OLD)
        write(root / "never-synced", OLD, sync=False)
        sync_folder(root)
        write(root / "a", NEW, sync=False)
        write(root / "no-name-yet", NEW)
        os.unlink(root / "never-synced")
    assert recorder.disk.synced() == {"a": OLD, "never-synced": b""}
    assert recorder.disk.prefix() == {"a": NEW, "no-name-yet": NEW}


def test_a_sync_that_lied_is_made_good_by_the_next_one_that_did_not(recorder: Recorder) -> None:
    with recorder.watching():
        write(recorder.root / "a", OLD)
        sync_folder(recorder.root)
        write(recorder.root / "a", NEW)
        assert disk_of(recorder).synced() == {"a": NEW}
        assert disk_of(recorder, lies=True).synced() == {"a": OLD}
        assert disk_of(recorder, lies=True).is_open("a", 0, 10)
        write(recorder.root / "a", b"x", 5)
    assert disk_of(recorder).synced() == {"a": NEW[:5] + b"x" + NEW[6:]}
    assert not disk_of(recorder).is_open("a", 0, 10)


def test_no_later_sync_brings_back_what_a_failed_one_threw_away(recorder: Recorder) -> None:
    def refuse(operation: object) -> None:
        if getattr(operation, "name", "") == "sync":
            raise OSError("Input/output error")

    with recorder.watching():
        write(recorder.root / "a", OLD)
        sync_folder(recorder.root)
        recorder.before = refuse
        with pytest.raises(OSError, match="Input/output"):
            write(recorder.root / "a", NEW)
        recorder.before = lambda operation: None
        write(recorder.root / "a", b"x", 5)
    assert recorder.disk.synced() == {"a": OLD[:5] + b"x" + OLD[6:]}


def torn(recorder: Recorder, count: int = 300) -> list[Image]:
    random = Random(5)
    return [recorder.disk.torn(random) for _ in range(count)]


def test_torn_takes_each_sector_and_name_for_itself_and_leaves_synced_bytes(
    recorder: Recorder,
) -> None:
    root = recorder.root
    with recorder.watching():
        write(root / "a", OLD)
        write(root / "b", OLD)
        sync_folder(root)
        write(root / "a", NEW, len(OLD), sync=False)
        os.rename(root / "b", root / "c")
    whole = OLD + NEW
    sectors: list[set[str]] = [set() for _ in range(0, len(whole), SECTOR_BYTES)]
    sizes = set()
    for image in torn(recorder):
        assert ("b" in image) != ("c" in image)
        content = image["a"]
        assert content is not None
        assert content[: len(OLD)] == OLD
        sizes.add(len(content))
        for number, seen in enumerate(sectors):
            at = max(number * SECTOR_BYTES, len(OLD))
            part = content[at : (number + 1) * SECTOR_BYTES]
            is_new = part == whole[at : (number + 1) * SECTOR_BYTES]
            seen.add("new" if is_new else "zeros" if not any(part) else "rubbish")
    assert sizes == {len(OLD), len(whole)}
    assert all(seen == {"new", "zeros", "rubbish"} for seen in sectors[2:])
    assert {"b" in image for image in torn(recorder)} == {True, False}
