"""What a gateway would know of a simulated locomotive whose boards and lines are perfect, and
what of it a fault of a sensor, a board or a line changes."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from axwire.quantities import BY_NAME

from gateway.alarms.picture import Latest, NodeSeen
from gateway.live import NODE_SILENT_US, PERIODS_SILENT
from gateway.profiles import NodeFit
from gateway.state import Quality
from hil.feeder import Source
from hil.fitting import fit_node
from hil.rules.play import LOOKS_A_SECOND

__all__ = ["SimulatedFeed", "Trouble"]

_CHUNK_LOOKS = 600
_LOOK_US = 1_000_000 // LOOKS_A_SECOND
_LINK = "mqtt"

Word = Literal["open", "unready", "frozen", "spike", "offset", "far", "silent", "node", "link"]


class Trouble(NamedTuple):
    """From `at_s` on a sensor is open, is not ready, keeps its value, reads `by` more once or for
    good, reads what cannot be, or gives nothing; or its node, or all of the link, is silent."""

    word: Word
    at_s: float
    quantity: str = ""
    place: str = ""
    by: float = 0.0

    def strikes(self, channel: "_Channel") -> bool:
        if self.word == "link":
            return True
        if self.word == "node":
            return channel.node == self.place
        return (channel.quantity, channel.place) == (self.quantity, self.place)


class _Channel(NamedTuple):
    id: str
    node: str
    quantity: str
    place: str
    looks: int
    """From one sample to the next that a look can see."""
    step: float
    """What its converter resolves; 0: enough."""


class SimulatedFeed:
    """See hil.rules.play.Feed. Boards begin at second 0 of the source."""

    def __init__(
        self, source: Source, fits: Sequence[NodeFit], troubles: Sequence[Trouble] = ()
    ) -> None:
        self._source = source
        self._names = [fit.name for fit in fits]
        self._channels = [channel for fit in fits for channel in _channels(fit)]
        self._troubles = troubles
        self._silent_s = {
            name: trouble.at_s
            for trouble in troubles
            for name in self._names
            if trouble.word == "link" or (trouble.word, trouble.place) == ("node", name)
        }
        self._begin = -_CHUNK_LOOKS
        self._values: list[list[float]] = []
        self._last: dict[str, Latest] = {}

    def news(self, look: int) -> Iterator[Latest]:
        if look >= self._begin + _CHUNK_LOOKS:
            self._compute(look)
        for channel, values in zip(self._channels, self._values, strict=True):
            troubles = [trouble for trouble in self._troubles if trouble.strikes(channel)]
            if not troubles:
                if look % channel.looks == 0:
                    yield self._latest(
                        channel, look, values[(look - self._begin) // channel.looks]
                    )
                continue
            yield from self._troubled(channel, look, values, troubles)

    def nodes(self, look: int) -> Iterator[NodeSeen]:
        for name in self._names:
            silent_us = 0
            if name in self._silent_s:
                silent_us = max(0, look * _LOOK_US - round(self._silent_s[name] * 1e6))
            status: Literal["stale", "live"] = "stale" if silent_us > NODE_SILENT_US else "live"
            yield NodeSeen(name, status, silent_us, _LINK)

    def _troubled(
        self, channel: _Channel, look: int, values: list[float], troubles: list[Trouble]
    ) -> Iterator[Latest]:
        is_sampled = look % channel.looks == 0
        value = values[(look - self._begin) // channel.looks]
        quality: Quality = "ok"
        for trouble in troubles:
            if look / LOOKS_A_SECOND < trouble.at_s:
                continue
            last = self._last.get(channel.id)
            match trouble.word:
                case "silent" | "node" | "link":
                    yield from self._stale(channel, look, trouble)
                    return
                case "open":
                    quality = "open"
                case "unready":
                    quality = "not_ready"
                case "frozen" if last is not None and last.value is not None:
                    value = last.value
                case "spike" if look / LOOKS_A_SECOND < trouble.at_s + 1:
                    value += trouble.by
                case "offset":
                    value += trouble.by
                case "far":
                    value, quality = BY_NAME[channel.quantity].high + 1, "out_of_range"
        if is_sampled:
            yield self._latest(channel, look, value, quality)

    def _stale(self, channel: _Channel, look: int, trouble: Trouble) -> Iterator[Latest]:
        last = self._last.get(channel.id)
        if last is None or last.quality == "stale" or last.taken_us is None:
            return
        since_us, longest_us = round(trouble.at_s * 1e6), NODE_SILENT_US
        if trouble.word == "silent":
            since_us = last.taken_us
            longest_us = max(NODE_SILENT_US, PERIODS_SILENT * channel.looks * _LOOK_US)
        if look * _LOOK_US - since_us > longest_us:
            stale = last._replace(quality="stale")
            self._last[channel.id] = stale
            yield stale

    def _latest(
        self, channel: _Channel, look: int, value: float, quality: Quality = "ok"
    ) -> Latest:
        latest = Latest(
            channel.id,
            channel.node,
            channel.quantity,
            channel.place,
            value,
            quality,
            look * _LOOK_US,
        )
        if self._troubles:
            self._last[channel.id] = latest
        return latest

    def _compute(self, look: int) -> None:
        self._begin = look - look % _CHUNK_LOOKS
        self._values = []
        for channel in self._channels:
            looks = self._begin + np.arange(0, _CHUNK_LOOKS, channel.looks)
            values = self._source.values(channel.quantity, channel.place, looks / LOOKS_A_SECOND)
            if channel.step:
                values = np.rint(values / channel.step) * channel.step
            self._values.append(values.tolist())


def _channels(fit: NodeFit) -> list[_Channel]:
    steps = {(one.quantity, one.place): one.step for one in fit_node(fit, "0" * 16, 0).signals}
    return [
        _Channel(
            f"{fit.name} {quantity} {place}",
            fit.name,
            quantity,
            place,
            max(1, group.period_ms * LOOKS_A_SECOND // 1000),
            steps.get((quantity, place), 0.0),
        )
        for group in fit.groups
        for quantity, place in group.channels
    ]
