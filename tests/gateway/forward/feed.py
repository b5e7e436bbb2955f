"""A node that fills a spool, and a forwarder that empties it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from axwire.codes import HEALTH_FIELDS
from axwire.places import MOTOR, place
from axwire.table import Group
from manual_clock import ManualClock

from gateway.forward import (
    Answer,
    CursorFile,
    Forwarder,
    ForwardSettings,
    Sink,
    Verdict,
    server_of,
)
from gateway.forward.progress import Progress
from gateway.spool import Kind, Position

from .influx_double import SinkDouble
from .node_double import (
    LOCOMOTIVE,
    UTC_US,
    FilledSpool,
    NodeDouble,
    Sample,
    channel,
    groups,
    samples_of,
)

BOOTED_US = UTC_US - 5_000_000


TABLE = groups(
    [channel("motor.current", place(MOTOR, motor), 20_000_000, 3) for motor in (1, 2, 3)],
    [channel("motor.winding_temperature", place(MOTOR, motor), 31_250_000) for motor in (1, 2, 3)],
)


SAMPLES = HEALTH_FIELDS.index("samples")


SERVER = server_of("http://depot:8086", "depot", "axlebox")


@dataclass
class Feed:
    """A node that fills a spool, with the samples that must reach the server."""

    spool: FilledSpool
    node: NodeDouble = field(default_factory=lambda: NodeDouble("motors-a", TABLE))
    t_ms: int = 1000
    booted_us: int = BOOTED_US
    estimated: bool = False
    expected: list[Sample] = field(default_factory=list)

    def begin(self, *, clock: bool = True) -> None:
        self.spool.message(self.node.hello())
        if clock:
            self.give_clock()

    def give_clock(self, *, trusted: bool = True) -> None:
        self.estimated = not trusted
        self.spool.append(Kind.CLOCK, self.node.clock(self.booted_us, trusted=trusted))

    def read(self, messages: int, rows: int = 4, group: int = 0) -> None:
        for number in range(messages):
            raws = [[100 * number + 10 * k + c - 500 for c in range(3)] for k in range(rows)]
            self.spool.message(self.node.readings(self.t_ms, raws, group=group))
            self.expected += samples_of(
                self.node.name,
                self._group(group),
                self.t_ms,
                raws,
                self.booted_us,
                estimated=self.estimated,
            )
            self.t_ms += rows * 10

    def _group(self, number: int) -> Group:
        return self.node.table[number]


def forwarder_of(
    spool: FilledSpool,
    sink: Sink,
    *,
    batch_values: int = 100,
    quarantine: Callable[[bytes, str], None] = lambda line, reason: None,
    cursor_file: CursorFile | None = None,
    live_bytes: int = ForwardSettings.live_bytes,
) -> Forwarder:
    return Forwarder(
        spool.log,
        sink,
        cursor_file or CursorFile(spool.folder, SERVER),
        spool.clock,
        Random(1),
        quarantine,
        ForwardSettings(LOCOMOTIVE, batch_values=batch_values, live_bytes=live_bytes),
    )


def drain(forwarder: Forwarder, clock: ManualClock, most: int = 1000) -> None:
    """Step until everything committed is acknowledged, advancing the clock over each wait."""
    for _ in range(most):
        next_us = forwarder.step()
        if forwarder.state().state == "idle":
            return
        clock.advance_us(max(0, next_us - clock.monotonic_us()))
    raise AssertionError(f"not through after {most} steps: {forwarder.state()}")


def lines_of(bodies: list[bytes]) -> list[bytes]:
    """The lines of all bodies, in order."""
    return [line for body in bodies for line in body.split(b"\n")]


def stored_place(spool: FilledSpool) -> Position | None:
    """Up to where a forwarder that starts now knows all to be sent; None: it knows nothing."""
    progress = CursorFile(spool.folder, SERVER).load()
    return progress.unsent_from if progress is not None else None


class MortalCursorFile(CursorFile):
    """Stores nothing any more once its process is dead."""

    dead = False

    def save(self, progress: Progress) -> None:
        if not self.dead:
            super().save(progress)


class KilledError(Exception):
    """The process ended here, whatever it was doing."""


def kill_at(
    sink: SinkDouble, request: int, stored: list[bytes], clock: ManualClock
) -> Callable[[bytes], Answer]:
    """Takes every body, each in 4 s; the last one goes to `stored` and ends the process."""

    def answer(body: bytes) -> Answer:
        if len(sink.requests) == request:
            stored.append(body)
            raise KilledError
        clock.advance_us(4_000_000)
        return Answer(Verdict.OK)

    return answer
