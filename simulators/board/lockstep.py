"""A board whose time the host grants, a stretch at a time.

At power-up and whenever the granted time is over the board says where it stands (STOPPED) and
waits for the next grant (RUN); what comes before that grant is obeyed at once, at the tick at
which the board stands. It also says until when its firmware sleeps, if nothing comes.
What is due at the last tick of a grant happens after the next one. A grant ends early when bytes
that the firmware wrote have left its UART, for they may be answered: so no answer is ever late.

The watchdog, timers and the bytes on the UART have their exact times, whatever the firmware does.
"""

import os
import struct
from sys import modules

from simulators.board import power, tasks
from simulators.board.board import Board, power_up
from simulators.board.constant import const
from simulators.board.control_frames import (
    BYTES,
    BYTES_HEADER,
    HEADER,
    LEFT,
    POWER,
    RUN,
    SENT,
    STOPPED,
    u32,
)
from simulators.board.errors import BoardError
from simulators.board.pair_line import PairLine
from simulators.board.randomness import seed_randomness
from simulators.board.simulated_time import clock
from simulators.board.ticks import ticks_add, ticks_diff, ticks_us
from simulators.board.timed_line import TimedLine

try:
    from simulators.board import descriptors
except ImportError:
    from simulators.board import descriptors_host as descriptors  # type: ignore[no-redef]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

_SETTLE_US = const(60_000_000)
_FAR_US = const((1 << 29) - 1)
_ROOM = const(8192)
"""For two of the longest frames, or all that is sent of a flush of rows."""


class Grants:
    """The board's end of the channel to the host, in place of control.Control: it blocks, for
    between two grants nothing happens. Reading and writing a grant allocates nothing.

    SENT waits for the next STOPPED or LEFT, for the host does nothing before.
    """

    connected = True

    def __init__(self, descriptors: "ModuleType", in_fd: int, out_fd: int) -> None:
        self._os = descriptors
        self._in_fd = in_fd
        self._out_fd = out_fd
        self._in = bytearray(_ROOM)
        self._view = memoryview(self._in)
        self._at = 0
        self._end = 0
        self._out = bytearray(_ROOM)
        self._written = 0

    def pump(self, handle: "Callable[[int, memoryview], None]") -> None:
        """Nothing comes while the board runs."""

    def send(self, data: "bytes | bytearray | memoryview") -> None:
        """Send a frame, and all that was to be sent."""
        self._put(data)
        self._flush()

    def send_bytes(self, port: int, tick: int, data: "bytes | bytearray | memoryview") -> None:
        """Send SENT."""
        at = self._room_for(HEADER + BYTES_HEADER)
        struct.pack_into("<HBBI", self._out, at, BYTES_HEADER + len(data), SENT, port, tick)
        self._put(data)

    def send_stopped(self, tick: int, waits: int, sleeps_until: int) -> None:
        """Send STOPPED, and all that was to be sent."""
        at = self._room_for(HEADER + 12)
        struct.pack_into("<HBIII", self._out, at, 12, STOPPED, tick, waits, sleeps_until)
        self._flush()

    def send_left(self, tick: int, code: int) -> None:
        """Send LEFT, and all that was to be sent."""
        at = self._room_for(HEADER + 8)
        struct.pack_into("<HBII", self._out, at, 8, LEFT, tick, code)
        self._flush()

    def receive(self, handle: "Callable[[int, memoryview], None]") -> int:
        """Give each frame to `handle(kind, payload)` up to a RUN; return its tick."""
        buffer = self._in
        while True:
            at = self._need(HEADER)
            length = buffer[at] | buffer[at + 1] << 8
            at = self._need(HEADER + length) + HEADER
            self._at = at + length
            if buffer[at - 1] == RUN:
                return u32(buffer, at)
            handle(buffer[at - 1], self._view[at : at + length])

    def _need(self, count: int) -> int:
        """Where the next so many bytes lie, once they have come."""
        while self._end - self._at < count:
            if self._at == self._end:
                self._at = self._end = 0
            elif self._at + count > _ROOM:
                rest = self._end - self._at
                self._in[0:rest] = bytes(self._view[self._at : self._end])
                self._at = 0
                self._end = rest
            into = self._view[self._end :] if self._end else self._in
            self._end += self._moved(self._os.read_into(self._in_fd, into, _ROOM - self._end))
        return self._at

    def _room_for(self, count: int) -> int:
        """Where so many bytes to be sent may be put."""
        if self._written + count > _ROOM:
            self._flush()
        at = self._written
        self._written = at + count
        return at

    def _put(self, data: "bytes | bytearray | memoryview") -> None:
        count = len(data)
        if count > _ROOM:
            self._flush()
            self._write(data, count)
        else:
            at = self._room_for(count)
            self._out[at : at + count] = data

    def _flush(self) -> None:
        count = self._written
        self._written = 0
        self._write(self._out, count)

    def _write(self, data: "bytes | bytearray | memoryview", count: int) -> None:
        done = self._moved(self._os.write_from(self._out_fd, data, count))
        while done < count:
            rest = memoryview(data)[done:]
            done += self._moved(self._os.write_from(self._out_fd, rest, count - done))

    def _moved(self, count: int) -> int:
        if count < 0:  # with the host goes the board's supply
            self._os.exit_now(power.EXIT_POWER_CUT)
        return count


