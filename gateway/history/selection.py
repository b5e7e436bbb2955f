"""Which nodes and channels, and from when to when."""

from dataclasses import dataclass
from datetime import UTC, datetime

from axwire.places import place_name
from axwire.quantities import QUANTITIES
from axwire.table import Channel

from gateway.errors import AxleboxError

__all__ = ["ChannelName", "Selection", "SelectionError", "parse_utc"]


class SelectionError(AxleboxError):
    """What was asked for cannot be meant; the message says how it is written."""


@dataclass(frozen=True)
class ChannelName:
    """One channel of a node: its number in the table it was sent with, and what it measures."""

    number: int
    quantity: str
    place: str
    unit: str

    @classmethod
    def of(cls, number: int, channel: Channel) -> "ChannelName":
        quantity = QUANTITIES[channel.quantity]
        return cls(number, quantity.name, place_name(channel.place), quantity.unit)

    def answers(self, text: str) -> bool:
        """Whether `text` means it: its number, its quantity, or `quantity at place`."""
        if text.isdecimal():
            return int(text) == self.number
        return text in (self.quantity, f"{self.quantity} at {self.place}")


@dataclass(frozen=True)
class Selection:
    """Everything where None; times in UTC microseconds, `from_us` included, `to_us` not."""

    node: str | None = None
    channel: str | None = None
    from_us: int | None = None
    to_us: int | None = None

    def wants_node(self, node: str) -> bool:
        return self.node is None or node == self.node

    def wants_channel(self, name: ChannelName) -> bool:
        return self.channel is None or name.answers(self.channel)

    def wants_time(self, utc_us: int) -> bool:
        return (self.from_us is None or utc_us >= self.from_us) and (
            self.to_us is None or utc_us < self.to_us
        )


def parse_utc(text: str) -> int:
    """UTC microseconds of an ISO 8601 time; without an offset it is UTC. Raises SelectionError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SelectionError(
            f"{text!r} is no time: write it as 2026-03-01T14:30:00Z (UTC), or with an offset "
            "as 2026-03-01T19:30:00+05:00"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
