"""What faults change in the models; without a fault every effect is neutral."""

__all__ = ["PARTS", "Effects", "damaged_parts"]

PARTS = ("outer", "inner", "roller")
"""Of a bearing: outer race, inner race, a roller."""


def damaged_parts() -> list[str]:
    """What can be damaged of the bearings of an axle and of a motor: `axle outer` and so on."""
    return [f"{family} {part}" for family in ("axle", "motor") for part in PARTS]


class Effects:
    """Lists count axles or motors, bogies, or bearings (left and right of each axle) from 0."""

    def __init__(self, axles: int, bogies: int) -> None:
        self.axle_rise_k = [0.0] * (2 * axles)
        self.motor_rise_k = [0.0] * (2 * axles)
        self.damage = {part: [0.0] * (2 * axles) for part in damaged_parts()}
        self.flat_mm = [0.0] * axles
        self.air = [1.0] * axles
        self.field = [True] * axles
        self.adhesion = [1.0] * axles
        self.load_t = [0.0] * axles
        self.drag_kpa = [0.0] * axles
        self.held_kpa = [0.0] * bogies
        self.stuck = [False] * bogies
        self.slow = [False] * bogies
        self.leak_l_min = 0.0
        self.frozen = False
        self.weight = 1.0
        self.wagons = 1.0
        self.compressor = 1.0
        self.supply = 1.0
