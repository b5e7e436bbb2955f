"""Updates: one bundle, some nodes, one node at a time.

A job is refused before anything is sent where it cannot be right: a bundle that is forged, cut
short, for another board or not newer, a node that is unknown or silent, a locomotive that moves or
of which nobody knows. One that has begun waits while the locomotive moves, goes on after a cut of
the link, of the node's supply or of the gateway itself, and ends at the first node that does not
prove itself: what one node could not use, the others are not given. A person may stop it.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from axwire.parse import Event

from gateway.downlink import Downlink
from gateway.errors import BundleError, CommandError
from gateway.state import NodeStatus
from gateway.timebase import Clock
from gateway.update.bundle import Bundle, read_bundle
from gateway.update.conversation import Conversation
from gateway.update.progress import GOOD, Cause, NodeProgress, UpdateState
from gateway.update.store import Job, JobStore

__all__ = ["NodeFacts", "Updating"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NodeFacts:
    """What a node said of itself in its last HELLO."""

    status: NodeStatus
    firmware: str | None
    board: str | None


class Updating:
    """One instance for all nodes, used from one thread.

    `facts` of a node; `stands`: whether the locomotive does, or None; `is_busy`: whether a node
    has yet to answer a person's command; `keys` are the public keys that are trusted. `ended`
    counts by how it ended for a node.
    """

    def __init__(
        self,
        downlink: Downlink,
        clock: Clock,
        facts: Callable[[str], NodeFacts],
        stands: Callable[[], bool | None],
        is_busy: Callable[[str], bool],
        keys: Iterable[bytes],
        store: JobStore,
    ) -> None:
        self._downlink = downlink
        self._clock = clock
        self._facts = facts
        self._stands = stands
        self._is_busy = is_busy
        self._keys = tuple(keys)
        self._store = store
        self._bundle: Bundle | None = None
        self._who = ""
        self._vouched = False
        self._past: list[NodeProgress] = []
        self._left: list[str] = []
        self._left_out: list[NodeProgress] = []
        self._present: Conversation | None = None
        self._was_trying = False
        self.ended: Counter[str] = Counter()

    @property
    def node(self) -> str | None:
        """The one that is being updated."""
        return None if self._present is None else self._present.node

    def ask(self, data: bytes, nodes: Sequence[str], who: str, *, vouched: bool = False) -> None:
        """Begin. Without `nodes`: all whose board it is for. `vouched`: a person says that the
        locomotive stands; that counts only for as long as nothing measures that it moves.

        Raises CommandError where nothing was sent.
        """
        if self._present is not None and self._bundle is not None:
            raise CommandError(
                "busy",
                f"node {self.node} takes {self._bundle.title} at present: one update at a time",
            )
        try:
            bundle = read_bundle(data, self._keys)
        except BundleError as error:
            raise CommandError(error.reason, str(error)) from None
        chosen = list(dict.fromkeys(nodes)) or self._all_of(bundle)
        for node in chosen:
            self._check(node, bundle, is_named=bool(nodes))
        left = [node for node in chosen if self._facts(node).firmware != bundle.firmware]
        self._check_standing(vouched=vouched)
        try:
            self._store.begin(data, Job(nodes=left, who=who))
        except OSError as error:
            raise CommandError(
                "store", f"the bundle cannot be stored here: {error}; nothing was sent"
            ) from None
        has_it = [node for node in chosen if node not in left]
        self._begin(bundle, left, who, vouched=vouched)
        self._past = [
            NodeProgress(node=node, step="done", cause="runs_it", reason="it runs this already")
            for node in has_it
        ]
        _log.info("%s has %s put on %s", who, bundle.title, ", ".join(left) or "no node")
        self._next()

    def stop(self, who: str) -> None:
        """End it as soon as can be: a node that was told to start again with the new firmware has
        its trial, the others keep what they run. Raises CommandError where none is under way."""
        present = self._present
        if present is None:
            raise CommandError("none", "no update is under way: nothing was stopped")
        _log.info("%s stops the update at node %s: %s", who, present.node, present.step)
        self._leave_out("stopped", f"the update was stopped by {who}")
        if present.stop(who):
            self.tick()
        else:
            self._keep(trying=True)

    def resume(self) -> None:
        """Go on with what a run of the gateway before this one had begun; once, at the start."""
        found = self._store.read()
        if found is None:
            return
        data, job = found
        left = [node for node in job.nodes if node in self._downlink.names]
        try:
            bundle = read_bundle(data, self._keys)
        except BundleError as error:
            _log.warning("an update that was under way is given up: %s", error)
            left = []
        if not left:
            self._store.end()
            return
        _log.info("goes on with %s for %s", bundle.title, ", ".join(left))
        self._begin(bundle, left, job.who, vouched=False)
        self._next(trying=job.trying)

    def told(self, node: str, event: Event) -> None:
        """A new event of a node."""
        if self._present is not None and node == self._present.node:
            self._present.told(event)

    def tick(self) -> None:
        """Say what is due, and go on to the next node; call it ten times a second."""
        present = self._present
        if present is None:
            return
        present.tick()
        if present.ended:
            self._past.append(present.progress())
            self.ended[present.step] += 1
            _log.info(
                "node %s: update ended: %s %s",
                present.node,
                present.step,
                present.reason,
                extra={"node": present.node, "command": "update", "result": present.step},
            )
            if present.step not in GOOD:
                self._leave_out("before", "a node before it did not end well")
            self._left.pop(0)
            self._next()
        elif present.step == "trying" and not self._was_trying:
            self._was_trying = True
            self._keep(trying=True)

    def state(self) -> UpdateState | None:
        """Of the present update, or the last; None: none yet, in this run of the gateway."""
        bundle = self._bundle
        if bundle is None:
            return None
        present = [] if self._present is None else [self._present.progress()]
        queued = [NodeProgress(node=node, step="queued") for node in self._left[1:]]
        return UpdateState(
            board=bundle.board,
            firmware=bundle.firmware,
            release=bundle.release,
            who=self._who,
            ended=self._present is None,
            nodes=(*self._past, *present, *queued, *self._left_out),
        )

    def _begin(self, bundle: Bundle, left: list[str], who: str, *, vouched: bool) -> None:
        self._bundle = bundle
        self._left = left
        self._who = who
        self._vouched = vouched
        self._past = []
        self._left_out = []

    def _next(self, *, trying: bool = False) -> None:
        """Turn to the first node that is left."""
        self._present = None
        self._was_trying = trying
        if not self._left or self._bundle is None:
            self._store.end()
            return
        node = self._left[0]
        self._present = Conversation(
            node,
            self._bundle,
            self._downlink,
            self._clock,
            self._stands_or_vouched,
            lambda: self._facts(node).firmware,
            trying=trying,
        )
        self._keep(trying=trying)

    def _leave_out(self, cause: Cause, reason: str) -> None:
        """Those behind the present node."""
        self._left, behind = self._left[:1], self._left[1:]
        for node in behind:
            self._left_out.append(
                NodeProgress(node=node, step="left_out", cause=cause, reason=reason)
            )
            self.ended["left_out"] += 1

    def _keep(self, *, trying: bool) -> None:
        try:
            self._store.keep(Job(nodes=self._left, who=self._who, trying=trying))
        except OSError as error:
            _log.warning("a restart of the gateway would lose this update: %s", error)

    def _all_of(self, bundle: Bundle) -> list[str]:
        nodes = [node for node in self._downlink.names if self._facts(node).board == bundle.board]
        if not nodes:
            raise CommandError("other_board", f"no node said that it is a {bundle.board}")
        return nodes

    def _check(self, node: str, bundle: Bundle, *, is_named: bool) -> None:
        """Raises CommandError where that node cannot have it."""
        if node not in self._downlink.names:
            known = ", ".join(self._downlink.names) or "none"
            raise CommandError("unknown_node", f"there is no node {node}; there are: {known}")
        facts = self._facts(node)
        if facts.status != "live" or facts.board is None or self._downlink.boot(node) is None:
            raise CommandError(
                "silent",
                f"node {node} is silent, or has not said yet what it is: nothing was sent"
                + ("" if is_named else "; name the nodes with --node"),
            )
        if facts.board != bundle.board:
            raise CommandError(
                "other_board", f"node {node} is a {facts.board}, the bundle is for {bundle.board}"
            )
        if self._is_busy(node):
            raise CommandError("busy", f"node {node} has not answered a command yet: wait")
        if _is_older(bundle.firmware, facts.firmware):
            raise CommandError(
                "older",
                f"node {node} runs firmware {facts.firmware}, the bundle is older: "
                f"{bundle.firmware}; only a newer one is taken",
            )

    def _check_standing(self, *, vouched: bool) -> None:
        stands = self._stands()
        if stands is False:
            raise CommandError(
                "moves",
                "the locomotive moves: nodes are updated while it stands; nothing was sent",
            )
        if stands is None and not vouched:
            raise CommandError(
                "speed_unknown",
                "no speed is known here, so nobody can tell that the locomotive stands: see for "
                "yourself, and add --standing; nothing was sent",
            )

    def _stands_or_vouched(self) -> bool | None:
        stands = self._stands()
        return True if stands is None and self._vouched else stands


def _is_older(bundle: str, running: str | None) -> bool:
    """By the numbers of both versions; where one has none, the node's own release decides."""
    versions = [_numbers(version or "") for version in (bundle, running)]
    return None not in versions and versions[0] < versions[1]  # type: ignore[operator]


def _numbers(version: str) -> tuple[int, ...] | None:
    parts = version.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else None
