"""What the line does to a board that has its place: flashed, made that node, proved and tested.

A board that this station fitted in that very place before is read back and tested, no more.
"""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from gateway.errors import ConfigError
from gateway.profiles import NodeFit, profile_names
from hil.boards import Board as BoardKind
from hil.boards import load_board
from hil.station.board import Board
from hil.station.depot import Depot
from hil.station.drive import find_drive
from hil.station.errors import ContactError, StationError
from hil.station.flash import Identity, check_kind, flash_firmware, verify_firmware
from hil.station.identity import Firmware, Provision, Wanted, check_place
from hil.station.inventory import FITTED, Entry, Known
from hil.station.limits import Limits
from hil.station.line import Progress
from hil.station.line_state import Done
from hil.station.meeting import meet
from hil.station.micropython import install_micropython
from hil.station.node_link import NodeLink
from hil.station.provision_cli import fit_of
from hil.station.records import FAIL, PASS, Attempt
from hil.station.scan import Place
from hil.station.testing import require, self_test
from hil.station.tree import Tree, load_tree, tree_for
from hil.station.vault import Vault

__all__ = ["LineWork", "Plan", "profile_of"]

WHAT = "line"
"""What its attempts are called in the records."""

Tell = Callable[[Progress], None]


@dataclass(frozen=True)
class Plan:
    """How boards are worked on. `profile`: of all locomotives; None: each by its name. `images`:
    MicroPython is put on too. `firmware`: built already. `links`: by the port of a board, the port
    of its node's own link, where that is not the board's."""

    limits: Limits
    profile: str | None = None
    images: Path | None = None
    firmware: Path | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    test_s: float = 10.0


def profile_of(locomotive: str) -> str:
    """The class of a locomotive that is named by it: `te33a` of TE33A-0123. Raises ConfigError."""
    name = locomotive.partition("-")[0].lower()
    if name not in profile_names():
        raise ConfigError(
            f"{locomotive} is no locomotive of a known class: its name begins with "
            f"{', '.join(profile_names())}, or --profile says its class"
        )
    return name


class LineWork:
    """The work on one board after another; its calls may come from several threads."""

    def __init__(self, depot: Depot, vault: Vault, plan: Plan) -> None:
        self._depot = depot
        self._vault = vault
        self._plan = plan
        self._building = threading.Lock()
        self._trees: dict[str, Tree] = {}

    def check(self, place: Place) -> None:
        self._fit(place)

    def do(self, port: str, place: Place, tell: Tell) -> None:
        fit = self._fit(place)
        kind = load_board(fit.board)
        tell(Progress("look"))
        unique_id = self._look(port, place, kind)
        with self._depot.records.attempt(WHAT, unique_id or "unknown", *_words(place)) as attempt:
            _Board(
                self._depot,
                self._vault,
                self._plan,
                place,
                fit,
                kind,
                self._tree(kind),
                port,
                tell,
                unique_id,
            ).make(attempt)
            attempt.said = f"is {place.node} of {place.locomotive}"

    def today(self) -> list[Done]:
        now = datetime.fromtimestamp(self._depot.clock.utc_us() / 1e6, UTC).astimezone()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        since = midnight.isoformat().replace("+00:00", "Z")
        entries = self._depot.inventory.attempts(WHAT, since)
        return [_done(entry) for entry in entries if entry.result in (PASS, FAIL)]

    def _fit(self, place: Place) -> NodeFit:
        return _fit_of(self._plan.profile or profile_of(place.locomotive), place.node)

    def _tree(self, kind: BoardKind) -> Tree:
        with self._building:
            if kind.id not in self._trees:
                built = self._plan.firmware
                tree = tree_for(kind) if built is None else load_tree(built, kind)
                self._trees[kind.id] = tree
            return self._trees[kind.id]

    def _look(self, port: str, place: Place, kind: BoardKind) -> str:
        """The number of the board's chip, or nothing where MicroPython is yet to be put on it. An
        attempt at a silent or a wrong board is recorded, too."""
        new = self._plan.images is not None
        if new and find_drive(port) is not None:
            return ""
        unique_id = "unknown"
        holder = self._depot.inventory.holder(*_words(place))
        if holder is not None and holder.state == FITTED:
            self._interrupt_node(port)
        try:
            board = Board.open(port)
            with closing(board):  # it stays at its prompt, where no watchdog runs
                facts = board.kind()
            unique_id = facts.unique_id
            check_kind(facts, kind)
        except StationError as error:
            if new and isinstance(error, ContactError) and os.path.exists(port):
                return ""
            with (
                suppress(StationError),
                self._depot.records.attempt(WHAT, unique_id, *_words(place)),
            ):
                raise error
            raise
        return unique_id

    def _interrupt_node(self, port: str) -> None:
        """A node that speaks over its USB port takes Ctrl-C for a byte, and is asked for its
        prompt by its key; any other board is not touched by that."""
        link = self._plan.links.get(port)
        with (
            suppress(StationError),
            meet(self._depot, self._vault, port, link, self._depot.clock) as met,
            closing(met.at_prompt()),
        ):
            pass


