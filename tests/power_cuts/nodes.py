"""Nodes that free a message on the gateway's acknowledgement, and remember when that was."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec
from axwire import cose
from axwire.down import ACK, PING, Down
from board_peer import Board

from gateway.ledger import Quarantined
from gateway.spool import Kind, Record

__all__ = ["Key", "Nodes"]


class Key(NamedTuple):
    """One message of one boot of one node."""

    node: str
    boot: int
    sequence: int


class Nodes:
    """All nodes of a locomotive, and the one link by which the gateway hears them.

    Moments are what `moment()` counts. `sent` and `acknowledged` say when each message first was.
    A node takes nothing from the gateway whose sequence does not rise.
    """

    name = "serial test"

    def __init__(self, boards: Iterable[Board], moment: Callable[[], int]) -> None:
        self.boards = {board.name: board for board in boards}
        self.messages: dict[Key, bytes] = {}
        self.sent: dict[Key, int] = {}
        self.acknowledged: dict[Key, int] = {}
        self.heard: dict[str, list[tuple[int, int]]] = {name: [(0, -1)] for name in self.boards}
        self.pings: list[tuple[Board, Down]] = []
        self._moment = moment
        self._held: dict[tuple[str, int], dict[int, Key]] = defaultdict(dict)
        self._keys: dict[bytes, Key] = {}

    def as_of(self, cut: int, moment: Callable[[], int]) -> "Nodes":
        """The nodes as they were when `moment` counted `cut`; from now on it counts theirs."""
        sent = [key for key, at in self.sent.items() if at <= cut]
        boards = []
        for name, before in self.boards.items():
            last = max(
                (key for key in sent if key.node == name),
                key=lambda key: self.sent[key],
                default=Key(name, before.boot, -1),
            )
            board = Board(name, last.boot, before.groups, before.secret)
            sequences = [k.sequence for k in sent if k[:2] == last[:2]]
            board.sequence = max(sequences, default=-1) + 1
            boards.append(board)
        nodes = Nodes(boards, moment)
        for key in sent:
            nodes._hold(key, self.messages[key])
            if self.acknowledged.get(key, cut + 1) <= cut:
                nodes._free(key)
        nodes.heard = {
            name: [(0, max(sequence for at, sequence in heard if at <= cut))]
            for name, heard in self.heard.items()
        }
        return nodes

    def say(self, board: Board, message: bytes) -> bytes:
        """`message`, which `board` made last; it is held until it is acknowledged."""
        self._hold(Key(board.name, board.boot, board.sequence - 1), message)
        return message

    def health(self, board: Board) -> bytes:
        """Tells what the node holds and has heard: the gateway closes the gaps below."""
        oldest = min(self._held[board.name, board.boot], default=board.sequence)
        heard = max(0, self.heard[board.name][-1][1])
        return self.say(board, board.health(oldest, down_sequence=heard))

    def is_present(self, key: Key) -> bool:
        """Whether it is of the boot that its node is in."""
        return self.boards[key.node].boot == key.boot

    def held(self) -> list[Key]:
        """What was sent and not acknowledged, oldest first of each boot."""
        return [held[number] for held in self._held.values() for number in sorted(held)]

    def key_of(self, record: Record) -> Key | None:
        """The message that a record holds; None for a record that holds none of ours."""
        if record.kind == Kind.MESSAGE:
            return self._keys.get(record.body)
        if record.kind == Kind.QUARANTINE:
            sender = msgspec.msgpack.decode(record.body, type=Quarantined).sender
            return Key(*sender) if sender else None
        return None

    def send(self, message: bytes) -> bool:
        """The gateway speaks to a node."""
        board = self.boards[cose.split(message).name]
        down = board.open(message)
        if down.sequence > self.heard[board.name][-1][1]:
            self.heard[board.name].append((self._moment(), down.sequence))
            if down.kind == ACK:
                self._take_ack(board.name, down.boot, down.fields)
            elif down.kind == PING:
                self.pings.append((board, down))
        return True

    def _take_ack(self, node: str, boot: int, fields: Sequence[object]) -> None:
        upto, singles = fields
        held = self._held[node, boot]
        for sequence in [s for s in held if s < upto or s in singles]:  # type: ignore[operator]
            self._free(held[sequence])

    def _hold(self, key: Key, message: bytes) -> None:
        self.messages[key] = message
        self.sent[key] = self._moment()
        self._keys[message] = key
        self._held[key.node, key.boot][key.sequence] = key

    def _free(self, key: Key) -> None:
        self.acknowledged[key] = self._moment()
        del self._held[key.node, key.boot][key.sequence]
