"""Values over a time: their mean and their rise, from at most some sixty kept ones."""

from collections import deque

__all__ = ["Mean", "RiseOver"]

_SLOTS = 60
"""A window keeps so many values: one each sixtieth of it."""


class RiseOver:
    """The rise a minute over a window that is full."""

    def __init__(self, window_s: float) -> None:
        self._window_us = round(window_s * 1e6)
        self._kept: deque[tuple[int, float]] = deque(maxlen=_SLOTS + 2)

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


class Mean:
    """The mean of what was added since a window ago, once that is full."""

    def __init__(self, window_s: float) -> None:
        self._window_us = round(window_s * 1e6)
        self._slots: deque[tuple[int, float, int]] = deque()
        self._sum, self._count = 0.0, 0
        self._since_us: int | None = None

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
