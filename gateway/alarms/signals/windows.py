"""Values over a time: their mean and their rise, from at most some sixty kept ones."""

from collections import deque
from dataclasses import dataclass, field

__all__ = ["Mean", "RiseOver"]

_SLOTS = 60
"""A window keeps so many values: one each sixtieth of it."""


@dataclass
class RiseOver:
    """The rise a minute over a window that is full."""

    window_s: float
    _kept: deque[tuple[int, float]] = field(default_factory=deque, init=False)

    def __post_init__(self) -> None:
        self._window_us = round(self.window_s * 1e6)

    def add(self, now_us: int, value: float | None) -> float | None:
        """None: not known, and the window begins anew."""
        kept = self._kept
        if value is None:
            kept.clear()
            return None
        while len(kept) > 1 and kept[1][0] <= now_us - self._window_us:
            kept.popleft()
        rise = None
        if kept and now_us - kept[0][0] >= self._window_us:
            rise = (value - kept[0][1]) / (now_us - kept[0][0]) * 60e6
        if not kept or now_us - kept[-1][0] >= self._window_us // _SLOTS:
            kept.append((now_us, value))
        return rise


@dataclass
class Mean:
    """The mean of what was added since a window ago, once that is full."""

    window_s: float
    _slots: deque[tuple[int, float, int]] = field(default_factory=deque, init=False)
    """When each began, the sum of its values, and how many there are."""
    _sum: float = field(default=0.0, init=False)
    _count: int = field(default=0, init=False)
    _since_us: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._window_us = round(self.window_s * 1e6)

    def add(self, now_us: int, value: float | None) -> float | None:
        """None: not known, and the window begins anew."""
        slots = self._slots
        if value is None:
            slots.clear()
            self._sum, self._count, self._since_us = 0.0, 0, None
            return None
        if self._since_us is None:
            self._since_us = now_us
        if slots and now_us - slots[-1][0] < self._window_us // _SLOTS:
            at_us, total, count = slots[-1]
            slots[-1] = at_us, total + value, count + 1
        else:
            slots.append((now_us, value, 1))
        self._sum += value
        self._count += 1
        while len(slots) > 1 and slots[0][0] < now_us - self._window_us:
            _, total, count = slots.popleft()
            self._sum -= total
            self._count -= count
        if now_us - self._since_us < self._window_us:
            return None
        return self._sum / self._count
