"""What a sensor can show, from end to end: what errors are a share of."""

from gateway.profiles import LoopSensor, NodeFit, Pt100Sensor, Sensor, StrainSensor

__all__ = ["sensor_at", "span_of"]

_PT100_SPAN_C = 200.0
"""Of a PT100, which has no ends of its own: about what a winding goes through."""


def span_of(sensor: Sensor) -> float | None:
    """In the quantity's unit; None for a sensor that is not calibrated by two points."""
    if isinstance(sensor, LoopSensor):
        return sensor.high - sensor.low
    if isinstance(sensor, StrainSensor):
        return sensor.full
    return _PT100_SPAN_C if isinstance(sensor, Pt100Sensor) else None


def sensor_at(fit: NodeFit, quantity: str, place: str) -> Sensor | None:
    """The sensor of a channel; None: it has none of its own."""
    for group in fit.groups:
        if group.quantity == quantity and place in group.places:
            return group.sensor
    return None
