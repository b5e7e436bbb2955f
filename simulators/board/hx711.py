"""HX711: 24-bit ADC for a strain bridge, on two pins of its own (Avia Semiconductor).

DOUT falls when a result is ready. The rising edges 1 to 24 of PD_SCK put the bits on DOUT, highest
first; from the 25th on it is high. Whether there were 25, 26 or 27 chooses what is converted from
then on: input A with gain 128, B with 32, A with 64. PD_SCK high for more than 60 us powers the
chip down; when it falls the chip is reset, and converts A with 128. 10 or 80 conversions a second
(pin RATE); after a reset and a change of input or gain the fourth is the first result.
Result = V / (half of AVDD / gain) * 0x800000, clipped at 0x7FFFFF and 0x800000.

Unverified: that a result which was not read is replaced by the next, but not while it is being
clocked out; that a choice holds from the end of the conversion that runs; DOUT high while powered
down.
"""

from simulators.board.chip import Chip
from simulators.board.inputs import HIGH, LOW, OPEN, SHORT
from simulators.board.scaling import Ratio
from simulators.board.ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.board.inputs import Input

FLOATING = -1
_BITS = 24
_POWER_DOWN_US = 60
_SETTLING = 4
_HIGHEST = 0x7FFFFF
_LOWEST = -0x800000
_CHOICES = ((0, 128), (1, 32), (0, 64))
"""Input and gain by the number of edges beyond 25."""


class Hx711(Chip):
    """The chip with bridges at its inputs A and B.

    open: the end of the range, to which an input without a wire drifts. short: 0 V. While it is
    silent nothing drives DOUT. `ticks_us` is the time on the wires.
    """

    def __init__(
        self,
        name: str,
        inputs: "list[Input]",
        ticks_us: "Callable[[], int]",
        rate: int = 10,
        avdd_millivolt: int = 5_000,
        rate_permille: int = 1000,
    ) -> None:
        super().__init__(name, inputs, ticks_us, False)
        self._conversion_us = 1_000_000_000 // (rate * rate_permille)
        half_nanovolts = avdd_millivolt * 500_000
        self._to_code = [Ratio(0x800000 * gain, half_nanovolts) for _, gain in _CHOICES]
        self._clock = 0
        self._rose_us = 0
        self.reset()

    def reset(self) -> None:
        self._choice = 0
        self._settling = _SETTLING - 1
        self._code = 0
        self._source = self.inputs[0]
        self._fresh = False
        self._edges = 0
        self._down = False
        self._started_us = self.ticks_us()
        self._take_time()

    def clock(self, level: int) -> None:
        """The PD_SCK line."""
        if level == self._clock:
            return
        now_us = self.ticks_us()
        self.settle(now_us)
        self._clock = level
        if level:
            self._rose_us = now_us
            if (self._fresh or self._edges) and not self.silent:
                self._count_edge()
        elif self._down:
            self.reset()

    def ready_level(self) -> int:
        """The DOUT line."""
        self.settle(self.ticks_us())
        if self.silent:
            return FLOATING
        if self._down:
            return 1
        if self._edges:
            return self._code >> (_BITS - self._edges) & 1 if self._edges <= _BITS else 1
        return 0 if self._fresh else 1

    def settle(self, now_us: int) -> None:
        if self._clock and ticks_diff(now_us, self._rose_us) > _POWER_DOWN_US:
            self._down = True
        while not self._down and not self.frozen:
            elapsed = ticks_diff(now_us, self._started_us)
            if elapsed < self._duration_us:
                return
            if not self._edges and not self._settling:
                unread = elapsed // self._duration_us - 1
                self._started_us = ticks_add(self._started_us, unread * self._duration_us)
            self._finish()
            self._started_us = ticks_add(self._started_us, self._duration_us)
            self._take_time()

    def _take_time(self) -> None:
        self._duration_us = self._conversion_us * self.slow_permille // 1000

    def _count_edge(self) -> None:
        self._edges += 1
        if self._edges == _BITS:
            self._fresh = False
            self._source.taken += 1

    def _finish(self) -> None:
        """The end of a conversion: its result, unless the filter is still settling."""
        if 0 < self._edges <= _BITS:
            return
        if self._edges:
            choice = min(self._edges - _BITS - 1, len(_CHOICES) - 1)
            self._edges = 0
            if choice != self._choice:
                self._choice = choice
                self._settling = _SETTLING
        if self._settling:
            self._settling -= 1
            return
        self._source = self.inputs[_CHOICES[self._choice][0]]
        at_us = ticks_add(self._started_us, self._duration_us >> 1)
        code = self._converted(self._source, at_us)
        self._code = _HIGHEST if code > _HIGHEST else _LOWEST if code < _LOWEST else code
        self._fresh = True

    def _converted(self, source: "Input", at_us: int) -> int:
        nanovolts = source.value(at_us)
        if source.condition in (OPEN, HIGH):
            return _HIGHEST
        if source.condition == LOW:
            return _LOWEST
        return 0 if source.condition == SHORT else self._to_code[self._choice].of(nanovolts)
