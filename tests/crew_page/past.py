"""The past of a channel, which the test owns."""

import threading

import numpy as np

from gateway.history.selection import ChannelName, SelectionError
from gateway.history.trend import Trend

GAP = slice(60, 80)
"""Points of which nothing is known."""


class OwnedTrends:
    """A wave from 100 to 140 with a gap; `asked` is what was asked for. `hold` stops answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int, int, int]] = []
        self.hold = threading.Event()
        self.hold.set()

    def query(self, node: str, channel: str, from_us: int, to_us: int, points: int) -> Trend:
        self.asked.append((node, channel, from_us, to_us, points))
        assert self.hold.wait(20)
        quantity, _, place = channel.partition(" at ")
        if not place:
            raise SelectionError(f"nothing of channel {channel!r} of node {node!r} is stored")
        mean = 120 + 18 * np.sin(np.arange(points) / 20)
        mean[GAP] = np.nan
        known = ~np.isnan(mean)
        suspect = np.zeros(points, np.int64)
        suspect[GAP] = 3
        return Trend(
            node=node,
            channel=ChannelName(0, quantity, place, "°C"),
            start_us=from_us,
            step_us=(to_us - from_us) // points,
            low=mean - 2,
            mean=mean,
            high=mean + 2,
            sound=known.astype(np.int64),
            suspect=suspect,
            missing=np.zeros(points, np.int64),
            status=np.zeros(points, np.uint8),
            estimated=np.zeros(points, np.bool_),
            segments_without_index=0,
        )
