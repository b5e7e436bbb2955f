"""Simulated time: one clock for boards, gateway and test, and what happens when.

The clock jumps from one thing to the next: what was planned, and the bytes that boards send. In
between the boards run, side by side, each until the next thing that it could notice; so a run
repeats exactly, and no byte arrives before its time. What a board has sent is listened to as soon
as no other can speak before, while the others run on: each says until when it sleeps. It runs on
itself, one message ahead, where nobody can answer yet (`Listener.answered_us`). One rule makes
this possible: what a board sends has no effect on another board before the next thing that is
planned for boards. Where it had, the other board would hear of it late, by no more than the time
to that thing or, if that is less, by two of its own messages.
"""

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from math import ceil, inf
from typing import Protocol

from hil.lockstep import LockstepTarget, Sent

__all__ = ["Listener", "Schedule", "SimulatedClock"]


class SimulatedClock:
    """Time as far as the run has come; a gateway takes it for its own (gateway.timebase.Clock)."""

    def __init__(self, start_us: int = 0, utc_us: int = 1_763_755_200_000_000) -> None:
        self._us = start_us
        self._utc_offset_us = utc_us - start_us
        self._trusted = True

    def monotonic_us(self) -> int:
        return self._us

    def utc_us(self) -> int:
        return self._us + self._utc_offset_us

    def trusted(self) -> bool:
        return self._trusted

    def boot_id(self) -> str:
        return "bench"

    def advance_to(self, us: int) -> None:
        """Time never goes back: a moment that has passed changes nothing."""
        self._us = max(self._us, us)

    def step_wall_us(self, microseconds: int) -> None:
        """Move the wall time alone, as a time daemon does."""
        self._utc_offset_us += microseconds

    def trust(self, trusted: bool) -> None:
        self._trusted = trusted


class Listener(Protocol):
    """What a board's UART is connected to."""

    def sent(self, data: bytes) -> None:
        """These bytes have left the board, the last of them now."""

    def answered_us(self, data: bytes, end_us: int) -> float:
        """When a board could notice, at the earliest, that these bytes leave this one at
        `end_us`; to be asked when all that it sent before has been heard."""


@dataclass(order=True)
class _Plan:
    at_us: int
    number: int
    call: Callable[[], None] = field(compare=False)


@dataclass(order=True)
class _Aside:
    plan: _Plan
    period_us: int = field(compare=False)
    noticed_us: Callable[[], float] = field(compare=False)


@dataclass
class _Board:
    target: LockstepTarget
    listener: Listener
    _judged: Sent | None = None
    _answered_us: float = inf

    def may_run_until_us(self) -> float:
        """Where it could notice that what it sent is heard only now: it may be one message ahead
        of who listens."""
        left = self.target.left
        if not left:
            return inf
        if len(left) > 1:
            return -inf
        if left[0] is not self._judged:
            self._judged = sent = left[0]
            self._answered_us = self.listener.answered_us(sent.data, sent.end_us)
        return self._answered_us


