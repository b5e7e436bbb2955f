"""The busiest role that a node can have, placed by hand.

On a Pico: six motor currents each 10 ms, six winding temperatures each 500 ms, six motor speeds
each 20 ms, the four features of one vibration sensor each second, a serial link.
"""

from typing import Any

from gateway.profiles import NodeFit, load_profile
from hil.fitting import Fitting, SignalFit, fit_node

__all__ = ["CHANNELS", "SAMPLES_A_SECOND", "busiest_fitting"]

CHANNELS = 6 + 6 + 6 + 4
SAMPLES_A_SECOND = 600 + 12 + 300 + 4

_TEETH = 60
_FULL_RPM = 4500
_PULSE_PINS = (6, 7, 8, 9, 10, 11)
_VIBRATION_SELECT = 28
_RANGE_G = 16
_UG_A_CODE = 488
_FEATURES = ("rms", "peak", "crest", "kurtosis")
_SCALES = (round(_UG_A_CODE * 9.80665 * 1000),) * 2 + (1_000_000, 20_000_000)
_SPARSE = 8


def busiest_fitting(seed: int) -> Fitting:
    """Node "busiest". Its signals: currents, windings, then pulses in mHz, then the vibration on Z
    as the amplitude in ug of a tone; only currents and windings are among `signals`."""
    profile = load_profile("te33a")
    motors = next(node for node in profile.nodes if node.name == "motors-a")
    placed = fit_node(
        NodeFit(name="busiest", groups=motors.groups), f"{0xE66038B7132A5B2F:016x}", seed
    )
    configuration = {**placed.configuration}
    wiring = {**placed.wiring}
    places = [channel["place"] for channel in configuration["groups"][0]["channels"]]
    speeds, chips, pins = [], [], []
    signals = [{**signal} for signal in wiring["signals"]]
    for unit, (place, pin) in enumerate(zip(places, _PULSE_PINS, strict=True)):
        name, signal = f"tacho{unit + 1}", f"busiest/pulses/{unit}"
        chips.append(
            {"name": name, "kind": "tacho", "unit": unit, "pin": pin}
            | {"teeth": _TEETH, "full_rpm": _FULL_RPM}
        )
        pins.append({"name": name, "kind": "tacho", "pin": pin, "signal": signal})
        rpm = 900 + 150 * unit
        signals.append(
            {"name": signal, "unit": "mHz", "initial": rpm * _TEETH * 1000 // 60}
            | {"samples": _SPARSE}
        )
        speeds.append(_channel("motor.speed", place, name, 0, 200_000_000))
    signals.append(
        {"name": "busiest/vibration", "unit": "ug", "initial": 2_000_000, "samples": _SPARSE}
    )
    chips.append(
        {"name": "vibration1", "kind": "iis3dwb", "spi": 0, "cs": _VIBRATION_SELECT}
        | {"axis": "z", "range_g": _RANGE_G}
    )
    vibration = [
        _channel(f"motor.vibration_{feature}", places[0], "vibration1", number, scale)
        for number, (feature, scale) in enumerate(zip(_FEATURES, _SCALES, strict=True))
    ]
    configuration["chips"] = [*configuration["chips"], *chips]
    configuration["groups"] = [
        *configuration["groups"],
        {"period_ms": 20, "channels": speeds},
        {"period_ms": 1000, "channels": vibration},
    ]
    wiring["signals"] = signals
    wiring["pins"] = pins
    on_spi: dict[str, Any] = wiring["spi"]["0"]
    wiring["spi"] = {
        "0": {
            "chips": [
                *on_spi["chips"],
                {"name": "vibration1", "kind": "iis3dwb", "cs": _VIBRATION_SELECT, "tone_hz": 157}
                | {"inputs": [None, None, "busiest/vibration"], "features": len(_FEATURES)},
            ]
        }
    }
    known: tuple[SignalFit, ...] = placed.signals
    return Fitting(placed.node, configuration, wiring, known)


def _channel(quantity: str, place: str, chip: str, number: int, scale: int) -> dict[str, Any]:
    return {
        "quantity": quantity,
        "place": place,
        "chip": chip,
        "input": number,
        "scale": scale,
        "offset": 0,
        "calibration": 0,
    }