@dataclass
class _Board:
    """One board on its way. `unique_id`: empty where it has no MicroPython yet."""

    depot: Depot
    vault: Vault
    plan: Plan
    place: Place
    fit: NodeFit
    kind: BoardKind
    tree: Tree
    port: str
    tell: Tell
    unique_id: str

    def make(self, attempt: Attempt) -> None:
        """Raises StationError."""
        found = self._known()
        if found is not None and found.state == FITTED:
            self._step(attempt, "check")
            verify_firmware(self.port, self.kind, self.tree, take=self._take)
        else:
            identity = Identity.REFUSE if found is None else Identity.KEEP
            self._flash(attempt, identity)
            self._step(attempt, "identity")
            self._provision()
        if self.plan.test_s:
            self._step(attempt, "test")
            self._test()

    def _flash(self, attempt: Attempt, identity: Identity) -> None:
        if self.plan.images is not None:
            self._step(attempt, "micropython")
            install_micropython(self.port, self.kind, self.plan.images, identity)
        self._step(attempt, "flash")
        written = 0

        def tell(path: str) -> None:
            nonlocal written
            written += 1
            share = min(written / len(self.tree.files), 1.0)
            self.tell(Progress("flash", share, self.unique_id))

        flashed = flash_firmware(
            self.port, self.kind, self.tree, identity, tell=tell, take=self._take
        )
        self._step(attempt, "check")
        verify_firmware(self.port, self.kind, self.tree, take=self._take)
        self.unique_id = attempt.unique_id = flashed.facts.unique_id
        self._known()

    def _provision(self) -> None:
        profile = self.plan.profile or profile_of(self.place.locomotive)
        Provision(
            self.depot,
            self.vault,
            Wanted(self.place.locomotive, profile, self.fit, self.plan.settings),
            Firmware.of(self.tree.firmware_version, self.tree.files),
            lambda: self._take(self.port),
            lambda name, key: NodeLink(self._link, name, key, self.depot.clock),
        ).run()

    def _test(self) -> None:
        depot, link = self.depot, self.plan.links.get(self.port)
        with meet(depot, self.vault, self.port, link, depot.clock) as met:
            if (met.known.unique_id, met.known.node) != (self.unique_id, self.place.node):
                raise _swapped()
            with depot.records.attempt("test", self.unique_id, *_words(self.place)) as attempt:
                attempt.measured(self_test(met.link, self.fit, self.plan.limits, self.plan.test_s))
                require(met.known, attempt.measures)
                attempt.said = f"{len(attempt.measures)} measures"

    def _known(self) -> Known | None:
        """What is known of the board. Raises StationError where the place is not for it."""
        if not self.unique_id:
            return None
        return check_place(self.depot.inventory, self.unique_id, *_words(self.place))

    @property
    def _link(self) -> str:
        return self.plan.links.get(self.port, self.port)

    def _step(self, attempt: Attempt, step: str) -> None:
        attempt.step(step)
        self.tell(Progress(step, 0.0, self.unique_id))

    def _take(self, port: str) -> Board:
        """The board at this port, which is the one that was begun with."""
        board = Board.open(port)
        try:
            unique_id = board.kind().unique_id
        except ContactError:
            board.close()
            raise
        if unique_id != (self.unique_id or unique_id):
            board.close()
            raise _swapped()
        return board


_fit_of = cache(fit_of)


def _swapped() -> StationError:
    return StationError(
        "another board was plugged in meanwhile",
        "Take it out, plug in one board, and scan its place again",
        code="swapped",
    )


def _words(place: Place) -> tuple[str, str]:
    return place.locomotive, place.node


def _done(entry: Entry) -> Done:
    at = datetime.fromisoformat(entry.at).astimezone()
    return Done(
        at=f"{at:%H:%M}",
        place=f"{entry.locomotive}/{entry.node}",
        unique_id="" if entry.unique_id == "unknown" else entry.unique_id,
        passed=entry.result == PASS,
        said=entry.said,
    )
