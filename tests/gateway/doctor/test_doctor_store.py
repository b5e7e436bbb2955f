"""The doctor on the spool's folder and its disk."""

import os
import shutil
from typing import Any

import pytest
from crew_page.live_picture import te33a

from gateway.doctor.running import Running
from gateway.doctor.store import look_at_store
from gateway.state import Spool

from .conftest import Depot, somebody_else, told

SMALL = "[spool]\nreserve_mb = 1\nlimit_mb = 1\n"
RESERVE = ("ok", "the reserve of 1 MB is set apart", "")


def set_apart(depot: Depot) -> None:
    (depot.folder / "spool" / "reserve").write_bytes(bytes(1024 * 1024))


def free(monkeypatch: pytest.MonkeyPatch, megabytes: int) -> None:
    usage = shutil._ntuple_diskusage(10**12, 0, megabytes * 1_000_000)  # type: ignore[attr-defined]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)


def test_a_store_that_is_well(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    set_apart(depot)
    free(monkeypatch, 5000)
    assert told(look_at_store(depot.write(SMALL), None)) == [
        ("ok", f"the disk of {depot.folder}/spool has 5000 MB free", ""),
        RESERVE,
    ]


def test_the_real_disk_has_some_room(depot: Depot) -> None:
    found = told(look_at_store(depot.write("[spool]\nlimit_mb = 1000000\n"), None))
    assert any("spool.limit_mb = 1000000" in what for level, what, _ in found if level == "note")


def test_a_folder_that_is_not_there_yet(depot: Depot) -> None:
    (depot.folder / "spool").rmdir()
    assert told(look_at_store(depot.write(), None)) == [
        (
            "note",
            f"the store's folder {depot.folder}/spool is not there yet",
            "the gateway makes it when it starts",
        )
    ]


def test_a_folder_that_cannot_be_made(depot: Depot) -> None:
    settings = depot.write('[spool]\nfolder = "above/spool"\n')
    (depot.folder / "above").mkdir(mode=0o555)
    with somebody_else():
        found = told(look_at_store(settings, None))
    assert found == [
        (
            "wrong",
            f"the store's folder {depot.folder}/above/spool is not there, and this user may not "
            f"make it in {depot.folder}/above",
            "make it, and give it to the user the gateway runs as: chown -R axlebox "
            f"{depot.folder}/above/spool",
        )
    ]


def test_a_folder_that_is_another_users(depot: Depot) -> None:
    settings = depot.write()
    (depot.folder / "spool").chmod(0o555)
    with somebody_else():
        found = told(look_at_store(settings, None))
    assert found == [
        (
            "wrong",
            f"this user may not read and write the store in {depot.folder}/spool",
            f"give it to the user the gateway runs as: chown -R axlebox {depot.folder}/spool",
        )
    ]


def test_a_file_in_place_of_the_folder(depot: Depot) -> None:
    (depot.folder / "spool").rmdir()
    depot.file("spool", "")
    assert told(look_at_store(depot.write(), None)) == [
        ("wrong", f"{depot.folder}/spool is a file, not a folder", "correct spool.folder")
    ]


def test_a_file_system_that_became_read_only(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Status:
        f_flag = os.ST_RDONLY

    monkeypatch.setattr(os, "statvfs", lambda path: Status())
    assert told(look_at_store(depot.write(), None))[0] == (
        "wrong",
        f"the file system of {depot.folder}/spool is read-only, often after an error of the card",
        "look into `dmesg`, remount it writable, replace the card if it happens again",
    )


def test_a_disk_that_is_full(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    set_apart(depot)
    free(monkeypatch, 150)
    assert told(look_at_store(depot.write(SMALL), None)) == [
        (
            "wrong",
            f"the disk of {depot.folder}/spool has only 150 MB left, and forwarded readings are "
            "given up below 200 MB",
            "free space on it: logs and copies first, never the store's own files",
        ),
        RESERVE,
    ]


def test_a_disk_that_is_smaller_than_the_limit(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 3200)
    assert (
        "note",
        "the store may grow to spool.limit_mb = 8000, and the disk has room for 3000 MB of it",
        "lower spool.limit_mb to that, or free space, so that warnings come in time",
    ) in told(look_at_store(depot.write(), None))


@pytest.mark.parametrize(
    ("more", "running", "finding"),
    [
        (
            "[spool]\nreserve_mb = 0\n",
            None,
            (
                "note",
                "spool.reserve_mb is 0, so nothing is set apart for the hour when the disk is "
                "full",
                "leave it at its default where the disk has room",
            ),
        ),
        (
            "",
            None,
            (
                "note",
                "the reserve of 32 MB is not set apart yet",
                "the gateway does it while it runs, where the disk has four times as much free",
            ),
        ),
        (
            "",
            Running(te33a()),
            (
                "wrong",
                "the reserve of 32 MB is not set apart: the disk was full, or is",
                "free space on the disk; the gateway sets it apart again by itself",
            ),
        ),
    ],
)
def test_a_reserve_that_is_not_there(
    depot: Depot, more: str, running: Running | None, finding: tuple[str, str, str]
) -> None:
    assert finding in told(look_at_store(depot.write(more), running))


def test_segments_that_were_set_aside(depot: Depot) -> None:
    (depot.folder / "spool" / "00000001.bad").touch()
    assert told(look_at_store(depot.write(SMALL), None))[-1] == (
        "note",
        f"damaged segments were set aside in {depot.folder}/spool (1); what was sound of them was "
        "salvaged",
        "look into `dmesg` and replace the card; move the `.bad` files away afterwards",
    )


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        (
            {"fault": "the disk is full: free space on it or lower the spool's limit"},
            ("wrong", "the disk is full", "free space on it or lower the spool's limit"),
        ),
        (
            {"warning": "the disk takes over 2 s to store a commit: check or replace the card"},
            (
                "wrong",
                "the disk takes over 2 s to store a commit",
                "check or replace the card",
            ),
        ),
        (
            {"removed_messages": 3, "thinned_messages": 4},
            (
                "wrong",
                "messages given up or thinned before the server had them: 7",
                "bring the server back, or raise spool.limit_mb",
            ),
        ),
        (
            {"free_days": 1.25},
            (
                "note",
                "the store has room for 1.2 days of what is not sent",
                "bring the server back before that, or raise spool.limit_mb",
            ),
        ),
        ({"free_days": 31.5}, ("ok", "the store has room for 32 days without a server", "")),
    ],
)
def test_what_a_gateway_that_runs_says_of_its_store(
    depot: Depot, fields: dict[str, Any], finding: tuple[str, str, str]
) -> None:
    running = Running(te33a(spool=Spool(bytes=1, **fields)))
    settings = depot.write('[influx]\nurl = "http://127.0.0.1:9"\n')
    assert told(look_at_store(settings, running))[0] == finding
