"""What a wheel can hold on the rail, and how far it runs ahead of it."""

__all__ = ["AVAILABLE", "Wheelset", "ac_electric", "available", "curtius_kniffler", "diesel"]

AVAILABLE = 1.5
"""Dry sanded rail over Curtius and Kniffler's mean; chosen so that the published starting efforts,
which need 0.39 to 0.43, can be had."""

_CREEP = 0.008
_LIMIT_CREEP = 0.02
_SLIDING = 0.8
_CAUGHT_M_S = 0.05
_WHEELSET_T = 6.0
_CUT_A_S = 0.6
_BACK_A_S = 0.08
_LEAST_CUT = 0.1
_SLIP_M_S = 0.3
_FASTEST_M_S = 8.0


def ac_electric(speed_kmh: float) -> float:
    """The design rule for AC electrics, published: 0.28 + 4/(50 + 6 v) - 0.0006 v."""
    return 0.28 + 4 / (50 + 6 * speed_kmh) - 0.0006 * speed_kmh


def diesel(speed_kmh: float) -> float:
    """The design rule for diesels, published: 0.118 + 5/(27.5 + v)."""
    return 0.118 + 5 / (27.5 + speed_kmh)


def curtius_kniffler(speed_kmh: float) -> float:
    """7.5/(v + 44) + 0.161, published mean of dry rail."""
    return 7.5 / (speed_kmh + 44) + 0.161


def available(speed_kmh: float, rail: float) -> float:
    """What the simulated rail gives; `rail`: 1 for dry and sanded, less for wet or icy."""
    return AVAILABLE * rail * (7.5 / (speed_kmh + 44) + 0.161)


class Wheelset:
    """One driven axle: creep while the rail holds it, a run-away with slip control when not.

    The values of the control and the inertia (wheels and rotor as 6 t at the tread) are chosen.
    """

    __slots__ = ("cut", "slip_m_s")

    def __init__(self) -> None:
        self.slip_m_s = 0.0
        """How much faster than the train the tread moves, creep not counted; minus in braking."""
        self.cut = 1.0
        """The share of the effort asked for that slip control lets through."""

    def step(self, wanted_kn: float, limit_kn: float, speed_m_s: float, dt_s: float) -> float:
        """The force that comes to the rail, in kN. A wheel that neither slips nor is cut, with
        its force within the limit, needs no step."""
        sign = 1.0 if wanted_kn >= 0 else -1.0
        pull = abs(wanted_kn) * self.cut
        slip = abs(self.slip_m_s)
        slipping = slip > 0
        if not slipping and pull <= limit_kn:
            self.cut = min(1.0, self.cut + _BACK_A_S * dt_s)
            return sign * pull
        held = _SLIDING * limit_kn if slipping else limit_kn
        slip = min(max(slip + (pull - held) / _WHEELSET_T * dt_s, 0.0), _FASTEST_M_S)
        if sign < 0:
            slip = min(slip, speed_m_s)
        if slip < _CAUGHT_M_S and pull <= held:
            slip = 0.0
        self.slip_m_s = sign * slip
        if slip > _SLIP_M_S:
            self.cut = max(_LEAST_CUT, self.cut - _CUT_A_S * dt_s)
        return sign * min(pull, held)


def creep(force_kn: float, limit_kn: float) -> float:
    """Share by which a gripping wheel turns faster than the train moves; 0.8 % at the limit.

    Linear, as Kalker's theory is well below saturation; the slope is chosen.
    """
    return _CREEP * force_kn / limit_kn
