"""What is measured. A channel's value = (raw x scale + offset) x 10^exponent, in `unit`.

The exponent is fixed for each quantity, so that scale and offset travel as integers and still
resolve a fiftieth of a converter's step at full scale. Low and high bound what a healthy machine
can show, with room: outside them the value is marked out of range, never hidden. They are chosen
by axlebox (not verified against any rule book) and are no alarm limits.
"""


class Quantity:
    """One thing that can be measured."""

    def __init__(
        self,
        number: int,
        name: str,
        unit: str,
        exponent: int,
        low: float,
        high: float,
        decimals: int,
    ) -> None:
        self.number = number
        self.name = name
        self.unit = unit
        self.exponent = exponent
        self.low = low
        self.high = high
        self.decimals = decimals


_TABLE = (
    # number, name, unit, exponent, low, high, decimals shown
    (1, "motor.current", "A", -9, -3000, 3000, 0),
    (2, "motor.voltage", "V", -9, -3500, 3500, 0),
    (3, "motor.winding_temperature", "°C", -9, -60, 300, 0),
    (4, "motor.frame_temperature", "°C", -9, -60, 250, 0),
    (5, "motor.bearing_temperature", "°C", -9, -60, 200, 0),
    (6, "motor.speed", "1/min", -9, -4500, 4500, 0),
    (7, "motor.vibration_rms", "m/s²", -9, 0, 500, 1),
    (8, "motor.vibration_peak", "m/s²", -9, 0, 2000, 1),
    (9, "motor.vibration_crest", "1", -9, 0, 100, 1),
    (10, "motor.vibration_kurtosis", "1", -9, 0, 1000, 1),
    (11, "motor.acceleration", "m/s²", -9, -2000, 2000, 1),
    (20, "axle.load", "t", -9, 0, 40, 1),
    (21, "axle.speed", "1/min", -9, -1500, 1500, 0),
    (22, "axle.bearing_temperature", "°C", -9, -60, 200, 0),
    (23, "axle.vibration_rms", "m/s²", -9, 0, 500, 1),
    (24, "axle.vibration_peak", "m/s²", -9, 0, 2000, 1),
    (25, "axle.vibration_crest", "1", -9, 0, 100, 1),
    (26, "axle.vibration_kurtosis", "1", -9, 0, 1000, 1),
    (27, "axle.acceleration", "m/s²", -9, -2000, 2000, 1),
    (40, "brake.pipe_pressure", "kPa", -9, -20, 1000, 0),
    (41, "brake.cylinder_pressure", "kPa", -9, -20, 1000, 0),
    (42, "brake.main_reservoir_pressure", "kPa", -9, -20, 1400, 0),
    (43, "brake.equalising_pressure", "kPa", -9, -20, 1000, 0),
    (50, "air.compressor_pressure", "kPa", -9, -50, 1600, 0),
    (51, "air.panel_pressure", "kPa", -9, -50, 1600, 0),
    (52, "air.separator_pressure", "kPa", -9, -50, 1600, 0),
    (53, "air.dryer_pressure", "kPa", -9, -50, 1600, 0),
    (54, "compressor.oil_temperature", "°C", -9, -60, 150, 0),
    (55, "compressor.motor_current", "A", -9, -5, 100, 1),
    (56, "compressor.running", "1", 0, 0, 1, 0),
    (60, "supply.voltage", "V", -9, 0, 200, 1),
    (61, "ambient.temperature", "°C", -9, -60, 60, 0),
    (62, "cabinet.temperature", "°C", -9, -60, 100, 0),
)

QUANTITIES = {row[0]: Quantity(*row) for row in _TABLE}
"""By number, as it travels. A number is never given a second meaning."""

BY_NAME = {quantity.name: quantity for quantity in QUANTITIES.values()}
"""By name, as files and people write it."""
