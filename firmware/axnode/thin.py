"""Old payloads in short: rows of READINGS become minimum, mean and maximum, in THINNED.

What goes in must be the payloads of one boot by rising sequence, as this node wrote them. Equal
payloads give equal bytes.
"""

from array import array

from micropython import const

from axwire.cbor import INT8, INT16, Writer, head, head_size
from axwire.errors import CborError
from axwire.thinned import (
    DOUBT_BYTES,
    DOUBT_CAP,
    HEAD_BYTES,
    RANGE_CAP,
    thinned,
    thinned_block,
)
from axwire.up import HEALTH, HELLO, READINGS, THINNED, WAVEFORM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK_CAP = const(64)
_ARRAY = const(0x80)
_STEP = const(127)


class Thinner:
    """Takes payloads in, and gives `put(payload, sequence, samples, sent)` those that are left.

    No THINNED is longer than `room` bytes; a triple stands for the time of the rows that `begin`
    says: blocks are not split. EVENT, HELLO and whatever cannot be thinned is left as it is, of
    HEALTH the first, of WAVEFORM nothing. A message that was `sent` may have arrived: it is left
    as it is, or counted as in doubt.

    `messages` and `samples` count what was thinned that was not before, `dropped` what was left
    out.
    """

    def __init__(self, room: int, put: "Callable[[bytes, int, int, bool], None]") -> None:
        self._room = room
        self._put = put
        self._writer = Writer(room)
        self._head = Writer(HEAD_BYTES + DOUBT_CAP * DOUBT_BYTES)
        self.begin(0)

    def begin(self, rows: int) -> None:
        """Forget all that was: a triple stands for `rows` rows from now on."""
        self.messages = 0
        self.samples = 0
        self.dropped = 0
        self._rows = rows
        self._channels: dict[int, tuple[int, int]] = {}
        self._known: int | None = None
        self._has_health = False
        self._sums: dict[int, _Sums] = {}
        self._is_open = False
        self._boot = self._first = self._last = self._revision = 0
        self._largest = 0
        self._stands_for = self._all_samples = 0
        self._blocks = 0
        self._in_doubt: list[tuple[int, int]] = []

    def learn(self, hello: bytes) -> None:
        """A piece of the channel table that what follows is read with."""
        at = head(hello, 0)[2]
        for _ in range(4):
            at = head(hello, at)[2]
        for _ in range(2):
            _, length, at = head(hello, at)
            at += length
        for _ in range(2):
            at = head(hello, at)[2]
        _, revision, at = head(hello, at)
        for _ in range(2):
            at = head(hello, at)[2]
        if revision != self._known:
            self._known = revision
            self._channels = {}
        _, groups, at = head(hello, at)
        for _ in range(groups):
            at = head(hello, at)[2]
            _, number, at = head(hello, at)
            at = head(hello, at)[2]
            _, period_ms, at = head(hello, at)
            _, channels, at = head(hello, at)
            self._channels[number] = channels, period_ms
            self._largest = max(self._largest, _size(channels, 4, 9 + 9) + channels)
            for _ in range(6 * channels):
                at = head(hello, at)[2]

    def add(self, payload: bytes, sequence: int, samples: int, sent: bool) -> None:
        """Take the next payload in. Raises what `put` raises, CborError and IndexError for what
        this node never wrote; the Thinner is of no use then."""
        kind = payload[1]
        if kind == READINGS:
            self._add(payload, sequence, sequence, samples, sent)
        elif kind == THINNED:
            at = head(payload, 2)[2]
            at = head(payload, at)[2]
            self._add(payload, sequence, head(payload, at)[1], samples, sent)
        elif kind == WAVEFORM or (kind == HEALTH and self._has_health):
            self.dropped += 1
        else:
            self._leave(payload, sequence, samples, sent)
            if kind == HELLO:
                self.learn(payload)
            elif kind == HEALTH:
                self._has_health = True

    def close(self) -> None:
        """Put what was taken in and not put yet: a THINNED stands for all up to here."""
        if not self._is_open:
            return
        self._is_open = False
        for sums in self._sums.values():
            self._write(sums)
        thinned(
            self._head,
            self._boot,
            self._first,
            self._last,
            self._stands_for,
            self._in_doubt,
            self._revision,
            self._blocks,
        )
        payload = bytes(self._head.written()) + bytes(self._writer.written())
        self._put(payload, self._first, self._all_samples, False)

    def _add(self, payload: bytes, first: int, last: int, samples: int, sent: bool) -> None:
        """READINGS or THINNED."""
        at = head(payload, 0)[2] + 1
        _, boot, at = head(payload, at)
        at = head(payload, at)[2]
        messages = 1
        in_doubt = []
        is_thinned = payload[1] == THINNED
        if is_thinned:
            at = head(payload, at)[2]
            _, messages, at = head(payload, at)
            _, count, at = head(payload, at)
            for _ in range(count):
                at = head(payload, at)[2]
                _, offset, at = head(payload, at)
                _, doubted, at = head(payload, at)
                in_doubt.append((offset, doubted))
        elif sent:
            in_doubt.append((0, samples))
        _, revision, at = head(payload, at)
        if self._is_open and (
            revision != self._revision
            or last - self._first >= RANGE_CAP
            or len(self._in_doubt) + len(in_doubt) > DOUBT_CAP
        ):
            self.close()
        for _ in range(2):
            if not self._is_open:
                if sent or revision != self._known:
                    break
                self._open(boot, first, revision)
            if self._fold(payload, at, is_thinned, len(in_doubt)):
                offset = first - self._first
                self._in_doubt += [(offset + each, doubted) for each, doubted in in_doubt]
                self._last = last
                self._stands_for += messages
                self._all_samples += samples
                if not is_thinned:
                    self.messages += 1
                    self.samples += samples
                return
            if self._first == first:
                self._is_open = False
                break
            self.close()
        self._leave(payload, first, samples, sent)

    def _open(self, boot: int, first: int, revision: int) -> None:
        self._is_open = True
        self._boot = boot
        self._first = first
        self._revision = revision
        self._stands_for = self._all_samples = self._blocks = 0
        self._in_doubt = []
        self._writer.clear()
        self._sums = {}

    def _leave(self, payload: bytes, sequence: int, samples: int, sent: bool) -> None:
        self.close()
        self._put(payload, sequence, samples, sent)

    def _fold(self, payload: bytes, at: int, is_thinned: bool, doubts: int) -> bool:
        """Take all blocks of a message in. False: there was no room, and nothing is changed."""
        _, count, at = head(payload, at)
        length, blocks = self._writer.length, self._blocks
        room = self._room - HEAD_BYTES - DOUBT_BYTES * (len(self._in_doubt) + doubts)
        kept = self._sums
        if self._blocks + count + len(kept) > _BLOCK_CAP or (
            length + self._unwritten() + count * self._largest > room
        ):
            kept = {number: sums.copy() for number, sums in self._sums.items()}
        try:
            for _ in range(count):
                at = self._fold_block(payload, at, is_thinned)
            fits = self._writer.length + self._unwritten() <= room
            fits = fits and self._blocks + len(self._sums) <= _BLOCK_CAP
        except CborError:
            fits = False
        if not fits:
            self._writer.length, self._blocks = length, blocks
            self._sums = kept
        return fits

    def _unwritten(self) -> int:
        """At most what the open sums will take, in bytes."""
        return sum([sums.size() for sums in self._sums.values()])

    def _fold_block(self, data: bytes, at: int, is_thinned: bool) -> int:
        _, fields, at = head(data, at)
        _, number, at = head(data, at)
        _, t_ms, at = head(data, at)
        channels, period_ms = self._channels[number]
        major, _, behind = head(data, at)
        if major == _ARRAY:
            at = behind
        _, tag, at = head(data, at)
        _, length, at = head(data, at)
        values = array("h" if tag == INT16 else "i", data[at : at + length])
        at += length
        if major == _ARRAY:
            at = _undo_steps(values, channels, data, at)
        rows = len(values) // channels
        taken: int | list[int] = -1
        span_ms = (rows - 1) * period_ms
        if is_thinned:
            fields -= 2
            _, span_ms, at = head(data, at)
            major, count, at = head(data, at)
            taken = count
            if major == _ARRAY:
                taken = []
                for _ in range(count):
                    _, count, at = head(data, at)
                    taken.append(count)
        statuses = b""
        if fields == 4:
            at = head(data, at)[2]
            statuses = data[at : at + channels]
            at += channels
        sums = self._sums.get(number)
        if sums is not None and (
            sums.statuses != statuses
            or sums.tag != tag
            or t_ms + span_ms - sums.t_ms >= self._rows * period_ms
        ):
            self._write(sums)
            sums = None
        if sums is None:
            sums = self._sums[number] = _Sums(number, channels, t_ms, tag, statuses)
        sums.until_ms = t_ms + span_ms
        if is_thinned:
            sums.add_thinned(values, taken)
        else:
            sums.add_rows(values)
        return at

    def _write(self, sums: "_Sums") -> None:
        sums.write(self._writer)
        self._blocks += 1


