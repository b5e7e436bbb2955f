"""AD5235: two digital potentiometers of 25 kohm with 1024 positions on SPI (Analog Devices).

Facts (* = not verified): frames of 24 bits, high bit first, in mode 0 or 3 *; what a frame asks
for comes out with the next one. B0 + channel and ten bits in the low end set a wiper, A0 + channel
asks for it (as Linux's driver ad525x_dpot has them), 00 does nothing *. At position D the wiper is
D/1024 of the way from B to A *. SDO is an open drain *. The memory for its power-up is not
written. It acknowledges nothing: a wiper that reads back as it was set stands for a chip.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import SPI, Pin

POSITIONS = 1024
_CHANNELS = 2
_SET = 0xB0
_ASK = 0xA0


class Ad5235:
    """The chip, with both wipers in the middle. OSError where it does not answer."""

    def __init__(self, bus: "SPI", select: "Pin") -> None:
        self._bus = bus
        self._select = select
        self._out = bytearray(3)
        self._in = bytearray(3)
        self._positions = [0] * _CHANNELS
        for channel in range(_CHANNELS):
            self.set(channel, POSITIONS // 2)
            self.position(channel)

    def set(self, channel: int, position: int) -> None:
        """Move a wiper."""
        self._positions[channel] = position
        self._send(_SET | channel, position)

    def position(self, channel: int) -> int:
        """Where the chip says that the wiper is. OSError where that is not where it was set."""
        self._send(_ASK | channel, 0)
        self._send(0, 0)
        position = (self._in[1] << 8 | self._in[2]) & POSITIONS - 1
        if position != self._positions[channel]:
            raise OSError("a wiper is at %d, not %d" % (position, self._positions[channel]))
        return position

    def _send(self, command: int, data: int) -> None:
        self._out[0] = command
        self._out[1] = data >> 8
        self._out[2] = data & 0xFF
        self._select.value(0)
        self._bus.write_readinto(self._out, self._in)
        self._select.value(1)
