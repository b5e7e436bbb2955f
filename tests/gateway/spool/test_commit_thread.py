"""The writer's thread: commits what is due, calls back, and ends in time."""

import threading
from pathlib import Path

import pytest
from manual_clock import ManualClock

from gateway.spool import (
    CommitThread,
    Kind,
    Priority,
    SpoolWriter,
    WriterSettings,
    open_spool,
    read_records,
)

from .storages import Operation, WatchedStorage


def add(writer: SpoolWriter, body: bytes, priority: int = Priority.READINGS) -> int:
    return writer.append(Kind.MESSAGE, priority, body, 1)


def test_an_event_is_committed_without_waiting(tmp_path: Path) -> None:
    clock = ManualClock()
    durable = threading.Event()
    names: list[str] = []

    def committed(ticket: int) -> None:
        names.append(f"{threading.current_thread().name} {ticket}")
        durable.set()

    with open_spool(tmp_path, clock, on_committed=committed) as spool:
        thread = CommitThread(spool.writer, clock)
        thread.start()
        add(spool.writer, b"event", Priority.URGENT)
        assert durable.wait(30)
        assert thread.stop()
    assert names == ["spool-commit 1"]


def test_stopping_commits_what_is_left(tmp_path: Path) -> None:
    clock = ManualClock()
    with open_spool(tmp_path, clock) as spool:
        thread = CommitThread(spool.writer, clock)
        thread.start()
        add(spool.writer, b"reading")
        assert thread.stop()
        assert spool.writer.committed_ticket == 1
    assert [record.body for record in read_records(tmp_path)] == [b"reading"]


def test_a_hanging_disk_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    clock = ManualClock()
    hangs, goes_on = threading.Event(), threading.Event()

    def hang(operation: Operation) -> None:
        if operation.name == "datasync":
            hangs.set()
            assert goes_on.wait(30)

    spool = open_spool(tmp_path, clock, storage=WatchedStorage(hang))
    thread = CommitThread(spool.writer, clock)
    thread.start()
    add(spool.writer, b"event", Priority.URGENT)
    assert hangs.wait(30)
    assert not thread.stop(timeout_s=0.01)
    goes_on.set()
    assert thread.stop(timeout_s=30)
    spool.close()


def test_room_is_made_in_the_writers_thread_after_each_attempt(tmp_path: Path) -> None:
    clock = ManualClock()
    called = threading.Semaphore(0)
    with open_spool(tmp_path, clock) as spool:
        thread = CommitThread(spool.writer, clock, after_commit=called.release)
        thread.start()
        add(spool.writer, b"event", Priority.URGENT)
        assert called.acquire(timeout=30)
        assert thread.stop()


def test_an_error_in_a_callback_does_not_end_the_writing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    tickets: list[int] = []
    called = threading.Semaphore(0)

    def committed(ticket: int) -> None:
        tickets.append(ticket)
        called.release()
        raise RuntimeError("the callback is broken")

    settings = WriterSettings(commit_bytes=1)
    with open_spool(tmp_path, clock, settings=settings, on_committed=committed) as spool:
        thread = CommitThread(spool.writer, clock)
        thread.start()
        for body in (b"first", b"second"):
            add(spool.writer, body)
            assert called.acquire(timeout=30)
        assert thread.stop()
        assert thread.crashes == 2
        spool.writer.on_committed = None
    assert tickets == [1, 2]
    assert "the callback is broken" in caplog.text


def test_many_threads_may_append(tmp_path: Path) -> None:
    clock = ManualClock()
    settings = WriterSettings(segment_bytes=10_000, commit_bytes=300)
    with open_spool(tmp_path, clock, settings=settings) as spool:
        thread = CommitThread(spool.writer, clock)
        thread.start()
        tickets: list[list[int]] = [[] for _ in range(4)]

        def append(own: int) -> None:
            for index in range(500):
                tickets[own].append(add(spool.writer, b"%d %d" % (own, index)))

        threads = [threading.Thread(target=append, args=(own,)) for own in range(4)]
        for other in threads:
            other.start()
        for other in threads:
            other.join()
        assert thread.stop()
    bodies = [record.body for record in read_records(tmp_path)]
    by_ticket = {
        ticket: b"%d %d" % (own, index)
        for own in range(4)
        for index, ticket in enumerate(tickets[own])
    }
    assert bodies == [by_ticket[ticket] for ticket in range(1, 2001)]
