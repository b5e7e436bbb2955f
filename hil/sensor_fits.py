"""Each kind of sensor on a board: its chip, its channel's numbers, what the bench wires it to.

Loops go to ADS1115 through a shunt, four on a chip or as many as their period allows; each PT100
has a MAX31865 of its own, each thermocouple a MAX31856, each tacho, contact and HX711 pins. An
accelerometer is a chip with five channels; on the bench its signal is the level of what shakes it,
and another one tells the shape of that: without one it is a tone.
"""

from typing import Any, NamedTuple

from axwire.quantities import BY_NAME

from gateway.errors import ConfigError
from gateway.profiles import (
    ContactSensor,
    LoopSensor,
    Pt100Sensor,
    Sensor,
    StrainSensor,
    TachoSensor,
    ThermocoupleSensor,
    VibrationSensor,
)
from hil.board_room import BoardRoom
from simulators.sensors import COLD_JUNCTION_C, EXCITATION_MV

__all__ = ["Place", "fit_sensor", "fit_vibration", "shape_name"]

_ADC_ADDRESSES = (0x48, 0x49, 0x4A, 0x4B)
_CONVERSION_MS = 3
"""One ADS1115 conversion at 860 a second, 10 % slow, with its bus traffic, in whole wake-ups."""

_RANGE_MV = 4096
_SHUNT_MILLIOHM = 120_000
_STEP_A = _RANGE_MV / 1000 / 32768 / (_SHUNT_MILLIOHM / 1000)
_RREF_MILLIOHM = 400_000
_WIRES = 3
_PT100_STEP = _RREF_MILLIOHM / 1000 / 32768 / 0.385
"""A MAX31865 resolves RREF / 2^15; a PT100 changes by about 0.39 ohm a kelvin (IEC 60751)."""

_NAU7802 = (0x2A,)
_GAIN = 128
_CODES_AT_1_V_V = 2 * _GAIN * 0x800000
"""Both bridge converters compare with half of what supplies the bridge."""

_RATES = {"nau7802": (10, 20, 40, 80, 320), "hx711": (10, 80)}
_CODE_24 = (-0x800000, 0x7FFFFF)
_CONVERSIONS = 2
"""A row finds a result where there are so many in its period."""

_TONE_HZ = 1_000
_RANGE_G = 16
_CODE_G = {"iis3dwb": 488e-6, "adxl345": 1 / 256}
"""A code of each accelerometer, in g."""

_G = 9.80665
_WINDOW = {"iis3dwb": 512, "adxl345": 256}
_FILL = 32
_BURSTS = ("none", "rms", "peak", "crest", "kurtosis")
_ADXL_ADDRESSES = (0x53, 0x1D)
_TACHO_STEP = 0.2

_SHORTEST_MS = {"pt100": 78, "thermocouple": 201}
"""Of a period: `conversion_us` of the driver, in whole milliseconds, and one more."""


class Place(NamedTuple):
    """Where a sensor came to be: value = code x `scale` + `offset`, in the quantity's unit.

    `step`: what its converter, and a scale that is a whole number, resolve.
    """

    chip: str
    number: int
    scale: float
    offset: float
    step: float


def fit_sensor(
    room: BoardRoom, quantity: str, period_ms: int, signal: str, sensor: Sensor
) -> Place:
    """Give a sensor with one channel its chip. `signal`: its name on the bench."""
    if isinstance(sensor, LoopSensor):
        return _loop(room, period_ms, signal, sensor)
    if isinstance(sensor, StrainSensor):
        return _strain(room, quantity, period_ms, signal, sensor)
    if isinstance(sensor, TachoSensor):
        return _tacho(room, signal, sensor)
    if isinstance(sensor, ContactSensor):
        return _contact(room, signal, sensor)
    if isinstance(sensor, ThermocoupleSensor):
        _check_period(room, "thermocouple", period_ms)
        return _thermocouple(room, signal, sensor)
    assert isinstance(sensor, Pt100Sensor)
    _check_period(room, "pt100", period_ms)
    return _thermometer(room, signal)


