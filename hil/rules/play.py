"""Plays a run to rules, ten looks a second, and notes what opens and closes when."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from gateway.alarms.engine import Engine
from gateway.alarms.life import AlarmLife
from gateway.alarms.picture import Latest, NodeSeen, Picture
from gateway.alarms.record import AlarmRecord
from gateway.alarms.rulebook import BoundRule
from gateway.profiles import Profile
from hil.schedule import SimulatedClock

__all__ = ["LOOKS_A_SECOND", "Feed", "Happened", "play"]

LOOKS_A_SECOND = 10
_LOOK_US = 1_000_000 // LOOKS_A_SECOND


class Feed(Protocol):
    """What a gateway would know, look by look: the first is look 0, at second 0."""

    def news(self, look: int) -> Iterable[Latest]:
        """Of each channel that has any; times are those of the run, in us."""

    def nodes(self, look: int) -> Iterable[NodeSeen]: ...


class Happened(NamedTuple):
    """A transition of an alarm, `at_s` into the run."""

    at_s: float
    record: AlarmRecord


def play(
    rules: Sequence[BoundRule], profile: Profile, feed: Feed, seconds: float
) -> Iterator[Happened]:
    """What happens in so many seconds, in order. Nobody acknowledges anything."""
    clock = SimulatedClock()
    happened: list[Happened] = []
    life = AlarmLife(
        clock, lambda record: happened.append(Happened(clock.monotonic_us() / 1e6, record))
    )
    engine, picture = Engine(rules, life), Picture(profile)
    for look in range(round(seconds * LOOKS_A_SECOND)):
        clock.advance_to(look * _LOOK_US)
        picture.look(clock.monotonic_us(), feed.news(look), feed.nodes(look))
        engine.tick(picture)
        yield from happened
        happened.clear()
