"""A gateway's real run, with all that happens to a disk in years: what the cuts are made in.

The core, the spool, the forwarder and its cursor are the real ones. Segments have some kilobytes,
and the spool's limit some ten.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

from board_peer import Board, currents, group_of
from collecting import write_keys
from manual_clock import ManualClock

from gateway.config import GatewayConfig, LocomotiveConfig, NodeConfig, SpoolConfig
from gateway.core import Gateway
from gateway.forward import (
    Answer,
    CursorFile,
    Forwarder,
    ForwardSettings,
    Log,
    Verdict,
    server_of,
)
from gateway.spool import Position, read_records
from gateway.spool.format import segment_name
from power_cuts.disk import Operation
from power_cuts.nodes import Key, Nodes
from power_cuts.recorder import KilledError, Recorder

__all__ = ["SERVER", "SPOOL", "Process", "Run", "Server", "configuration", "keys_for"]

SPOOL = "spool"
SERVER = server_of("http://depot:8086", "depot", "axlebox")
LIMIT_BYTES = 26_000
SEGMENT_BYTES = 6_000
_PATIENCE = 40
"""Commits until one has to begin a segment; steps until the cursor has to be stored."""


class Bytes(int):
    """So few megabytes that they are bytes."""

    def __mul__(self, unit: int) -> int:
        return int(self)

    __rmul__ = __mul__


def boards() -> list[Board]:
    return [
        Board("motors-a", 0x9F3A01C2, currents(3), bytes(range(32))),
        Board("axles", 0x11D2A7B4, [group_of("motor.speed", 2)], bytes(range(1, 33))),
        Board("brakes", 0x7C00D1E5, currents(1), bytes(range(2, 34))),
    ]


def configuration(root: Path, nodes: list[NodeConfig]) -> GatewayConfig:
    return GatewayConfig(
        locomotive=LocomotiveConfig(id="TE33A-0001"),
        nodes=nodes,
        spool=SpoolConfig(
            folder=root / SPOOL,
            limit_mb=Bytes(LIMIT_BYTES),
            segment_mb=Bytes(SEGMENT_BYTES),
            buffer_mb=Bytes(20_000),
            reserve_mb=Bytes(2_000),
        ),
    )


class Server:
    """Takes every batch, and notes when."""

    def __init__(self, moment: Callable[[], int]) -> None:
        self.taken: list[tuple[int, bytes]] = []
        self._moment = moment

    def write(self, body: bytes, meanwhile: Callable[[], None] | None = None) -> Answer:
        if meanwhile is not None:
            meanwhile()
        self.taken.append((self._moment(), body))
        return Answer(Verdict.OK)

    def abort(self) -> None:
        """Nothing is ever under way."""


class Process:
    """A gateway from its start to its end, and what it hears and says."""

    def __init__(
        self, config: GatewayConfig, clock: ManualClock, nodes: Nodes, server: Server
    ) -> None:
        self.nodes = nodes
        self.gateway = Gateway(config, clock)
        self.gateway.writer.on_committed = self.gateway.ingest.committed
        self.forwarder = self.forwarder_to(server, SERVER)
        self.gateway.use_forwarder(
            self.forwarder.state,
            lambda: self.forwarder.acknowledged,
            lambda segment: self.forwarder.progress.unsent_in(segment),
        )

    def forwarder_to(self, server: Server, name: str) -> Forwarder:
        """One that has a cursor only for a server of that name."""
        folder = self.gateway.config.spool.folder
        cursor_file = CursorFile(folder, name)
        cursor_file.hold_back(self.gateway.recovery.end)
        return Forwarder(
            Log(
                folder,
                lambda: self.gateway.writer.committed,
                settled=lambda: self.gateway.writer.buffered_bytes == 0,
                thinned=lambda: self.gateway.writer.metrics.segments_thinned,
            ),
            server,
            cursor_file,
            self.gateway.clock,
            Random(1),
            lambda line, reason: None,
            ForwardSettings("TE33A-0001", batch_values=60, cursor_period_us=2_000_000),
        )

    def hear(self, *messages: bytes) -> None:
        for message in messages:
            if not self.gateway.ingest.receive(self.nodes, message):
                self.commit()
                self.gateway.ingest.receive(self.nodes, message)

    def hear_held(self) -> None:
        """The nodes repeat what was not acknowledged."""
        self.hear(*(self.nodes.messages[key] for key in self.nodes.held()))

    def commit(self) -> bool:
        durable = self.gateway.writer.commit()
        self.gateway.make_room()
        self.gateway.upkeep.step()
        return durable

    def answer_pings(self) -> None:
        self.gateway.ingest.tick()
        pings, self.nodes.pings = self.nodes.pings, []
        for board, ping in pings:
            t_us = self.gateway.clock.monotonic_us()
            self.gateway.ingest.receive(self.nodes, board.pong(ping, t_us))

    def close(self) -> None:
        self.forwarder.close()
        self.gateway.upkeep.close()
        self.gateway.close()


class Run:
    """`moments` of everything count the operations on the disk. The run is over once it is made.

    `places` says where each message was committed last, `forwarded` what the server had by when,
    `rotten` which messages the medium spoilt, and when.
    """

    def __init__(self, recorder: Recorder, keys: list[NodeConfig], seed: int) -> None:
        self.recorder = recorder
        self.nodes = Nodes(boards(), self.moment)
        self.server = Server(self.moment)
        self.places: dict[Key, tuple[Position, Position]] = {}
        self.forwarded: list[tuple[int, Position]] = []
        self.rotten: dict[Key, int] = {}
        self.spool = recorder.root / SPOOL
        self.removed_unsent = 0
        self.kills = 0
        self.failures = 0
        self.clock = ManualClock()
        self._config = configuration(recorder.root, keys)
        self._random = Random(seed)
        self._t_ms = 0
        self._read_up_to = Position(0, 0)
        with recorder.watching():
            self._killed_at_the_start()
            self._process = self._start()
            self._tell()
            self._process.close()

    def moment(self) -> int:
        return len(self.recorder.operations)

    def _tell(self) -> None:
        self._all_say(lambda board: board.hello())
        self._collect(12)
        self._forward(6)
        self._restart()
        self._collect(10)
        for at in (1, 2, 5):
            self._killed_after(at)
            self._collect(3)
        self._refused("sync", 1)
        self._refused("write", 2)
        self._refused("sync", 2)
        self._refused("sync_folder", 1)
        self._refused_cursor()
        self._collect(20)
        self._reset_a_board()
        self._collect(60, forwarding=False)
        self._fill_disk()
        self._collect(12)
        self._forward(3)
        self._spoil_a_record()
        self._collect(12)
        self._forward(40)
        self._collect(14)
        self._restart()
        self._collect(6)

    def _start(self) -> Process:
        process = Process(self._config, self.clock, self.nodes, self.server)
        process.gateway.ingest.link_opened(self.nodes)
        process.answer_pings()
        return process

    def _restart(self) -> None:
        self._process.close()
        self._process = self._start()
        self._process.hear_held()

    def _collect(self, commits: int, *, forwarding: bool = True) -> None:
        for _ in range(commits):
            for board in self._some_boards():
                self._process.hear(self._message(board))
            self.clock.advance_us(400_000)
            self._process.answer_pings()
            self._commit()
            if forwarding and self._random.random() < 0.2:
                self._forward(2)

    def _some_boards(self) -> Iterator[Board]:
        for board in self.nodes.boards.values():
            for _ in range(self._random.randint(0, 2)):
                yield board

    def _message(self, board: Board) -> bytes:
        kind = self._random.random()
        if kind < 0.1:
            return self.nodes.say(board, board.event())
        if kind < 0.15:
            return self.nodes.say(board, board.nonsense())
        if kind < 0.2:
            return self.nodes.health(board)
        self._t_ms += 100
        width = len(board.groups[0].channels)
        rows = self._random.randint(1, 4)
        values = [[self._random.randint(0, 9999) for _ in range(width)] for _ in range(rows)]
        return self.nodes.say(board, board.readings(values, t_ms=self._t_ms))

    def _all_say(self, message: Callable[[Board], bytes]) -> None:
        for board in self.nodes.boards.values():
            self._process.hear(self.nodes.say(board, message(board)))
        self._commit()

    def _reset_a_board(self) -> None:
        board = self.nodes.boards["axles"]
        board.reset(0x22222222)
        self._process.hear(self.nodes.say(board, board.hello()))
        self._commit()

    def _commit(self) -> bool:
        metrics = self._process.gateway.writer.metrics
        before = metrics.messages_removed
        durable = self._process.commit()
        self.removed_unsent += metrics.messages_removed - before
        for record in read_records(self.spool, self._read_up_to):
            key = self.nodes.key_of(record)
            if key is not None and record.stored:
                self.places[key] = record.start, record.end
            self._read_up_to = record.end
        return durable

    def _forward(self, steps: int) -> None:
        for _ in range(steps):
            before = self.moment()
            next_us = self._process.forwarder.step()
            self.clock.advance_us(min(300_000, max(0, next_us - self.clock.monotonic_us())))
            position = self._process.forwarder.acknowledged
            if position is not None:
                self.forwarded.append((before, position))

    @contextmanager
    def _failing(self, before: Callable[[Operation], None]) -> Iterator[None]:
        self.recorder.before = before
        try:
            yield
        finally:
            self.recorder.before = lambda operation: None

    def _killed_at_the_start(self) -> None:
        """The very first start of all has made the folder, and no more."""

        def kill(operation: Operation) -> None:
            if operation.name != "make_folder":
                raise KilledError

        with self._failing(kill), suppress(KilledError):
            self._start()
        self.kills += 1
        self.recorder.revive()

    def _killed_after(self, operations: int) -> None:
        """kill -9 in the middle of a commit; the kernel lives on and keeps what it was given."""
        left = operations

        def kill(operation: Operation) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise KilledError

        with self._failing(kill), suppress(KilledError):
            self._collect(100)
        self.kills += 1
        self.recorder.revive()
        self._process = self._start()
        self._process.hear_held()
        self._commit()

    def _refused(self, name: str, times: int) -> None:
        """The disk answers so often with an error; then all is well."""
        left = times

        def refuse(operation: Operation) -> None:
            nonlocal left
            if operation.name == name and left:
                left -= 1
                self.failures += 1
                raise OSError(errno.EIO, os.strerror(errno.EIO))

        with self._failing(refuse):
            for _ in range(_PATIENCE):
                if left:
                    self._collect(1, forwarding=False)
            assert self._commit()

    def _refused_cursor(self) -> None:
        """The forwarder's cursor cannot be stored, at each of its operations once."""
        for name in ("create", "write", "sync", "rename", "sync_folder"):

            def refuse(operation: Operation, name: str = name) -> None:
                if operation.name == name:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))

            failures = self._process.forwarder.cursor_failures
            with self._failing(refuse):
                for _ in range(_PATIENCE):
                    if self._process.forwarder.cursor_failures == failures:
                        self._forward(1)
            self.failures += self._process.forwarder.cursor_failures - failures
            self._collect(2)

    def _fill_disk(self) -> None:
        """Somebody else takes, again and again, nearly all that is free."""
        metrics = self._process.gateway.writer.metrics
        failures = metrics.failures
        for _ in range(16):
            room_bytes = self._random.randint(0, 400)
            self.recorder.room_bytes = self.recorder.disk.used_bytes() + room_bytes
            self._collect(1)
        assert metrics.failures > failures
        self.failures += metrics.failures - failures
        self.recorder.room_bytes = None
        assert self._commit()

    def _spoil_a_record(self) -> None:
        """The gateway is off, and a byte of a message in the newest segment rots."""
        newest = self._process.gateway.writer.committed.segment
        self._process.close()
        key = max(
            (k for k, (start, _) in self.places.items() if start.segment == newest),
            key=lambda k: -self.places[k][0].offset,
        )
        start, _ = self.places[key]
        path = f"{SPOOL}/{segment_name(newest)}"
        byte = (self.recorder.root / path).read_bytes()[start.offset + 24]
        self.rotten[key] = self.moment()
        self.recorder.rot(path, start.offset + 24, bytes([byte ^ 0x10]))
        self._process = self._start()
        assert self._process.gateway.recovery.salvaged
        self._process.hear_held()


def keys_for(folder: Path) -> list[NodeConfig]:
    """The key files of all nodes, in `folder`."""
    return write_keys(folder, boards())
