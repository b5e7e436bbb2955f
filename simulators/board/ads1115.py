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

from array import array

from simulators.board.chip import Chip
from simulators.board.constant import const
from simulators.board.inputs import HIGH, LOW, OK, OPEN
from simulators.board.scaling import Ratio, scaled
from simulators.board.ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from simulators.board.ads1115_plain import begin, convert, read_word
    from simulators.board.inputs import Input
else:
    try:
        from simulators.board.ads1115_viper import begin, convert, read_word
    except (ImportError, SyntaxError, ValueError):
        from simulators.board.ads1115_plain import begin, convert, read_word

_RESET_CONFIG = const(0x8583)
_OS = const(0x8000)
_SINGLE_SHOT = const(0x0100)
_TO_GROUND = const(0x4000)
_WAKE_UP_US = const(25)
_FULL_SCALE_UV = (6_144_000, 4_096_000, 2_048_000, 1_024_000, 512_000, 256_000, 256_000, 256_000)
_RATE_HZ = (8, 16, 32, 64, 128, 250, 475, 860)
_POSITIVE = (0, 0, 1, 2, 0, 1, 2, 3)
_NEGATIVE = (1, 3, 3, 3)
_DIODE_UV = const(300_000)
"""A pin follows its signal this far beyond the supply, then the protection conducts."""

# Fields of the state, which ads1115_plain.py works on too: the configuration without OS, as
# it was written and as the conversion has it; from _CODE on the four registers, and from _RATES
# on how long a conversion takes at each rate.
_CONFIG = const(0)
_LATCHED = const(1)
_CONVERTING = const(2)
_RECONFIGURED = const(3)
_FRESH = const(4)
_STARTED_US = const(5)
_DURATION_US = const(6)
_CEILING_UV = const(7)
_CODE = const(8)
_RATES = const(12)
_FIELDS = const(20)

_CURRENT = const(5)
"""Of a signal's line."""


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
        self._rate_permille = rate_permille
        self._state = array("i", bytes(4 * _FIELDS))
        self._state[_CEILING_UV] = supply_uv + _DIODE_UV
        self._set_rates()
        self.reset()

    def reset(self) -> None:
        state = self._state
        self._pointer = 0
        self._converted_input = self.inputs[0]
        state[_CONFIG] = state[_LATCHED] = _RESET_CONFIG & ~_OS
        for field in range(_CONVERTING, _CEILING_UV):
            state[field] = 0
        state[_CODE] = 0
        state[_CODE + 2] = 0x8000
        state[_CODE + 3] = 0x7FFF

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
            self._state[_CODE + self._pointer] = word

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
        state = self._state
        if state[_CONVERTING]:
            self.settle(self.ticks_us())
        if len(buffer) != 2:
            self._read(register, buffer)
        elif read_word(state, register, buffer):
            self._converted_input.taken += 1

    def general_call(self, command: int) -> None:
        """The first byte of a write to address 0."""
        if command == 0x06:
            self.reset()

    def settle(self, now_us: int) -> None:
        state = self._state
        if self.frozen or not state[_CONVERTING]:
            return
        latched = state[_LATCHED]
        source = self.inputs[_POSITIVE[latched >> 12]]
        if not source.faults:
            line = source.signal.line
            to_code = self._to_code[latched >> 9 & 7]
            done = convert(state, line, self._to_uv, to_code, now_us)
            if done == 2 and line[_CURRENT]:
                middle_us = ticks_add(state[_STARTED_US], state[_DURATION_US] >> 1)
                if source.signal.find(middle_us):
                    done = convert(state, line, self._to_uv, to_code, now_us)
            if done == 1:
                self._converted_input = source
            if done < 2:
                return
        self._settle(now_us)

    def _settle(self, now_us: int) -> None:
        """Finish all conversions that are over."""
        state = self._state
        while state[_CONVERTING]:
            elapsed = ticks_diff(now_us, state[_STARTED_US])
            if elapsed < state[_DURATION_US]:
                return
            continuous = not state[_LATCHED] & _SINGLE_SHOT
            if continuous and not state[_RECONFIGURED]:
                whole = elapsed // state[_DURATION_US] - 1
                state[_STARTED_US] = ticks_add(state[_STARTED_US], whole * state[_DURATION_US])
            self._finish()
            state[_STARTED_US] = ticks_add(state[_STARTED_US], state[_DURATION_US])
            if state[_CONFIG] & _SINGLE_SHOT:
                state[_CONVERTING] = 0
                return
            state[_RECONFIGURED] = 0
            state[_LATCHED] = state[_CONFIG]
            state[_DURATION_US] = state[_RATES + (state[_LATCHED] >> 5 & 7)]

    def _set(self, word: str, args: "dict[str, Any] | None") -> None:
        super()._set(word, args)
        self._set_rates()

    def _set_rates(self) -> None:
        """Note how long the conversions to come take."""
        for index, rate in enumerate(_RATE_HZ):
            usual_us = 1_000_000_000 // (rate * self._rate_permille)
            self._state[_RATES + index] = usual_us * self.slow_permille // 1000

    def _configure(self, word: int) -> None:
        state = self._state
        now_us = self.ticks_us()
        if state[_CONVERTING]:
            self.settle(now_us)
        if state[_CONVERTING]:
            state[_CONFIG] = word & ~_OS
            state[_RECONFIGURED] = 1
        elif not begin(state, word, now_us) and not word & _SINGLE_SHOT:
            state[_LATCHED] = word & ~_OS
            state[_CONVERTING] = 1
            state[_RECONFIGURED] = 0
            state[_STARTED_US] = now_us
            state[_DURATION_US] = state[_RATES + (word >> 5 & 7)] + _WAKE_UP_US

    def _read(self, register: int, buffer: "memoryview | bytearray") -> None:
        """Fewer bytes than a register has, or more."""
        both = bytearray(2)
        if read_word(self._state, register, both):
            if len(buffer) > 1:
                self._converted_input.taken += 1
            else:
                self._state[_FRESH] = 1
        for index in range(len(buffer)):
            buffer[index] = both[index] if index < 2 else 0xFF

    def _finish(self) -> None:
        """Put the result into its register: the inputs as they were half-way."""
        state = self._state
        source = self.inputs[_POSITIVE[state[_LATCHED] >> 12]]
        middle_us = ticks_add(state[_STARTED_US], state[_DURATION_US] >> 1)
        state[_CODE] = self._code(source, middle_us) & 0xFFFF
        self._converted_input = source
        state[_FRESH] = 1

    def _code(self, positive: "Input", at_us: int) -> int:
        latched = self._state[_LATCHED]
        microvolts = self._microvolts(positive, at_us)
        if positive.condition == HIGH:
            return 0x7FFF
        if positive.condition == LOW:
            return -0x8000
        if not latched & _TO_GROUND:
            negative = self.inputs[_NEGATIVE[latched >> 12]]
            microvolts -= self._microvolts(negative, at_us)
        code = scaled(microvolts, self._to_code[latched >> 9 & 7])
        return 0x7FFF if code > 0x7FFF else -0x8000 if code < -0x8000 else code

    def _microvolts(self, source: "Input", at_us: int) -> int:
        value = source.value(at_us)
        if source.condition != OK:
            current = source.signal.unit == "nA"
            return self._state[_CEILING_UV] if current and source.condition != OPEN else 0
        if source.signal.unit == "nA":
            value = scaled(value, self._to_uv)
        if value > self._state[_CEILING_UV]:
            return self._state[_CEILING_UV]
        return value if value > -_DIODE_UV else -_DIODE_UV
