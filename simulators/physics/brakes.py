"""The pneumatic brake: driver's valve, pipe with its wave, distributors and cylinders."""

from simulators.physics.air import free_air_flow, pressure_rate
from simulators.physics.figures import Figures

__all__ = [
    "BORE_L_M",
    "GOODS",
    "PASSENGER",
    "SAMPLE_S",
    "WAVE_M_S",
    "BrakePipe",
    "Timing",
    "distributor_goal",
    "fill",
    "shoe_friction",
]

WAVE_M_S = 252.0
"""Middle of the 244 to 260 m/s that are published."""

BORE_L_M = 0.92
"""A bore of 34.3 mm."""

SAMPLE_S = 0.1
"""The grid of the pipe's delay line."""

_SERVICE_KPA_S = 22.0
_CHARGING_KPA_S = 30.0
_VALVE_S = 0.4
_VALVE_L_MIN = 12_000.0
_GAIN = 2.6
_INSENSITIVE_KPA = 15.0
_AUXILIARY_L_M = 1.6
_LAG_S_KM = 1.5
_FROZEN = 0.5
_HISTORY = 512


class Timing:
    """Time constants of a cylinder in s: first order both ways.

    From the UIC 540 times, 95 % of the pressure and down to 40 kPa of 380:
    fill / ln 20 and release / ln 9.5.
    """

    __slots__ = ("fill_s", "release_s")

    def __init__(self, fill_s: float, release_s: float) -> None:
        self.fill_s = fill_s / 2.9957
        self.release_s = release_s / 2.2513


PASSENGER = Timing(4.0, 17.5)
GOODS = Timing(24.0, 52.5)


def fill(pressure_kpa: float, goal_kpa: float, timing: Timing, dt_s: float) -> float:
    """A cylinder's pressure `dt_s` later."""
    constant_s = timing.fill_s if goal_kpa > pressure_kpa else timing.release_s
    return pressure_kpa + (goal_kpa - pressure_kpa) * dt_s / constant_s


def distributor_goal(drop_kpa: float, most_kpa: float) -> float:
    """Cylinder pressure for a pipe that lies `drop_kpa` below its charge.

    2.6 kPa a kPa, the first 15 kPa without effect (chosen: a full service reduction of 150 kPa
    gives 380).
    """
    if drop_kpa <= _INSENSITIVE_KPA:
        return 0.0
    return min(_GAIN * drop_kpa, most_kpa)


def shoe_friction(speed_kmh: float) -> float:
    """0.36 (v + 150)/(2 v + 150): composition shoes with calculated pressing; 1520 mm rules,
    general knowledge, unverified."""
    return 0.36 * (speed_kmh + 150) / (2 * speed_kmh + 150)


class BrakePipe:
    """Locomotive's pipe and train's, fed at the head by the driver's valve.

    The head is one volume. Each group of wagons sees the head's pressure after the wave's run and
    a lag that grows with the distance (1.5 s a km, chosen). Rates of the equalising reservoir (22
    kPa/s down, 30 up) and the valve's flow (12,000 L/min) are general knowledge, unverified.
    """

    def __init__(self, figures: Figures, length_m: float, groups: int, reduced_kpa: float) -> None:
        self.charged_kpa = figures.brake_pipe_charged
        self.length_m = length_m
        self.equalising_kpa = self.charged_kpa - reduced_kpa
        self.head_kpa = self.equalising_kpa
        self._volume_l = figures.pipe_volume + BORE_L_M * length_m
        self._auxiliary_l = _AUXILIARY_L_M * length_m
        self._places_m = [length_m * (group + 0.5) / groups for group in range(groups)]
        self.groups_kpa = [self.head_kpa] * groups
        self._past = [self.head_kpa] * _HISTORY
        self._at = 0

    @property
    def volume_l(self) -> float:
        return self._volume_l

    def step(
        self,
        reduction_kpa: float,
        leak_l_min: float,
        main_kpa: float,
        dt_s: float = SAMPLE_S,
        frozen: bool = False,
        cut_out: bool = False,
    ) -> float:
        """Goes on by one sample of the delay line; free air taken from the main reservoir, L/min.

        `frozen`: ice halves the valve's effect and the wave's speed. `cut_out`: nothing feeds.
        """
        goal = self.charged_kpa - reduction_kpa
        change = goal - self.equalising_kpa
        self.equalising_kpa += min(max(change, -_SERVICE_KPA_S * dt_s), _CHARGING_KPA_S * dt_s)
        before = self.head_kpa
        drop = pressure_rate(leak_l_min, self._volume_l) * dt_s
        valve = 0.0
        if not cut_out:
            most = pressure_rate(_VALVE_L_MIN, self._volume_l) * dt_s
            flow = _FROZEN if frozen else 1.0
            valve = (min(self.equalising_kpa, main_kpa) - before) * dt_s / _VALVE_S
            valve = min(max(valve, -most), most) * flow
        self.head_kpa = max(before + valve - drop, 0.0)
        self._at = (self._at + 1) % _HISTORY
        self._past[self._at] = self.head_kpa
        self._spread(_FROZEN * WAVE_M_S if frozen else WAVE_M_S, dt_s)
        if valve <= 0:
            return 0.0
        volume = self._volume_l
        if self.head_kpa < self.charged_kpa - 1 or reduction_kpa == 0:
            volume += self._auxiliary_l
        return max(free_air_flow((valve - drop) / dt_s, volume), 0.0) + leak_l_min

    def pressure_at(self, distance_m: float, wave_m_s: float = WAVE_M_S) -> float:
        """kPa of the head when the wave that is now at that distance left it."""
        steps = distance_m / wave_m_s / SAMPLE_S
        whole = int(steps)
        later = self._past[(self._at - whole) % _HISTORY]
        earlier = self._past[(self._at - whole - 1) % _HISTORY]
        return later + (earlier - later) * (steps - whole)

    def _spread(self, wave_m_s: float, dt_s: float) -> None:
        for group, place_m in enumerate(self._places_m):
            lag_s = dt_s + _LAG_S_KM * place_m / 1000
            seen = self.groups_kpa[group]
            self.groups_kpa[group] += (self.pressure_at(place_m, wave_m_s) - seen) * dt_s / lag_s
