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
from simulators.board.scaling import Ratio, scaled
from simulators.board.ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.board.inputs import Input

_RESET_CONFIG = 0x8583
_RESET = b"\x00\x00\x85\x83\x80\x00\x7f\xff"
"""The four registers, high bytes first. The OS bit there is 1 while no conversion runs."""

_OS = 0x8000
_IDLE = 0x80
_SINGLE_SHOT = 0x0100
_TO_GROUND = 0x4000
_WAKE_UP_US = 25
_FULL_SCALE_UV = (6_144_000, 4_096_000, 2_048_000, 1_024_000, 512_000, 256_000, 256_000, 256_000)
_RATES = (8, 16, 32, 64, 128, 250, 475, 860)
_POSITIVE = (0, 0, 1, 2, 0, 1, 2, 3)
_NEGATIVE = (1, 3, 3, 3)
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
        self._to_uv = Ratio(shunt_milliohm, 1_000_000).parts
        self._to_code = [Ratio(32768, full_scale).parts for full_scale in _FULL_SCALE_UV]
        self._conversion_us = [1_000_000_000 // (rate * rate_permille) for rate in _RATES]
        self._ceiling_uv = supply_uv + _DIODE_UV
        self.reset()

    def reset(self) -> None:
        self._pointer = 0
        self._registers = bytearray(_RESET)
        self._config = _RESET_CONFIG & ~_OS
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
        if self._pointer == 1:
            self._configure(data[start] << 8 | data[start + 1])
        elif self._pointer > 1:
            self._registers[2 * self._pointer] = data[start]
            self._registers[2 * self._pointer + 1] = data[start + 1]

    def fetch(self, buffer: "memoryview | bytearray") -> None:
        """Fill a read transaction from the register that the pointer names."""
        self.read_register(self._pointer, buffer)

    def write_register(self, register: int, data: "memoryview | bytes | bytearray") -> None:
        self._pointer = register & 3
        if register == 1 and len(data) == 2:
            self._configure(data[0] << 8 | data[1])
        else:
            self.store(data, 0)

    def read_register(self, register: int, buffer: "memoryview | bytearray") -> None:
        self._pointer = register = register & 3
        if self._converting:
            self.settle(self.ticks_us())
        if len(buffer) < 2:
            buffer[:] = self._registers[2 * register : 2 * register + len(buffer)]
            return
        buffer[0] = self._registers[2 * register]
        buffer[1] = self._registers[2 * register + 1]
        if self._fresh and not register:
            self._fresh = False
            self._converted_input.taken += 1
        for index in range(2, len(buffer)):
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
            if self._config & _SINGLE_SHOT:
                self._converting = False
                self._registers[2] |= _IDLE
                return
            self._reconfigured = False
            self._latched = self._config
            self._duration_us = self._usual_us()

    def _configure(self, word: int) -> None:
        now_us = self.ticks_us()
        if self._converting:
            self.settle(now_us)
        self._config = word & ~_OS
        self._registers[3] = word & 0xFF
        if self._converting:
            self._reconfigured = True
        elif not word & _SINGLE_SHOT or word & _OS:
            self._converting = True
            self._reconfigured = False
            self._started_us = now_us
            self._latched = word & ~_OS
            self._duration_us = self._usual_us() + _WAKE_UP_US
        self._registers[2] = word >> 8 & ~_IDLE | (0 if self._converting else _IDLE)

    def _usual_us(self) -> int:
        """How long a conversion takes with the settings that were latched for it."""
        usual_us = self._conversion_us[self._latched >> 5 & 7]
        if self.slow_permille != 1000:
            usual_us = usual_us * self.slow_permille // 1000
        return usual_us

    def _finish(self) -> None:
        """Put the result into its register: the inputs as they were half-way."""
        source = self.inputs[_POSITIVE[self._latched >> 12 & 7]]
        code = self._code(source, ticks_add(self._started_us, self._duration_us >> 1))
        self._registers[0] = code >> 8 & 0xFF
        self._registers[1] = code & 0xFF
        self._converted_input = source
        self._fresh = True

    def _code(self, positive: "Input", at_us: int) -> int:
        microvolts = self._microvolts(positive, at_us)
        if positive.condition == HIGH:
            return 0x7FFF
        if positive.condition == LOW:
            return -0x8000
        if not self._latched & _TO_GROUND:
            negative = self.inputs[_NEGATIVE[self._latched >> 12 & 7]]
            microvolts -= self._microvolts(negative, at_us)
        code = scaled(microvolts, self._to_code[self._latched >> 9 & 7])
        return 0x7FFF if code > 0x7FFF else -0x8000 if code < -0x8000 else code

    def _microvolts(self, source: "Input", at_us: int) -> int:
        value = source.value(at_us)
        if source.condition != OK:
            current = source.signal.unit == "nA"
            return self._ceiling_uv if current and source.condition != OPEN else 0
        if source.signal.unit == "nA":
            value = scaled(value, self._to_uv)
        if value > self._ceiling_uv:
            return self._ceiling_uv
        return value if value > -_DIODE_UV else -_DIODE_UV
