"""What breaks, when, and which alarms must come of it, for `benchmarks.alarm_delays`."""

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
)

__all__ = ["NOT_HERE", "RUNS", "SHORT", "Cause", "Run"]


class Cause(NamedTuple):
    """From `at_s` the machine has a fault, or a sensor of a node: `trouble` is what rules see of
    it, `word` what is done to its board; no word: the node's cable is pulled. Where nothing breaks
    the duty is the cause. `alarms` names rules; with `@` and a place that one
    alone counts."""

    alarms: tuple[str, ...]
    at_s: float
    until_s: float | None = None
    fault: MachineFault | None = None
    trouble: Trouble | None = None
    node: str = ""
    word: str = ""
    args: tuple[tuple[str, int], ...] = ()


class Run(NamedTuple):
    """A TE33A for so long in a duty."""

    duty: str
    seconds: float
    causes: tuple[Cause, ...]


_BOX = "axle.bearing_temperature"
_WINDING = "motor.winding_temperature"
_PIPE = ("brake.pipe_pressure", "locomotive")


def _open(at_s: float, node: str, quantity: str, place: str, word: str = "open") -> Cause:
    trouble = Trouble("open", at_s, quantity, place)
    return Cause(
        (f"sensor-fault@{quantity} {place}",), at_s, trouble=trouble, node=node, word=word
    )


def _off(at_s: float, node: str, quantity: str, place: str, by: float, *alarms: str) -> Cause:
    """Reads `by` more, in its unit, from then on."""
    trouble = Trouble("offset", at_s, quantity, place, by)
    told = tuple(f"{rule}@{quantity} {place}" for rule in alarms)
    return Cause(told, at_s, trouble=trouble, node=node, word="spike", args=(("every", 1),))


def _cable(at_s: float, node: str) -> Cause:
    return Cause(
        (f"node-silent@{node}",), at_s, trouble=Trouble("node", at_s, "", node), node=node
    )


def _fault(fault: MachineFault, at_s: float, *alarms: str, until_s: float | None = None) -> Cause:
    return Cause(alarms, at_s, until_s, fault)


_BEARING = _fault(
    HotBearing("axle 3 left", 900.0),
    30,
    "axlebox-hot@axle 3 left",
    "axlebox-together@axle 3 left",
    "axlebox-sides@axle 3 left",
    "axlebox-above-ambient@axle 3 left",
)

_FIRST = (
    _fault(DraggingBrake("bogie 2"), 1, "cylinder-residual@bogie 2", until_s=85),
    _fault(SlowCylinder("bogie 1"), 1, "cylinder-releases-slowly@bogie 1", until_s=85),
    Cause(
        ("speed-not-ready@axle.speed axle 4",),
        20,
        trouble=Trouble("unready", 20, "axle.speed", "axle 4"),
        node="bogie-2",
        word="open",
    ),
    _open(24, "motors-a", _WINDING, "motor 5"),
    _open(26, "motors-a", _WINDING, "motor 6", "short"),
    _open(28, "motors-a", "motor.current", "motor 6", "saturated"),
    _open(32, "axles-a", "axle.load", "axle 1"),
    _off(25, "axleboxes-1", _BOX, "axle 1 left", 60, "temperature-jump"),
    _off(27, "axleboxes-2", _BOX, "axle 6 left", 60, "temperature-jump"),
    _off(31, "axleboxes-2", _BOX, "axle 4 right", -40, "temperature-jump", "axlebox-disagrees"),
    _off(29, "brakes-a", *_PIPE, 300, "pressure-jump"),
    _fault(SupplyLow(0.65), 33, "supply-low@locomotive", until_s=50),
    _fault(SlippingAxle("axle 2"), 35, "wheel-slip@axle 2", until_s=55),
    _fault(LostField("motor 3"), 40, "current-apart@motor 3", until_s=60),
    _BEARING,
    _fault(SupplyLow(1.4), 55, "supply-high@locomotive", until_s=75),
)

SHORT = Run("demo", 75, _FIRST)
"""What `make bench` has the time for."""

_LONG = Run(
    "demo",
    195,
    (
        *_FIRST,
        _fault(HotBearing("axle 5 right", 120.0), 140, "axlebox-rising@axle 5 right"),
    ),
)
_AIR = Run(
    "demo",
    200,
    (
        _fault(CompressorWear(0.5), 20, "compressor-weak@locomotive", until_s=100),
        _fault(SlippingAxle("axle 1", 0.05), 20, "wheel-slide@axle 1"),
        _fault(RelayStuck("bogie 2"), 90, "cylinders-apart@bogie 1", "cylinders-apart@bogie 2"),
        _fault(
            PipeLeak(20_000),
            120,
            "pipe-falling@locomotive",
            "pipe-broken@locomotive",
            "main-reservoir-low@locomotive",
        ),
        _cable(60, "axles-a"),
        _cable(75, "axleboxes-1"),
        _cable(90, "motors-a"),
    ),
)
_CLIMB = Run(
    "hot_climb",
    310,
    (
        Cause(("winding-hot", "winding-warm", "winding-soon"), 0),
        Cause(
            (f"sensor-frozen@{_WINDING} motor 3",),
            20,
            trouble=Trouble("frozen", 20, _WINDING, "motor 3"),
            node="motors-a",
            word="stuck",
        ),
    ),
)
_STAND = Run(
    "cold_start",
    180,
    (
        _fault(Overload(0.1), 100, "axle-overloaded"),
        _fault(UnevenLoad("axle 2"), 100, "axle-load-apart@axle 2"),
    ),
)

RUNS = (_LONG, _AIR, _CLIMB, _STAND)

NOT_HERE = {
    "link-silent": ("needs two nodes on one link", "link-silent"),
    "sensor-not-ready": ("a contact chatters when it switches", "sensor-not-ready"),
    "channel-silent": ("needs a line that lets short messages alone through", "channel-silent"),
    "winding-apart": ("takes six minutes, on a VL80S", "winding-apart"),
    "wheel-flat": ("judges what a node makes of blows in a minute", "machine-wheel-flat"),
    "cylinder-fills-slowly": ("comes when the train brakes", "machine-slow-cylinder"),
    "pipe-leak": ("needs a charged train whose compressor rests", "machine-pipe-leak"),
    "compressor-duty": ("judges half an hour", "machine-air-lost"),
    "compressor-starts": ("judges ten minutes", "machine-air-lost"),
}
"""Rules that these runs do not fire: why, and the scenario of the bench that does."""
