"""MAX31856: type K thermocouple to digital converter on SPI, one conversion at a time.

Facts (Maxim data sheet 19-7534):
- SPI mode 1 or 3, at most 5 MHz; the first byte is the register, with bit 7 set to write; further
  bytes go to the next registers. It has no acknowledgement: an absent chip reads all 00 or all FF.
- 00 CR0: 80 automatic, 40 one-shot (clears itself), 30 test for an open circuit (10: a sensor of
  less than 5 kilohm), 08 cold junction off, 04 faults stay, 02 clear faults, 01 filter for 50 Hz.
  01 CR1: 03 = type K, one sample. 02 mask of the FAULT pin. 0C-0E the linearised temperature, cold
  junction compensated: 19 bits of 1/128 °C. 0F faults as they are now: 80 cold junction and 40
  thermocouple beyond what the chip can do (K: -200 to 1372 °C), 02 a voltage below ground or
  beyond the supply, 01 open.
- Reset: CR0 00, CR1 03, mask FF. It has no identity: registers that read back stand for one.
- One conversion takes 169 ms with the filter for 50 Hz, 143 ms for 60 Hz, 185 and 155 ms at most,
  and the test for an open circuit 13.3 ms more, 15 ms at most (all unverified).
- That test is made with the first conversion after it was switched on (unverified), so it is
  switched on for each conversion anew.
- A short between the wires reads as the temperature where they touch, and cannot be told.

`raw` is in 0.01 °C. The configuration of a channel in °C x 10^-9: scale = 10_000_000, offset = 0.
"""

from time import ticks_add, ticks_diff, ticks_us

from micropython import const

from axwire.codes import NO_ANSWER, NOT_READY, OK, OPEN, OUT_OF_RANGE, SATURATED, STUCK
from drivers import CONVERTING, MISSING_32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import SPI, Pin

    from axnode.hardware import Board

SETTINGS = {"spi": [0, 7], "cs": [0, 63], "filter_hz": (50, 60)}
DEFAULTS = {"filter_hz": 50}

_WRITE = const(0x80)
_CR0 = const(0)
_RESULT = const(0x0C)
_ONE_SHOT = const(0x40)
_OPEN_TEST = const(0x10)
_FILTER_50_HZ = const(0x01)
_TYPE_K = const(0x03)
_MASK = const(0xFC)
"""The FAULT pin shows an open circuit and a wrong voltage. It also tells a chip that was reset."""

_MASK_RESET = const(0xFF)

_FAULT_COLD_RANGE = const(0x80)
_FAULT_RANGE = const(0x40)
_FAULT_VOLTAGE = const(0x02)
_FAULT_OPEN = const(0x01)


def make(settings: "dict[str, int]", board: "Board") -> "Max31856":
    """The chip that the configuration describes."""
    select = board.output(settings["cs"], 1)
    return Max31856(board.spi(settings["spi"]), select, settings["filter_hz"])


class Max31856:
    """One chip with one thermocouple; `filter_hz` = that of the mains, 50 or 60."""

    inputs = 1
    wide = True
    conversion_us = 200_000

    # What one exchange sends and receives, the same for all chips: none waits within one.
    _command = bytearray((_WRITE | _CR0, 0))
    _ask = bytearray((_CR0, 0, 0, 0))
    _answer = bytearray(4)
    _ask_result = bytearray((_RESULT, 0, 0, 0, 0))
    _result = bytearray(5)

    def __init__(self, spi: "SPI", select: "Pin", filter_hz: int) -> None:
        self.raw = MISSING_32
        self.due = 0
        self._spi = spi
        self._select = select
        self._nominal_us = 182_300 if filter_hz == 50 else 156_300
        self._longest_us = 200_000 if filter_hz == 50 else 170_000
        self._began = 0
        self._cr0 = _FILTER_50_HZ if filter_hz == 50 else 0
        self._configuration = bytes((_WRITE | _CR0, self._cr0, _TYPE_K, _MASK))

    def check(self) -> int:
        """Configure and read that back, the result left alone."""
        self._select(0)
        self._spi.write(self._configuration)
        self._select(1)
        self._read(self._ask, self._answer)
        if not self._configured(self._cr0):
            return NO_ANSWER
        return STUCK if self._answer[1] & _ONE_SHOT else OK

    def start(self, number: int) -> None:
        """Begin to convert, with a test for an open circuit."""
        self._configure(self._cr0 | _OPEN_TEST | _ONE_SHOT)
        self._began = ticks_us()
        self.due = ticks_add(self._began, self._longest_us)

    def poll(self, now: int) -> int:
        """Read the temperature once the conversion is over, unless the chip was reset."""
        self.raw = MISSING_32
        self._read(self._ask, self._answer)
        if not self._configured(self._cr0 | _OPEN_TEST):
            was_reset = self._answer[3] == _MASK_RESET and self._answer[1] != 0xFF
            return NOT_READY if was_reset else NO_ANSWER
        if self._answer[1] & _ONE_SHOT:
            if ticks_diff(now, self._began) >= 2 * self._nominal_us:
                return STUCK
            self.due = ticks_add(now, self._nominal_us // 16)
            return CONVERTING
        result = self._result
        self._read(self._ask_result, result)
        self._configure(self._cr0)
        code = result[1] << 11 | result[2] << 3 | result[3] >> 5
        if code >= 1 << 18:
            code -= 1 << 19
        self.raw = (code * 25 + 16) >> 5
        return _status(result[4])

    def _configured(self, cr0: int) -> bool:
        """Whether what was just read is what was written, the one-shot bit aside."""
        answer = self._answer
        return answer[1] & ~_ONE_SHOT == cr0 and answer[2] == _TYPE_K and answer[3] == _MASK

    def _configure(self, cr0: int) -> None:
        self._command[1] = cr0
        self._select(0)
        self._spi.write(self._command)
        self._select(1)

    def _read(self, ask: bytearray, answer: bytearray) -> None:
        self._select(0)
        self._spi.write_readinto(ask, answer)
        self._select(1)


def _status(faults: int) -> int:
    if faults & _FAULT_OPEN:
        return OPEN
    if faults & (_FAULT_VOLTAGE | _FAULT_COLD_RANGE):
        return OUT_OF_RANGE
    return SATURATED if faults & _FAULT_RANGE else OK
