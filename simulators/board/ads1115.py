"""ADS1115: 16-bit ADC with four inputs on I2C (TI SBAS444).

Registers, big-endian, chosen by a pointer byte: 0 conversion, 1 configuration (reset 0x8583),
2 and 3 comparator thresholds (stored only). Configuration: OS bit 15, mux 14..12, gain 11..9,
single-shot 8, rate 7..5. Writing OS = 1 starts a conversion in power-down and does nothing while
one is running; OS reads 1 when idle. In continuous mode new settings take effect after the
conversion that is running. Codes clip at 0x7FFF and 0x8000. Data rates vary by 10 % from chip to
chip: `rate_permille`. Answers 06 on the general call address with a reset.

Unverified: 25 us to wake up before a single shot (the datasheet says about); 0xFF for bytes read
past a register; that a configuration written without OS leaves a running single shot alone.
"""

from simulators.board.chip import Chip
from simulators.board.inputs import HIGH, LOW, OK, OPEN
from simulators.board.scaling import Ratio
from simulators.board.ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.board.inputs import Input

_RESET_CONFIG = 0x8583
_OS = 0x8000
_SINGLE_SHOT = 0x0100
_WAKE_UP_US = 25
_FULL_SCALE_UV = (6_144_000, 4_096_000, 2_048_000, 1_024_000, 512_000, 256_000, 256_000, 256_000)
_RATES = (8, 16, 32, 64, 128, 250, 475, 860)
_POSITIVE = (0, 0, 1, 2, 0, 1, 2, 3)
_NEGATIVE = (1, 3, 3, 3, -1, -1, -1, -1)
_DIODE_UV = 300_000
"""A pin follows its signal this far beyond the supply, then the protection conducts."""


class Ads1115(Chip):
    """The chip with a shunt at each input whose signal is a current.

    open: nothing reaches the input, 0 V. short: a current loop is driven against its supply and
    the input with it; a voltage input lies at 0 V.
    """

    def __init__(
        self,
        name: str,
        inputs: "list[Input]",
        ticks_us: "Callable[[], int]",
        shunt_milliohm: int = 100_000,
        rate_permille: int = 1000,
        supply_uv: int = 3_300_000,
    ) -> None:
        super().__init__(name, inputs, ticks_us, True)
        self._to_uv = Ratio(shunt_milliohm, 1_000_000)
        self._to_code = [Ratio(32768, full_scale) for full_scale in _FULL_SCALE_UV]
        self._conversion_us = [1_000_000_000 // (rate * rate_permille) for rate in _RATES]
        self._ceiling_uv = supply_uv + _DIODE_UV
        self.reset()

    def reset(self) -> None:
        self._pointer = 0
        self._registers = [0, _RESET_CONFIG, 0x8000, 0x7FFF]
        self._converting = False
        self._reconfigured = False
        self._fresh = False
        self._converted_input = self.inputs[0]
        self._started_us = 0
        self._duration_us = 0
        self._latched = _RESET_CONFIG

    def point(self, register: int) -> None:
        """The first byte of a write transaction."""
        self._pointer = register & 3

    def store(self, data: "memoryview | bytes | bytearray", start: int) -> None:
        """The bytes after it, from `start` on: a register takes two."""
        if len(data) < start + 2:
            return
        word = data[start] << 8 | data[start + 1]
        if self._pointer == 1:
            self._configure(word)
        elif self._pointer > 1:
            self._registers[self._pointer] = word

    def fetch(self, buffer: "memoryview | bytearray") -> None:
        """Fill a read transaction from the register that the pointer names."""
        if self._converting:
            self.settle(self.ticks_us())
        word = self._registers[self._pointer]
        if self._pointer == 1 and not self._converting:
            word |= _OS
        length = len(buffer)
        if length:
            buffer[0] = word >> 8
        if length > 1:
            buffer[1] = word & 0xFF
            if self._fresh and self._pointer == 0:
                self._fresh = False
                self._converted_input.taken += 1
        for index in range(2, length):
            buffer[index] = 0xFF

    def general_call(self, command: int) -> None:
        """The first byte of a write to address 0."""
        if command == 0x06:
            self.reset()

    def settle(self, now_us: int) -> None:
        while self._converting and not self.frozen:
            elapsed = ticks_diff(now_us, self._started_us)
            if elapsed < self._duration_us:
                return
            continuous = not self._latched & _SINGLE_SHOT
            if continuous and not self._reconfigured:
                whole = elapsed // self._duration_us - 1
                self._started_us = ticks_add(self._started_us, whole * self._duration_us)
            self._finish()
            self._started_us = ticks_add(self._started_us, self._duration_us)
            self._converting = not self._registers[1] & _SINGLE_SHOT
            if not self._converting:
                return
            self._latch(0)

    def _configure(self, word: int) -> None:
        now_us = self.ticks_us()
        if self._converting:
            self.settle(now_us)
        self._registers[1] = word & ~_OS
        if self._converting:
            self._reconfigured = True
        elif not word & _SINGLE_SHOT or word & _OS:
            self._converting = True
            self._started_us = now_us
            self._latch(_WAKE_UP_US)

    def _latch(self, wake_up_us: int) -> None:
        """Take over the settings for the conversion that begins now."""
        self._reconfigured = False
        self._latched = self._registers[1]
        usual_us = self._conversion_us[self._latched >> 5 & 7]
        self._duration_us = wake_up_us + usual_us * self.slow_permille // 1000

    def _finish(self) -> None:
        """Put the result into its register: the inputs as they were half-way."""
        at_us = ticks_add(self._started_us, self._duration_us >> 1)
        mux = self._latched >> 12 & 7
        positive = self.inputs[_POSITIVE[mux]]
        code = self._code(positive, mux, at_us)
        self._registers[0] = code & 0xFFFF
        self._converted_input = positive
        self._fresh = True

    def _code(self, positive: "Input", mux: int, at_us: int) -> int:
        microvolts = self._microvolts(positive, at_us)
        if positive.condition == HIGH:
            return 0x7FFF
        if positive.condition == LOW:
            return -0x8000
        if mux < 4:
            microvolts -= self._microvolts(self.inputs[_NEGATIVE[mux]], at_us)
        code = self._to_code[self._latched >> 9 & 7].of(microvolts)
        return 0x7FFF if code > 0x7FFF else -0x8000 if code < -0x8000 else code

    def _microvolts(self, source: "Input", at_us: int) -> int:
        value = source.value(at_us)
        current = source.signal.unit == "nA"
        if source.condition != OK:
            return self._ceiling_uv if current and source.condition != OPEN else 0
        if current:
            value = self._to_uv.of(value)
        if value > self._ceiling_uv:
            return self._ceiling_uv
        return value if value > -_DIODE_UV else -_DIODE_UV
