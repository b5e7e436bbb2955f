"""What a wiring file describes, put together: signals, chips, buses, pins and lines."""

from simulators.board.ads1115 import Ads1115
from simulators.board.inputs import Input
from simulators.board.line import PtyLine
from simulators.board.max31865 import Max31865
from simulators.board.signals import Signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from simulators.board.chip import Chip

_EIO = 5
_DEFAULT_SAMPLES = 64
_ADS1115_OPTIONS = ("shunt_milliohm", "rate_permille", "supply_uv")
_MAX31865_OPTIONS = ("rref_milliohm", "wires", "lead_milliohm", "rate_permille")


class Wire:
    """What a pin is connected to.

    While the board does not drive it, it is what `source` says, else what the pin's resistor pulls
    it to. A chip that the wire `selects` sees it high then.
    """

    def __init__(self) -> None:
        self.output = 0
        self.driven = False
        self.selects: "Max31865 | None" = None
        self.source: "Callable[[], int] | None" = None

    def drive(self, driven: bool, output: int) -> None:
        """What the board's pin does to the wire from now on."""
        self.driven = driven
        self.output = output
        if self.selects is not None:
            self.selects.select(driven and not output)

    def level(self, pull: int) -> int:
        """0 or 1; `pull` is the level where nothing drives the wire."""
        if self.driven:
            return self.output
        return pull if self.source is None else self.source()


class I2cWires:
    """A bus and its chips by address. `held`: a chip pulls SDA low, nothing gets through."""

    def __init__(self, chips: "dict[int, Ads1115]", nack_errno: int) -> None:
        self.chips = chips
        self.nack_errno = nack_errno
        self.held = False


class SpiWires:
    """A bus and the chips on it; who listens is up to their chip-select wires."""

    def __init__(self, chips: "list[Max31865]") -> None:
        self.chips = chips


class Hardware:
    """The parts of a board by their names; `uart`, `i2c` and `spi` by the numbers of the ports,
    `adc` by pin. `wiring` has been checked by wiring.check_wiring."""

    def __init__(
        self, wiring: "dict[str, Any]", ticks_us: "Callable[[], int]", system: "ModuleType"
    ) -> None:
        self.unique_id = bytes.fromhex(wiring["unique_id"])
        self.freq_hz: int = wiring.get("freq_hz", 125_000_000)
        self.watchdog_max_ms: int = wiring.get("watchdog_max_ms", 8388)
        self.signals = [_signal(keys) for keys in wiring.get("signals", [])]
        self.chips: "dict[str, Chip]" = {}
        self.inputs: "dict[str, Input]" = {}
        self.i2c: "dict[str, I2cWires]" = {}
        self.spi: "dict[str, SpiWires]" = {}
        self.adc: "dict[str, Input]" = {}
        self.uart: "dict[str, PtyLine]" = {}
        self._ticks_us = ticks_us
        self._seed: int = wiring.get("seed", 0)
        self._wires: "dict[str, Wire]" = {}
        self._by_name = {signal.name: signal for signal in self.signals}
        self._ground = Signal("", "uV", 0, 1)
        for number, content in wiring.get("i2c", {}).items():
            chips = {keys["address"]: self._ads1115(keys) for keys in content["chips"]}
            self.i2c[number] = I2cWires(chips, content.get("nack_errno", _EIO))
        for number, content in wiring.get("spi", {}).items():
            self.spi[number] = SpiWires([self._max31865(keys) for keys in content["chips"]])
        for pin, name in wiring.get("adc", {}).items():
            self.adc[pin] = self._input("adc." + pin, name)
        for number, keys in wiring.get("uart", {}).items():
            self.uart[number] = PtyLine(system, keys["path"], ticks_us)

    def wire(self, pin: "int | str") -> Wire:
        """What is connected to a pin."""
        key = str(pin)
        if key not in self._wires:
            self._wires[key] = Wire()
        return self._wires[key]

    def settle(self, now_us: int) -> None:
        """Finish what is over by now, everywhere, so that no moment is older than the clock can
        tell. To be called at least every few minutes."""
        for chip in self.chips.values():
            chip.settle(now_us)
        for source in self.inputs.values():
            source.settle(now_us)

    def _ads1115(self, keys: "dict[str, Any]") -> Ads1115:
        name = keys["name"]
        wired = keys["inputs"] + [None] * (4 - len(keys["inputs"]))
        inputs = [self._input(name + "/%d" % at, wired[at]) for at in range(4)]
        chip = Ads1115(name, inputs, self._ticks_us, **_given(keys, _ADS1115_OPTIONS))
        self.chips[name] = chip
        return chip

    def _max31865(self, keys: "dict[str, Any]") -> Max31865:
        name = keys["name"]
        inputs = [self._input(name + "/0", keys["signal"])]
        chip = Max31865(name, inputs, self._ticks_us, **_given(keys, _MAX31865_OPTIONS))
        self.chips[name] = chip
        self.wire(keys["cs"]).selects = chip
        if "drdy" in keys:
            self.wire(keys["drdy"]).source = chip.ready_level
        return chip

    def _input(self, name: str, signal: "str | None") -> Input:
        wired = self._ground if signal is None else self._by_name[signal]
        source = Input(name, wired, self._seed + 1009 * len(self.inputs))
        self.inputs[name] = source
        return source


def _signal(keys: "dict[str, Any]") -> Signal:
    samples = keys.get("samples", _DEFAULT_SAMPLES)
    return Signal(keys["name"], keys["unit"], keys.get("initial", 0), samples)


def _given(keys: "dict[str, Any]", options: "tuple[str, ...]") -> "dict[str, Any]":
    return {option: keys[option] for option in options if option in keys}
