"""AD5235: two digital potentiometers with 1024 positions on SPI (Analog Devices).

A frame of 24 bits is obeyed when chip select rises: B0 + channel sets a wiper to the low ten bits,
A0 + channel puts it where the next frame finds it, 00 nothing (commands as Linux's ad525x_dpot has
them). While a frame comes in, the one before it, or what that asked for, goes out.

Not simulated: its memory, all other commands, a chain of chips, that it is busy for a while.
Unverified: it is in the middle when it is delivered; modes 0 and 3.
"""

from simulators.board.chip import Chip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.board.inputs import Input

_CHANNELS = 2
_MIDDLE = 512
_POSITION = 0x3FF
_SET = 0xB
_ASK = 0xA


class Ad5235(Chip):
    """The chip. `driven` = the positions of its wipers; it has no input that is measured.
    `selected` while chip select is low."""

    PHASE = 0
    POLARITY = 0

    def __init__(self, name: str, inputs: "list[Input]", ticks_us: "Callable[[], int]") -> None:
        super().__init__(name, inputs, ticks_us, False)
        self.selected = False
        self.reset()

    def reset(self) -> None:
        self._positions = [_MIDDLE] * _CHANNELS
        self._register = bytearray(3)
        self._count = 0

    def driven(self) -> "list[int]":
        return list(self._positions)

    def select(self, low: bool) -> None:
        """The chip-select line: a frame begins when it falls, and is obeyed when it rises."""
        if self.selected and not low and self._count == 3 and not self.frozen:
            self._obey()
        self.selected = low
        self._count = 0

    def exchange(self, out: int) -> int:
        """One byte each way, in a frame."""
        told = self._register[0]
        self._register[0] = self._register[1]
        self._register[1] = self._register[2]
        self._register[2] = out
        self._count += 1
        return told

    def settle(self, now_us: int) -> None:
        """Nothing in it takes time."""

    def _obey(self) -> None:
        register = self._register
        command, channel = register[0] >> 4, register[0] & 0x0F
        if channel >= _CHANNELS:
            return
        if command == _SET:
            self._positions[channel] = (register[1] << 8 | register[2]) & _POSITION
        elif command == _ASK:
            register[1] = self._positions[channel] >> 8
            register[2] = self._positions[channel] & 0xFF
