"""New configurations on their way to nodes: piece by piece, each awaited, then a restart.

    sending      pieces go out; one that is not answered goes out again, and a node that began a
                 new boot meanwhile is sent all of them again
    restarting   the node has stored it and was told to start again; it tries it
    kept         the node reached us with it
    undone       the node went back to the one before; the reason says why
    refused      the node did not take it
    unanswered   the node was silent for too long

Nothing here waits: call `tick` ten times a second, and `told` with each new event of a node.
"""

import json
from binascii import crc32
from dataclasses import dataclass, field
from enum import Enum

from axwire.codes import (
    COMMAND_REBOOT,
    EVENT_COMMAND_DONE,
    EVENT_CONFIGURATION_KEPT,
    EVENT_CONFIGURATION_UNDONE,
)
from axwire.parse import Event

from gateway.downlink import Downlink
from gateway.errors import ConfigError
from gateway.timebase import Clock

__all__ = ["Configuring", "Progress", "State"]

BYTES_CAP = 16_384
"""What a node takes at most (firmware/axnode/configure.py)."""

PIECE_BYTES = 512
_AGAIN_US = 3_000_000
_GIVE_UP_US = 600_000_000
_ATTEMPTS = 3
_CODE = 0
"""As a node names CONFIGURE when it answers."""

_DONE, _NOT_SUPPORTED = 0, 1
_WHY_UNDONE = {
    1: "it cannot be used: the node's console says what is wrong",
    2: "the node was reset while it tried it",
    3: "the node did not reach the gateway with it",
}


class State(Enum):
    """How far a configuration has come."""

    SENDING = "sending"
    RESTARTING = "restarting"
    KEPT = "kept"
    UNDONE = "undone"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


@dataclass(frozen=True)
class Progress:
    """`number` = CRC-32 of the configuration, as the node's HELLO will tell it once it runs."""

    number: int
    state: State
    pieces: int
    taken: int
    reason: str = ""

    @property
    def ended(self) -> bool:
        return self.state not in (State.SENDING, State.RESTARTING)


@dataclass
class _Transfer:
    number: int
    pieces: list[bytes]
    heard_us: int
    state: State = State.SENDING
    reason: str = ""
    boot: int | None = None
    next: int = 0
    sequences: set[int] = field(default_factory=set)
    sent_us: int | None = None
    refusals: int = 0


class Configuring:
    """One instance for all nodes; at most one configuration on its way to each."""

    def __init__(self, downlink: Downlink, clock: Clock) -> None:
        self._downlink = downlink
        self._clock = clock
        self._transfers: dict[str, _Transfer] = {}

    def send(self, node: str, configuration: bytes) -> Progress:
        """Begin to send it, in place of one that is on its way.

        Raises ConfigError for a node without a key here, and for what no node of that name takes.
        """
        if node not in self._downlink.names:
            raise ConfigError(f"there is no node {node} in this gateway's configuration")
        _check(node, configuration)
        self._transfers[node] = _Transfer(
            crc32(configuration),
            [
                configuration[at : at + PIECE_BYTES]
                for at in range(0, len(configuration), PIECE_BYTES)
            ],
            self._clock.monotonic_us(),
        )
        self.tick()
        return self._progress(self._transfers[node])

    def progress(self, node: str) -> Progress | None:
        """Of the last one sent to the node; None: none was, in this run of the gateway."""
        transfer = self._transfers.get(node)
        return None if transfer is None else self._progress(transfer)

    def tick(self) -> None:
        """Send what is due."""
        now = self._clock.monotonic_us()
        for node, transfer in self._transfers.items():
            if transfer.state not in (State.SENDING, State.RESTARTING):
                continue
            if now - transfer.heard_us >= _GIVE_UP_US:
                transfer.state = State.UNANSWERED
                transfer.reason = f"the node has not answered for {_GIVE_UP_US // 60_000_000} min"
            elif transfer.sent_us is None or now - transfer.sent_us >= _AGAIN_US:
                self._send(node, transfer)
                transfer.sent_us = now

    def told(self, node: str, event: Event) -> None:
        """An event of a node, of any boot; each once."""
        transfer = self._transfers.get(node)
        if transfer is None:
            return
        if event.code == EVENT_COMMAND_DONE and len(event.arguments) == 3:
            sequence, code, result = event.arguments
            if (
                transfer.state is State.SENDING
                and event.boot == transfer.boot
                and sequence in transfer.sequences
                and code == _CODE
            ):
                self._answered(transfer, result)
        elif transfer.state is State.RESTARTING and transfer.number in event.arguments[:1]:
            if event.code == EVENT_CONFIGURATION_KEPT:
                transfer.state = State.KEPT
            elif event.code == EVENT_CONFIGURATION_UNDONE:
                transfer.state = State.UNDONE
                transfer.reason = _WHY_UNDONE.get(event.arguments[-1], "")

    def _send(self, node: str, transfer: _Transfer) -> None:
        boot = self._downlink.boot(node)
        if boot is None:
            return
        if transfer.state is State.RESTARTING:
            if boot == transfer.boot:
                self._downlink.command(node, COMMAND_REBOOT, [])
            return
        if boot != transfer.boot:
            transfer.boot = boot
            self._begin(transfer)
        piece = transfer.next
        sequence = self._downlink.configure(
            node, piece, len(transfer.pieces), transfer.number, transfer.pieces[piece]
        )
        if sequence is not None:
            transfer.sequences.add(sequence)

    def _begin(self, transfer: _Transfer) -> None:
        transfer.next = 0
        transfer.sequences.clear()
        transfer.sent_us = None

    def _answered(self, transfer: _Transfer, result: int) -> None:
        transfer.heard_us = self._clock.monotonic_us()
        if result == _DONE:
            transfer.next += 1
            transfer.sequences.clear()
            transfer.sent_us = None
            if transfer.next == len(transfer.pieces):
                transfer.state = State.RESTARTING
        elif result == _NOT_SUPPORTED:
            transfer.state = State.REFUSED
            transfer.reason = "this node cannot be configured over its link"
        else:
            transfer.refusals += 1
            last = transfer.next == len(transfer.pieces) - 1
            self._begin(transfer)
            if last or transfer.refusals == _ATTEMPTS:
                transfer.state = State.REFUSED
                transfer.reason = "the node did not accept it: damaged, for another, or no room"

    def _progress(self, transfer: _Transfer) -> Progress:
        return Progress(
            transfer.number,
            transfer.state,
            len(transfer.pieces),
            transfer.next,
            transfer.reason,
        )


def _check(node: str, configuration: bytes) -> None:
    if not 0 < len(configuration) <= BYTES_CAP:
        raise ConfigError(
            f"a configuration has 1 to {BYTES_CAP} bytes, this one {len(configuration)}"
        )
    try:
        keys = json.loads(configuration)
    except ValueError as error:
        raise ConfigError(f"the configuration is not JSON: {error}") from None
    if not isinstance(keys, dict) or keys.get("node") != node:
        raise ConfigError(f"the configuration is not of node {node}: its key `node` must say so")
