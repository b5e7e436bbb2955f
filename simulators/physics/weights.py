"""Axle loads: how the effort shifts weight between bogies and between the axles of one."""

from simulators.physics.figures import Figures
from simulators.physics.resistance import G

__all__ = ["transfer_t_kn"]


def transfer_t_kn(figures: Figures) -> list[float]:
    """t by which each axle's load changes for a kN of effort of the whole locomotive.

    Bogie: -+F (h_coupler - h_pivot)/L for the first and second of a section, shared by its axles;
    within a bogie -+F_b h_pivot/wheelbase for its first and last axle. They sum to zero.
    """
    axles = figures.axles_a_bogie
    section = 1 / figures.sections
    between = section * (figures.coupler_height - figures.pivot_height) / figures.bogie_distance
    within = section / 2 * figures.pivot_height / figures.bogie_wheelbase
    changes = []
    for bogie in range(figures.bogies):
        sign = -1 if bogie % 2 == 0 else 1
        for axle in range(axles):
            change = sign * between / axles
            if axle == 0:
                change -= within
            elif axle == axles - 1:
                change += within
            changes.append(change / G)
    return changes
