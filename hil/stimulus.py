"""The host's side of a stimulus unit: docs/stimulus.md has its protocol and how it is wired."""

import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import serial
from axwire.cbor import INT32, Writer, decode
from axwire.errors import WireError
from axwire.framing import Deframer, frame

from gateway.timebase import Clock
from hil.errors import BenchError
from simulators.board.ticks import PERIOD

__all__ = ["CONDITIONS", "UNIT_OF_KIND", "Applied", "Level", "Output", "StimulusUnit"]

VERSION = 1
REFUSED, HELLO, STRETCH, CONDITION, SUPPLY, APPLIED, REST = 0, 1, 2, 3, 4, 5, 6
MESSAGE_CAP = 1024
CONDITIONS = ("ok", "open", "high", "low", "stuck")
"""By their number."""

UNIT_OF_KIND = {
    "loop": "nA",
    "pulses": "mHz",
    "contact": "level",
    "resistance": "tenth_milliohm",
    "bridge": "nV/V",
    "shaker": "ug",
}
"""What the values of each kind of output are."""

_ANSWER_S = 3.0
"""Longer than the unit's start takes."""

_READ_S = 0.05
_MATCHES = 5
"""So often the clocks are matched at first: the first answer may have had to wait for the unit."""

_DRIFT_PPM = 100
"""By how much two crystals may differ, at most, as far as clocks are matched here."""


@dataclass(frozen=True)
class Output:
    """Something that the unit can put out, from `low` to `high` in the unit of its kind."""

    number: int
    name: str
    kind: str
    low: int
    high: int
    conditions: tuple[str, ...]


@dataclass(frozen=True)
class Level:
    """What an output has now: `value` since `at_us` of the bench's clock, modulo PERIOD; how
    often it ran out of what it was to play."""

    value: int
    at_us: int
    condition: str
    starved: int


@dataclass(frozen=True)
class Applied:
    """What the unit says it does now; levels are read back from chips, where they can be."""

    supply_on: bool
    supply_us: int
    late_us: int
    chip_errors: int
    levels: dict[str, Level]


