"""The crew page served for real, with a picture, a desk and trends that the test owns."""

from crew_page.alarm_desk import OwnedDesk
from crew_page.live_picture import OwnedLive
from crew_page.past import OwnedTrends
from crew_page.served_app import ServedApp
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from gateway.alarms.rulebook import load_rules, words_of
from gateway.profiles import load_profile
from gateway.state import State
from gateway.web.access import Access
from gateway.web.app import create_app

WORDS = words_of(load_rules(load_profile("te33a")))


class ServedPage(ServedApp):
    """As the gateway serves it; `show` is what happens on the locomotive."""

    def __init__(self, state: State, client_limit: int = 64, access: Access | None = None) -> None:
        self._state = state
        self.access = access or Access(trusted_panel=True)
        self.asked: list[tuple[str, ...]] = []
        """What the alarm desk was asked for: action, alarm, who, and for how long."""
        self.trends = OwnedTrends()
        self._client_limit = client_limit
        self.reasons: list[str] = []
        super().__init__(self._app)

    def show(self, state: State) -> None:
        self._state = state
        self.call(lambda: self.live.show(state))

    def _app(self) -> Starlette:
        self.live = OwnedLive(self._state)
        self.metrics = CollectorRegistry()
        return create_app(
            self.live,
            health=lambda: self.reasons,
            metrics=self.metrics,
            words=WORDS,
            desk=OwnedDesk(self.live, self.asked),
            access=self.access,
            trends=self.trends,
            client_limit=self._client_limit,
        )