class _Sums:
    """Minimum, sum and maximum of each channel of a group, of consecutive rows."""

    def __init__(self, number: int, channels: int, t_ms: int, tag: int, statuses: bytes) -> None:
        self.number = number
        self.channels = channels
        self.t_ms = t_ms
        self.until_ms = t_ms
        self.tag = tag
        self.statuses = statuses
        self._missing = -0x8000 if tag == INT16 else -(1 << 31)
        self._low = [-self._missing] * channels
        self._high = [self._missing] * channels
        self._total = [0] * channels
        self._taken = [0] * channels

    def copy(self) -> "_Sums":
        other = _Sums(self.number, self.channels, self.t_ms, self.tag, self.statuses)
        other.until_ms = self.until_ms
        other._low = self._low[:]
        other._high = self._high[:]
        other._total = self._total[:]
        other._taken = self._taken[:]
        return other

    def add_rows(self, values: "array[int]") -> None:
        """Whole rows."""
        missing = self._missing
        for column in range(self.channels):
            low = self._low[column]
            high = self._high[column]
            total = taken = 0
            for at in range(column, len(values), self.channels):
                value = values[at]
                if value != missing:
                    taken += 1
                    total += value
                    if value < low:
                        low = value
                    if value > high:
                        high = value
            self._low[column] = low
            self._high[column] = high
            self._total[column] += total
            self._taken[column] += taken

    def add_thinned(self, values: "array[int]", taken: "int | list[int]") -> None:
        """A row of minima, of means and of maxima, of so many samples."""
        channels = self.channels
        for column in range(channels):
            count = taken if isinstance(taken, int) else taken[column]
            if count:
                self._low[column] = min(self._low[column], values[column])
                self._total[column] += values[channels + column] * count
                self._high[column] = max(self._high[column], values[2 * channels + column])
                self._taken[column] += count

    def size(self) -> int:
        """At most what `write` takes, in bytes."""
        width = 2 if self.tag == INT16 else 4
        times = head_size(self.t_ms) + head_size(self.until_ms - self.t_ms)
        return _size(self.channels, width, times) + len(self.statuses)

    def write(self, writer: Writer) -> None:
        """A thinned block."""
        channels = self.channels
        low = self._low
        high = self._high
        mean = []
        is_small = True
        for column in range(channels):
            taken = self._taken[column]
            if taken:
                mean.append((2 * self._total[column] + taken) // (2 * taken))
                if mean[column] - low[column] > _STEP or high[column] - mean[column] > _STEP:
                    is_small = False
            else:
                low[column] = high[column] = self._missing
                mean.append(self._missing)
        code = "h" if self.tag == INT16 else "i"
        steps = None
        if is_small:
            rows = bytes(array(code, low))
            up = [mean[at] - low[at] for at in range(channels)]
            steps = bytes(up + [high[at] - mean[at] for at in range(channels)])
        else:
            rows = bytes(array(code, low + mean + high))
        count: int | list[int] = self._taken
        if min(self._taken) == max(self._taken):
            count = self._taken[0]
        thinned_block(
            writer,
            self.number,
            self.t_ms,
            self.tag,
            memoryview(rows),
            None if steps is None else memoryview(steps),
            self.until_ms - self.t_ms,
            count,
            self.statuses or None,
        )


def _size(channels: int, width: int, times: int) -> int:
    """At most what a thinned block takes beside its statuses; its times take `times` bytes."""
    return 2 + times + 1 + 2 * (2 + 3) + 3 * channels * width + 2 + 5 * channels + 2


def _undo_steps(values: "array[int]", channels: int, data: bytes, at: int) -> int:
    """Append to a first row the rows whose int8 steps follow; where they end."""
    tag = head(data, at)
    _, length, at = head(data, tag[2])
    if tag[1] != INT8:
        raise CborError("steps that are no int8")
    steps = array("b", data[at : at + length])
    for index in range(length):
        values.append(values[index] + steps[index])
    return at + length