class StimulusUnit:
    """An opened port with a unit behind it. Everything raises BenchError where the unit is gone,
    does not answer or refuses.

    `offset_us` = its ticks less the bench's clock, right to `error_us`.
    """

    def __init__(self, port: Path, clock: Clock) -> None:
        self.outputs: dict[str, Output] = {}
        self.problems: tuple[str, ...] = ()
        self.unique_id = ""
        self.offset_us = 0
        self.error_us = PERIOD
        self._matched_us = 0
        self._clock = clock
        self._where = f"the stimulus unit at {port}"
        self._number = 0
        self._deframer = Deframer(MESSAGE_CAP)
        try:
            self._serial = serial.Serial(str(port), timeout=_READ_S, write_timeout=_ANSWER_S)
        except (serial.SerialException, OSError) as error:
            raise BenchError(
                f"{self._where} cannot be opened: {error.strerror or error}; is it plugged in?"
            ) from None
        try:
            self._greet()
        except BenchError:
            self.close()
            raise

    def close(self) -> None:
        with suppress(serial.SerialException, OSError):
            self._serial.close()

    def stretch(
        self, output: str, flags: int, t0_us: int, period_us: int, samples: Sequence[int]
    ) -> None:
        """Play these from `t0_us` of the bench's clock on."""
        writer = self._begin(STRETCH, 5)
        writer.integer(self._known(output).number)
        writer.integer(flags)
        writer.integer((t0_us + self.offset_us) % PERIOD)
        writer.integer(period_us)
        writer.typed(INT32, struct.pack(f"<{len(samples)}i", *samples))
        self._ask(STRETCH, writer)

    def condition(self, output: str, condition: str) -> None:
        """Make an output what a fault would make of it, or "ok" again."""
        known = self._known(output)
        if condition != "ok" and condition not in known.conditions:
            raise BenchError(f"{output} of {self._where} cannot be {condition}")
        writer = self._begin(CONDITION, 2)
        writer.integer(known.number)
        writer.integer(CONDITIONS.index(condition))
        self._ask(CONDITION, writer)

    def cut_supply(self, off_ms: int) -> None:
        """Take the supply from the board for so long; 0: it is on again."""
        writer = self._begin(SUPPLY, 1)
        writer.integer(off_ms)
        self._ask(SUPPLY, writer)

    def rest(self) -> None:
        """No sensor: loops and PT100 open, nothing turns or shakes, contacts open."""
        self._ask(REST, self._begin(REST, 0))

    def applied(self) -> Applied:
        """What it does now; matches the clocks, too."""
        before_us = self._clock.monotonic_us()
        ticks_us, on, supply_us, late_us, errors, levels = self._ask(
            APPLIED, self._begin(APPLIED, 0)
        )
        self._match(before_us, ticks_us)
        return Applied(
            supply_on=bool(on),
            supply_us=(supply_us - self.offset_us) % PERIOD,
            late_us=late_us,
            chip_errors=errors,
            levels={
                name: Level(value, (at_us - self.offset_us) % PERIOD, CONDITIONS[what], starved)
                for name, (value, at_us, what, starved) in zip(self.outputs, levels, strict=True)
            },
        )

    def _greet(self) -> None:
        before_us = self._clock.monotonic_us()
        # A unit of another version may say anything behind its version.
        version, *rest = self._ask(HELLO, self._begin(HELLO, 0))
        if version != VERSION:
            raise BenchError(
                f"{self._where} speaks version {version} of its protocol, not {VERSION}: "
                "copy the program of this version to it"
            )
        unique_id, ticks_us, _, _, outputs, problems = rest
        self._match(before_us, ticks_us)
        self.unique_id = unique_id.hex()
        self.problems = tuple(problems)
        for number, (name, kind, low, high, conditions) in enumerate(outputs):
            words = tuple(CONDITIONS[each] for each in conditions)
            self.outputs[name] = Output(number, name, kind, low, high, words)
        for _ in range(_MATCHES):
            self.applied()

    def _match(self, before_us: int, ticks_us: int) -> None:
        """Match the clocks by a request that was sent then: the shortest way there and back
        counts, until the crystals may have drifted further apart than it was right."""
        now_us = self._clock.monotonic_us()
        error_us = (now_us - before_us) // 2
        drifted_us = (now_us - self._matched_us) * _DRIFT_PPM // 1_000_000
        if error_us <= self.error_us + drifted_us:
            self.error_us = error_us
            self.offset_us = (ticks_us - before_us - error_us) % PERIOD
            self._matched_us = now_us

    def _known(self, output: str) -> Output:
        if output not in self.outputs:
            there = ", ".join(self.outputs) or "none"
            raise BenchError(f"{self._where} has no output {output}; it has {there}")
        return self.outputs[output]

    def _begin(self, kind: int, parts: int) -> Writer:
        self._number = (self._number + 1) % (1 << 30)
        writer = Writer(MESSAGE_CAP)
        writer.array(2 + parts)
        writer.integer(kind)
        writer.integer(self._number)
        return writer

    def _ask(self, kind: int, request: Writer) -> list[Any]:
        """What the answer says behind its kind and number."""
        deadline_us = self._clock.monotonic_us() + round(_ANSWER_S * 1e6)
        try:
            self._serial.write(b"\0" + frame(request.written()))
            while self._clock.monotonic_us() < deadline_us:
                for message in self._deframer.feed(
                    self._serial.read(self._serial.in_waiting or 1)
                ):
                    answer = _parsed(message)
                    if answer[1:2] != [self._number]:
                        continue
                    if answer[0] == REFUSED:
                        raise BenchError(f"{self._where} refuses: {answer[2]}")
                    if answer[0] == kind:
                        return answer[2:]
        except (serial.SerialException, OSError) as error:
            raise BenchError(f"{self._where} is gone ({error}); was it pulled out?") from None
        raise BenchError(f"{self._where} does not answer; does it run our stimulus program?")


def _parsed(message: bytes) -> list[Any]:
    """The items of an answer; none where it is not one."""
    try:
        value = decode(message)
    except WireError:
        return []
    return value if isinstance(value, list) else []
