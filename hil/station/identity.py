"""Makes a board a node of a locomotive: which one, with a key of its own, and proved.

In this order, so that whatever is pulled or killed in between, no two boards are the same node and
no key is anywhere but in the sealed store and on its board:

    reserved     the inventory keeps the place for this board; it refuses a second one
    key made     it is in the sealed store
    silenced     what made the board another node is away: it would not start as any
    written      node.json and node.key, both copies of each, read back
    started      the node speaks over its own link
    proved       by its key: which chip it is, what it runs, what it is configured as
    fitted       the inventory says so, and the label is there

Begun again, with the same board and place, it goes on with the key that was made.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.profiles import NodeFit
from hil.boards import load_board
from hil.fitting import fit_node
from hil.node_files import CONFIGURATION_FILE, KEY_FILE, copy_of, encode, parse_copy
from hil.station.board import BoardFacts
from hil.station.depot import Depot
from hil.station.errors import StationError
from hil.station.inventory import BEGUN, FITTED, RETIRED, Inventory, Known
from hil.station.label import Label, write_label
from hil.station.proof import NONCE_BYTES, Expected, check_proof, nonce_words
from hil.station.records import Attempt, utc
from hil.station.vault import Vault

__all__ = ["BoardAtPrompt", "Link", "Provisioned", "Wanted", "places_of", "provision"]

_LINK_FILE = "node.link"
_TRIAL = "trial"
_RESETS = "resets"
_SPILL = "spill/"
_COPIES = (0, 1)


class BoardAtPrompt(Protocol):
    """What of a board is needed here: hil.station.board.Board."""

    def kind(self) -> BoardFacts: ...

    def read(self, path: str) -> bytes | None: ...

    def write(self, path: str, data: bytes) -> None: ...

    def remove(self, path: str) -> None: ...

    def listing(self) -> dict[str, int]: ...

    def reset(self) -> None: ...

    def close(self) -> None: ...


class Link(Protocol):
    """What of a node's link is needed here: hil.station.node_link.NodeLink."""

    def wait_for_start(self) -> Any: ...

    def prove(self, nonce: list[int]) -> list[int]: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Wanted:
    """Which node a board is to be. `settings`: what its node.json says besides or instead of what
    follows from the profile. `again`: also where it is that node already, with a new key."""

    locomotive: str
    profile: str
    fit: NodeFit
    settings: dict[str, Any]
    again: bool = False


@dataclass(frozen=True)
class Provisioned:
    """What came of it. `resumed`: what was cut off before was brought to its end."""

    known: Known
    resumed: bool


def provision(
    depot: Depot,
    vault: Vault,
    wanted: Wanted,
    firmware: Callable[[BoardAtPrompt, str], tuple[str, str]],
    take: Callable[[], BoardAtPrompt],
    link: Callable[[str, bytes], Link],
    tell: Callable[[str], None] = lambda line: None,
) -> Provisioned:
    """Make the board that `take` gives the node that is wanted. Raises StationError.

    `firmware`: version and hash of what the board must run as that kind of board, which it is
    checked for. `link`: speaks with a node of that name and key.
    """
    board = take()
    try:
        facts = board.kind()
        name = wanted.fit.name
        with depot.records.attempt(
            "provision", facts.unique_id, wanted.locomotive, name
        ) as attempt:
            version, digest = firmware(board, wanted.fit.board)
            found = _check(depot.inventory, board, facts, wanted)
            resumed = found is not None and found.state == BEGUN
            known = _known(depot, wanted, facts, version, digest)
            configuration = encode(_configuration(depot.inventory, wanted, facts, found))
            attempt.step("reserved")
            if not resumed or found is None:
                depot.inventory.begin(known)
            if resumed:
                tell("going on with what was cut off")
            attempt.facts["resumed"] = resumed
            attempt.step("key made")
            key = vault.key_of(facts.unique_id, wanted.locomotive, name) if resumed else None
            if key is None:
                key = vault.make_key(facts.unique_id, wanted.locomotive, name)
            same = found is not None and found.state != RETIRED
            _silence(board, attempt, keeps_readings=same, tell=tell)
            attempt.step("written")
            tell("writing who it is")
            _write(board, CONFIGURATION_FILE, configuration)
            _write(board, KEY_FILE, key.hex().encode() + b"\n")
            attempt.step("started")
            tell("starting it")
            speaking = link(name, key)
            try:
                board.reset()
                hello = speaking.wait_for_start()
                attempt.step("proved")
                tell("having it prove who it is")
                nonce = depot.random(NONCE_BYTES)
                expected = Expected(
                    bytes.fromhex(facts.unique_id), bytes.fromhex(digest), configuration
                )
                check_proof(key, nonce, expected, speaking.prove(nonce_words(nonce)))
            finally:
                speaking.close()
            attempt.facts |= {
                "firmware": hello.firmware,
                "firmware_sha256": digest,
                "configuration": f"{hello.configuration:08x}",
            }
            attempt.step("fitted")
            write_label(depot.labels, Label.of(known))
            depot.inventory.become(facts.unique_id, FITTED, since=known.since)
            attempt.said = f"is {name} of {wanted.locomotive}"
            return Provisioned(known, resumed)
    finally:
        board.close()


