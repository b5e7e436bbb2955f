"""IIS3DWB: three-axis vibration sensor, 26,667 samples a second, on SPI (ST DS12569).

Registers as ST's own driver names them (iis3dwb_reg.h): the first byte of a frame is the address,
+ 0x80 to read; it counts up. 0F identity 7B. 10 CTRL1_XL: 7..5 = 101 on, 3..2 range (0 = 2,
1 = 16, 2 = 4, 3 = 8 g). 12 CTRL3_C (reset 04): 01 resets the registers. 07 and bit 0 of 08
watermark, bit 7 of 08 stop there; 09 = 0A puts all samples into the FIFO; 0A: 2..0 = 0 empties it,
1 fills it until it is full, 512 samples. 3A and 1..0 of 3B samples in the FIFO; 3B: 80 watermark,
20 full. 78 tag (02 in its upper five bits: acceleration; two of a counter; even parity), 79 to 7E
the sample, X first, low byte first; behind 7E comes 78 of the next. 20 and 21 temperature, 256 a
°C above 25. 28 to 2D the newest sample. 63 how much faster than nominal the clock runs, in 0.15 %.

The three inputs are X, Y and Z. A window is what fills the FIFO once; it is taken when its last
sample has been read, and counts as the `features` that the node makes of it, at the first input.

Not simulated: other FIFO modes (nothing is collected in them), filters, interrupts, self-test,
single-axis mode, offsets, SPI mode 0. Samples are computed when they are read: a fault strikes
those that are still in the FIFO too.
Unverified: nothing is collected for 10 ms after the accelerometer was switched on; an empty FIFO
reads as zeros, tag and all; 6 mg of noise.
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

_ID = const(0x7B)
_WTM = const(0x07)
_STOP = const(0x08)
_BATCH = const(0x09)
_MODE = const(0x0A)
_IDENTITY = const(0x0F)
_CTRL1 = const(0x10)
_CTRL3 = const(0x12)
_STATUS = const(0x1E)
_TEMPERATURE = const(0x20)
_NEWEST = const(0x28)
_LEVEL = const(0x3A)
_FLAGS = const(0x3B)
_FREQ_FINE = const(0x63)
_TAG = const(0x78)
_LAST = const(0x7E)
_ON = const(5)
_ALL_SAMPLES = const(0x0A)
_FILL = const(1)
_SAMPLES = const(512)
_HALF_US = const(75)
"""Half microseconds from sample to sample."""

_TURN_ON_US = const(10_000)
_UG_A_CODE_256 = (61 * 256, 488 * 256, 122 * 256, 244 * 256)
_NOISE_UG = const(6_000)
_READ_ONLY = (_IDENTITY, _STATUS, _LEVEL, _FLAGS, _FREQ_FINE)


class Iis3dwb(Chip):
    """The chip, at `celsius`. `selected` while chip select is low."""

    HAS_ID = True
    PHASE = 1
    POLARITY = 1

    def __init__(
        self,
        name: str,
        inputs: "list[Input]",
        ticks_us: "Callable[[], int]",
        tone_hz: int = 0,
        celsius: int = 25,
        features: int = 4,
        rate_permille: int = 1000,
        shapes: "Sequence[Signal | None]" = (),
    ) -> None:
        super().__init__(name, inputs, ticks_us, False)
        self._motion = Motion(inputs, tone_hz, _NOISE_UG, -0x8000, 0x7FFF, shapes)
        self._celsius = celsius
        self._features = features
        self._rate_permille = rate_permille
        self.selected = False
        self._address = -1
        self._reading = False
        self.reset()

    def reset(self) -> None:
        self._registers = bytearray(128)
        self._registers[_CTRL3] = 0x04
        self._registers[_FREQ_FINE] = (self._rate_permille - 1000) * 10 // 15 & 0xFF
        self._sample = bytearray(7)
        self._on_us = self.ticks_us()
        self._began_us = self.ticks_us()
        self._filling = False
        self._collected = 0
        self._read = 0

    def select(self, low: bool) -> None:
        """The chip-select line: a frame begins when it falls."""
        self.selected = low
        self._address = -1

    def exchange(self, out: int) -> int:
        """One byte each way, in a frame."""
        address = self._address
        if self._reading and _TAG <= address <= _LAST:
            if address == _TAG:
                self._take(self._sample, 0)
            self._address = _TAG if address == _LAST else address + 1
            return self._sample[address - _TAG]
        if address < 0:
            self._address = out & 0x7F
            self._reading = bool(out & 0x80)
            return 0xFF
        self._address = _TAG if address == _LAST else (address + 1) & 0x7F
        if self._reading:
            return self._fetch(address)
        self._store(address, out)
        return 0xFF

    def exchange_into(self, out: int, buffer: "memoryview | bytearray") -> None:
        at = 0
        while at < len(buffer):
            if self._reading and self._address == _TAG and at + 7 <= len(buffer):
                self._take(buffer, at)
                at += 7
            else:
                buffer[at] = self.exchange(out)
                at += 1

    def settle(self, now_us: int) -> None:
        """Count what has gone into the FIFO by now; forget when it was switched on long ago."""
        if ticks_diff(now_us, self._on_us) > _TURN_ON_US:
            self._on_us = ticks_add(now_us, -_TURN_ON_US)
        if not self._filling or self.frozen:
            return
        half_us = 2 * ticks_diff(now_us, self._began_us)
        collected = half_us * self._rate_permille // 1000 // (self._period() or 1)
        most = self._most()
        if collected > self._collected:
            self._collected = min(collected, most)
        if self._collected == most:
            self._filling = False

    def _period(self) -> int:
        return _HALF_US * self.slow_permille // 1000

    def _most(self) -> int:
        registers = self._registers
        watermark = registers[_WTM] | (registers[_STOP] & 1) << 8
        return watermark if watermark and registers[_STOP] & 0x80 else _SAMPLES

    def _fetch(self, address: int) -> int:
        if address == _IDENTITY:
            return _ID if self.wrong_id < 0 else self.wrong_id & 0xFF
        if _LEVEL <= address <= _FLAGS:
            return self._levels(address)
        if _NEWEST <= address < _NEWEST + 6:
            return self._newest(address - _NEWEST)
        if _TEMPERATURE <= address <= _TEMPERATURE + 1:
            raw = (self._celsius - 25) * 256
            return raw >> 8 * (address - _TEMPERATURE) & 0xFF
        if address == _STATUS:
            return 1 if self._is_on() else 0
        return self._registers[address]

    def _store(self, address: int, byte: int) -> None:
        if address in _READ_ONLY or address >= _TAG:
            return
        if address == _CTRL3 and byte & 1:
            self.reset()
            return
        was_on = self._is_on()
        self._registers[address] = byte
        if address == _CTRL1 and self._is_on() and not was_on:
            self._on_us = self.ticks_us()
        if address == _MODE:
            self._empty()

    def _empty(self) -> None:
        """A new mode: what was in the FIFO is gone, and it fills if it is to."""
        registers = self._registers
        self._collected = 0
        self._read = 0
        self._began_us = self.ticks_us()
        ready_us = ticks_add(self._on_us, _TURN_ON_US)
        if ticks_diff(ready_us, self._began_us) > 0:
            self._began_us = ready_us
        self._filling = (
            registers[_MODE] & 7 == _FILL
            and registers[_BATCH] & 0x0F == _ALL_SAMPLES
            and self._is_on()
        )

    def _is_on(self) -> bool:
        return self._registers[_CTRL1] >> 5 == _ON

    def _levels(self, address: int) -> int:
        self.settle(self.ticks_us())
        level = self._collected - self._read
        if address == _LEVEL:
            return level & 0xFF
        registers = self._registers
        watermark = registers[_WTM] | (registers[_STOP] & 1) << 8
        flags = 0x80 if watermark and level >= watermark else 0
        return flags | (0x20 if level == _SAMPLES else 0) | level >> 8

    def _take(self, into: "memoryview | bytearray", where: int) -> None:
        """The oldest sample of the FIFO comes out; with the last of a window, that is taken."""
        if self._filling:
            self.settle(self.ticks_us())
        if self._read == self._collected:
            for index in range(where, where + 7):
                into[index] = 0
            return
        self._read = read = self._read + 1
        tag = 0x02 << 3 | (read & 3) << 1
        into[where] = tag | (tag >> 4 ^ tag >> 3 ^ tag >> 2 ^ tag >> 1) & 1
        period = self._period() * 1000 // self._rate_permille
        self._convert(ticks_add(self._began_us, read * period >> 1), into, where + 1)
        if read == self._collected and not self._filling:
            self.inputs[0].taken += self._features

    def _convert(self, at_us: int, into: "memoryview | bytearray", where: int) -> None:
        scale = _UG_A_CODE_256[self._registers[_CTRL1] >> 2 & 3]
        for axis in range(3):
            code = self._motion.code(axis, at_us, scale)
            into[where] = code & 0xFF
            into[where + 1] = code >> 8 & 0xFF
            where += 2

    def _newest(self, byte: int) -> int:
        if byte == 0:
            self._convert(self.ticks_us(), self._sample, 1)
        return self._sample[1 + byte] if self._is_on() else 0
