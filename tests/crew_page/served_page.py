"""The page served for real: uvicorn on a free port of 127.0.0.1, in a loop of its own thread."""

import asyncio
import threading
from collections.abc import Callable

from crew_page.alarm_desk import OwnedDesk
from crew_page.live_picture import OwnedLive
from crew_page.past import OwnedTrends
from prometheus_client import CollectorRegistry

from gateway.alarms.rulebook import load_rules, words_of
from gateway.profiles import load_profile
from gateway.state import State
from gateway.web.access import Access
from gateway.web.app import create_app
from gateway.web.server import serve

_WAIT_S = 20

WORDS = words_of(load_rules(load_profile("te33a")))


class ServedPage:
    """Starts on creation; `stop` and `start` come back on the same port, as after a restart."""

    def __init__(self, state: State, client_limit: int = 64, access: Access | None = None) -> None:
        self._state = state
        self.access = access or Access(trusted_panel=True)
        self.asked: list[tuple[str, ...]] = []
        """What the alarm desk was asked for: action, alarm, who, and for how long."""
        self.trends = OwnedTrends()
        self._client_limit = client_limit
        self.reasons: list[str] = []
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

    def show(self, state: State) -> None:
        self._state = state
        self.call(lambda: self.live.show(state))

    def call(self, action: Callable[[], object]) -> None:
        """Run `action` in the page's loop and wait for it."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (action(), done.set()))
        assert done.wait(_WAIT_S)

    def freeze(self) -> threading.Event:
        """Halt the page's loop, its connections open, until the event returned is set."""
        thaw = threading.Event()
        self._loop.call_soon_threadsafe(thaw.wait)
        return thaw

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.live = OwnedLive(self._state)
        self.metrics = CollectorRegistry()
        app = create_app(
            self.live,
            health=lambda: self.reasons,
            metrics=self.metrics,
            words=WORDS,
            desk=OwnedDesk(self.live, self.asked),
            access=self.access,
            trends=self.trends,
            client_limit=self._client_limit,
        )
        await serve(app, "127.0.0.1", self.port, self._stop, listening=self._note)

    def _note(self, host: str, port: int) -> None:
        self.port = port
        self._listening.set()