def places_of(fit: NodeFit) -> str:
    """Where a node's sensors sit, in words: `motor 1-6, axle 2 left`."""
    seen = dict.fromkeys(place for group in fit.groups for place in group.places)
    runs: list[list[str]] = []
    for place in seen:
        kind, _, number = place.rpartition(" ")
        if runs and number.isdigit() and _follows(runs[-1][-1], kind, int(number)):
            runs[-1].append(place)
        else:
            runs.append([place])
    return ", ".join(
        run[0] if len(run) == 1 else f"{run[0]}-{run[-1].rpartition(' ')[2]}" for run in runs
    )


def _follows(before: str, kind: str, number: int) -> bool:
    return before == f"{kind} {number - 1}"


def _check(
    inventory: Inventory, board: BoardAtPrompt, facts: BoardFacts, wanted: Wanted
) -> Known | None:
    """What is known of this board, unless it must not become that node."""
    locomotive, node = wanted.locomotive, wanted.fit.name
    found = inventory.board(facts.unique_id)
    holder = inventory.holder(locomotive, node)
    if holder is not None and holder.unique_id != facts.unique_id:
        state = "is being made" if holder.state == BEGUN else "is"
        raise StationError(
            f"board {holder.unique_id} {state} {node} of {locomotive}",
            "Plug that one in; or, if this one is to take its place, first: "
            f"axlebox station records swap {locomotive} {node}",
        )
    if found is not None and found.state != RETIRED:
        if (found.locomotive, found.node) != (locomotive, node):
            raise StationError(
                f"this board is {found.node} of {found.locomotive}",
                "Set it aside; or, if it is to leave that place, first: "
                f"axlebox station records swap {found.locomotive} {found.node}",
            )
        if found.state == FITTED and not wanted.again:
            raise StationError(
                f"this board is {node} of {locomotive} already",
                "Nothing is left to do; with --again it gets a new key",
            )
    told = _says_it_is(board)
    expected = {node, found.node if found is not None else node}
    if told is not None and (found is None or told not in expected) and not wanted.again:
        raise StationError(
            f"the board says that it is {told}, and this station did not make it that",
            "Set it aside and ask who did; with --again it becomes another all the same",
        )
    return found


def _says_it_is(board: BoardAtPrompt) -> str | None:
    """The node's name in what the board has as its configuration."""
    copies = [parse_copy(board.read(f"{CONFIGURATION_FILE}.{copy}")) for copy in _COPIES]
    for _, content in sorted((copy for copy in copies if copy is not None), reverse=True):
        try:
            return str(json.loads(content)["node"])
        except (ValueError, KeyError, TypeError):
            continue
    return None


def _known(
    depot: Depot, wanted: Wanted, facts: BoardFacts, version: str, digest: str
) -> Known:
    return Known(
        unique_id=facts.unique_id,
        state=BEGUN,
        locomotive=wanted.locomotive,
        node=wanted.fit.name,
        profile=wanted.profile,
        places=places_of(wanted.fit),
        board=wanted.fit.board,
        machine=facts.machine,
        firmware=version,
        firmware_sha256=digest,
        calibration_sha256="",
        since=utc(depot.clock),
    )


def _configuration(
    inventory: Inventory, wanted: Wanted, facts: BoardFacts, found: Known | None
) -> dict[str, Any]:
    """The node's node.json, with the calibrations that this board has got as this node."""
    configuration = dict(fit_node(wanted.fit, facts.unique_id, 0).configuration)
    configuration |= wanted.settings
    board = load_board(wanted.fit.board)
    assert configuration["board"] == board.id
    if found is None or found.state == RETIRED:
        return configuration
    for one in inventory.calibrations(facts.unique_id):
        if (one.locomotive, one.node) != (wanted.locomotive, wanted.fit.name):
            continue
        for group in configuration["groups"]:
            for channel in group["channels"]:
                if (channel["quantity"], channel["place"]) == (one.quantity, one.place):
                    channel |= {
                        "scale": one.scale,
                        "offset": one.offset,
                        "calibration": one.number,
                    }
    return configuration


def _silence(
    board: BoardAtPrompt,
    attempt: Attempt,
    *,
    keeps_readings: bool,
    tell: Callable[[str], None],
) -> None:
    """Take away what makes the board a node, its key first: without one it does not start as any.
    Readings of its time as another node would be told as the new one's."""
    attempt.step("silenced")
    there = board.listing()
    names = [f"{name}.{copy}" for name in (KEY_FILE, _LINK_FILE) for copy in _COPIES]
    for name in (*names, _TRIAL, _RESETS):
        if name in there:
            board.remove(name)
    left = {path: size for path, size in there.items() if path.startswith(_SPILL)}
    if left and not keeps_readings:
        attempt.facts["readings_removed_bytes"] = sum(left.values())
        tell(f"{sum(left.values())} bytes of readings from its last place are removed")
        for path in left:
            board.remove(path)


def _write(board: BoardAtPrompt, name: str, content: bytes) -> None:
    """Both copies of a file, each read back. What it says never tells the content."""
    data = copy_of(content)
    for copy in _COPIES:
        path = f"{name}.{copy}"
        board.write(path, data)
        if board.read(path) != data:
            raise StationError(
                f"{path} cannot be read back as it was written",
                "Begin again; if that does not help, its flash is worn: set the board aside",
            )