class LockstepBoard(Board):
    """Nothing needs to be looked at while code runs: all that happens, happens in waits."""

    GOES_ON = False

    def __init__(
        self, wiring: "dict[str, Any]", grants: Grants, cause: int, system: "ModuleType"
    ) -> None:
        self._grants = grants
        self._timed_lines: "list[TimedLine]" = []
        self._held = False
        self._uarts: "dict[str, Any]" = wiring.get("uart", {})
        self._obey_frame = self._obey  # made once: a bound method is an object on the heap
        super().__init__(wiring, ticks_us, grants, cause, system, self._open_line)
        self._limit_us = clock.us
        self._settle_us = ticks_add(clock.us, _SETTLE_US)
        clock.at_horizon = self._at_horizon

    def begin(self) -> None:
        """Wait for the first grant."""
        self._exchange()

    def touch(self) -> None:
        """The world outside goes on in waits."""

    def plan(self) -> None:
        """Find the next tick at which something happens that the firmware did not wait for."""
        clock.stir()
        now_us = clock.us
        ahead_us = _nearer(self._ahead_us(now_us, _FAR_US), now_us, self._limit_us)
        ahead_us = _nearer(ahead_us, now_us, self._settle_us)
        clock.horizon_us = ticks_add(now_us, ahead_us)

    def _ahead_us(self, now_us: int, ahead_us: int) -> int:
        """How far away the next thing is that the firmware could notice, if not as far as that."""
        if self._watchdog_us:
            ahead_us = _nearer(ahead_us, now_us, ticks_add(self._fed_us, self._watchdog_us))
        if not self._held:
            for timer in self.timers:
                ahead_us = _nearer(ahead_us, now_us, timer.due_us)
        for line in self._timed_lines:
            event_us = line.event_us()
            if event_us is not None:
                ahead_us = _nearer(ahead_us, now_us, event_us)
        return ahead_us

    def feed_watchdog(self, timeout_us: int = 0) -> None:
        if timeout_us:
            self._watchdog_us = timeout_us
        else:
            self.host.feeds += 1
        self._fed_us = clock.us
        self.plan()

    def hold(self, duration_us: int) -> None:
        self._held = True
        for line in self._timed_lines:
            line.pause(clock.us)
        self.plan()
        clock.pass_until(ticks_add(clock.us, duration_us))
        for line in self._timed_lines:
            line.go_on(clock.us)
        self._held = False
        self.plan()

    def leave(self, code: int) -> None:
        self.host.report()
        self._grants.send_left(clock.us, code)
        self._system.exit_now(code)

    def _open_line(self, port: str) -> TimedLine:
        number = int(port)
        kind = PairLine if "de" in self._uarts[port] else TimedLine
        line = kind(ticks_us, lambda us, data: self._sent(number, us, data), self.plan)
        self._timed_lines.append(line)
        return line

    def _sent(self, port: int, end_us: int, data: "bytes | bytearray | memoryview") -> None:
        self._grants.send_bytes(port, end_us, data)
        if ticks_diff(end_us, self._limit_us) < 0:
            self._limit_us = end_us

    def _at_horizon(self) -> None:
        now_us = clock.us
        if self._watchdog_us and ticks_diff(now_us, self._fed_us) >= self._watchdog_us:
            self.leave(power.EXIT_WATCHDOG)
        if not self._held:
            for timer in self.timers:
                timer.run(now_us)
        if ticks_diff(now_us, self._settle_us) >= 0:
            self._settle_us = ticks_add(now_us, _SETTLE_US)
            self.hardware.settle(now_us)
        for line in self._timed_lines:
            line.tend(now_us)
        if ticks_diff(now_us, self._limit_us) >= 0:
            self._exchange()
        self.plan()

    def _exchange(self) -> None:
        """Say where the board stands, and obey until more time is granted."""
        now_us = clock.us
        while ticks_diff(now_us, self._limit_us) >= 0:
            ahead_us = _nearer(_FAR_US, now_us, clock.until_us)
            sleeps_until = ticks_add(now_us, self._ahead_us(now_us, ahead_us))
            self._grants.send_stopped(now_us, clock.waits, sleeps_until)
            self._limit_us = self._grants.receive(self._obey_frame)

    def _obey(self, kind: int, payload: "memoryview") -> None:
        if kind == BYTES:
            line: "Any" = self.hardware.uart[str(payload[0])]
            line.arrive(u32(payload, 1), bytes(payload[BYTES_HEADER:]))
        elif kind == POWER:
            if self.hardware.flash is None:
                raise BoardError("there is no flash in whose operations power could fail")
            self.hardware.flash.fail_after(u32(payload, 0))
        else:
            self.host.obey(kind, payload)


def power_up_in_lockstep() -> None:
    """As board.power_up; the clock begins at AXSIM_LOCKSTEP, and asyncio goes by it. Returns with
    the first grant."""
    modules["_asyncio"] = tasks
    us, ms, sub_us = (os.getenv("AXSIM_LOCKSTEP") or "0,0,0").split(",")
    clock.set(int(us), int(ms), int(sub_us))
    board: "Any" = power_up(_make)
    board.begin()


def _make(
    wiring: "dict[str, Any]", channel: "tuple[int, int] | None", cause: int
) -> LockstepBoard:
    if channel is None:
        raise BoardError("AXSIM_CONTROL is missing: in lock-step there must be a host")
    clock.wake_up_us = wiring.get("wake_up_us", 0)
    board = LockstepBoard(wiring, Grants(descriptors, *channel), cause, descriptors)
    seed_randomness(wiring.get("seed", 0), clock.us)
    return board


def _nearer(ahead_us: int, now_us: int, tick: int) -> int:
    """The lesser of a distance and how far a tick lies ahead; 0 for one in the past."""
    distance_us = ticks_diff(tick, now_us)
    return distance_us if 0 < distance_us < ahead_us else 0 if distance_us <= 0 else ahead_us
