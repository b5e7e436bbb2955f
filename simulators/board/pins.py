"""`machine.Pin` and `machine.ADC`."""

from simulators.board.board import current
from simulators.board.spares import let_go

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_ADC_FULL_SCALE_UV = 3_300_000


class Pin:
    """A pin, by the number or name that the board file gives it. As on the chips, an output drives
    the level it was last given, 0 at first. `irq` is accepted and never fires."""

    IN, OUT, OPEN_DRAIN, ALT, ANALOG = 0, 1, 2, 3, 4
    PULL_UP, PULL_DOWN = 1, 2
    IRQ_LOW_LEVEL, IRQ_HIGH_LEVEL, IRQ_FALLING, IRQ_RISING = 1, 2, 4, 8

    def __init__(
        self,
        id: "int | str",
        mode: int = -1,
        pull: "int | None" = -1,
        *,
        value: "int | None" = None,
        drive: int = 0,
        alt: int = -1,
    ) -> None:
        let_go("Pin")
        self.id = id
        self._wire = current().hardware.wire(id)
        self._mode = self.IN
        self._pull = 0
        self._handler: "Callable[[Pin], Any] | None" = None
        if mode >= 0:
            self.init(mode, pull, value=value)

    def init(
        self,
        mode: int = -1,
        pull: "int | None" = -1,
        *,
        value: "int | None" = None,
        drive: int = 0,
        alt: int = -1,
    ) -> None:
        """Change mode and resistor; an output takes `value` before it begins to drive."""
        if mode >= 0:
            self._mode = mode
        if pull is None or pull >= 0:
            self._pull = 1 if pull == self.PULL_UP else 0
        self._drive(self._wire.output if value is None else int(bool(value)))

    def value(self, x: "Any" = None) -> "int | None":
        """The level, or with an argument: drive this one."""
        if x is None:
            return self._wire.level(self._pull)
        self._drive(1 if x else 0)
        return None

    __call__ = value

    def on(self) -> None:
        self._drive(1)

    def off(self) -> None:
        self._drive(0)

    high = on
    low = off

    def toggle(self) -> None:
        self._drive(1 - self._wire.output)

    def irq(
        self,
        handler: "Callable[[Pin], Any] | None" = None,
        trigger: int = IRQ_FALLING | IRQ_RISING,
        *,
        hard: bool = False,
    ) -> "Pin":
        self._handler = handler
        return self

    def _drive(self, output: int) -> None:
        driven = self._mode == self.OUT or (self._mode == self.OPEN_DRAIN and not output)
        self._wire.drive(driven, output)


class ADC:
    """The board's own converter, 0 to 3.3 V; a pin that is not wired reads 0. What it reads is no
    sensor's sample and is not in the account of what was taken."""

    def __init__(self, pin: "Pin | int | str") -> None:
        name = str(pin.id if isinstance(pin, Pin) else pin)
        self._source = current().hardware.adc.get(name)

    def read_u16(self) -> int:
        """The voltage now, 0 to 65535."""
        board = current()
        board.touch()
        if self._source is None:
            return 0
        microvolts = self._source.value(board.ticks_us())
        return min(max(microvolts * 65535 // _ADC_FULL_SCALE_UV, 0), 65535)

    def read_uv(self) -> int:
        """The voltage now, in microvolts."""
        return self.read_u16() * _ADC_FULL_SCALE_UV // 65535
