"""A node as fitted: from the profile's list of sensors to chips, buses, pins and numbers.

Pins and buses are those of the node's board (hil.boards). Gives the node's own configuration
(`node.json`), the wiring of its simulated board, and what each sensor does to a physical value.
Which chip a sensor has is in hil.sensor_fits.
"""

from dataclasses import dataclass, field
from typing import Any

from axwire.places import parse_place
from axwire.quantities import BY_NAME

from gateway.errors import ConfigError
from gateway.profiles import GroupFit, NodeFit, Sensor, VibrationSensor
from gateway.profiles.sensors import FEATURES
from hil.board_check import problems
from hil.board_room import BoardRoom
from hil.boards import Board, load_board
from hil.sensor_fits import Place, fit_sensor, fit_vibration, shape_name
from simulators.board.shape import RECORD
from simulators.sensors import unit_of

__all__ = ["Fitting", "SignalFit", "fit_node"]

_STRETCH_SAMPLES = 64
_CORE_UV = 706_000 - 7 * 1_721
"""What the RP2040's thermometer gives at 34 °C."""

_SUPPLY_MV = 5_000
_CONVERTER_UV = 3_300_000


@dataclass(frozen=True)
class SignalFit:
    """One sensor and its first channel, or that of its acceleration; `step` is what its channel
    resolves, in the quantity's unit."""

    name: str
    channel: int
    quantity: str
    place: str
    sensor: Sensor
    step: float


@dataclass(frozen=True)
class Fitting:
    """Everything a board needs to be this node. `wiring` has no UART yet; `signals` are its first
    ones, `shapes` tells which of the further ones say how an accelerometer is shaken."""

    node: str
    configuration: dict[str, Any]
    wiring: dict[str, Any]
    signals: tuple[SignalFit, ...]
    shapes: dict[int, SignalFit] = field(default_factory=dict)


def fit_node(fit: NodeFit, unique_id: str, seed: int) -> Fitting:
    """Place the node's sensors on its board.

    Raises ConfigError when they do not fit, BoardError where there is no such board.
    """
    board = load_board(fit.board)
    room = BoardRoom(fit.name, board)
    channels = _Channels(room)
    groups = [
        {"period_ms": period_ms, "channels": channels.of(period_ms, members)}
        for period_ms, members in _by_period(fit.groups).items()
    ]
    configuration: dict[str, Any] = {
        "node": fit.name,
        "board": board.id,
        "uart": board.wiring.uart,
        "chips": room.chips,
        "groups": groups,
    }
    if board.led is not None:
        configuration["led"] = board.led
    wiring: dict[str, Any] = {
        "unique_id": unique_id,
        "seed": seed,
        "signals": [
            {"name": s.name, "unit": unit_of(s.sensor), "samples": _STRETCH_SAMPLES}
            for s in channels.signals
        ],
    }
    _measure_itself(board, fit.name, configuration, wiring)
    shapes = {}
    for signal in channels.signals:
        if isinstance(signal.sensor, VibrationSensor):
            shapes[len(wiring["signals"])] = signal
            wiring["signals"].append(
                {"name": shape_name(signal.name), "unit": "shape", "samples": RECORD}
            )
    if room.on_i2c:
        configuration["i2c"] = [board.wiring.i2c]
        wiring["i2c"] = {str(board.wiring.i2c["id"]): {"chips": room.on_i2c}}
    if room.on_spi:
        configuration["spi"] = [board.wiring.spi]
        wiring["spi"] = {str(board.wiring.spi["id"]): {"chips": room.on_spi}}
    if room.on_pins:
        wiring["pins"] = room.on_pins
    for where, why in problems(board, configuration, fit):
        raise ConfigError(f"node {fit.name} on board {board.id}: {where}: {why}")
    return Fitting(fit.name, configuration, wiring, tuple(channels.signals), shapes)


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


class _Channels:
    """Numbers the node's channels and signals."""

    def __init__(self, room: BoardRoom) -> None:
        self.signals: list[SignalFit] = []
        self._room = room
        self._count = 0

    def of(self, period_ms: int, members: list[GroupFit]) -> list[dict[str, Any]]:
        """The channels of a group."""
        channels = []
        for member in members:
            if member.quantity not in BY_NAME:
                raise ConfigError(
                    f"node {self._room.node}: there is no quantity {member.quantity}"
                )
            for place in member.places:
                parse_place(place)
                channels += self._of_sensor(period_ms, member, place)
        return channels

    def _of_sensor(self, period_ms: int, member: GroupFit, where: str) -> list[dict[str, Any]]:
        """Its channels; that of the quantity itself is the last."""
        sensor = member.sensor
        signal = f"{self._room.node}/{len(self.signals)}"
        quantities = [member.quantity]
        if isinstance(sensor, VibrationSensor):
            quantities = [*self._features(member.quantity), member.quantity]
            chips = fit_vibration(self._room, signal, sensor)
        else:
            chips = (fit_sensor(self._room, member.quantity, period_ms, signal, sensor),)
        channel = self._count + len(chips) - 1
        self._count += len(chips)
        self.signals.append(
            SignalFit(signal, channel, member.quantity, where, sensor, chips[-1].step)
        )
        return [_entry(name, where, chip) for name, chip in zip(quantities, chips, strict=True)]

    def _features(self, quantity: str) -> list[str]:
        """The quantities beside an acceleration."""
        family, _, what = quantity.partition(".")
        quantities = [f"{family}.{feature}" for feature in FEATURES]
        if what != "acceleration" or any(name not in BY_NAME for name in quantities):
            raise ConfigError(
                f"node {self._room.node}: a vibration sensor measures an acceleration, "
                f"with vibration_rms and the like beside it, not {quantity}"
            )
        return quantities


def _entry(quantity: str, where: str, chip: Place) -> dict[str, Any]:
    one = 10.0 ** -BY_NAME[quantity].exponent
    return {
        "quantity": quantity,
        "place": where,
        "chip": chip.chip,
        "input": chip.number,
        "scale": round(chip.scale * one),
        "offset": round(chip.offset * one),
        "calibration": 0,
    }


def _by_period(groups: list[GroupFit]) -> dict[int, list[GroupFit]]:
    by_period: dict[int, list[GroupFit]] = {}
    for group in groups:
        by_period.setdefault(group.period_ms, []).append(group)
    return by_period
