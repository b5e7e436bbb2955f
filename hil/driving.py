"""A person drives the demo's locomotive from the keyboard, and breaks it."""

import os
import select
import sys
import termios
import threading
import tty
from collections.abc import Callable

from gateway.errors import ConfigError
from simulators.faults import (
    BlockedMotorAir,
    DraggingBrake,
    HotBearing,
    LostField,
    MachineFault,
    PipeLeak,
    RelayStuck,
    SlippingAxle,
    WheelFlat,
    kind_of,
)
from simulators.locomotive import Locomotive
from simulators.physics.driver import Hands

__all__ = ["Cab", "Keyboard"]

_STEP_KPA = 15.0
_WAIT_S = 0.2

FAULTS: dict[str, MachineFault] = {
    "1": BlockedMotorAir("motor 3"),
    "2": LostField("motor 4"),
    "3": SlippingAxle("axle 2"),
    "4": WheelFlat("axle 5"),
    "5": HotBearing("axle 2 left"),
    "6": DraggingBrake("bogie 1"),
    "7": RelayStuck("bogie 2"),
    "8": PipeLeak(300.0),
}
"""What a figure key breaks."""


class Cab:
    """What keys do: see `HELP`. `locomotive` must have been made with `hands`."""

    HELP = "w/s more, less   b brake   r release   h hold   1-8 break something   0 mend all"

    def __init__(self, locomotive: Locomotive, hands: Hands) -> None:
        self._locomotive = locomotive
        self._hands = hands
        self._broken: dict[str, MachineFault] = {}

    def press(self, key: str) -> bool:
        """Do what the key does; False: nothing."""
        hands = self._hands
        if key in "ws":
            hands.notch_by(1 if key == "w" else -1)
        elif key == "b":
            hands.brake_by(_STEP_KPA)
        elif key == "r":
            hands.release()
        elif key == "h":
            hands.hold()
        elif key in FAULTS:
            if key not in self._broken:
                self._broken[key] = FAULTS[key]
                self._locomotive.inject(FAULTS[key])
        elif key == "0":
            for fault in self._broken.values():
                self._locomotive.clear(kind_of(fault))
            self._broken = {}
        else:
            return False
        return True

    def text(self) -> str:
        """The levers, and what is broken, in a line."""
        hands = self._hands
        broken = ", ".join(
            f"{kind_of(fault).replace('_', ' ')} {getattr(fault, 'place', '')}".strip()
            for fault in self._broken.values()
        )
        return (
            f"notch {hands.notch:+d}   pipe -{hands.reduction_kpa:.0f} kPa   "
            f"independent {hands.independent_kpa:.0f} kPa   broken: {broken or 'nothing'}"
        )


class Keyboard:
    """Keys of the terminal at `fd`, without Enter, until `stop`; it is then as it was."""

    def __init__(self, press: Callable[[str], object], fd: int | None = None) -> None:
        self._fd = sys.stdin.fileno() if fd is None else fd
        if not os.isatty(self._fd):
            raise ConfigError("--drive needs a terminal: keys are read from it")
        self._press = press
        self._ends = threading.Event()
        self._before = termios.tcgetattr(self._fd)
        self._thread = threading.Thread(target=self._run, name="keyboard", daemon=True)

    def start(self) -> None:
        tty.setcbreak(self._fd)
        self._thread.start()

    def stop(self) -> None:
        self._ends.set()
        self._thread.join()
        termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def _run(self) -> None:
        while not self._ends.is_set():
            ready, _, _ = select.select([self._fd], [], [], _WAIT_S)
            if ready:
                for key in os.read(self._fd, 64).decode("ascii", "replace"):
                    self._press(key)
