"""A node as fitted: from the profile's list of sensors to chips, buses, pins and numbers.

Pins and buses are those of the node's board (hil.boards). Gives the node's own configuration
(`node.json`), the wiring of its simulated board, and what each sensor does to a physical value.
Loops go to ADS1115 through a shunt, four on a chip or as many as their period allows; each PT100
has a MAX31865 of its own, each tacho a pin. An accelerometer is a chip with five channels; on the
bench its signal is the amplitude of a tone.
"""

from dataclasses import dataclass
from typing import Any

from axwire.places import parse_place
from axwire.quantities import BY_NAME

from gateway.errors import ConfigError
from gateway.profiles import (
    GroupFit,
    LoopSensor,
    NodeFit,
    Pt100Sensor,
    Sensor,
    TachoSensor,
    VibrationSensor,
)
from hil.board_check import problems
from hil.boards import Board, load_board
from simulators.sensors import UNITS

__all__ = ["Fitting", "SignalFit", "fit_node"]

_ADC_ADDRESSES = (0x48, 0x49, 0x4A, 0x4B)
_CONVERSION_MS = 3
"""One ADS1115 conversion at 860 a second, 10 % slow, with its bus traffic, in whole wake-ups."""

_RANGE_MV = 4096
_SHUNT_MILLIOHM = 120_000
_STEP_A = _RANGE_MV / 1000 / 32768 / (_SHUNT_MILLIOHM / 1000)
_RREF_MILLIOHM = 400_000
_WIRES = 3
_STRETCH_SAMPLES = 64
_CORE_UV = 706_000 - 7 * 1_721
"""What the RP2040's thermometer gives at 34 °C."""

_TONE_HZ = 1_000
_RANGE_G = 16
_CODE_G = {"iis3dwb": 488e-6, "adxl345": 1 / 256}
"""A code of each accelerometer, in g."""

_G = 9.80665
_WINDOW = {"iis3dwb": 512, "adxl345": 256}
_FILL = 32
_FEATURES = ("vibration_rms", "vibration_peak", "vibration_crest", "vibration_kurtosis")
_BURSTS = ("none", "rms", "peak", "crest", "kurtosis")
_ADXL_ADDRESSES = (0x53, 0x1D)
_TACHO_STEP = 0.2

_SUPPLY_MV = 5_000
_CONVERTER_UV = 3_300_000


@dataclass(frozen=True)
class SignalFit:
    """One sensor and its first channel, or that of its acceleration; `step` is one step of its
    converter in the quantity's unit."""

    name: str
    channel: int
    quantity: str
    place: str
    sensor: Sensor
    step: float


@dataclass(frozen=True)
class Fitting:
    """Everything a board needs to be this node. `wiring` has no UART yet."""

    node: str
    configuration: dict[str, Any]
    wiring: dict[str, Any]
    signals: tuple[SignalFit, ...]


def fit_node(fit: NodeFit, unique_id: str, seed: int) -> Fitting:
    """Place the node's sensors on its board.

    Raises ConfigError when they do not fit, BoardError where there is no such board.
    """
    board = load_board(fit.board)
    placing = _Placing(fit.name, board)
    groups = [
        {"period_ms": period_ms, "channels": placing.place(period_ms, members)}
        for period_ms, members in _by_period(fit.groups).items()
    ]
    configuration: dict[str, Any] = {
        "node": fit.name,
        "board": board.id,
        "uart": board.wiring.uart,
        "chips": placing.chips,
        "groups": groups,
    }
    if board.led is not None:
        configuration["led"] = board.led
    wiring: dict[str, Any] = {
        "unique_id": unique_id,
        "seed": seed,
        "signals": [
            {"name": s.name, "unit": UNITS[type(s.sensor)], "samples": _STRETCH_SAMPLES}
            for s in placing.signals
        ],
    }
    _measure_itself(board, fit.name, configuration, wiring)
    if placing.on_i2c:
        configuration["i2c"] = [board.wiring.i2c]
        wiring["i2c"] = {str(board.wiring.i2c["id"]): {"chips": placing.on_i2c}}
    if placing.on_spi:
        configuration["spi"] = [board.wiring.spi]
        wiring["spi"] = {str(board.wiring.spi["id"]): {"chips": placing.on_spi}}
    if placing.on_pins:
        wiring["pins"] = placing.on_pins
    for where, why in problems(board, configuration, fit):
        raise ConfigError(f"node {fit.name} on board {board.id}: {where}: {why}")
    return Fitting(fit.name, configuration, wiring, tuple(placing.signals))


