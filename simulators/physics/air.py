"""Compressed air: what a flow of free air does to a volume, compressor and main reservoir."""

from simulators.physics.figures import Figures

__all__ = ["ATMOSPHERE_KPA", "Compressor", "free_air_flow", "pressure_rate"]

ATMOSPHERE_KPA = 101.325
_STARTING_S = 1.5
_STARTING_SHARE = 2.0
_RATED_A = 45.0
_LEAK_L_MIN = 40.0
_OIL_RISE_K = 55.0
_OIL_WARM_S = 600.0
_OIL_COOL_S = 1500.0
_DROP_KPA = 15.0


def pressure_rate(flow_l_min: float, volume_l: float) -> float:
    """kPa/s of a closed volume that free air flows into: dp/dt = Q p_atm / V, isothermal."""
    return flow_l_min / 60 * ATMOSPHERE_KPA / volume_l


def free_air_flow(rate_kpa_s: float, volume_l: float) -> float:
    """L/min of free air, the inverse: Q = V (dp/dt) / p_atm."""
    return rate_kpa_s * volume_l / ATMOSPHERE_KPA * 60


class Compressor:
    """Starts and stops between two pressures, fills the main reservoir, and warms its oil.

    Flow and volume are the class's; leak of the locomotive's own air system (40 L/min), motor
    current (45 A, twice that for 1.5 s at the start) and oil (55 K above ambient after 10 min time
    constant) are chosen.
    """

    def __init__(self, figures: Figures, ambient_c: float) -> None:
        self._on_kpa = figures.main_reservoir_on
        self._off_kpa = figures.main_reservoir_off
        self._volume_l = figures.main_reservoir_volume
        self._flow_l_min = figures.compressor_flow
        self.main_kpa = self._on_kpa + 0.05 * (self._off_kpa - self._on_kpa)
        self.running = False
        self.oil_c = ambient_c
        self._ran_s = 0.0

    def step(self, drawn_l_min: float, share: float, dt_s: float) -> None:
        """`drawn_l_min`: free air that others take; `share`: what wear leaves of the flow."""
        if self.main_kpa <= self._on_kpa and not self.running:
            self.running, self._ran_s = True, 0.0
        elif self.main_kpa >= self._off_kpa:
            self.running = False
        flow = -drawn_l_min - _LEAK_L_MIN * self.main_kpa / self._off_kpa
        if self.running:
            flow += self._flow_l_min * share
            self._ran_s += dt_s
        self.main_kpa = max(0.0, self.main_kpa + pressure_rate(flow, self._volume_l) * dt_s)

    def warm(self, ambient_c: float, share: float, dt_s: float) -> None:
        """A worn compressor leaks back and is hotter in the measure of what it lost."""
        goal = ambient_c + (_OIL_RISE_K * (2 - share) if self.running else 0.0)
        self.oil_c += (goal - self.oil_c) * dt_s / (_OIL_WARM_S if self.running else _OIL_COOL_S)

    @property
    def motor_current_a(self) -> float:
        if not self.running:
            return 0.0
        return _RATED_A * (_STARTING_SHARE if self._ran_s < _STARTING_S else 1.0)

    @property
    def delivery_kpa(self) -> float:
        """At the compressor's outlet: above the reservoir while it runs, vented when it stands."""
        return self.main_kpa + _DROP_KPA if self.running else 0.0
