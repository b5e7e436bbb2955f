"""What a wiring file describes, put together: signals, chips, buses, pins and lines."""

import sys

from simulators.board.inputs import Input
from simulators.board.line import PtyLine
from simulators.board.signals import Signal
from simulators.board.wiring import INPUTS, PINS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from simulators.board.chip import Chip, OnI2c, OnPins, OnSpi
    from simulators.board.flash import NorFlash
    from simulators.board.line import Line
    from simulators.board.tacho import Tacho

_EIO = 5
_DEFAULT_SAMPLES = 64
_RUNNING = -1
_CLOCKED_BY = ("simulators.board.rp2", "simulators.board.pio_clock_bits")
"""What firmware may clock a chip with: loaded now, so that it is not counted as the firmware's."""

_WITH = {"hx711": ("rp2", "pio_clock_bits"), "tacho": ("rp2", "pio_count_pulses")}
"""What the driver of a kind of chip will ask the board for: loaded with the chip, so that it does
not come to lie in the firmware's part of the heap."""

_PLACING = ("name", "kind", "address", "inputs", "signal") + PINS  # noqa: RUF005


class Wire:
    """What a pin is connected to.

    While the board does not drive it, it is what `source` says, else what the pin's resistor pulls
    it to, as it is where `source` says FLOATING. A chip that the wire `selects` sees it high then,
    one that it `clocks` low. `sensor`: the tacho whose pulses it carries. `enables`: the line for
    which it turns a driver on. `pulses_mhz`: the rate of the pulses that a state machine drives.
    """

    FLOATING = -1
    pulses_mhz = 0

    def __init__(self) -> None:
        self.output = 0
        self.driven = False
        self.selects: "OnSpi | None" = None
        self.clocks: "OnPins | None" = None
        self.source: "Callable[[], int] | None" = None
        self.sensor: "Tacho | None" = None
        self.enables: "Line | None" = None

    def drive(self, driven: bool, output: int) -> None:
        """What the board's pin does to the wire from now on."""
        self.driven = driven
        self.output = output
        if self.selects is not None:
            self.selects.select(driven and not output)
        if self.clocks is not None:
            self.clocks.clock(output if driven else 0)
        if self.enables is not None:
            self.enables.enable(bool(driven and output))

    def level(self, pull: int) -> int:
        """0 or 1; `pull` is the level where nothing drives the wire."""
        if self.driven:
            return self.output
        level = self.FLOATING if self.source is None else self.source()
        return pull if level == self.FLOATING else level


class I2cWires:
    """A bus and its chips by address. `held`: a chip pulls SDA low, nothing gets through."""

    def __init__(self, chips: "dict[int, OnI2c]", nack_errno: int) -> None:
        self.chips = chips
        self.nack_errno = nack_errno
        self.held = False


class SpiWires:
    """A bus and the chips on it; who listens is up to their chip-select wires."""

    def __init__(self, chips: "list[OnSpi]") -> None:
        self.chips = chips


