"""A locomotive under way: boards, gateway and forwarder, with the true time of every row known.

Each reading has a value of its own, so each line on the server can be held against the truth.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from axwire.down import PING
from board_peer import Board, currents
from collecting import Collecting, UnsyncedStorage
from manual_clock import ManualClock

from gateway.forward import Answer, CursorFile, Forwarder, ForwardSettings, Log, Verdict
from hil.line_protocol import points

from .influx_double import SinkDouble

SECOND_US = 1_000_000
STEP_S = 10
_ONE_WAY_US = 1_000
_AWAY = Answer(Verdict.UNREACHABLE, "no server")


@dataclass
class Node:
    """A board that counts, off by `ppm`, since it was switched on at the true time `on_us`."""

    board: Board
    on_us: int
    ppm: float = 0.0
    counted_us: int = 0
    """Its count at `on_us`."""

    def board_us(self, true_us: int) -> int:
        return self.counted_us + round((true_us - self.on_us) * (1 + self.ppm * 1e-6))

    def true_us(self, board_us: int) -> int:
        return self.on_us + round((board_us - self.counted_us) / (1 + self.ppm * 1e-6))

    def change_drift(self, true_us: int, ppm: float) -> None:
        """The temperature has changed."""
        self.counted_us, self.on_us, self.ppm = self.board_us(true_us), true_us, ppm


@dataclass
class Row:
    """A row as the server has it."""

    time_us: int
    estimated: bool


@dataclass
class Journey:
    """`run` lets time pass; `check` compares every row on the server with the truth."""

    folder: Path
    clock: ManualClock
    wait_s: int = 0
    server_there: bool = True
    nodes: list[Node] = field(default_factory=list)
    truth: dict[tuple[str, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sink = SinkDouble(lambda body: Answer(Verdict.OK) if self.server_there else _AWAY)
        for name, boot, ppm in (("axles-a", 0xA0, 30.0), ("motors-a", 0xA1, -40.0)):
            secret = name.encode().ljust(32, b".")
            board = Board(name, boot, groups=currents(1), secret=secret)
            self.nodes.append(Node(board, self.clock.true_us - 3 * SECOND_US, ppm))
        self._kept: list[bytes] = []
        self._begin()
        self.hello()

    def hello(self, nodes: Iterable[Node] | None = None) -> None:
        for node in self.nodes if nodes is None else nodes:
            self._hear(node.board.hello())

    def run(self, seconds: float, *, gateway_there: bool = True) -> None:
        """Rows all the while; what the gateway cannot hear, nodes keep and send when it can."""
        for _ in range(round(seconds / STEP_S)):
            self.clock.advance_us(STEP_S * SECOND_US)
            for node in self.nodes:
                self._kept.append(self._reading(node))
            if gateway_there:
                self._gateway()

    def stop_gateway(self, *, forwarded: bool = True) -> None:
        """As by kill -9 where `forwarded` is False: the cursor is as old as it was."""
        if forwarded:
            self.forwarder.close()
        self.collecting.close()

    def start_gateway(self) -> None:
        self._begin()

    def reboot_machine(self, off_s: float, utc_us: int) -> None:
        """The Pi loses power, nodes run on; it comes back with that wall clock, unset."""
        self.stop_gateway()
        for _ in range(round(off_s / STEP_S)):
            self.clock.true_us += STEP_S * SECOND_US
            self._kept += [self._reading(node) for node in self.nodes]
        self.clock.reboot(0, utc_us)
        self.start_gateway()

    def reboot_node(self, node: Node, boot: int) -> None:
        """The board begins a new boot; what it sent before is in."""
        node.board.reset(boot)
        node.on_us, node.counted_us = self.clock.true_us, 0
        self.hello([node])

    def drain(self) -> None:
        """Let the forwarder send all that it will send now."""
        for _ in range(10_000):
            if self.forwarder.step() > self.clock.monotonic_us():
                return
        raise AssertionError("the forwarder does not rest")

    def rows(self) -> dict[tuple[str, int], list[Row]]:
        """By node and value, what the server has; equal lines once."""
        lines = {line for body in self.sink.accepted for line in body.split(b"\n")}
        rows = sorted(line for line in lines if line.startswith(b"motor,"))
        found: dict[tuple[str, int], list[Row]] = {}
        for point in points(rows):
            tags = dict(point.tags)
            ((_, value),) = point.fields
            estimated = "estimated" in tags.values()
            row = Row(point.time_us, estimated)
            found.setdefault((tags["node"], round(float(value) * 1000)), []).append(row)
        return found

    def check(self, *, within_us: int = 5_000) -> tuple[int, int]:
        """No unmarked row is wrong by more; returns how many rows are sure, and only estimated."""
        rows = self.rows()
        assert rows.keys() <= self.truth.keys()
        sure = 0
        for key, found in rows.items():
            times = {row.time_us for row in found if not row.estimated}
            assert len(times) <= 1, f"{key} twice, both sure: {sorted(times)}"
            for time_us in times:
                off_us = time_us - self.truth[key]
                assert abs(off_us) <= within_us, f"{key} is off by {off_us} us, not marked"
                sure += 1
        return sure, len(rows) - sure

    def _begin(self) -> None:
        boards = [node.board for node in self.nodes]
        self.collecting = Collecting(self.folder, boards, self.clock, UnsyncedStorage())
        writer = self.collecting.gateway.writer
        folder = self.collecting.config.spool.folder
        self.forwarder = Forwarder(
            Log(folder, lambda: writer.committed),
            self.sink,
            CursorFile(folder, "server"),
            self.clock,
            Random(1),
            lambda line, reason: None,
            ForwardSettings("TE33A-0001", 100, time_wait_us=self.wait_s * SECOND_US),
        )
        self.collecting.ingest.link_opened(self.collecting.line)
        self._answer()

    def _gateway(self) -> None:
        self.collecting.tick()
        self._answer()
        kept, self._kept = self._kept, []
        for message in kept:
            self._hear(message)
        self.collecting.commit()
        self.drain()

    def _answer(self) -> None:
        """Nodes answer a ping before they send anything else."""
        line = self.collecting.line
        pings = {down.boot: down for down in line.said() if down.kind == PING}
        self.clock.advance_us(_ONE_WAY_US)
        counts = [node.board_us(self.clock.true_us) for node in self.nodes]
        self.clock.advance_us(_ONE_WAY_US)
        for node, count in zip(self.nodes, counts, strict=True):
            if node.board.boot in pings:
                self._hear(node.board.pong(pings[node.board.boot], count))

    def _hear(self, message: bytes) -> None:
        assert self.collecting.receive(message) == [True]

    def _reading(self, node: Node) -> bytes:
        t_ms = node.board_us(self.clock.true_us) // 1000
        number = len(self.truth)
        self.truth[node.board.name, number] = node.true_us(t_ms * 1000)
        return node.board.readings([(number,)], t_ms=t_ms, wide=True)
