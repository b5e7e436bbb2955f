"""The stimulus unit: obeys the host's messages, plays what it was given, tells what it has done.

Every request is an array of its kind, its number and what belongs to it; every answer repeats
both, or is REFUSED, the number and why. docs/stimulus.md lists them.
"""

from array import array
from time import ticks_add, ticks_diff, ticks_us

import machine

from axwire.cbor import INT32, Typed, Writer, decode
from axwire.errors import WireError
from stimulus import (
    APPLIED,
    CONDITION,
    HELLO,
    HIGH,
    LOW,
    MESSAGE_CAP,
    OK,
    OPEN,
    REFUSED,
    REST,
    STRETCH,
    STUCK,
    SUPPLY,
    VERSION,
)
from stimulus.outputs import current_of
from stimulus.track import SAMPLES, SLOTS, Track

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from stimulus.wiring import Wired

STEP_US = 5_000
"""How often the outputs are set."""

LONGEST_OFF_MS = 500_000
"""Ticks tell no more than 2**29 us apart."""


class RefusalError(Exception):
    """Why a request is not obeyed."""


class Unit:
    """`play` is called as often as can be, `obey` with each message that comes."""

    def __init__(self, wired: "Wired") -> None:
        self._wired = wired
        self._outputs = wired.outputs
        self._tracks = [Track(output.rest) for output in wired.outputs]
        count = len(wired.outputs)
        self._values = [track.rest for track in self._tracks]
        self._changed_us = [0] * count
        self._conditions = [OK] * count
        self._next_us: int = ticks_us()
        self._late_us = 0
        self._errors = 0
        self._on_us = 0
        self._off = False
        self._supply_us = 0
        self._writer = Writer(MESSAGE_CAP)
        self._rest()

    def play(self) -> None:
        """Set the outputs to what is due, and the supply on when it was off long enough."""
        now_us = ticks_us()
        if self._off and ticks_diff(now_us, self._on_us) >= 0:
            self._switch(False, now_us)
        late_us = ticks_diff(now_us, self._next_us)
        if late_us < 0:
            return
        if late_us > self._late_us:
            self._late_us = late_us
        self._next_us = ticks_add(now_us, STEP_US)
        self._set(now_us)

    def obey(self, message: bytes) -> bytes:
        """The answer to a request."""
        number = 0
        self._writer.clear()
        try:
            request: Any = decode(message)
            if not isinstance(request, list) or len(request) < 2:
                raise RefusalError("a request is an array of its kind, its number and more")
            kind, number = request[0], request[1]
            if not isinstance(number, int) or not 0 <= number < 1 << 30:
                number = 0
                raise RefusalError("a request's number is an integer of 30 bits")
            self._answer(kind, number, request[2:])
        except (WireError, RefusalError) as error:
            self._writer.clear()
            self._begin(REFUSED, number, 1)
            self._writer.text(str(error))
        return bytes(self._writer.written())

    def _answer(self, kind: int, number: int, parts: "list[Any]") -> None:
        if kind == HELLO:
            _count(parts, 0)
            self._hello(number)
        elif kind == STRETCH:
            _count(parts, 5)
            self._stretch(number, parts)
        elif kind == CONDITION:
            _count(parts, 2)
            self._condition(number, parts[0], parts[1])
        elif kind == SUPPLY:
            _count(parts, 1)
            self._supply(number, parts[0])
        elif kind == APPLIED:
            _count(parts, 0)
            self._applied(number)
        elif kind == REST:
            _count(parts, 0)
            self._rest()
            self._begin(REST, number, 1)
            self._writer.integer(ticks_us())
        else:
            raise RefusalError("there is no request of kind %r" % (kind,))

    def _hello(self, number: int) -> None:
        writer = self._writer
        self._begin(HELLO, number, 7)
        writer.integer(VERSION)
        writer.data(machine.unique_id())
        writer.integer(ticks_us())
        writer.integer(SLOTS)
        writer.integer(SAMPLES)
        writer.array(len(self._outputs))
        for output in self._outputs:
            writer.array(5)
            writer.text(output.name)
            writer.text(output.kind)
            writer.integer(output.low)
            writer.integer(output.high)
            writer.array(len(output.conditions) - 1)
            for word in output.conditions[1:]:
                writer.integer(word)
        writer.array(len(self._wired.problems))
        for problem in self._wired.problems:
            writer.text(problem)

    def _stretch(self, number: int, parts: "list[Any]") -> None:
        at, flags, t0_us, period_us, typed = parts
        output = self._outputs[self._known(at)]
        for value in (flags, t0_us, period_us):
            if not isinstance(value, int):
                raise RefusalError("flags, begin and period of a stretch are integers")
        if not isinstance(typed, Typed) or typed.tag != INT32 or len(typed.data) % 4:
            raise RefusalError("the samples of a stretch are a typed array of int32")
        samples = array("i", typed.data)
        for sample in samples:
            if not output.low <= sample <= output.high:
                raise RefusalError(
                    "%s puts out %d to %d, not %d" % (output.name, output.low, output.high, sample)
                )
        why = self._tracks[at].add(ticks_us(), flags, t0_us, period_us, samples)
        if why is not None:
            raise RefusalError("%s: %s" % (output.name, why))
        self._begin(STRETCH, number, 0)

    def _condition(self, number: int, at: "Any", condition: "Any") -> None:
        output = self._outputs[self._known(at)]
        if condition not in output.conditions:
            raise RefusalError("%s cannot have condition %r" % (output.name, condition))
        self._conditions[at] = condition
        now_us = ticks_us()
        output.condition(condition)
        self._set(now_us)
        self._changed_us[at] = now_us
        self._begin(CONDITION, number, 1)
        self._writer.integer(now_us)

    def _supply(self, number: int, off_ms: "Any") -> None:
        if not isinstance(off_ms, int) or not 0 <= off_ms <= LONGEST_OFF_MS:
            raise RefusalError("the supply is off for 0 to %d ms" % LONGEST_OFF_MS)
        now_us = ticks_us()
        self._on_us = ticks_add(now_us, off_ms * 1000)
        self._switch(off_ms > 0, now_us)
        self._begin(SUPPLY, number, 1)
        self._writer.integer(now_us)

    def _applied(self, number: int) -> None:
        """Levels as they are now, as far as their chips can tell those that they have."""
        writer = self._writer
        codes = self._codes()
        levels = [self._level(at, codes) for at in range(len(self._outputs))]
        self._begin(APPLIED, number, 6)
        writer.integer(ticks_us())
        writer.integer(0 if self._off else 1)
        writer.integer(self._supply_us)
        writer.integer(self._late_us)
        writer.integer(self._errors)
        writer.array(len(self._outputs))
        for at, level in enumerate(levels):
            writer.array(4)
            writer.integer(level)
            writer.integer(self._changed_us[at])
            writer.integer(self._conditions[at])
            writer.integer(self._tracks[at].starved)

    def _level(self, at: int, codes: "list[int]") -> int:
        """Of one output: what its chip says, else what it was set to."""
        output: Any = self._outputs[at]
        if output.kind == "loop":
            return current_of(codes[at])
        if hasattr(output, "level"):
            try:
                level: int = output.level()
                return level
            except OSError:
                self._errors += 1
                return output.rest
        return self._values[at]

    def _codes(self) -> "list[int]":
        if self._wired.dac is not None:
            try:
                return self._wired.dac.codes()
            except OSError:
                self._errors += 1
        return [0] * len(self._outputs)

    def _set(self, now_us: int) -> None:
        """Every output to what its track says, or its condition."""
        loops = False
        for at, track in enumerate(self._tracks):
            output = self._outputs[at]
            value = track.value(now_us)
            condition = self._conditions[at]
            if condition == HIGH:
                value = output.high
            elif condition == LOW:
                value = output.low
            elif condition == STUCK:
                value = self._values[at]
            if value != self._values[at]:
                self._values[at] = value
                self._changed_us[at] = now_us
                output.set(value)
                loops = loops or output.kind == "loop"
        if loops and self._wired.dac is not None:
            try:
                self._wired.dac.write()
            except OSError:
                self._errors += 1

    def _rest(self) -> None:
        """No sensor: loops and PT100 are open, nothing turns or shakes, contacts are open."""
        for at, output in enumerate(self._outputs):
            self._tracks[at].clear()
            self._conditions[at] = OPEN if OPEN in output.conditions else OK
            output.condition(self._conditions[at])
        self._set(ticks_us())

    def _switch(self, off: bool, now_us: int) -> None:
        self._off = off
        self._supply_us = now_us
        self._wired.supply_off.value(1 if off else 0)

    def _known(self, at: "Any") -> int:
        if not isinstance(at, int) or not 0 <= at < len(self._outputs):
            raise RefusalError("there is no output %r" % (at,))
        return at

    def _begin(self, kind: int, number: int, more: int) -> None:
        self._writer.array(2 + more)
        self._writer.integer(kind)
        self._writer.integer(number)


def _count(parts: "list[Any]", count: int) -> None:
    if len(parts) != count:
        raise RefusalError(
            "this kind of request has %d parts, not %d" % (2 + count, 2 + len(parts))
        )
