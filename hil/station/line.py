"""The line of the depot station: boards come, are told their places, are worked on, and go.

Nothing here knows a terminal, a page or a board: a person's scans come in, a state goes out, and
what is done to a board is one call in a thread of its own.

A board's own resets make its port go and come back. So while it is worked on, its port may be
away. A board that waits its turn, passed or failed was taken out once its port was away or is
another one, but for the reset that ends a failed attempt: whatever comes then is a new board, for
nobody may take an old PASS for its own.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from gateway.errors import AxleboxError
from gateway.timebase import Clock
from hil.station.errors import ContactError, StationError
from hil.station.line_errors import OTHER
from hil.station.line_state import (
    ASKS,
    FAIL,
    PASS,
    QUEUED,
    STEPS,
    WORKS,
    Card,
    Done,
    LineState,
    Notice,
    Phase,
)
from hil.station.scan import Place, SlotCall, read_scan
from hil.station.slots import called

__all__ = ["AWAY_S", "GONE_S", "HELD_S", "SETTLES_S", "Line", "Plugged", "Progress", "Work"]

GONE_S = 1.5
"""A board whose port is away for longer is out."""

AWAY_S = 4.0
"""A board that is worked on is called out after this; it may be back from a reset before."""

SETTLES_S = 5.0
"""How long after a failure a port may come anew: the board was told to run its program."""

HELD_S = 60.0
"""How long the failure of a board that was pulled too early is shown, unless one is plugged in."""

_DAY_LOOK_S = 30.0
_SHOWN = 50
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plugged:
    """What is in a slot: its port, and what tells one appearance of that port from the next."""

    port: str
    stamp: tuple[int, ...] = ()


@dataclass(frozen=True)
class Progress:
    """How far the work on a board is: a step of STEPS and how much of it is done, 0 to 1."""

    step: str
    share: float = 0.0
    unique_id: str = ""


class Work(Protocol):
    """What is done at the line: hil.station.line_work.LineWork."""

    def check(self, place: Place) -> None:
        """Raises AxleboxError where there is no such place."""

    def do(self, port: str, place: Place, tell: Callable[[Progress], None]) -> None:
        """Make the board at this port the node of that place. Raises AxleboxError."""

    def today(self) -> list[Done]:
        """What came to its end today, the last first."""


@dataclass
class _Seat:
    """A slot with a board in it, or with what is left to say of one."""

    slot: str
    number: int
    plugged: Plugged
    since_us: int
    phase: Phase = ASKS
    place: Place | None = None
    progress: Progress = Progress("")
    unique_id: str = ""
    absent_us: int | None = None
    ended_us: int = 0
    pulled: bool = False
    code: str = ""
    text: str = ""
    what_to_do: str = ""

    def is_absent(self, now_us: int) -> bool:
        return self.absent_us is not None and now_us - self.absent_us > AWAY_S * 1e6


class Line:
    """`look` says what is plugged in now, by slot; `start` runs a job some time, in a thread of
    its own. `tick` is to be called a few times a second, and raises AxleboxError where the station
    itself is broken. All calls may come from any thread."""

    def __init__(
        self,
        look: Callable[[], Mapping[str, Plugged]],
        work: Work,
        start: Callable[[Callable[[], None]], object],
        clock: Clock,
    ) -> None:
        self._look = look
        self._work = work
        self._start = start
        self._clock = clock
        self._lock = threading.RLock()
        self._seats: dict[str, _Seat] = {}
        self._numbers: dict[str, int] = {}
        self._named: str | None = None
        self._notice: Notice | None = None
        self._listeners: list[Callable[[], None]] = []
        self._today = work.today()
        self._looked_us = clock.monotonic_us()
        self._state = self._picture(1)

    def state(self) -> LineState:
        return self._state

    def listen(self, heard: Callable[[], None]) -> None:
        """`heard` is called after each change, in the thread that made it."""
        self._listeners.append(heard)

    def tick(self) -> None:
        """Look who came and who went."""
        present = self._look()
        with self._lock:
            now_us = self._clock.monotonic_us()
            for slot, plugged in sorted(present.items()):
                self._see(slot, plugged, now_us)
            for slot in [slot for slot in self._seats if slot not in present]:
                self._miss(self._seats[slot], now_us)
            if now_us - self._looked_us > _DAY_LOOK_S * 1e6:
                self._looked_us = now_us
                self._today = self._work.today()
            self._publish()

    def scan(self, text: str) -> Notice:
        """Take what was scanned or typed; what came of it."""
        with self._lock:
            meant = read_scan(text)
            if meant is None:
                self._notice = Notice(key="scan.unknown", good=False, text=text.strip()[:60])
            elif isinstance(meant, SlotCall):
                self._notice = self._name(meant)
            else:
                self._notice = self._give(meant)
            self._publish()
            return self._notice

    def _see(self, slot: str, plugged: Plugged, now_us: int) -> None:
        seat = self._seats.get(slot)
        if seat is None:
            self._seat(slot, plugged, now_us)
            return
        anew = seat.absent_us is not None or seat.plugged != plugged
        settles = seat.phase == FAIL and now_us - seat.ended_us <= SETTLES_S * 1e6
        if anew and not settles and seat.phase in (QUEUED, PASS, FAIL):
            self._seat(slot, plugged, now_us)
            return
        seat.plugged = plugged
        seat.absent_us = None
        seat.pulled = False

    def _seat(self, slot: str, plugged: Plugged, now_us: int) -> None:
        number = self._numbers.setdefault(slot, len(self._numbers) + 1)
        self._seats[slot] = _Seat(slot, number, plugged, now_us)

    def _miss(self, seat: _Seat, now_us: int) -> None:
        if seat.absent_us is None:
            seat.absent_us = now_us
        limit_s = HELD_S if seat.pulled else GONE_S
        since_us = seat.ended_us if seat.pulled else seat.absent_us
        if seat.phase != WORKS and now_us - since_us > limit_s * 1e6:
            del self._seats[seat.slot]
            if self._named == seat.slot:
                self._named = None

    def _name(self, call: SlotCall) -> Notice:
        meant = [
            seat
            for seat in self._seats.values()
            if call.slot == str(seat.number) or called([seat.slot], call.slot)
        ]
        if not call.slot:
            self._named = None
            return Notice(key="scan.none_named", good=True)
        if len(meant) != 1:
            return Notice(key="scan.no_slot", good=False, text=call.slot)
        (seat,) = meant
        if seat.phase != ASKS:
            return Notice(key="scan.slot_busy", good=False, slot=seat.number)
        self._named = seat.slot
        return Notice(key="scan.slot_named", good=True, slot=seat.number)

    def _give(self, place: Place) -> Notice:
        try:
            self._work.check(place)
        except AxleboxError as error:
            return Notice(key="scan.no_place", good=False, place=str(place), text=str(error))
        for seat in self._seats.values():
            if seat.place == place and seat.phase in (QUEUED, WORKS, PASS):
                return Notice(
                    key="scan.place_taken", good=False, place=str(place), slot=seat.number
                )
        chosen = self._next()
        if chosen is None:
            return Notice(key="scan.nobody_asks", good=False, place=str(place))
        self._named = None
        chosen.phase, chosen.place = QUEUED, place
        self._start(lambda: self._run(chosen, place))
        return Notice(key="scan.given", good=True, place=str(place), slot=chosen.number)

    def _next(self) -> _Seat | None:
        """Who gets the next place: the slot that was named, else who has waited longest."""
        asking = [seat for seat in self._seats.values() if seat.phase == ASKS]
        if self._named is not None:
            return next((seat for seat in asking if seat.slot == self._named), None)
        return min(asking, key=lambda seat: (seat.since_us, seat.number), default=None)

    def _run(self, seat: _Seat, place: Place) -> None:
        with self._lock:
            if self._seats.get(seat.slot) is not seat:
                return
            seat.phase = WORKS
            self._publish()

        def tell(progress: Progress) -> None:
            with self._lock:
                seat.progress = progress
                seat.unique_id = progress.unique_id or seat.unique_id
                self._publish()

        error: Exception | None = None
        try:
            self._work.do(seat.plugged.port, place, tell)
        except AxleboxError as failed:
            error = failed
        except Exception as failed:
            _log.exception("the work in slot %s broke off", seat.slot)
            error = failed
        with self._lock:
            self._end(seat, error)
            with suppress(AxleboxError):  # the next look tells that
                self._today = self._work.today()
            self._publish()

    def _end(self, seat: _Seat, error: Exception | None) -> None:
        seat.ended_us = self._clock.monotonic_us()
        if error is None:
            seat.phase = PASS
            return
        seat.phase = FAIL
        seat.pulled = isinstance(error, ContactError) and seat.absent_us is not None
        if isinstance(error, StationError):
            seat.code = error.code or OTHER
            seat.text, seat.what_to_do = error.text, error.what_to_do
        elif isinstance(error, AxleboxError):
            seat.code, seat.text, seat.what_to_do = "station", str(error), ""
        else:
            seat.code = OTHER
            seat.text = f"unexpected: {type(error).__name__}"
            seat.what_to_do = (
                "Plug it in again and begin again; if that does not help, set it aside"
            )

    def _publish(self) -> None:
        state = self._picture(self._state.version)
        if state != self._state:
            self._state = self._picture(self._state.version + 1)
            for heard in self._listeners:
                heard()

    def _picture(self, version: int) -> LineState:
        following = self._next()
        now_us = self._clock.monotonic_us()
        seats = sorted(self._seats.values(), key=lambda seat: seat.number)
        return LineState(
            version=version,
            cards=tuple(_card(seat, now_us, is_next=seat is following) for seat in seats),
            notice=self._notice,
            passed=sum(done.passed for done in self._today),
            failed=sum(not done.passed for done in self._today),
            history=tuple(self._today[:_SHOWN]),
        )


def _card(seat: _Seat, now_us: int, *, is_next: bool) -> Card:
    step = seat.progress.step
    done = STEPS.index(step) + seat.progress.share if step else 0.0
    return Card(
        number=seat.number,
        slot=seat.slot,
        name=seat.slot.rpartition("usb-")[2],
        phase=seat.phase,
        place=str(seat.place or ""),
        unique_id=seat.unique_id,
        step=step,
        share=1.0 if seat.phase == PASS else round(done / len(STEPS), 3),
        next=is_next,
        absent=seat.is_absent(now_us),
        code=seat.code,
        text=seat.text,
        what_to_do=seat.what_to_do,
    )
