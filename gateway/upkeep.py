"""What keeps the store in order beside collecting, a little at a time and never in a hurry."""

import logging
import threading
from collections.abc import Callable

from gateway.history.indexer import Indexer
from gateway.spool.thinning import Thinner
from gateway.spool.verification import Verifier
from gateway.timebase import Clock

__all__ = ["Upkeep", "UpkeepThread"]

_log = logging.getLogger(__name__)

_INDEX_PAUSE_US = 250_000
"""After 32 KiB: 128 KiB a second, twenty times what a full locomotive sends."""

_VERIFY_PAUSE_US = 125_000
"""After 64 KiB: 512 KiB a second, a store of 8 GB in less than five hours."""

_IDLE_US = 1_000_000
_AFTER_CRASH_S = 5.0


class Upkeep:
    """Thins when it is asked to, keeps the index, reads closed segments through."""

    def __init__(
        self, thinner: Thinner, indexer: Indexer, verifier: Verifier, clock: Clock
    ) -> None:
        self._thinner = thinner
        self._clock = clock
        self._paced = [
            _Paced(indexer.step, _INDEX_PAUSE_US),
            _Paced(verifier.step, _VERIFY_PAUSE_US),
        ]
        self._close = [indexer.close, verifier.close]

    def step(self) -> int:
        """Do what is due; returns the monotonic time of the next step."""
        self._thinner.work()
        return min(paced.step(self._clock) for paced in self._paced)

    def close(self) -> None:
        for close in self._close:
            close()


class _Paced:
    def __init__(self, step: Callable[[], bool], pause_us: int) -> None:
        self._step = step
        self._pause_us = pause_us
        self._due_us = 0

    def step(self, clock: Clock) -> int:
        if clock.monotonic_us() >= self._due_us:
            pause_us = self._pause_us if self._step() else _IDLE_US
            self._due_us = clock.monotonic_us() + pause_us
        return self._due_us


class UpkeepThread:
    """Drives an Upkeep by the clock."""

    def __init__(self, upkeep: Upkeep, clock: Clock) -> None:
        self.crashes = 0
        self._upkeep = upkeep
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spool-upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 0.5) -> bool:
        """False where it is still at work: what it leaves half-made is tidied at the start."""
        self._stopping.set()
        if self._thread.ident is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._stopping.wait(self._step())
        self._upkeep.close()

    def _step(self) -> float:
        """One step; returns the seconds to wait."""
        try:
            next_us = self._upkeep.step()
        except Exception:
            self.crashes += 1
            _log.exception("the upkeep of the store failed; it goes on in %s s", _AFTER_CRASH_S)
            return _AFTER_CRASH_S
        return max(0.0, (next_us - self._clock.monotonic_us()) / 1e6)
