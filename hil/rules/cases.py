"""For each rule something that it must find: a fault of the machine, a sensor, a board or a line,
and on which locomotive and duty. What is measured is the delay from its beginning."""

from typing import NamedTuple

from hil.rules.simulated import Trouble
from simulators.faults import (
    CompressorWear,
    DraggingBrake,
    HotBearing,
    LostField,
    MachineFault,
    Overload,
    PipeLeak,
    RelayStuck,
    SlippingAxle,
    SlowCylinder,
    SupplyLow,
    UnevenLoad,
    WheelFlat,
)

__all__ = ["CASES", "Case"]


class Case(NamedTuple):
    """At `at_s` it breaks; within `within_s` the rule must have raised its alarm. Where nothing
    breaks the duty itself is what the rule must find."""

    rule: str
    what: str
    within_s: float
    fault: MachineFault | None = None
    trouble: Trouble | None = None
    duty: str = "demo"
    profile: str = "te33a"
    at_s: float = 20.0


_BOX = ("axle.bearing_temperature", "axle 2 left")
_WINDING = ("motor.winding_temperature", "motor 3")

CASES: tuple[Case, ...] = (
    Case(
        "node-silent", "a board loses its supply", 12, trouble=Trouble("node", 20, "", "motors-a")
    ),
    Case("link-silent", "the broker is gone", 10, trouble=Trouble("link", 20)),
    Case(
        "sensor-fault", "a loop is cut", 4, trouble=Trouble("open", 20, "motor.current", "motor 3")
    ),
    Case("sensor-fault", "a value that cannot be", 4, trouble=Trouble("far", 20, *_BOX)),
    Case(
        "sensor-frozen",
        "a thermometer stands still",
        400,
        trouble=Trouble("frozen", 20, *_WINDING),
    ),
    Case(
        "channel-silent", "one sensor gives nothing more", 20, trouble=Trouble("silent", 20, *_BOX)
    ),
    Case("temperature-jump", "a spike of 60 K", 2, trouble=Trouble("spike", 20, *_BOX, by=60)),
    Case(
        "pressure-jump",
        "a spike of 300 kPa",
        2,
        trouble=Trouble("spike", 20, "brake.pipe_pressure", "locomotive", by=300),
    ),
    Case(
        "axlebox-disagrees",
        "a wet plug: 40 K too low",
        70,
        trouble=Trouble("offset", 20, *_BOX, by=-40),
    ),
    Case(
        "sensor-not-ready",
        "a contact chatters",
        14,
        trouble=Trouble("unready", 20, "compressor.running", "compressor 1"),
    ),
    Case(
        "speed-not-ready",
        "no pulses from one wheel",
        60,
        trouble=Trouble("unready", 0, "axle.speed", "axle 2"),
        at_s=0,
    ),
    Case("winding-hot", "a climb beyond the rating", 330, duty="hot_climb", at_s=0),
    Case("winding-warm", "a climb beyond the rating", 330, duty="hot_climb", at_s=0),
    Case("winding-soon", "a climb beyond the rating", 330, duty="hot_climb", at_s=0),
    Case(
        "winding-apart",
        "a series motor with a weak field",
        900,
        LostField("motor 3"),
        duty="main_line",
        profile="vl80s",
    ),
    Case("current-apart", "an inverter drops out", 10, LostField("motor 3")),
    Case("axlebox-hot", "a bearing that ends 140 K hotter", 200, HotBearing("axle 2 left", 140)),
    Case(
        "axlebox-above-ambient",
        "a bearing that ends 140 K hotter",
        400,
        HotBearing("axle 2 left", 140),
    ),
    Case("axlebox-sides", "a bearing that ends 140 K hotter", 200, HotBearing("axle 2 left", 140)),
    Case("axlebox-rising", "a bearing that ends 60 K hotter", 150, HotBearing("axle 2 left")),
    Case("axlebox-together", "a bearing that ends 60 K hotter", 330, HotBearing("axle 2 left")),
    Case("wheel-slip", "a fifth of the adhesion", 5, SlippingAxle("axle 2")),
    Case(
        "wheel-slide",
        "a twentieth of the adhesion, until the train brakes",
        220,
        SlippingAxle("axle 2", 0.05),
    ),
    Case("wheel-flat", "a flat of 1 mm", 120, WheelFlat("axle 2")),
    Case(
        "axle-overloaded",
        "a tenth too heavy, at a stand",
        60,
        Overload(0.1),
        duty="cold_start",
        at_s=100,
    ),
    Case(
        "axle-load-apart",
        "2 t more on one axle, at a stand",
        70,
        UnevenLoad("axle 2"),
        duty="cold_start",
        at_s=100,
    ),
    Case("pipe-falling", "the pipe is broken", 6, PipeLeak(20_000), at_s=60),
    Case("pipe-broken", "the pipe is broken", 6, PipeLeak(20_000), at_s=60),
    Case("main-reservoir-low", "the pipe is broken", 120, PipeLeak(20_000), at_s=60),
    Case("pipe-leak", "600 L/min are lost", 80, PipeLeak(600), at_s=60),
    Case(
        "cylinder-fills-slowly", "position G, until the train brakes", 240, SlowCylinder("bogie 2")
    ),
    Case(
        "cylinder-releases-slowly",
        "position G, while the train starts",
        30,
        SlowCylinder("bogie 2"),
    ),
    Case("cylinder-residual", "60 kPa are left", 60, DraggingBrake("bogie 2"), at_s=1),
    Case(
        "cylinders-apart",
        "a relay sticks, until the train brakes",
        240,
        RelayStuck("bogie 2"),
        at_s=90,
    ),
    Case("compressor-duty", "3,000 L/min are lost", 2100, PipeLeak(3_000), duty="main_line"),
    Case("compressor-starts", "2,000 L/min are lost", 900, PipeLeak(2_000)),
    Case("compressor-weak", "half of its flow", 100, CompressorWear(0.5)),
    Case("supply-low", "two thirds of the voltage", 7, SupplyLow(0.65)),
    Case("supply-high", "1.4 times the voltage", 7, SupplyLow(1.4)),
)
