"""Upkeep is paced by the clock, does what it is asked for at once, and survives its own errors."""

import itertools
import threading
from pathlib import Path

from manual_clock import ManualClock

from gateway.history.indexer import Indexer
from gateway.ledger import account_of
from gateway.spool import FileStorage, Position, Thinner
from gateway.spool.verification import Verifier
from gateway.timebase import SystemClock
from gateway.upkeep import Upkeep, UpkeepThread


class Scripted(Upkeep):
    """Steps with work for the first `busy` of each kind."""

    def __init__(self, clock: ManualClock, busy: int) -> None:
        storage, folder = FileStorage(), Path("/nowhere")
        self.steps: list[tuple[str, int]] = []
        self._script_clock = clock
        self._busy = busy
        indexer = Indexer(storage, folder, lambda: Position(0, 0))
        verifier = Verifier(storage, folder, lambda: Position(0, 0), clock)
        indexer.step = lambda: self._note("index")  # type: ignore[method-assign]
        verifier.step = lambda: self._note("verify")  # type: ignore[method-assign]
        super().__init__(Thinner(storage, folder, account_of), indexer, verifier, clock)

    def _note(self, kind: str) -> bool:
        self.steps.append((kind, self._script_clock.monotonic_us()))
        return sum(name == kind for name, _ in self.steps) <= self._busy


def gaps_ms(steps: list[tuple[str, int]], kind: str) -> list[int]:
    times = [at for name, at in steps if name == kind]
    return [(later - earlier) // 1000 for earlier, later in itertools.pairwise(times)]


def test_index_and_verification_keep_their_pace_and_rest_when_there_is_nothing() -> None:
    clock = ManualClock()
    upkeep = Scripted(clock, busy=3)
    for _ in range(12):
        clock.advance_us(upkeep.step() - clock.monotonic_us())
    assert gaps_ms(upkeep.steps, "index")[:4] == [250, 250, 250, 1000]
    assert gaps_ms(upkeep.steps, "verify")[:4] == [125, 125, 125, 1000]


def test_steps_that_are_not_due_do_nothing() -> None:
    upkeep = Scripted(ManualClock(), busy=3)
    due = [upkeep.step() for _ in range(5)]
    assert len(upkeep.steps) == 2
    assert len(set(due)) == 1


def test_the_thread_survives_an_error_and_ends_when_told() -> None:
    failed = threading.Event()

    class Failing(Upkeep):
        closed = False

        def __init__(self) -> None:
            pass

        def step(self) -> int:
            failed.set()
            raise RuntimeError("a defect")

        def close(self) -> None:
            self.closed = True

    upkeep = Failing()
    thread = UpkeepThread(upkeep, SystemClock())
    thread.start()
    assert failed.wait(5)
    assert thread.stop(5)
    assert thread.crashes == 1
    assert upkeep.closed


def test_a_thread_that_never_began_is_stopped_already(tmp_path: Path) -> None:
    thread = UpkeepThread(Scripted(ManualClock(), busy=0), SystemClock())
    assert thread.stop()
