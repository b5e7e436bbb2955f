"""An app served for real: uvicorn on a free port of 127.0.0.1, in a loop of its own thread."""

import asyncio
import threading
from collections.abc import Callable

from starlette.applications import Starlette

from gateway.web.server import serve

__all__ = ["ServedApp"]

_WAIT_S = 20


class ServedApp:
    """Starts on creation; `stop` and `start` come back on the same port, as after a restart.
    `make` is called in the loop, at each start."""

    def __init__(self, make: Callable[[], Starlette]) -> None:
        self._make = make
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        assert self._listening.wait(_WAIT_S)

    def stop(self, within_s: float = _WAIT_S) -> None:
        if self._thread.is_alive():
            self.call(self._stop.set)
            self._thread.join(within_s)
            assert not self._thread.is_alive(), f"still serving after {within_s} s"

    def call(self, action: Callable[[], object]) -> None:
        """Run `action` in the app's loop and wait for it."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (action(), done.set()))
        assert done.wait(_WAIT_S)

    def freeze(self) -> threading.Event:
        """Halt the app's loop, its connections open, until the event returned is set."""
        thaw = threading.Event()
        self._loop.call_soon_threadsafe(thaw.wait)
        return thaw

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        await serve(self._make(), "127.0.0.1", self.port, self._stop, listening=self._note)

    def _note(self, host: str, port: int) -> None:
        self.port = port
        self._listening.set()