class Hardware:
    """The parts of a board by their names; `uart`, `i2c` and `spi` by the numbers of the ports,
    `adc` by pin. `wiring` has been checked by wiring.check_wiring. `open_line(port)` makes what
    a UART's wires lead to; without it, a pseudo-terminal."""

    def __init__(
        self,
        wiring: "dict[str, Any]",
        ticks_us: "Callable[[], int]",
        system: "ModuleType",
        open_line: "Callable[[str], Line] | None" = None,
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
        self.uart: "dict[str, Line]" = {}
        self.flash: "NorFlash | None" = None
        self._ticks_us = ticks_us
        self._held_us = _RUNNING
        self._seed: int = wiring.get("seed", 0)
        self._wires: "dict[str, Wire]" = {}
        self._by_name = {signal.name: signal for signal in self.signals}
        self._ground = Signal("", "uV", 0, 1)
        for number, content in wiring.get("i2c", {}).items():
            chips = {keys["address"]: self._chip(keys) for keys in content["chips"]}
            self.i2c[number] = I2cWires(chips, content.get("nack_errno", _EIO))
        for number, content in wiring.get("spi", {}).items():
            self.spi[number] = SpiWires([self._chip(keys) for keys in content["chips"]])
        for keys in wiring.get("pins", []):
            self._chip(keys)
        for pin, name in wiring.get("adc", {}).items():
            self.adc[pin] = self._input("adc." + pin, name)
        for number, keys in wiring.get("uart", {}).items():
            self.uart[number] = (
                open_line(number) if open_line else PtyLine(system, keys["path"], ticks_us)
            )
            if "de" in keys:
                self.uart[number].enable(False)
                self.wire(keys["de"]).enables = self.uart[number]
        if "flash" in wiring:
            from simulators.board.flash import NorFlash

            self.flash = NorFlash(system, self._seed, **wiring["flash"])

    def wire(self, pin: "int | str") -> Wire:
        """What is connected to a pin."""
        key = str(pin)
        if key not in self._wires:
            self._wires[key] = Wire()
        return self._wires[key]

    def line_us(self) -> int:
        """The time on the wires: the clock's, or the one it is held at while nothing can come
        between two changes of a level."""
        return self._ticks_us() if self._held_us == _RUNNING else self._held_us

    def hold_line(self, at_us: int) -> None:
        """Hold the time on the wires at a moment."""
        self._held_us = at_us

    def release_line(self) -> None:
        """Let the time on the wires be the clock's again."""
        self._held_us = _RUNNING

    def settle(self, now_us: int) -> None:
        """Finish what is over by now, everywhere, so that no moment is older than the clock can
        tell. To be called at least every few minutes."""
        for chip in self.chips.values():
            chip.settle(now_us)
        for source in self.inputs.values():
            source.settle(now_us)

    def _chip(self, keys: "dict[str, Any]") -> "Any":
        """The model of a chip, from the module of its kind's name, with its pins connected."""
        name, kind = keys["name"], keys["kind"]
        wired = list(keys.get("inputs") or [keys.get("signal")])
        wired += [None] * (INPUTS.get(kind, 1) - len(wired))
        inputs = [self._input(name + "/%d" % at, signal) for at, signal in enumerate(wired)]
        options = {key: keys[key] for key in keys if key not in _PLACING}
        if "shapes" in keys:
            options["shapes"] = [name and self._by_name[name] for name in keys["shapes"]]
        __import__("simulators.board." + kind)
        for module in _WITH.get(kind, ()):
            __import__("simulators.board." + module)
        model = getattr(sys.modules["simulators.board." + kind], kind[0].upper() + kind[1:])
        chip = model(name, inputs, self.line_us if "sck" in keys else self._ticks_us, **options)
        self.chips[name] = chip
        if "cs" in keys:
            self.wire(keys["cs"]).selects = chip
        if "sck" in keys:
            self.wire(keys["sck"]).clocks = chip
            for module in _CLOCKED_BY:
                __import__(module)
        for key in ("drdy", "dout"):
            if key in keys:
                self.wire(keys[key]).source = chip.ready_level
        if "pin" in keys:
            self.wire(keys["pin"]).source = chip.level
        if "inverse" in keys:
            self.wire(keys["inverse"]).source = chip.inverse_level
        if kind == "tacho":
            self.wire(keys["pin"]).sensor = chip
        if kind == "probe":
            chip.wire = self.wire(keys["pin"])
        chip.on_i2c = "address" in keys
        return chip

    def _input(self, name: str, signal: "str | None") -> Input:
        wired = self._ground if signal is None else self._by_name[signal]
        source = Input(name, wired, self._seed + 1009 * len(self.inputs))
        self.inputs[name] = source
        return source


def _signal(keys: "dict[str, Any]") -> Signal:
    samples = keys.get("samples", _DEFAULT_SAMPLES)
    return Signal(keys["name"], keys["unit"], keys.get("initial", 0), samples)
