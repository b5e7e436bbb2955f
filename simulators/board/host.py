"""What the host can do to the hardware, and what it is told."""

import json
import sys

from simulators.board import control_frames, faults
from simulators.board.errors import FaultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from simulators.board.hardware import Hardware
    from simulators.board.inputs import Input

    class Channel(Protocol):
        """The way to the host and back; see control.Control and lockstep.Grants."""

        connected: bool

        def pump(self, handle: "Callable[[int, memoryview], None]") -> None: ...
        def send(self, data: bytes) -> None: ...


_MEASURED = "simulators.board.turns"
_REFUSALS_KEPT = 4
_REFUSAL_CHARACTERS = 120


class Host:
    """Obeys the frames that come over the channel. A bad one is counted and has no effect."""

    def __init__(
        self, hardware: "Hardware", ticks_us: "Callable[[], int]", control: "Channel | None"
    ) -> None:
        self.feeds = 0
        self._hardware = hardware
        self._ticks_us = ticks_us
        self._control = control
        self._obey = self.obey  # made once: a bound method is an object on the heap
        self._cut = False
        self._refused = 0
        self._refusals: "list[str]" = []

    def pump(self) -> None:
        """Obey what has come."""
        if self._control is None:
            return
        measured: "Any" = sys.modules.get(_MEASURED)
        if measured is None:
            self._control.pump(self._obey)
        else:
            measured.turns.pause()
            self._control.pump(self._obey)
            measured.turns.go_on()

    def gone(self) -> bool:
        """Whether the host has closed the channel: with it goes the board's supply."""
        return self._control is not None and not self._control.connected

    def report(self) -> None:
        """Send the account."""
        if self._control is not None:
            self._control.send(control_frames.json_frame(control_frames.TAKEN, self.account()))

    def obey(self, kind: int, payload: "memoryview") -> None:
        """One frame; what cannot be done is counted, with the reason."""
        if kind == control_frames.STRETCH:
            self._take_stretch(payload)
        elif kind == control_frames.FAULT:
            try:
                self.inject(json.loads(bytes(payload)))
            except (FaultError, ValueError, TypeError) as error:
                self._refuse(str(error))
        elif kind == control_frames.CUT:
            self._cut = True
            for chip in self._hardware.chips.values():
                chip.cut()
        elif kind == control_frames.ASK:
            self.report()
        else:
            self._refuse("unknown kind of frame %d" % kind)

    def inject(self, fault: "dict[str, Any]") -> None:
        """Begin or end a fault (see faults.py). Raises FaultError."""
        if not isinstance(fault, dict):
            raise FaultError("a fault is an object")
        for key in fault:
            if key not in ("chip", "word", "input", "args", "clear"):
                raise FaultError("a fault has no " + repr(key))
        word = str(fault.get("word"))
        args = faults.arguments(word, fault.get("args", {}))
        name = str(fault.get("chip"))
        begin = not fault.get("clear", False)
        self._hardware.settle(self._ticks_us())
        if faults.WORDS[word][0] == faults.INPUT:
            for target in self._inputs(name, fault.get("input")):
                if word == "swapped":
                    self._swap(target, args["with"], begin)
                elif begin:
                    target.inject(word, args, self._ticks_us())
                else:
                    target.clear(word)
        elif name not in self._hardware.chips:
            raise FaultError("no chip " + repr(name))
        elif begin:
            self._hardware.chips[name].inject(word, args)
        else:
            self._hardware.chips[name].clear(word)
        for bus in self._hardware.i2c.values():
            bus.held = any(chip.holds_bus for chip in bus.chips.values())

    def account(self) -> "dict[str, Any]":
        """What the host is told.

        taken     per input: fresh conversions whose result the firmware has read
        starved   per signal: values that were needed after its last stretch was over
        faults    those that are there now
        refused   frames and faults that had no effect, and in refusals why, the last few
        uart      per port: bytes received, sent, and dropped for want of a line
        feeds     of the watchdog
        flash     what was done to it, where there is one
        driven    per chip that is driven rather than read: what it puts out
        turns     how long the firmware's were since the last account, where they are measured
        """
        hardware = self._hardware
        present = [
            name + " " + word for name, chip in hardware.chips.items() for word in chip.active()
        ]
        for name, source in hardware.inputs.items():
            present += [name + " " + word for word in source.faults]
        return {
            "ticks_us": self._ticks_us(),
            "cut": self._cut,
            "taken": {
                source.name: source.taken
                for chip in hardware.chips.values()
                for source in chip.inputs
            },
            "starved": {each.name: each.starved for each in hardware.signals if each.starved},
            "faults": sorted(present),
            "refused": self._refused,
            "refusals": self._refusals,
            "uart": {
                number: [line.received, line.sent, line.dropped]
                for number, line in hardware.uart.items()
            },
            "feeds": self.feeds,
            "flash": None if hardware.flash is None else hardware.flash.account(),
            "driven": {
                name: chip.driven()
                for name, chip in hardware.chips.items()
                if hasattr(chip, "driven")
            },
            "turns": _turns(),
        }

    def _take_stretch(self, payload: "memoryview") -> None:
        head = control_frames.STRETCH_HEADER
        if len(payload) < head:
            self._refuse("a stretch without its head")
            return
        number = payload[0] | payload[1] << 8
        if number >= len(self._hardware.signals):
            self._refuse("no signal number %d" % number)
            return
        signal = self._hardware.signals[number]
        t0_us = control_frames.u32(payload, 3)
        period_us = control_frames.u32(payload, 7)
        if not signal.feed(self._ticks_us(), payload[2], t0_us, period_us, payload[head:]):
            self._refuse(signal.name + " cannot take this stretch")

    def _refuse(self, reason: str) -> None:
        self._refused += 1
        self._refusals.append(reason[:_REFUSAL_CHARACTERS])
        if len(self._refusals) > _REFUSALS_KEPT:
            self._refusals.pop(0)

    def _inputs(self, name: str, number: "int | None") -> "list[Input]":
        if name in self._hardware.inputs:
            return [self._hardware.inputs[name]]
        if name not in self._hardware.chips:
            raise FaultError("no chip or input " + repr(name))
        sources = self._hardware.chips[name].inputs
        if number is None:
            return sources
        if not 0 <= number < len(sources):
            raise FaultError(name + " has no input " + str(number))
        return [sources[number]]

    def _swap(self, one: "Input", name: str, begin: bool) -> None:
        """To end it is to change the same two once more."""
        if begin == ("swapped" in one.faults):
            raise FaultError(one.name + (" is" if begin else " is not") + " swapped")
        other = self._hardware.inputs.get(name if begin else one.faults["swapped"]["with"])
        if other is None or other is one or begin == ("swapped" in other.faults):
            raise FaultError(one.name + " cannot be swapped with " + repr(name))
        one.signal, other.signal = other.signal, one.signal
        for source, partner in ((one, other), (other, one)):
            if begin:
                source.inject("swapped", {"with": partner.name}, self._ticks_us())
            else:
                source.clear("swapped")


def _turns() -> "dict[str, int] | None":
    measured: "Any" = sys.modules.get(_MEASURED)
    told: "dict[str, int] | None" = None if measured is None else measured.turns.take()
    return told
