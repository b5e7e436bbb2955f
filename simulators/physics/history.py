"""The recent past of a machine: rows on an even grid, interpolated, with a bound."""

from array import array

import numpy as np
from numpy.typing import NDArray

__all__ = ["History"]

Values = NDArray[np.float64]


class History:
    """Rows of `width` numbers, one each `step_s`, of which the last `keep_s` are there."""

    def __init__(self, width: int, step_s: float, keep_s: float) -> None:
        self._width = width
        self._step_s = step_s
        self._keep = round(keep_s / step_s)
        self._numbers = array("d")
        self._first = 0
        """Number of the row that is kept longest, counted from the start."""
        self._asked: Values | None = None
        self._low = 0
        self._places = self._grid = self._columns = np.empty(0)

    def append(self, row: list[float]) -> None:
        self._numbers.extend(row)
        spare = len(self._numbers) // self._width - 2 * self._keep
        if spare >= 0:
            del self._numbers[: self._keep * self._width]
            self._first += self._keep

    def at(self, column: int, t_s: Values) -> Values:
        """A column at times in s since the start, linear between rows.

        Raises LookupError for a time that is no longer kept; the caller has seen to it that the
        last one is there. What is found out of the times alone is kept for the next column, so an
        array that was given once must not be changed.
        """
        if t_s is not self._asked:
            self._ask(t_s)
        if self._low < self._first:
            raise LookupError(
                f"{self._low * self._step_s:.1f} s is past: what is kept begins at "
                f"{self._first * self._step_s:.1f} s"
            )
        values: Values = np.interp(self._places, self._grid, self._columns[column])
        return values

    def _ask(self, t_s: Values) -> None:
        """Cut out the rows around these times, if they are still there."""
        place = t_s / self._step_s
        low = int(place.min()) if len(place) else 0
        high = int(place.max()) + 2 if len(place) else 0
        begin = max(low - self._first, 0) * self._width
        end = min((high - self._first) * self._width, len(self._numbers))
        rows = np.array(self._numbers[begin:end]).reshape(-1, self._width)
        self._columns = np.ascontiguousarray(rows.T)
        self._grid = np.arange(len(rows), dtype=np.float64)
        self._places = place - low
        self._low = low
        self._asked = t_s
