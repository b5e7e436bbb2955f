"""The one thread that forwards: steps, and waits for the next step or for a commit."""

import logging
import threading

from gateway.forward.forwarder import Forwarder
from gateway.forward.sink import Sink
from gateway.timebase import Clock

__all__ = ["ForwarderThread"]

_log = logging.getLogger(__name__)

_AFTER_CRASH_S = 5.0
_GRACE_SHARE = 0.5


class ForwarderThread:
    """Drives a Forwarder by the clock. `wake` it after each commit."""

    def __init__(self, forwarder: Forwarder, sink: Sink, clock: Clock) -> None:
        self.crashes = 0
        self._forwarder = forwarder
        self._sink = sink
        self._clock = clock
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="forwarder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def wake(self) -> None:
        """Something was committed; from any thread."""
        self._wake.set()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Let a request under way finish for half the time, then end it.

        False where the thread still hangs (a name look-up cannot be ended); it sends no more.
        """
        self._stopping = True
        if self._thread.ident is None:
            return True
        self._wake.set()
        self._thread.join(timeout_s * _GRACE_SHARE)
        self._sink.abort()
        self._thread.join(timeout_s * (1 - _GRACE_SHARE))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            seconds = self._step()
            if seconds > 0 and not self._stopping:
                self._wake.wait(seconds)
        self._forwarder.close()

    def _step(self) -> float:
        """One step; returns the seconds to wait."""
        try:
            next_us = self._forwarder.step()
        except Exception:
            self.crashes += 1
            _log.exception("the forwarder failed; it goes on in %s s", _AFTER_CRASH_S)
            return _AFTER_CRASH_S
        return (next_us - self._clock.monotonic_us()) / 1_000_000
