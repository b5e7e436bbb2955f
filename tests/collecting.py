"""The gateway's core without threads: messages are handed to it, and it commits when told."""

import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec
from axwire.cose import split
from axwire.parse import Up, parse_up
from board_peer import Board, Line
from manual_clock import ManualClock

from gateway.config import (
    AlarmsConfig,
    GatewayConfig,
    LocomotiveConfig,
    NodeConfig,
    SpoolConfig,
)
from gateway.core import Gateway
from gateway.ledger import Quarantined
from gateway.spool import FileStorage, Kind, Record, Storage, read_records

__all__ = ["Collecting", "UnsyncedStorage", "write_keys"]


class UnsyncedStorage(FileStorage):
    """Real files without the wait for the disk: for tests with hundreds of commits."""

    def datasync(self, fd: int) -> None:
        pass

    def sync_folder(self, folder: Path) -> None:
        pass


class Collecting:
    """A Gateway, and one Line by which it hears all boards. `rules`: a depot's; `spool`: keys of
    SpoolConfig."""

    def __init__(
        self,
        folder: Path,
        boards: Iterable[Board],
        clock: ManualClock,
        storage: Storage | None = None,
        rules: Path | None = None,
        **spool: int,
    ) -> None:
        self.folder = folder
        self.clock = clock
        self.storage = storage
        self.boards = list(boards)
        self.line = Line(*self.boards)
        folder.mkdir(exist_ok=True)
        self.config = GatewayConfig(
            locomotive=LocomotiveConfig(id="TE33A-0001"),
            nodes=write_keys(folder, self.boards),
            spool=SpoolConfig(folder=folder / "spool", **spool),
            alarms=AlarmsConfig(rules=rules),
        )
        self.gateway = Gateway(self.config, clock, storage)
        self.ingest = self.gateway.ingest
        self.gateway.writer.on_committed = self.ingest.committed

    def receive(self, *messages: bytes) -> list[bool]:
        """Whether each was taken."""
        return [self.ingest.receive(self.line, message) for message in messages]

    def commit(self) -> None:
        assert self.gateway.writer.commit()

    def tick(self, after_us: int = 0) -> None:
        self.clock.advance_us(after_us)
        self.ingest.tick()

    def answer_pings(self, board: Board, booted_us: int = 0) -> int:
        """A tick, and at once the board's answer to each ping; returns how many there were.

        The board began at `booted_us` of the clock's monotonic time.
        """
        self.line.said()
        self.tick()
        pings = self.line.pings()
        for ping in pings:
            t_us = self.clock.monotonic_us() - booted_us
            assert self.ingest.receive(self.line, board.pong(ping, t_us))
        return len(pings)

    def close(self) -> None:
        self.gateway.close()

    def after_power_cut(self, folder: Path) -> "Collecting":
        """Another gateway on a copy of what this one's disk holds now; this one is over."""
        shutil.copytree(self.config.spool.folder, folder / "spool")
        self.close()
        return Collecting(folder, self.boards, self.clock, self.storage)

    def records(self, kind: Kind) -> list[Record]:
        """What is on the disk."""
        return [r for r in read_records(self.config.spool.folder) if r.kind == kind]

    def stored(self) -> list[bytes]:
        """Messages on the disk, in order."""
        return [record.body for record in self.records(Kind.MESSAGE)]

    def stored_numbers(self) -> Counter[tuple[str, int, int]]:
        """How often each node, boot and sequence is on the disk."""
        return Counter(_numbers(message) for message in self.stored())

    def quarantined(self) -> list[Quarantined]:
        """What was refused and kept, from the disk."""
        return [
            msgspec.msgpack.decode(record.body, type=Quarantined)
            for record in self.records(Kind.QUARANTINE)
        ]


def write_keys(folder: Path, boards: Iterable[Board]) -> list[NodeConfig]:
    """A key file for each board, as the configuration names it."""
    nodes = []
    for board in boards:
        path = folder / f"{board.name}.key"
        path.touch(mode=0o600)
        path.write_text(board.secret.hex(), encoding="ascii")
        nodes.append(NodeConfig(name=board.name, key_file=path))
    return nodes


def _numbers(message: bytes) -> tuple[str, int, int]:
    envelope = split(message)
    up: Up = parse_up(envelope.payload)
    return envelope.name, up.boot, up.sequence
