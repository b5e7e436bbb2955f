"""MCP4728: four 12-bit DACs on I2C, 0x60 to 0x67 (Microchip DS22187E).

The first byte says what a write is: 0x40 multi-write (figure 5-8: three bytes a channel, the first
0x40 | channel << 1, then reference << 7 | power-down << 5 | gain << 4 | code 11..8 and code 7..0),
below 0x40 fast write (figure 7-5: two bytes a channel from A on: power-down << 4 | code 11..8, and
code 7..0; reference and gain stay). A read gives six bytes a channel (figure 5-15): 0x80 ready,
0x40 powered, channel << 4; settings and code 11..8; code 7..0; and the EEPROM's three.

Not simulated: writes of the EEPROM and of reference, gain and power-down alone, LDAC, a general
call, the addresses' change, and that an output cannot go above the supply. Unverified: an EEPROM
as it is delivered holds 0 with the reference of the supply.
"""

from simulators.board.chip import Chip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.board.inputs import Input

_CHANNELS = 4
_MULTI_WRITE = 0x40
_KINDS = 0xC0
_OWN_REFERENCE = 0x80
_POWERED_DOWN = 0x60
_GAIN_2 = 0x10
_READY = 0xC0
_OWN_UV = 2_048_000
_SUPPLY_UV = 3_300_000


class Mcp4728(Chip):
    """The chip. `driven` = its four outputs in uV; it has no input that is measured."""

    def __init__(self, name: str, inputs: "list[Input]", ticks_us: "Callable[[], int]") -> None:
        super().__init__(name, inputs, ticks_us, True)
        self.reset()

    def reset(self) -> None:
        self._settings = bytearray(_CHANNELS)
        self._codes = [0] * _CHANNELS

    def driven(self) -> "list[int]":
        return [self._output(channel) for channel in range(_CHANNELS)]

    def point(self, register: int) -> None:
        """The first byte of a write; what it means is known with those behind it."""
        self._first = register

    def store(self, data: "memoryview | bytes | bytearray", start: int) -> None:
        """The bytes of a write from `start` on, behind the first."""
        written = bytes((self._first,)) + bytes(data[start:])
        if self.frozen:
            return
        if written[0] & _KINDS == 0:
            for channel in range(min(_CHANNELS, len(written) // 2)):
                high = written[2 * channel]
                self._settings[channel] &= ~_POWERED_DOWN & 0xFF
                self._settings[channel] |= (high & 0x30) << 1
                self._codes[channel] = (high & 0x0F) << 8 | written[2 * channel + 1]
        elif written[0] & 0xF8 == _MULTI_WRITE:
            for at in range(0, len(written) - 2, 3):
                channel = written[at] >> 1 & 3
                self._settings[channel] = written[at + 1] & 0xF0
                self._codes[channel] = (written[at + 1] & 0x0F) << 8 | written[at + 2]

    def fetch(self, buffer: "memoryview | bytearray") -> None:
        for at in range(len(buffer)):
            channel, byte = at // 6 % _CHANNELS, at % 6
            head = _READY | channel << 4
            code = self._codes[channel]
            told = (head, self._settings[channel] | code >> 8, code & 0xFF, head, 0, 0)
            buffer[at] = told[byte]

    def general_call(self, command: int) -> None:
        """Not answered."""

    def settle(self, now_us: int) -> None:
        """Nothing in it takes time."""

    def _output(self, channel: int) -> int:
        settings = self._settings[channel]
        if settings & _POWERED_DOWN:
            return 0
        code = self._codes[channel]
        if not settings & _OWN_REFERENCE:
            return code * _SUPPLY_UV // 4096
        return code * (_OWN_UV // 4096) * (2 if settings & _GAIN_2 else 1)
