"""A store of a few minutes of two channels with everything that can be wrong with a sample."""

import random
from struct import pack

from axwire.cbor import INT16, Writer
from axwire.thinned import thinned, thinned_block
from board_peer import MISSING, Board, group_of
from collecting import Collecting

from gateway.history.indexer import Indexer
from gateway.spool import FileStorage

__all__ = ["PERIOD_MS", "ROWS", "board", "finish", "indexer_of", "record", "thinned_message"]

PERIOD_MS = 50
ROWS = 100


def board(name: str = "motors-a", boot: int = 0x9F3A01C2) -> Board:
    return Board(name, boot, [group_of("motor.current", 2, period_ms=PERIOD_MS)])


def record(
    collecting: Collecting, peer: Board, blocks: int, seed: int, *, start_ms: int = 0
) -> None:
    """Messages of 100 rows; every seventh with a fault, every fifth with missing samples, some
    out of range. The clock runs along."""
    print("seed", seed)
    chance = random.Random(seed)
    booted_us = collecting.clock.monotonic_us() - start_ms * 1000
    collecting.receive(peer.hello())
    for block in range(blocks):
        collecting.clock.advance_us(ROWS * PERIOD_MS * 1000)
        rows = [[chance.randrange(-9000, 9000) for _ in range(2)] for _ in range(ROWS)]
        if block % 5 == 2:
            for row in chance.sample(rows, 20):
                row[chance.randrange(2)] = MISSING
        statuses = [0, 4] if block % 7 == 3 else None
        t_ms = start_ms + block * ROWS * PERIOD_MS
        assert collecting.receive(peer.readings(rows, t_ms=t_ms, statuses=statuses)) == [True]
        if block % 4 == 1:
            collecting.answer_pings(peer, booted_us)
        if block % 8 == 7:
            collecting.commit()
    collecting.commit()


def finish(indexer: Indexer) -> None:
    while indexer.step():
        pass


def indexer_of(collecting: Collecting) -> Indexer:
    """One that has read everything."""
    writer = collecting.gateway.writer
    indexer = Indexer(FileStorage(), writer.folder, lambda: writer.committed)
    finish(indexer)
    return indexer


def thinned_message(
    peer: Board, rows: list[list[int]], span_ms: int, taken: int, *, t_ms: int = 0
) -> bytes:
    """Minimum, mean and maximum of `taken` samples a channel, in place of one message."""
    flat = [value for row in rows for value in row]
    samples = memoryview(pack(f"<{len(flat)}h", *flat))
    writer = Writer(1024)
    sequence = peer.next()
    thinned(writer, peer.boot, sequence, sequence, 1, [], peer.revision, 1)
    thinned_block(writer, 0, t_ms, INT16, samples, None, span_ms, taken, None)
    return peer.seal(bytes(writer.written()))
