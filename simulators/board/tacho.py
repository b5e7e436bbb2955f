"""A toothed wheel before a sensor: a pulse train on a pin, and on a second one its inverse.

The signal is the rate of teeth, in mHz; its sign does not matter. A pulse rises when a tooth
begins and is as long as the gap behind it. Every pulse is counted and dated, however seldom
somebody looks; the rate is taken in steps of at most 5 ms, in the middle of each.

open, nack: nothing drives the wires. short: both are low. saturated: the pin is high (or low), the
inverse goes on. stuck: no more teeth pass, the levels stay. frozen is the same. bounce: each pulse
brings so many more behind it, each level lasting so long. missing_tooth: each so manyth tooth
gives no pulse.

After the host's CUT a look at the wires, or at what counts their edges, is an OSError, which no
board's own pin gives: so what was taken stays what it is.
"""

from simulators.board.chip import Chip
from simulators.board.constant import const
from simulators.board.errors import FaultError
from simulators.board.inputs import HIGH, LOW, OPEN, SHORT
from simulators.board.ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from simulators.board.inputs import Input

_FLOATING = const(-1)
_STEP_US = const(5_000)
_WHOLE = const(1_000_000)
_MASK = const((1 << 30) - 1)
_EIO = const(5)
_ENDS = (HIGH, LOW)
_NOT_ITS = ("slow_conversion", "brown_out")


class Edges:
    """What is seen of a tacho by whoever overlooks levels shorter than `filter_us`.

    `count` = rising edges, modulo 2**30; `last_us` = the tick of the last one; `cut`: after the
    CUT.
    """

    def __init__(self, tacho: "Tacho", filter_us: int) -> None:
        self.count = 0
        self.last_us = 0
        self.cut = False
        self.filter_us = filter_us
        self._tacho = tacho

    def look(self) -> None:
        """Bring both up to date. OSError after the CUT."""
        self._tacho.look()

    def take(self) -> None:
        """A reading of the count has gone to the firmware."""
        self._tacho.inputs[0].taken += 1


class Tacho(Chip):
    """The sensor, its wires, and who counts its pulses."""

    def __init__(self, name: str, inputs: "list[Input]", ticks_us: "Callable[[], int]") -> None:
        super().__init__(name, inputs, ticks_us, False)
        inputs[0].own_words = ("bounce", "missing_tooth")
        inputs[0].signal.before_feed = self.settle
        self._input = inputs[0]
        self._watching: "list[Edges]" = []
        self._teeth = 0
        self._micro = 0
        self._nano = 0
        self._at_us = ticks_us()

    def reset(self) -> None:
        """There is nothing in it to reset."""

    def cut(self) -> None:
        super().cut()
        for edges in self._watching:
            edges.cut = True

    def inject(self, word: str, args: "dict[str, Any]") -> None:
        if word in _NOT_ITS:
            raise FaultError(self.name + " cannot have the fault " + word)
        super().inject(word, args)

    def settle(self, now_us: int) -> None:
        elapsed = ticks_diff(now_us, self._at_us)
        while elapsed > 0:
            step = elapsed if elapsed < _STEP_US else _STEP_US
            self._pass(step)
            elapsed -= step

    def watch(self, filter_us: int) -> Edges:
        """Count the edges from now on."""
        edges = Edges(self, filter_us)
        edges.cut = self._cut
        self._watching.append(edges)
        return edges

    def look(self) -> None:
        """Let everything pass that has passed by now. OSError after the CUT."""
        if self._cut:
            raise OSError(_EIO)
        self.settle(self.ticks_us())

    def level(self) -> int:
        """The pin: 0, 1 or floating."""
        self.look()
        condition = self._input.condition
        if condition in _ENDS:
            return 1 if condition == HIGH else 0
        return self._wire(0)

    def inverse_level(self) -> int:
        """The other pin."""
        self.look()
        return self._wire(1)

    def _wire(self, inverted: int) -> int:
        condition = self._input.condition
        if condition == OPEN or self.silent:
            return _FLOATING
        if condition == SHORT:
            return 0
        return inverted ^ (1 if self._micro < _WHOLE >> 1 else 0)

    def _pass(self, step_us: int) -> None:
        """Let the teeth pass that come within the next so many microseconds."""
        middle_us = ticks_add(self._at_us, step_us >> 1)
        self._at_us = ticks_add(self._at_us, step_us)
        faults = self._input.faults
        rate = abs(self._input.value(middle_us))
        if rate == 0 or self.frozen or "stuck" in faults:
            return
        self._nano += rate % 1000 * step_us
        self._micro += rate // 1000 * step_us + self._nano // 1000
        self._nano %= 1000
        teeth = self._micro // _WHOLE
        if not teeth:
            return
        self._micro %= _WHOLE
        since_us = self._micro * 1000 // rate
        if not faults and not self.silent:
            self._teeth += teeth
            for edges in self._watching:
                edges.count = (edges.count + teeth) & _MASK
                edges.last_us = ticks_add(self._at_us, -since_us)
            return
        apart_us = 1_000_000_000 // rate
        missing = faults.get("missing_tooth")
        for behind in range(teeth - 1, -1, -1):
            self._teeth += 1
            if missing is None or self._teeth % missing["every"]:
                self._pulse(ticks_add(self._at_us, -since_us - behind * apart_us))

    def _pulse(self, at_us: int) -> None:
        """A pulse rises, unless its wire is held."""
        if self._input.condition or self.silent:
            return
        bounce = self._input.faults.get("bounce")
        for edges in self._watching:
            more = bounce["edges"] if bounce and bounce["us"] >= edges.filter_us else 0
            edges.count = (edges.count + 1 + more) & _MASK
            edges.last_us = at_us
