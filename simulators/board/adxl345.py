"""ADXL345: three-axis accelerometer, up to 3200 samples a second, on I2C or SPI (Analog Rev. E).

Registers: 00 identity E5. 2C rate: 3..0, 15 = 3200 a second, each one less half of that (reset
0A). 2D: 08 measure. 31: 08 full resolution, 1..0 range (3 = 16 g). 32 to 37 the sample, X first,
low byte first. 38 FIFO: 7..6 = 0 none, 1 fill until 32 samples are there. 39: 5..0 samples in the
FIFO. 30: 80 data ready, 02 watermark (4..0 of 38), 01 overrun. On SPI the first byte is the
address, + 0x80 to read, + 0x40 for more than one byte. In full resolution a code is 1/256 g, 16 g
13 bits. The oldest sample of the FIFO comes out with the read of 32.

The three inputs are X, Y and Z. A window is so many `fills` of the FIFO one after the other, from
a write to 2D on; it is taken when the last sample of the last has been read, and counts as the
`features` that the node makes of it, at the first input.

Not simulated: other FIFO modes (nothing is collected in them), activity, taps, free fall,
interrupts, self-test, 10-bit ranges, offsets, left-justified and 3-wire modes.
Unverified: the FIFO begins to fill with the first sample after it was switched on; a read of 32
with nothing in the FIFO gives the newest sample; 12 mg of noise at the highest rate.
"""

from simulators.board.chip import Chip
from simulators.board.constant import const
from simulators.board.motion import Motion
from simulators.board.ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulators.board.inputs import Input
    from simulators.board.signals import Signal

_ID = const(0xE5)
_RATE = const(0x2C)
_POWER = const(0x2D)
_SOURCE = const(0x30)
_FORMAT = const(0x31)
_DATA = const(0x32)
_FIFO = const(0x38)
_ENTRIES = const(0x39)
_MEASURE = const(0x08)
_FILL = const(1)
_SAMPLES = const(32)
_HALF_US = const(625)
"""Half microseconds from sample to sample at the highest rate."""

_UG_A_CODE_256 = const(1_000_000)
_NOISE_UG = const(12_000)
_FIRST_WRITABLE = const(0x1D)
_READ_ONLY = (0x2B, 0x30, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37)
_RESTARTING = (_POWER, _FIFO, _RATE)
"""Registers whose change empties the FIFO."""


class Adxl345(Chip):
    """The chip. `selected` while chip select is low."""

    HAS_ID = True
    PHASE = 1
    POLARITY = 1

    def __init__(
        self,
        name: str,
        inputs: "list[Input]",
        ticks_us: "Callable[[], int]",
        tone_hz: int = 0,
        fills: int = 8,
        features: int = 4,
        rate_permille: int = 1000,
        shapes: "Sequence[Signal | None]" = (),
    ) -> None:
        super().__init__(name, inputs, ticks_us, False)
        self._motion = Motion(inputs, tone_hz, _NOISE_UG, -4096, 4095, shapes)
        self._fills = fills
        self._features = features
        self._rate_permille = rate_permille
        self.selected = False
        self._address = -1
        self._reading = False
        self._several = False
        self.reset()

    def reset(self) -> None:
        self._registers = bytearray(64)
        self._registers[_RATE] = 0x0A
        self._data = bytearray(6)
        self._began_us = self.ticks_us()
        self._filling = False
        self._collected = 0
        self._read = 0
        self._filled = 0

    def point(self, register: int) -> None:
        """The first byte of a write transaction."""
        self._address = register & 0x3F

    def store(self, data: "memoryview | bytes | bytearray", start: int) -> None:
        """The bytes after it, from `start` on, to one register after the other."""
        for index in range(start, len(data)):
            self._write(self._address, data[index])
            self._address = (self._address + 1) & 0x3F

    def fetch(self, buffer: "memoryview | bytearray") -> None:
        """Fill a read transaction from one register after the other."""
        for index in range(len(buffer)):
            buffer[index] = self._fetch(self._address)
            self._address = (self._address + 1) & 0x3F

    def general_call(self, command: int) -> None:
        """It does not listen to that."""

    def select(self, low: bool) -> None:
        """The chip-select line: a frame begins when it falls."""
        self.selected = low
        self._address = -1

    def exchange(self, out: int) -> int:
        """One byte each way, in a frame."""
        address = self._address
        if address < 0:
            self._address = out & 0x3F
            self._reading = bool(out & 0x80)
            self._several = bool(out & 0x40)
            return 0xFF
        if self._several:
            self._address = (address + 1) & 0x3F
        if self._reading:
            return self._fetch(address)
        self._write(address, out)
        return 0xFF

    def settle(self, now_us: int) -> None:
        """Count what has gone into the FIFO by now."""
        if not self._filling or self.frozen:
            return
        elapsed_us = ticks_diff(now_us, self._began_us)
        collected = 2 * elapsed_us // self._period()
        if collected > self._collected:
            self._collected = min(collected, _SAMPLES)
        self._filling = self._collected < _SAMPLES

    def _period(self) -> int:
        """Half microseconds from sample to sample."""
        slower = 15 - (self._registers[_RATE] & 0x0F)
        usual = (_HALF_US << slower) * 1000 // self._rate_permille
        return usual * self.slow_permille // 1000

    def _fetch(self, address: int) -> int:
        if address == 0:
            return _ID if self.wrong_id < 0 else self.wrong_id & 0xFF
        if _DATA <= address < _DATA + 6:
            if address == _DATA:
                self._take()
            return self._data[address - _DATA]
        self.settle(self.ticks_us())
        level = self._collected - self._read
        if address == _ENTRIES:
            return level
        if address == _SOURCE:
            watermark = self._registers[_FIFO] & 0x1F
            ready = 0x80 if level else 0
            return ready | (0x02 if level >= watermark else 0) | (0x01 if level == _SAMPLES else 0)
        return self._registers[address]

    def _write(self, address: int, byte: int) -> None:
        if not _FIRST_WRITABLE <= address <= _FIFO or address in _READ_ONLY:
            return
        self._registers[address] = byte
        if address == _POWER:
            self._filled = 0
        if address in _RESTARTING:
            self._collected = 0
            self._read = 0
            self._began_us = self.ticks_us()
            self._filling = (
                self._registers[_FIFO] >> 6 == _FILL and self._registers[_POWER] & _MEASURE != 0
            )

    def _take(self) -> None:
        """The oldest sample comes out; with the last of a window, that is taken."""
        self.settle(self.ticks_us())
        if self._read == self._collected:
            self._convert(self.ticks_us())
            return
        self._read += 1
        self._convert(ticks_add(self._began_us, self._read * self._period() >> 1))
        if self._read == _SAMPLES:
            self._filled += 1
            if self._filled == self._fills:
                self._filled = 0
                self.inputs[0].taken += self._features

    def _convert(self, at_us: int) -> None:
        for axis in range(3):
            code = self._motion.code(axis, at_us, _UG_A_CODE_256)
            self._data[2 * axis] = code & 0xFF
            self._data[2 * axis + 1] = code >> 8 & 0xFF
