"""When a winding will be at its limit: a motor of two nodes, winding and frame.

C_w dT_w/dt = k1 I^2 (1 + 0.0039 (T_w - 20)) + k2 n^2 - G_wf (T_w - T_f)
C_f dT_f/dt = G_wf (T_w - T_f) - G_fa (T_f - T_a)

The copper's loss at the continuous rating, where the winding ends at the limit of its class, is 1;
conductances and capacities follow from that point and the time constants. The frame is not
measured: it is where it must be for the winding to change as it does, so that a cooling that fails
is in the forecast too.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from gateway.alarms.picture import Picture
from gateway.alarms.rules import TimeToLimit
from gateway.alarms.signals.found import Found
from gateway.alarms.signals.windows import Mean, RiseOver

__all__ = ["MotorModel", "TimeToLimitSignal", "motor_model"]

_COPPER_A_K = 0.0039
_STEP_S = 10.0
_EACH_US = 10_000_000
"""A motor is forecast so often: what changes faster is in the mean."""


class MotorModel(NamedTuple):
    """Losses for one ampere squared and one (km/h) squared, conductances in 1/K, capacities in
    s/K, all in shares of the copper's loss at the rating."""

    by_current: float
    by_speed: float
    winding_frame: float
    frame_air: float
    winding_capacity: float
    frame_capacity: float

    def loss(self, amperes_squared: float, speed_kmh: float, winding_c: float) -> float:
        copper = self.by_current * amperes_squared * (1 + _COPPER_A_K * (winding_c - 20))
        return copper + self.by_speed * speed_kmh * speed_kmh

    def frame_c(self, loss: float, winding_c: float, rise_k_s: float) -> float:
        """Where the frame is while the winding warms by so much."""
        return winding_c - (loss - self.winding_capacity * rise_k_s) / self.winding_frame

    def minutes_to(
        self,
        limit_c: float,
        winding_c: float,
        frame_c: float,
        air_c: float,
        amperes_squared: float,
        speed_kmh: float,
        horizon_min: float,
    ) -> float:
        """Minutes until the winding is at the limit; the horizon where it is not there by then."""
        passed_s = 0.0
        while passed_s < horizon_min * 60:
            if winding_c >= limit_c:
                return passed_s / 60
            into = self.loss(amperes_squared, speed_kmh, winding_c)
            across = self.winding_frame * (winding_c - frame_c)
            away = self.frame_air * (frame_c - air_c)
            winding_c += (into - across) * _STEP_S / self.winding_capacity
            frame_c += (across - away) * _STEP_S / self.frame_capacity
            passed_s += _STEP_S
        return horizon_min


def motor_model(rule: TimeToLimit, picture: Picture) -> MotorModel:
    """Of the class, by its continuous rating and the rule's constants."""
    limit_c = picture.figure("winding_temperature_max")
    rise_k = limit_c - rule.rated_ambient_c
    hot = 1 + _COPPER_A_K * (limit_c - 20)
    by_speed = rule.iron_share / picture.figure("top_speed") ** 2
    all_loss = 1 + by_speed * picture.figure("continuous_speed") ** 2
    winding_frame = all_loss / (rule.winding_share * rise_k)
    frame_air = all_loss / ((1 - rule.winding_share) * rise_k)
    return MotorModel(
        1 / (picture.figure("motor_current_continuous") ** 2 * hot),
        by_speed,
        winding_frame,
        frame_air,
        rule.winding_s * winding_frame,
        rule.frame_s * frame_air,
    )


class _Motor:
    def __init__(self, window_s: float) -> None:
        self.square = Mean(window_s)
        self.winding = Mean(window_s)
        self.rise = RiseOver(window_s)
        self.squared: float | None = None
        self.minutes: float | None = None
        self.told_us = 0


class TimeToLimitSignal:
    """Asked at each new current and temperature; `to_c`: the limit in numbers."""

    def __init__(self, rule: TimeToLimit, to_c: float) -> None:
        self._rule = rule
        self._to_c = to_c
        self._model: MotorModel | None = None
        self._motors = defaultdict[str, _Motor](lambda: _Motor(rule.mean_s))

    def __call__(self, picture: Picture) -> Iterator[Found]:
        rule = self._rule
        if self._model is None:
            self._model = motor_model(rule, picture)
        currents = picture.values("motor.current")
        temperature_is_new = rule.quantity in picture.fresh
        for place, one in picture.of(rule.quantity).items():
            motor = self._motors[place]
            amperes = currents.get(place)
            motor.squared = motor.square.add(
                picture.now_us, None if amperes is None else amperes * amperes
            )
            if temperature_is_new:
                motor.minutes = self._forecast(motor, picture.value(one), picture)
                yield Found(place, place, rule.quantity, (one.id,), motor.minutes)

    def _forecast(self, motor: _Motor, winding_c: float | None, picture: Picture) -> float | None:
        rise_k_min = motor.rise.add(picture.now_us, winding_c)
        middle_c = motor.winding.add(picture.now_us, winding_c)
        squared, speed = motor.squared, picture.speed_kmh or 0.0
        if winding_c is None or rise_k_min is None or middle_c is None or squared is None:
            return None
        if motor.minutes is not None and picture.now_us - motor.told_us < _EACH_US:
            return motor.minutes
        motor.told_us = picture.now_us
        model = self._model
        assert model is not None
        loss = model.loss(squared, speed, middle_c)
        frame_c = model.frame_c(loss, middle_c, rise_k_min / 60)
        air_c = picture.values("ambient.temperature").get("locomotive")
        if air_c is None:
            air_c = min(self._rule.rated_ambient_c, winding_c)
        return model.minutes_to(
            self._to_c, winding_c, frame_c, air_c, squared, speed, self._rule.horizon_min
        )
