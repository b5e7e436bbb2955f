"""Speaks with a fitted node that is plugged in, whether it runs or is at its prompt."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import serial
from axwire import GATEWAY_MESSAGE_CAP, codes
from axwire.cose import UP, MacKey, split
from axwire.errors import WireError
from axwire.framing import Deframer

from gateway.timebase import Clock
from hil.station.board import Board
from hil.station.depot import Depot
from hil.station.errors import StationError
from hil.station.inventory import FITTED, Known
from hil.station.node_link import BAUD, NodeLink
from hil.station.vault import Vault

__all__ = ["Met", "meet"]

_HEAR_S = 4.0
"""A node that is not answered says something once a second."""

_READ_S = 0.1
_READ_BYTES = 4096
_ANSWER_S = 15.0


@dataclass(frozen=True)
class Met:
    """A node that runs and speaks, and how to have its board at its prompt."""

    known: Known
    key: bytes
    link: NodeLink
    port: str
    new_link: Callable[[], NodeLink]

    def at_prompt(self) -> Board:
        """Its board, for who wants to write its files; the link is over then."""
        self.link.command(codes.COMMAND_MAINTENANCE, [], _ANSWER_S)
        self.link.close()
        return Board.open(self.port)


@contextmanager
def meet(
    depot: Depot, vault: Vault, port: str, link_port: str | None, clock: Clock
) -> Iterator[Met]:
    """The node whose board's console is at `port`, and whose link is there too or at `link_port`.

    Raises StationError where it is none that this station fitted.
    """
    where = link_port or port
    heard = _overhear(where, depot, vault, clock)
    if heard is None:
        with Board.open(port) as board:
            unique_id = board.kind().unique_id
            heard = _fitted(depot, vault, unique_id)
            board.reset()
    known, key = heard

    def new_link() -> NodeLink:
        return NodeLink(where, known.node, key, clock)

    link = new_link()
    try:
        link.wait_for_start()
        yield Met(known, key, link, port, new_link)
    finally:
        link.close()


def _fitted(depot: Depot, vault: Vault, unique_id: str) -> tuple[Known, bytes]:
    known = depot.inventory.board(unique_id)
    key = None
    if known is not None and known.state == FITTED:
        key = vault.key_of(unique_id, known.locomotive, known.node)
    if known is None or key is None:
        raise StationError(
            f"board {unique_id} is no node yet", "Provision it: axlebox station provision"
        )
    return known, key


def _overhear(port: str, depot: Depot, vault: Vault, clock: Clock) -> tuple[Known, bytes] | None:
    """The board that speaks there by itself, known by the key of its messages."""
    deframer = Deframer(GATEWAY_MESSAGE_CAP)
    end_us = clock.monotonic_us() + round(_HEAR_S * 1e6)
    try:
        with serial.Serial(port, BAUD, timeout=_READ_S, exclusive=True) as line:
            while clock.monotonic_us() < end_us:
                data = line.read(1)
                data += line.read(min(line.in_waiting, _READ_BYTES))
                for message in deframer.feed(data):
                    found = _sealed_by(message, depot, vault)
                    if found is not None:
                        return found
    except (OSError, TypeError, ValueError):
        time.sleep(_READ_S)
    return None


def _sealed_by(message: bytes, depot: Depot, vault: Vault) -> tuple[Known, bytes] | None:
    try:
        envelope = split(message)
    except WireError:
        return None
    for known in depot.inventory.search([envelope.name]):
        if known.node != envelope.name or known.state != FITTED:
            continue
        key = vault.key_of(known.unique_id, known.locomotive, known.node)
        if key is None:
            continue
        try:
            envelope.check(MacKey(key), UP)
            return known, key
        except WireError:
            continue
    return None
