"""Who takes what a link brings; ingest, as links see it."""

from typing import Protocol

from gateway.downlink import Link

__all__ = ["CommittingReceiver", "Receiver"]


class Receiver(Protocol):
    """Takes whole messages, one at a time."""

    def link_opened(self, link: Link) -> None:
        """The link can be written to and read again."""

    def receive(self, link: Link, message: bytes) -> bool:
        """False: cannot take it now, offer it again."""

    def refuse_noise(self, reason: str, count: int) -> None:
        """So many pieces of the stream were no messages."""


class CommittingReceiver(Receiver, Protocol):
    """Also tells what of it is on the disk, for a link that owes its sender a receipt."""

    @property
    def ticket(self) -> int:
        """The newest record that was handed to the store; rises."""

    @property
    def durable(self) -> int:
        """Every record up to this ticket is on the disk."""