def shape_name(signal: str) -> str:
    """The signal that tells how the accelerometer is shaken whose level is that one."""
    return f"{signal} shape"


def fit_vibration(room: BoardRoom, signal: str, sensor: VibrationSensor) -> tuple[Place, ...]:
    """Give an accelerometer its chip: a place for each of FEATURES, then the acceleration's."""
    code = _CODE_G[sensor.chip] * _G
    steps = (code, code, 0.001, 0.02, code)
    at = _BURSTS.index(sensor.burst_on)
    settings: dict[str, Any] = {"axis": sensor.axis}
    if at:
        level = round(sensor.burst_level / steps[at - 1])
        settings |= {"burst_on": sensor.burst_on, "burst_level": level}
    inputs: list[str | None] = [None, None, None]
    inputs["xyz".index(sensor.axis)] = signal
    shapes = [name and shape_name(name) for name in inputs]
    model: dict[str, Any] = {"inputs": inputs, "shapes": shapes, "features": len(steps)}
    model["tone_hz"] = _TONE_HZ
    name = room.named(sensor.chip)
    if sensor.chip == "iis3dwb":
        cs = room.select("accelerometers on SPI")
        settings |= {"spi": room.wiring.spi["id"], "cs": cs, "range_g": _RANGE_G}
        room.on_spi.append({"name": name, "kind": sensor.chip, "cs": cs, **model})
    else:
        address = room.address(sensor.chip, _ADXL_ADDRESSES)
        settings |= {"i2c": room.wiring.i2c["id"], "address": address}
        model["fills"] = _WINDOW[sensor.chip] // _FILL
        room.on_i2c.append({"name": name, "kind": sensor.chip, "address": address, **model})
    settings["samples"] = _WINDOW[sensor.chip]
    room.chips.append({"name": name, "kind": sensor.chip, **settings})
    return tuple(Place(name, number, step, 0.0, step) for number, step in enumerate(steps))


