"""What all chip models share: a name, inputs, and the faults that every chip can have."""

from simulators.board import faults
from simulators.board.errors import FaultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from simulators.board.inputs import Input

    class OnI2c(Protocol):
        """What a bus needs of a chip on it; the two below likewise, of SPI and of bare pins."""

        name: str
        silent: bool
        holds_bus: bool

        def point(self, register: int) -> None: ...
        def store(self, data: "memoryview | bytes | bytearray", start: int) -> None: ...
        def fetch(self, buffer: "memoryview | bytearray") -> None: ...
        def write_register(
            self, register: int, data: "memoryview | bytes | bytearray"
        ) -> None: ...
        def read_register(self, register: int, buffer: "memoryview | bytearray") -> None: ...
        def general_call(self, command: int) -> None: ...

    class OnSpi(Protocol):
        PHASE: int
        POLARITY: int
        silent: bool
        selected: bool

        def select(self, low: bool) -> None: ...
        def exchange(self, out: int) -> int: ...
        def exchange_into(self, out: int, buffer: "memoryview | bytearray") -> None: ...

    class OnPins(Protocol):
        def clock(self, level: int) -> None: ...


EITHER = -1


class Chip:
    """Base of the models. `silent`: does not answer on its bus, by a fault or for good."""

    HAS_ID = False
    CALIBRATES = False
    POLARITY = EITHER
    """Level of SPI's clock between two transactions that it needs."""

    def __init__(
        self, name: str, inputs: "list[Input]", ticks_us: "Callable[[], int]", on_i2c: bool
    ) -> None:
        self.name = name
        self.inputs = inputs
        self.ticks_us = ticks_us
        self.on_i2c = on_i2c
        self.silent = False
        self.holds_bus = False
        self.frozen = False
        self.slow_permille = 1000
        self.wrong_id = -1
        self.miscalibrates = False
        self._cut = False

    def write_register(self, register: int, data: "memoryview | bytes | bytearray") -> None:
        """A write transaction of a register's number and what goes into it."""
        chip: "Any" = self
        chip.point(register)
        if len(data):
            chip.store(data, 0)

    def read_register(self, register: int, buffer: "memoryview | bytearray") -> None:
        """A write transaction of a register's number, then a read transaction."""
        chip: "Any" = self
        chip.point(register)
        chip.fetch(buffer)

    def exchange_into(self, out: int, buffer: "memoryview | bytearray") -> None:
        """On SPI: send this byte over and over, and fill the buffer with what comes back."""
        chip: "Any" = self
        for index in range(len(buffer)):
            buffer[index] = chip.exchange(out)

    def reset(self) -> None:
        """Every register to its value after power-up."""
        raise NotImplementedError

    def settle(self, now_us: int) -> None:
        """Finish what is over by now. To be called at least every few minutes."""
        raise NotImplementedError

    def cut(self) -> None:
        """Fall silent for good: from now on no sample can be taken from this chip."""
        self._cut = True
        self.silent = True

    def inject(self, word: str, args: "dict[str, Any]") -> None:
        """Begin a fault of the chip itself or of its bus. Raises FaultError."""
        if word == "wrong_id" and not self.HAS_ID:
            raise FaultError(self.name + " has no id to be wrong")
        if word == "calibration_error" and not self.CALIBRATES:
            raise FaultError(self.name + " does not calibrate itself")
        if word == "bus_stuck" and not self.on_i2c:
            raise FaultError(self.name + " is not on an I2C bus")
        if word == "slow_conversion" and args["permille"] < 1:
            raise FaultError("fault slow_conversion: permille must be 1 or more")
        if word == "brown_out":
            self.reset()
        else:
            self._set(word, args)

    def clear(self, word: str) -> None:
        """End a fault; one that is not there is none."""
        self._set(word, None)

    def active(self) -> "list[str]":
        """The words of the chip's own faults that are there now."""
        words = []
        if self.silent and not self._cut:
            words.append("nack")
        if self.holds_bus:
            words.append("bus_stuck")
        if self.frozen:
            words.append("frozen")
        if self.slow_permille != 1000:
            words.append("slow_conversion")
        if self.wrong_id >= 0:
            words.append("wrong_id")
        if self.miscalibrates:
            words.append("calibration_error")
        return words

    def _set(self, word: str, args: "dict[str, Any] | None") -> None:
        if faults.WORDS[word][0] == faults.INPUT:
            raise FaultError(word + " is a fault of an input, not of " + self.name)
        if word == "nack":
            self.silent = args is not None or self._cut
        elif word == "bus_stuck":
            self.holds_bus = args is not None
        elif word == "frozen":
            self.frozen = args is not None
        elif word == "slow_conversion":
            self.slow_permille = args["permille"] if args else 1000
        elif word == "wrong_id":
            self.wrong_id = args["id"] if args else -1
        elif word == "calibration_error":
            self.miscalibrates = args is not None
