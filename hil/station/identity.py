"""Makes a board a node of a locomotive: which one, with a key of its own, and proved.

In this order, so that whatever is pulled or killed in between, no two boards are the same node and
no key is anywhere but in the sealed store and on its board:

    cleared      readings of its time as another node are away, and counted
    reserved     the inventory keeps the place for this board; it refuses a second one
    key made     it is in the sealed store
    silenced     what made the board another node is away: it would not start as any
    written      node.json and node.key, both copies of each, read back
    started      the node speaks over its own link
    proved       by its key: which chip it is, what it runs, what it is configured as
    fitted       the inventory says so, and the label is there

Begun again, with the same board and place, it goes on with the key that was made.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.profiles import NodeFit
from hil.board_check import problems
from hil.boards import load_board
from hil.firmware_build import tree_sha256
from hil.fitting import fit_node
from hil.node_files import CONFIGURATION_FILE, KEY_FILE, encode
from hil.station.board import BoardFacts
from hil.station.depot import Depot
from hil.station.errors import StationError
from hil.station.flash import check_kind
from hil.station.inventory import BEGUN, FITTED, RETIRED, Inventory, Known
from hil.station.label import Label, write_label
from hil.station.node_on_board import (
    BoardAtPrompt,
    clear_readings,
    copies_of,
    silence,
    write_both,
)
from hil.station.proof import NONCE_BYTES, Expected, check_proof, nonce_words
from hil.station.records import Attempt, utc
from hil.station.vault import Vault

__all__ = ["Firmware", "Link", "Provision", "Provisioned", "Wanted", "check_place", "places_of"]


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
class Firmware:
    """What a board must run: the SHA-256 of each file by its path, and of all of them
    (hil.firmware_build.tree_sha256)."""

    version: str
    digests: dict[str, str]
    sha256: str

    @classmethod
    def of(cls, version: str, files: Mapping[str, bytes]) -> "Firmware":
        digests = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
        return cls(version, digests, tree_sha256(files))


@dataclass(frozen=True)
class Provisioned:
    """What came of it. `resumed`: what was cut off before was brought to its end."""

    known: Known
    resumed: bool


class Provision:
    """One run of it. `take` gives the board that is plugged in, `link` speaks with a node of that
    name and key, `tell` is called with what is done, for a person to see."""

    def __init__(
        self,
        depot: Depot,
        vault: Vault,
        wanted: Wanted,
        firmware: Firmware,
        take: Callable[[], BoardAtPrompt],
        link: Callable[[str, bytes], Link],
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._depot = depot
        self._vault = vault
        self._wanted = wanted
        self._firmware = firmware
        self._take = take
        self._link = link
        self._tell = tell

    def run(self) -> Provisioned:
        """Make it the node that is wanted. Raises StationError; then it can be begun again."""
        unique_id = "unknown"
        board: BoardAtPrompt | None = None
        try:
            board = self._take()
            facts = board.kind()
            unique_id = facts.unique_id
        finally:
            if unique_id == "unknown":
                self._note_silence()
                if board is not None:
                    board.close()
        try:
            with self._attempt(unique_id) as attempt:
                return self._make(board, facts, attempt)
        finally:
            board.close()

    def _attempt(self, unique_id: str) -> AbstractContextManager[Attempt]:
        wanted = self._wanted
        return self._depot.records.attempt(
            "provision", unique_id, wanted.locomotive, wanted.fit.name
        )

    def _note_silence(self) -> None:
        """Keep a record of an attempt at no board at all."""
        with suppress(StationError), self._attempt("unknown"):
            raise StationError("no board answered", "Plug one in and begin again")

    def _make(self, board: BoardAtPrompt, facts: BoardFacts, attempt: Attempt) -> Provisioned:
        wanted, inventory = self._wanted, self._depot.inventory
        _check_firmware(board, facts, wanted, self._firmware)
        found = _check_place(inventory, board, facts, wanted)
        resumed = found is not None and found.state == BEGUN
        same = found is not None and found.state != RETIRED
        configuration = encode(_configuration(inventory, wanted, facts, same=same))
        known = self._known(facts, configuration)
        attempt.facts["resumed"] = resumed
        if not same:
            self._clear(board, attempt)
        attempt.step("reserved")
        if resumed:
            self._tell("going on with what was cut off")
        if found is not None and not resumed:
            # What goes on from here after a cut must find no key but the new one.
            self._vault.revoke(facts.unique_id)
        inventory.begin(known)
        attempt.step("key made")
        key = self._key(facts, resumed=resumed)
        attempt.step("silenced")
        silence(board)
        attempt.step("written")
        self._tell("writing who it is")
        write_both(board, CONFIGURATION_FILE, configuration)
        write_both(board, KEY_FILE, key.hex().encode() + b"\n")
        attempt.step("started")
        self._tell("starting it")
        self._prove(board, known, key, configuration, attempt)
        attempt.step("fitted")
        write_label(self._depot.labels, Label.of(known))
        inventory.become(facts.unique_id, FITTED)
        attempt.said = f"is {known.node} of {known.locomotive}"
        return Provisioned(known, resumed)

    def _clear(self, board: BoardAtPrompt, attempt: Attempt) -> None:
        attempt.step("cleared")
        removed = clear_readings(board)
        if removed:
            attempt.facts["readings_removed_bytes"] = removed
            self._tell(f"{removed} bytes of readings from its last place are removed")

    def _key(self, facts: BoardFacts, *, resumed: bool) -> bytes:
        place = facts.unique_id, self._wanted.locomotive, self._wanted.fit.name
        key = self._vault.key_of(*place) if resumed else None
        return key or self._vault.make_key(*place)

    def _prove(
        self,
        board: BoardAtPrompt,
        known: Known,
        key: bytes,
        configuration: bytes,
        attempt: Attempt,
    ) -> None:
        link = self._link(known.node, key)
        try:
            board.reset()
            hello = link.wait_for_start()
            attempt.step("proved")
            self._tell("having it prove who it is")
            nonce = self._depot.random(NONCE_BYTES)
            expected = Expected(
                bytes.fromhex(known.unique_id),
                bytes.fromhex(known.firmware_sha256),
                configuration,
            )
            check_proof(key, nonce, expected, link.prove(nonce_words(nonce)))
        finally:
            link.close()
        attempt.facts |= {
            "firmware": hello.firmware,
            "firmware_sha256": known.firmware_sha256,
            "configuration": f"{hello.configuration:08x}",
        }

    def _known(self, facts: BoardFacts, configuration: bytes) -> Known:
        wanted = self._wanted
        return Known(
            unique_id=facts.unique_id,
            state=BEGUN,
            locomotive=wanted.locomotive,
            node=wanted.fit.name,
            profile=wanted.profile,
            places=places_of(wanted.fit),
            board=wanted.fit.board,
            machine=facts.machine,
            firmware=self._firmware.version,
            firmware_sha256=self._firmware.sha256,
            configuration_sha256=hashlib.sha256(configuration).hexdigest(),
            since=utc(self._depot.clock),
        )


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


def _check_firmware(
    board: BoardAtPrompt, facts: BoardFacts, wanted: Wanted, firmware: Firmware
) -> None:
    check_kind(facts, load_board(wanted.fit.board))
    if board.digests(firmware.digests) != firmware.digests:
        raise StationError(
            f"the board does not have firmware {firmware.version} for {wanted.fit.board}",
            "Flash it first: axlebox station flash",
            code="firmware",
        )


def check_place(inventory: Inventory, unique_id: str, locomotive: str, node: str) -> Known | None:
    """What is known of this board. Raises StationError where another has that place, or where it
    has another place."""
    found = inventory.board(unique_id)
    holder = inventory.holder(locomotive, node)
    if holder is not None and holder.unique_id != unique_id:
        state = "is being made" if holder.state == BEGUN else "is"
        raise StationError(
            f"board {holder.unique_id} {state} {node} of {locomotive}",
            "Plug that one in; or, if this one is to take its place, first: "
            f"axlebox station records swap {locomotive} {node}",
            code="place_taken",
        )
    if found is None or found.state == RETIRED:
        return found
    if (found.locomotive, found.node) != (locomotive, node):
        raise StationError(
            f"this board is {found.node} of {found.locomotive}",
            "Set it aside; or, if it is to leave that place, first: "
            f"axlebox station records swap {found.locomotive} {found.node}",
            code="elsewhere",
        )
    return found


def _check_place(
    inventory: Inventory, board: BoardAtPrompt, facts: BoardFacts, wanted: Wanted
) -> Known | None:
    """What is known of this board, unless it must not become that node."""
    locomotive, node = wanted.locomotive, wanted.fit.name
    found = check_place(inventory, facts.unique_id, locomotive, node)
    if found is not None and found.state == FITTED and not wanted.again:
        raise StationError(
            f"this board is {node} of {locomotive} already",
            "Nothing is left to do; with --again it gets a new key",
        )
    told = _says_it_is(board)
    ours = {None, *(entry.node for entry in inventory.history(facts.unique_id) if found)}
    if told not in ours and not wanted.again:
        raise StationError(
            f"the board says that it is {told}, and this station did not make it that",
            "Set it aside and ask who did; with --again it becomes another all the same",
            code="is_node",
        )
    return found


def _says_it_is(board: BoardAtPrompt) -> str | None:
    """The node's name in what the board has as its configuration."""
    for _, content in copies_of(board, CONFIGURATION_FILE):
        try:
            return str(json.loads(content)["node"])
        except (ValueError, KeyError, TypeError):
            continue
    return None


def _configuration(
    inventory: Inventory, wanted: Wanted, facts: BoardFacts, *, same: bool
) -> dict[str, Any]:
    """The node's node.json, with the calibrations that this board has got as this node: `same`."""
    configuration = {
        **fit_node(wanted.fit, facts.unique_id, 0).configuration,
        **wanted.settings,
    }
    if configuration["uart"] is None:
        del configuration["uart"]
    place = wanted.locomotive, wanted.fit.name
    for one in inventory.calibrations(facts.unique_id) if same else ():
        for group in configuration["groups"] if (one.locomotive, one.node) == place else ():
            for channel in group["channels"]:
                if (channel["quantity"], channel["place"]) == (one.quantity, one.place):
                    channel |= {
                        "scale": one.scale,
                        "offset": one.offset,
                        "calibration": one.number,
                    }
    for where, why in problems(load_board(wanted.fit.board), configuration, wanted.fit):
        raise StationError(
            f"that node cannot be: {where}: {why}",
            "Correct what --settings says",
            code="station",
        )
    return configuration
