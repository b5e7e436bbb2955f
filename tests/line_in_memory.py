"""The line with slots, work and a clock that the test owns."""

from collections.abc import Callable

from manual_clock import ManualClock

from gateway.errors import AxleboxError, ConfigError
from hil.station.line import Line, Plugged, Progress
from hil.station.line_state import Card, Done
from hil.station.scan import Place

UNIQUE_ID = "e6614103e7174a2f"
NODES = ("motors-a", "motors-b", "brakes-a", "axles-1", "axles-2", "cab-a")


class FakeWork:
    """Does nothing to a board; `during` is run in the middle of each, and `error` ends it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Place]] = []
        self.during: Callable[[], object] = lambda: None
        self.error: Exception | None = None
        self.done: list[Done] = []

    def check(self, place: Place) -> None:
        if place.node not in NODES:
            raise ConfigError(f"profile te33a has no node {place.node}")

    def do(self, port: str, place: Place, tell: Callable[[Progress], None]) -> None:
        self.asked.append((port, place))
        tell(Progress("look"))
        tell(Progress("flash", 0.5, UNIQUE_ID))
        self.during()
        self.done.insert(
            0,
            Done(
                at="14:05",
                place=str(place),
                unique_id=UNIQUE_ID,
                passed=self.error is None,
                said=str(self.error or ""),
            ),
        )
        if self.error is not None:
            raise self.error

    def today(self) -> list[Done]:
        return list(self.done)


class TestLine:
    """`jobs` are those that are begun and not run yet."""

    __test__ = False

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.work = FakeWork()
        self.slots: dict[str, Plugged] = {}
        self.jobs: list[Callable[[], None]] = []
        self._stamp = 0
        self.line = Line(lambda: dict(self.slots), self.work, self.jobs.append, self.clock)

    def plug(self, slot: str) -> None:
        self._stamp += 1
        self.slots[self.name(slot)] = Plugged(f"/dev/{slot}", (self._stamp,))
        self.wait(0.2)

    def unplug(self, slot: str, then_s: float = 0.2) -> None:
        del self.slots[self.name(slot)]
        self.wait(then_s)

    def wait(self, seconds: float) -> None:
        """Let time pass, with a look each fifth of a second."""
        for _ in range(round(seconds * 5)):
            self.clock.advance_us(200_000)
            self.line.tick()

    def scan(self, text: str) -> str:
        return self.line.scan(text).key

    def run(self, error: AxleboxError | Exception | None = None) -> None:
        """Have the oldest job done, with this as its end."""
        self.work.error = error
        self.jobs.pop(0)()

    def card(self, slot: str) -> Card | None:
        return next(
            (card for card in self.line.state().cards if card.slot == self.name(slot)), None
        )

    def phase(self, slot: str) -> str:
        card = self.card(slot)
        return card.phase if card else "empty"

    @staticmethod
    def name(slot: str) -> str:
        return f"pci-0000:00:14.0-usb-{slot}"
