"""Objects of `machine` and `rp2` that the firmware will ask for, made beforehand.

On a board a pin or a state machine is an entry of a table in read-only memory; here it is a Python
object. One of each that the wiring calls for is made with the simulated hardware, and let go of
when the firmware makes its own, so that its heap is not charged with ours.
"""

from simulators.board.wiring import PINS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NOWHERE = "spare"
"""A pin that no wiring knows."""

_OTHER_PINS = 2
"""Pins of a node that no chip hangs on: its lamp, and the driver of its line."""

_aside: "dict[str, list[Any]]" = {"Pin": [], "StateMachine": []}


def set_aside(wiring: "dict[str, Any]") -> None:
    """Make what a board with this wiring asks for; it has been powered up."""
    from simulators.board.pins import Pin

    pins = _OTHER_PINS
    machines = []
    for chip in _chips(wiring):
        pins += len([key for key in PINS if key in chip])
        if chip["kind"] == "tacho":
            from simulators.board.rp2 import Program, StateMachine
            from simulators.board.tacho import Edges

            machine = StateMachine(0, Program(count_pulses, {}), jmp_pin=_NOWHERE)
            machines.append((machine, Edges(None, 0)))  # type: ignore[arg-type]
    _aside["StateMachine"] = machines
    _aside["Pin"] = [Pin(_NOWHERE) for _ in range(pins)]


def let_go(kind: str) -> None:
    """The firmware makes one of its own."""
    if _aside[kind]:
        _aside[kind].pop()


def _chips(wiring: "dict[str, Any]") -> "list[dict[str, Any]]":
    chips: "list[dict[str, Any]]" = list(wiring.get("pins", []))
    for bus in ("i2c", "spi"):
        for content in wiring.get(bus, {}).values():
            chips += content["chips"]
    return chips


def count_pulses() -> None:
    """Stands for the program of that name."""
