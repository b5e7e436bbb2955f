"""The durable store: an append-only log of segment files (docs/spool.md).

`open_spool` locks, recovers and opens one; a CommitThread, or a bench in lock-step, commits what
its writer was given; readers follow it.
"""

from gateway.spool.commit_thread import CommitThread
from gateway.spool.format import Kind, Position, Priority, Record
from gateway.spool.gaps import Gap, gap_of
from gateway.spool.opening import Spool, open_spool
from gateway.spool.reader import SpoolReader
from gateway.spool.recovery import Recovery, recover
from gateway.spool.reserve import Reserve
from gateway.spool.retention import Limits, Removed, make_room
from gateway.spool.segments import read_records
from gateway.spool.storage import FileStorage, Storage
from gateway.spool.thinning import Thinner
from gateway.spool.writer import SpoolWriter, WriterSettings

__all__ = [
    "CommitThread",
    "FileStorage",
    "Gap",
    "Kind",
    "Limits",
    "Position",
    "Priority",
    "Record",
    "Recovery",
    "Removed",
    "Reserve",
    "Spool",
    "SpoolReader",
    "SpoolWriter",
    "Storage",
    "Thinner",
    "WriterSettings",
    "gap_of",
    "make_room",
    "open_spool",
    "read_records",
    "recover",
]
