"""Consecutive rows of one group, as they go into a READINGS message."""

from array import array

from uctypes import addressof, bytearray_at

from axwire.cbor import INT16, INT32, Writer
from axwire.codes import NOT_READY, OK
from axwire.up import block, block_of_differences, block_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from axwire.table import Group

MISSING_32 = -(1 << 31)


class Block:
    """The row that is being filled, and the finished rows behind it that nobody has taken yet.

    All memory is allocated once: `numbers`, `values` over them and `steps` have room for
    `capacity` rows, a value is `width` bytes. A status holds for all finished rows: `changed` says
    when the row being filled would break that, and the rows must be taken (`write`, `clear`)
    before `append`. A channel without a value holds `missing`, the lowest integer. Every port that
    this runs on keeps the lower byte of an integer first, as they travel.
    """

    def __init__(self, group: "Group", wide: bool, capacity: int) -> None:
        channels = group.count
        self.group = group
        self.channels = channels
        self.capacity = capacity
        self.rows = 0
        self.present = 0
        self.began = 0
        self.missing = MISSING_32 if wide else -0x8000
        self.row = array("i" if wide else "h", [self.missing] * channels)
        self.row_statuses = bytearray([NOT_READY] * channels)
        self._statuses = bytearray(self.row_statuses)
        self._healthy = False
        self._small = True
        self._tag = INT32 if wide else INT16
        self.width = 4 if wide else 2
        size = capacity * channels * self.width
        self.numbers = array("i" if wide else "h", bytes(size))
        self.values = memoryview(bytearray_at(addressof(self.numbers), size))
        self.steps = memoryview(bytearray(capacity * channels))

    def changed(self) -> bool:
        """Whether a status in the row being filled differs from the one of the finished rows."""
        return self.row_statuses != self._statuses

    def append(self, tick: int) -> None:
        """The row being filled, begun at `tick`, is finished. There must be room for it.

        In the next one nothing has a value yet, and each status is what it was.
        """
        if not self.rows:
            self._begin(tick)
        at = self.rows * self.channels
        for column in range(self.channels):
            self._take(column, at + column)
        self.rows += 1

    def size(self, t_ms: int) -> int:
        """At most what `write` takes, in bytes."""
        return block_size(self.rows * self.channels * self.width, self.channels, t_ms)

    def write(self, writer: Writer, t_ms: int) -> None:
        """Write the finished rows, the first of which began at `t_ms`, as differences if they fit.

        An all-healthy block carries no statuses.
        """
        channels = self.channels
        statuses = None if self._healthy else self._statuses
        row_bytes = channels * self.width
        if self._small and self.rows > 1:
            steps = self.steps[channels : self.rows * channels]
            first = self.values[:row_bytes]
            block_of_differences(
                writer, self.group.number, t_ms, self._tag, first, steps, statuses
            )
        else:
            rows = self.values[: self.rows * row_bytes]
            block(writer, self.group.number, t_ms, self._tag, rows, statuses)

    def clear(self) -> None:
        """The finished rows have been taken."""
        self.rows = 0
        self.present = 0

    def _begin(self, tick: int) -> None:
        self.began = tick
        self._small = True
        self._healthy = True
        for column in range(self.channels):
            status = self.row_statuses[column]
            self._statuses[column] = status
            if status != OK:
                self._healthy = False

    def _take(self, column: int, at: int) -> None:
        """Move a value of the row being filled behind the finished ones, and its step."""
        value = self.row[column]
        self.row[column] = self.missing
        self.numbers[at] = value
        if value != self.missing:
            self.present += 1
        if self.rows:
            step = value - self.numbers[at - self.channels]
            if -128 <= step <= 127:
                self.steps[at] = step & 0xFF
            else:
                self._small = False
