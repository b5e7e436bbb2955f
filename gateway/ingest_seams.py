"""What ingest hands things to: the durable log and the live picture."""

from typing import Protocol

from axwire.parse import Health, Hello

from gateway.decode import ChannelTable, Rows
from gateway.spool.format import Kind, Priority

__all__ = ["Observer", "Store"]


class Store(Protocol):
    """The durable log as ingest sees it."""

    @property
    def wants_snapshot(self) -> bool:
        """A segment began: append a STATE record first."""

    @property
    def room_bytes(self) -> int:
        """What the buffer still takes."""

    def append(self, kind: Kind, priority: Priority, body: bytes, received_us: int) -> int:
        """Buffer a record; returns a ticket that rises. Raises BufferFullError: nothing taken."""


class Observer(Protocol):
    """The live picture. It does not wait for the disk."""

    def spoke(self, node: str, boot: int, link: str) -> None: ...
    def told_table(self, node: str, hello: Hello, table: ChannelTable | None) -> None: ...
    def told_rows(self, node: str, boot: int, rows: Rows) -> None: ...
    def told_health(self, node: str, health: Health, lost_samples: int) -> None: ...