def _loop(room: BoardRoom, period_ms: int, signal: str, sensor: LoopSensor) -> Place:
    inputs_a_chip = min(4, period_ms // _CONVERSION_MS)
    if not inputs_a_chip:
        raise _too_fast(room, "loop", period_ms, _CONVERSION_MS)
    chip = room.adc
    if chip is None or room.adc_period_ms != period_ms or len(chip["inputs"]) >= inputs_a_chip:
        chip = _new_adc(room, period_ms)
    chip["inputs"].append(signal)
    unit_per_ampere = (sensor.high - sensor.low) / 0.016
    scale = _STEP_A * unit_per_ampere
    offset = sensor.low - 0.004 * unit_per_ampere
    return Place(chip["name"], len(chip["inputs"]) - 1, scale, offset, scale)


def _new_adc(room: BoardRoom, period_ms: int) -> dict[str, Any]:
    address = room.address("ads1115", _ADC_ADDRESSES)
    name = room.named("ads1115", "adc")
    part = {"name": name, "kind": "ads1115", "address": address}
    simulated: dict[str, Any] = {**part, "inputs": [], "shunt_milliohm": _SHUNT_MILLIOHM}
    room.on_i2c.append(simulated)
    room.chips.append(
        {
            **part,
            "i2c": room.wiring.i2c["id"],
            "range_mv": _RANGE_MV,
            "rate": 860,
            "shunt_milliohm": _SHUNT_MILLIOHM,
        }
    )
    room.adc, room.adc_period_ms = simulated, period_ms
    return simulated


def _thermometer(room: BoardRoom, signal: str) -> Place:
    name = room.named("max31865", "rtd")
    part: dict[str, Any] = {"name": name, "kind": "max31865", "cs": room.select("PT100")}
    facts = {"rref_milliohm": _RREF_MILLIOHM, "wires": _WIRES}
    room.on_spi.append({**part, "signal": signal, **facts})
    room.chips.append({**part, "spi": room.wiring.spi["id"], **facts})
    return Place(name, 0, 0.01, 0.0, _PT100_STEP)


def _thermocouple(room: BoardRoom, signal: str, sensor: ThermocoupleSensor) -> Place:
    name = room.named("max31856", "couple")
    part: dict[str, Any] = {"name": name, "kind": "max31856", "cs": room.select("thermocouples")}
    room.on_spi.append({**part, "signal": signal, "cold_celsius": COLD_JUNCTION_C})
    room.chips.append({**part, "spi": room.wiring.spi["id"], "filter_hz": sensor.mains_hz})
    return Place(name, 0, 0.01, 0.0, 0.01)


def _strain(
    room: BoardRoom, quantity: str, period_ms: int, signal: str, sensor: StrainSensor
) -> Place:
    kind = sensor.chip
    rates = [rate for rate in _RATES[kind] if rate * period_ms > _CONVERSIONS * 1000]
    if not rates:
        shortest_ms = _CONVERSIONS * 1000 // _RATES[kind][-1] + 1
        raise _too_fast(room, f"strain bridge at a {kind.upper()}", period_ms, shortest_ms)
    codes = sensor.mv_per_v / 1000 * _CODES_AT_1_V_V
    limits = sorted(
        round(codes * load / sensor.full)
        for load in (sensor.least or 0, BY_NAME[quantity].high)
        if sensor.least is not None
    )
    settings: dict[str, Any] = {"rate": rates[0], "gain": _GAIN}
    for key, code in zip(("lowest", "highest"), limits, strict=False):
        settings[key] = min(max(code, _CODE_24[0]), _CODE_24[1])
    name = room.named(kind)
    supply: dict[str, Any] = {"avdd_millivolt": EXCITATION_MV[kind]}
    if kind == "nau7802":
        address = room.address(kind, _NAU7802)
        settings |= {"i2c": room.wiring.i2c["id"], **supply}
        room.on_i2c.append(
            {"name": name, "kind": kind, "address": address, "signal": signal, **supply}
        )
    else:
        pins = {key: room.spare(kind, "HX711") for key in ("sck", "dout")}
        machine = room.machine()
        settings |= pins if machine is None else {**pins, "sm": machine}
        room.on_pins.append(
            {"name": name, "kind": kind, **pins, "inputs": [signal], "rate": rates[0], **supply}
        )
    room.chips.append({"name": name, "kind": kind, **settings})
    scale = sensor.full / codes
    whole = 10.0 ** BY_NAME[quantity].exponent
    return Place(name, 0, scale, 0.0, abs(scale) + whole / 2 * abs(codes))


def _tacho(room: BoardRoom, signal: str, sensor: TachoSensor) -> Place:
    unit, pin = room.pulse()
    name = room.named("tacho")
    room.on_pins.append({"name": name, "kind": "tacho", "pin": pin, "signal": signal})
    room.chips.append(
        {
            "name": name,
            "kind": "tacho",
            "unit": unit,
            "pin": pin,
            "teeth": sensor.teeth,
            "full_rpm": sensor.full_rpm,
        }
    )
    return Place(name, 0, _TACHO_STEP, 0.0, _TACHO_STEP)


def _contact(room: BoardRoom, signal: str, sensor: ContactSensor) -> Place:
    name = room.named("contact")
    pin = room.spare("contact", "contacts")
    room.on_pins.append({"name": name, "kind": "contact", "pin": pin, "signal": signal})
    room.chips.append(
        {
            "name": name,
            "kind": "contact",
            "pin": pin,
            "active": 0 if sensor.on == "closed" else 1,
            "pull": "up",
            "debounce_ms": sensor.debounce_ms,
        }
    )
    return Place(name, 0, 1.0, 0.0, 0.0)


def _check_period(room: BoardRoom, kind: str, period_ms: int) -> None:
    if period_ms < _SHORTEST_MS[kind]:
        raise _too_fast(room, kind, period_ms, _SHORTEST_MS[kind])


def _too_fast(room: BoardRoom, what: str, period_ms: int, shortest_ms: int) -> ConfigError:
    return ConfigError(
        f"node {room.node}: a {what} cannot be read each {period_ms} ms; "
        f"the shortest period is {shortest_ms} ms"
    )