def _measure_itself(
    board: Board, node: str, configuration: dict[str, Any], wiring: dict[str, Any]
) -> None:
    """The board's own temperature and supply, as its file says, with signals behind the others."""
    voltages = {}
    if board.temperature is not None:
        configuration["temperature"] = board.temperature.value
        if board.temperature.value == "adc4":
            voltages["4"] = ("temperature", _CORE_UV)
    if board.supply is not None:
        configuration["supply"] = {"pin": board.supply.pin, "full_mv": board.supply.full_mv}
        voltages[str(board.supply.pin)] = (
            "supply",
            _SUPPLY_MV * _CONVERTER_UV // board.supply.full_mv,
        )
    for name, microvolt in voltages.values():
        signal = {"name": f"{node}/{name}", "unit": "uV", "initial": microvolt, "samples": 1}
        wiring["signals"].append(signal)
    if voltages:
        wiring["adc"] = {pin: f"{node}/{name}" for pin, (name, _) in voltages.items()}


class _Placing:
    """Hands out chips, inputs and pins of a board."""

    def __init__(self, node: str, board: Board) -> None:
        self._node = node
        self._wiring = board.wiring
        self.chips: list[dict[str, Any]] = []
        self.adcs: list[dict[str, Any]] = []
        self.on_i2c: list[dict[str, Any]] = []
        self.on_spi: list[dict[str, Any]] = []
        self.on_pins: list[dict[str, Any]] = []
        self._channels = 0
        self.signals: list[SignalFit] = []
        self._room: dict[tuple[int, str], int] = {}

    def place(self, period_ms: int, members: list[GroupFit]) -> list[dict[str, Any]]:
        channels = []
        for member in members:
            if member.quantity not in BY_NAME:
                raise ConfigError(f"node {self._node}: there is no quantity {member.quantity}")
            for place in member.places:
                parse_place(place)
                if isinstance(member.sensor, VibrationSensor):
                    channels += self._vibration(member.quantity, place, member.sensor)
                else:
                    channels.append(self._channel(period_ms, member, place))
        return channels

    def _channel(self, period_ms: int, member: GroupFit, place: str) -> dict[str, Any]:
        signal = f"{self._node}/{len(self.signals)}"
        sensor = member.sensor
        if isinstance(sensor, LoopSensor):
            chip, number = self._loop_input(period_ms, signal)
            unit_per_ampere = (sensor.high - sensor.low) / 0.016
            step = _STEP_A * unit_per_ampere
            offset = sensor.low - 0.004 * unit_per_ampere
        elif isinstance(sensor, TachoSensor):
            chip, number = self._tacho(signal, sensor), 0
            step, offset = _TACHO_STEP, 0.0
        else:
            chip, number = self._thermometer(signal), 0
            step, offset = 0.01, 0.0
        self.signals.append(
            SignalFit(signal, self._channels, member.quantity, place, sensor, _step(sensor, step))
        )
        return self._entry(member.quantity, place, chip, number, step, offset)

    def _vibration(
        self, quantity: str, place: str, sensor: VibrationSensor
    ) -> list[dict[str, Any]]:
        """The channels of an accelerometer, as drivers/features.py numbers its results."""
        family, _, what = quantity.partition(".")
        quantities = [f"{family}.{feature}" for feature in _FEATURES]
        if what != "acceleration" or any(name not in BY_NAME for name in quantities):
            raise ConfigError(
                f"node {self._node}: a vibration sensor measures an acceleration, "
                f"with vibration_rms and the like beside it, not {quantity}"
            )
        signal = f"{self._node}/{len(self.signals)}"
        code = _CODE_G[sensor.chip] * _G
        steps = (code, code, 0.001, 0.02, code)
        first = self._channels
        self.signals.append(SignalFit(signal, first + 4, quantity, place, sensor, code))
        chip = self._accelerometer(signal, sensor, steps)
        return [
            self._entry(name, place, chip, number, step, 0.0)
            for number, (name, step) in enumerate(zip([*quantities, quantity], steps, strict=True))
        ]

    def _entry(
        self, quantity: str, place: str, chip: str, number: int, step: float, offset: float
    ) -> dict[str, Any]:
        exponent = BY_NAME[quantity].exponent
        self._channels += 1
        return {
            "quantity": quantity,
            "place": place,
            "chip": chip,
            "input": number,
            "scale": round(step * 10.0**-exponent),
            "offset": round(offset * 10.0**-exponent),
            "calibration": 0,
        }

    def _accelerometer(
        self, signal: str, sensor: VibrationSensor, steps: tuple[float, ...]
    ) -> str:
        at = _BURSTS.index(sensor.burst_on)
        settings: dict[str, Any] = {"axis": sensor.axis}
        if at:
            level = round(sensor.burst_level / steps[at - 1])
            settings |= {"burst_on": sensor.burst_on, "burst_level": level}
        inputs: list[str | None] = [None, None, None]
        inputs["xyz".index(sensor.axis)] = signal
        model: dict[str, Any] = {"inputs": inputs, "tone_hz": _TONE_HZ, "features": 5}
        name = self._named(sensor.chip)
        if sensor.chip == "iis3dwb":
            cs = self._select("accelerometers on SPI")
            settings |= {"spi": self._wiring.spi["id"], "cs": cs, "range_g": _RANGE_G}
            self.on_spi.append({"name": name, "kind": sensor.chip, "cs": cs, **model})
        else:
            there = [chip for chip in self.chips if chip["kind"] == sensor.chip]
            if len(there) == len(_ADXL_ADDRESSES):
                raise ConfigError(
                    f"node {self._node}: more than {len(_ADXL_ADDRESSES)} ADXL345; "
                    "move some to another node"
                )
            address = _ADXL_ADDRESSES[len(there)]
            settings |= {"i2c": self._wiring.i2c["id"], "address": address}
            model["fills"] = _WINDOW[sensor.chip] // _FILL
            self.on_i2c.append({"name": name, "kind": sensor.chip, "address": address, **model})
        settings["samples"] = _WINDOW[sensor.chip]
        self.chips.append({"name": name, "kind": sensor.chip, **settings})
        return name

    def _tacho(self, signal: str, sensor: TachoSensor) -> str:
        unit = len(self.on_pins)
        if unit == len(self._wiring.pulses):
            raise ConfigError(
                f"node {self._node}: more than {unit} tachos; move some to another node"
            )
        name = self._named("tacho")
        pin = self._wiring.pulses[unit]
        self.on_pins.append({"name": name, "kind": "tacho", "pin": pin, "signal": signal})
        self.chips.append(
            {
                "name": name,
                "kind": "tacho",
                "unit": unit,
                "pin": pin,
                "teeth": sensor.teeth,
                "full_rpm": sensor.full_rpm,
            }
        )
        return name

    def _named(self, kind: str) -> str:
        return f"{kind}{1 + sum(chip['kind'] == kind for chip in self.chips)}"

    def _select(self, what: str) -> int:
        """The next free chip-select pin."""
        selects = self._wiring.chip_selects
        if len(self.on_spi) == len(selects):
            raise ConfigError(
                f"node {self._node}: more than {len(selects)} {what}; move some to another node"
            )
        return selects[len(self.on_spi)]

    def _loop_input(self, period_ms: int, signal: str) -> tuple[str, int]:
        inputs_a_chip = min(4, period_ms // _CONVERSION_MS)
        if not inputs_a_chip:
            raise ConfigError(
                f"node {self._node}: a loop cannot be read each {period_ms} ms; "
                f"the shortest period is {_CONVERSION_MS} ms"
            )
        if not self.adcs or not self._room.get((period_ms, self.adcs[-1]["name"])):
            self._add_adc()
            self._room[period_ms, self.adcs[-1]["name"]] = inputs_a_chip
        chip = self.adcs[-1]
        self._room[period_ms, chip["name"]] -= 1
        chip["inputs"].append(signal)
        return chip["name"], len(chip["inputs"]) - 1

    def _add_adc(self) -> None:
        if len(self.adcs) == len(_ADC_ADDRESSES):
            raise ConfigError(
                f"node {self._node}: more loops than {len(_ADC_ADDRESSES)} ADS1115 can read; "
                "move some to another node"
            )
        name = f"adc{len(self.adcs) + 1}"
        address = _ADC_ADDRESSES[len(self.adcs)]
        adc: dict[str, Any] = {
            "name": name,
            "kind": "ads1115",
            "address": address,
            "inputs": [],
            "shunt_milliohm": _SHUNT_MILLIOHM,
        }
        self.adcs.append(adc)
        self.on_i2c.append(adc)
        self.chips.append(
            {
                "name": name,
                "kind": "ads1115",
                "i2c": self._wiring.i2c["id"],
                "address": address,
                "range_mv": _RANGE_MV,
                "rate": 860,
                "shunt_milliohm": _SHUNT_MILLIOHM,
            }
        )

    def _thermometer(self, signal: str) -> str:
        name = f"rtd{1 + sum(chip['kind'] == 'max31865' for chip in self.chips)}"
        pin = self._select("PT100")
        self.on_spi.append(
            {
                "name": name,
                "kind": "max31865",
                "cs": pin,
                "signal": signal,
                "rref_milliohm": _RREF_MILLIOHM,
                "wires": _WIRES,
            }
        )
        self.chips.append(
            {
                "name": name,
                "kind": "max31865",
                "spi": self._wiring.spi["id"],
                "cs": pin,
                "rref_milliohm": _RREF_MILLIOHM,
                "wires": _WIRES,
            }
        )
        return name


def _by_period(groups: list[GroupFit]) -> dict[int, list[GroupFit]]:
    by_period: dict[int, list[GroupFit]] = {}
    for group in groups:
        by_period.setdefault(group.period_ms, []).append(group)
    return by_period


def _step(sensor: Sensor, scale: float) -> float:
    """A MAX31865 resolves RREF / 2^15; a PT100 changes by about 0.39 ohm a kelvin (IEC 60751)."""
    if not isinstance(sensor, Pt100Sensor):
        return scale
    return _RREF_MILLIOHM / 1000 / 32768 / 0.385
