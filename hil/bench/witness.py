"""Notes what sensors were given, of the channels that a scenario speaks of."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from hil.feeder import Shaking, Source
from simulators.physics.vibration import Signature

__all__ = ["Witness"]

Floats = NDArray[np.float64]


class Witness:
    """A source that passes on what another says, and remembers it."""

    def __init__(self, source: Source, channels: Iterable[tuple[str, str]]) -> None:
        self._source = source
        self._noted: dict[tuple[str, str], list[tuple[Floats, Floats]]] = {
            channel: [] for channel in channels
        }

    def values(self, quantity: str, place: str, t_s: Floats) -> Floats:
        """As hil.feeder.Source."""
        values = self._source.values(quantity, place, t_s)
        noted = self._noted.get((quantity, place))
        if noted is not None:
            noted.append((t_s, values))
        return values

    def signature(
        self, quantity: str, place: str, begin_s: float, end_s: float
    ) -> Signature | None:
        """As hil.feeder.Shaking."""
        if not isinstance(self._source, Shaking):
            return None
        return self._source.signature(quantity, place, begin_s, end_s)

    def truth(self, quantity: str, place: str, t_s: Floats) -> Floats:
        """What the sensor was given at these times, all of which have been fed; of a channel that
        is not fed but computed on a board (a feature of a vibration): empty."""
        noted = self._noted[quantity, place]
        if not noted:
            return np.empty(0)
        times = np.concatenate([part for part, _ in noted])
        values = np.concatenate([part for _, part in noted])
        truth: Floats = np.interp(t_s, times, values)
        return truth