class Schedule:
    """Runs boards and plans. Boards are served in the order in which they were added; plans for
    one moment in the order in which they were made, after the bytes that arrive then."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self._boards: list[_Board] = []
        self._plans: list[_Plan] = []
        self._asides: list[_Aside] = []
        self._spare: deque[Callable[[], None]] = deque()
        self._numbers = count()

    def add(self, target: LockstepTarget, listener: Listener) -> None:
        """Run this board too; it must have been started."""
        self._boards.append(_Board(target, listener))

    def at(self, us: int, call: Callable[[], None], noticed_us: int = 0) -> None:
        """Plan a call; one for a moment that has passed happens next. All boards stand there, or
        at the latest at `noticed_us`, where none can notice it before."""
        plan = _Plan(us, next(self._numbers), call)
        if noticed_us > us:
            heapq.heappush(self._asides, _Aside(plan, 0, lambda: noticed_us))
        else:
            heapq.heappush(self._plans, plan)

    def every(
        self,
        period_us: int,
        call: Callable[[], None],
        noticed_us: Callable[[], float] = lambda: -inf,
    ) -> None:
        """Plan a call for each period, the first one period from now.

        `noticed_us()`: when a board may notice what the call does, at the earliest. Before, boards
        do not stand for it; what they sent has been heard all the same.
        """

        def again() -> None:
            self.every(period_us, call, noticed_us)
            call()

        plan = _Plan(self.clock.monotonic_us() + period_us, next(self._numbers), again)
        heapq.heappush(self._asides, _Aside(plan, period_us, noticed_us))

    def meanwhile(self, call: Callable[[], None]) -> None:
        """Have this done while boards run that must be waited for; or `catch_up`."""
        self._spare.append(call)

    def catch_up(self) -> None:
        """Do all that is to be done meanwhile."""
        while self._spare:
            self._spare.popleft()()

    def run_for(self, seconds: float) -> None:
        """Let so much time pass."""
        self.run_until(self.clock.monotonic_us() + round(seconds * 1e6))

    def run_until(self, end_us: int) -> None:
        """Let time pass until then. What is planned for then has happened."""
        while True:
            bound_us = self._bound_us(end_us)
            plan = self._next_plan(end_us)
            next_us = end_us if plan is None else plan.at_us
            speaker = self._speaker_once_quiet(next_us, bound_us)
            if speaker is not None:
                sent = speaker.target.take()
                self.clock.advance_to(sent.end_us)
                speaker.listener.sent(sent.data)
                continue
            self.clock.advance_to(next_us)
            if plan is None:
                return
            self._forget(plan)
            plan.call()

    def _speaker_once_quiet(self, next_us: int, bound_us: int) -> _Board | None:
        """Let boards run up to the bound until none can speak before what comes next: bytes of
        this board, or what is planned for `next_us`, for which all stand where it is the bound."""
        self._send_off(self._boards, bound_us)
        while True:
            leaves_us, speaker = self._next_speaker()
            if leaves_us <= next_us:
                late = self._runs_still(int(leaves_us), speaker)
            else:
                speaker = None
                late = self._runs_still(next_us, all_of_them=next_us == bound_us)
            if late is None:
                return speaker
            while self._spare and not late.target.answered:
                self._spare.popleft()()
            late.target.finish()
            self._send_off([late], bound_us)

    def _bound_us(self, end_us: int) -> int:
        """How far boards may run: to the next thing that they could notice."""
        if self._plans:
            end_us = min(end_us, self._plans[0].at_us)
        for aside in self._asides:
            at_us = aside.plan.at_us
            if at_us < end_us:
                later_us = int(max(0, min(aside.noticed_us(), end_us) - at_us))
                if aside.period_us:
                    later_us = ceil(later_us / aside.period_us) * aside.period_us
                end_us = min(end_us, at_us + later_us)
        return end_us

    def _next_plan(self, end_us: int) -> _Plan | None:
        """The first up to the end."""
        first = self._plans[0] if self._plans else None
        if self._asides and (first is None or self._asides[0].plan < first):
            first = self._asides[0].plan
        return None if first is None or first.at_us > end_us else first

    def _forget(self, plan: _Plan) -> None:
        if self._plans and self._plans[0] is plan:
            heapq.heappop(self._plans)
        else:
            heapq.heappop(self._asides)

    def _send_off(self, boards: list[_Board], bound_us: int) -> None:
        """Let each of these run that stands, until the bound or, earlier, until bytes of it
        leave."""
        for board in boards:
            target = board.target
            if not target.runs and target.now_us < bound_us:
                until_us = min(bound_us, board.may_run_until_us())
                if target.now_us < until_us:
                    target.begin(int(until_us))

    def _runs_still(
        self, us: int, speaker: _Board | None = None, *, all_of_them: bool = False
    ) -> _Board | None:
        """A board that runs and has not come to `us`, if it is the speaker, or could speak by
        then, or for any."""
        for board in self._boards:
            target = board.target
            if target.runs:
                if board is speaker:
                    if target.now_us < us:
                        return board
                elif all_of_them or target.quiet_until_us <= us:
                    return board
        return None

    def _next_speaker(self) -> tuple[float, _Board | None]:
        """When bytes leave first, and whose; of several boards the one that was added first."""
        first_us, first = inf, None
        for board in self._boards:
            leaves_us = board.target.leaves_us
            if leaves_us is not None and leaves_us < first_us:
                first_us, first = leaves_us, board
        return first_us, first
