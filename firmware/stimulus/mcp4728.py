"""MCP4728: four 12-bit DACs on I2C at 0x60 (Microchip DS22187E).

Facts (* = not verified): multi-write (figure 5-8): for each channel 0x40 | channel << 1, then
reference << 7 | power-down << 5 | gain << 4 | code 11..8, then code 7..0. Fast write (figure 7-5):
two bytes a channel, A to D, code 11..8 and 7..0; reference and gain stay. A read (figure 5-15)
gives six bytes a channel, A to D: three of the register in force, three of the EEPROM. With its
own reference of 2.048 V and gain 1 a step is 0.5 mV at any supply from 2.7 V on *: with 3.3 V its
bus is the Pico's. The EEPROM is not written.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import I2C

ADDRESS = 0x60
CHANNELS = 4
STEP_UV = 500
HIGHEST = 4095
_MULTI_WRITE = 0x40
_OWN_REFERENCE = 0x80
_READ_BYTES = 6 * CHANNELS


class Mcp4728:
    """The chip, with all outputs at 0 V. OSError where it does not answer."""

    def __init__(self, bus: "I2C") -> None:
        self._bus = bus
        self._codes = bytearray(2 * CHANNELS)
        self._read = bytearray(_READ_BYTES)
        command = bytearray()
        for channel in range(CHANNELS):
            command += bytes((_MULTI_WRITE | channel << 1, _OWN_REFERENCE, 0))
        bus.writeto(ADDRESS, command)

    def set(self, channel: int, code: int) -> None:
        """Note what the channel is to put out with the next `write`."""
        self._codes[2 * channel] = code >> 8
        self._codes[2 * channel + 1] = code & 0xFF

    def write(self) -> None:
        self._bus.writeto(ADDRESS, self._codes)

    def codes(self) -> "list[int]":
        """What its registers hold: a channel that lost its reference counts as 0 V."""
        self._bus.readfrom_into(ADDRESS, self._read)
        return [self._code(6 * channel) for channel in range(CHANNELS)]

    def _code(self, at: int) -> int:
        settings = self._read[at + 1]
        if settings & 0xF0 != _OWN_REFERENCE:
            return 0
        return (settings & 0x0F) << 8 | self._read[at + 2]
