"""One node and one bundle: what the gateway says, and what it makes of the answers.

    asking      COMMAND update; the node tells what runs and what it has already
    sending     a piece, an EVENT 18 that tells what is wanted next, a piece ...
    switching   it has all: COMMAND reboot with the release, once the locomotive stands
    trying      the node runs it and has 2 minutes to prove it: EVENT 19, or 20 where it went back

What is not answered is said again; a node that began another boot is asked again, and goes on
where its flash leaves off. It tries new firmware only when it is told to start again with it, so
until then `stop` leaves it as it is. Nothing here waits: call `tick` ten times a second and `told`
with each new event of the node.
"""

from collections.abc import Callable

from axwire.codes import (
    COMMAND_REBOOT,
    COMMAND_UPDATE,
    DONE,
    EVENT_COMMAND_DONE,
    EVENT_FIRMWARE_KEPT,
    EVENT_FIRMWARE_UNDONE,
    EVENT_UPDATE,
    NOT_SUPPORTED,
    UPDATE_DAMAGED,
    UPDATE_FLASH,
    UPDATE_NOT_NEWER,
    UPDATE_OTHER_BOARD,
    UPDATE_WANTED,
    UPDATE_WHOLE,
)
from axwire.parse import Event

from gateway.downlink import Downlink
from gateway.timebase import Clock
from gateway.update.bundle import Bundle
from gateway.update.progress import ENDED, Cause, NodeProgress, NodeStep

__all__ = ["PIECE_BYTES", "Conversation"]

PIECE_BYTES = 768
_BLOCK_BYTES = 4096
_FOLDER_BLOCKS = 8
"""Of a node's flash: a file takes whole blocks, a folder two."""

_AGAIN_US = 3_000_000
_GIVE_UP_US = 600_000_000
_UNKNOWN_US = 60_000_000
_BUSY_US = 60_000_000
_GRANTED_AGAIN_US = 30_000_000
"""A node that has agreed may first have to empty the slot."""

_BEGINNINGS = 20
"""Of a node that forgets again and again that it was sent something."""

_RESTART_US = 30_000_000
"""A node that was told to start again is heard again by then."""

_TRIAL_US = 200_000_000
"""The node's own limit is 2 minutes, of its own clock, and then it starts again."""

_WHY_REFUSED: dict[int, tuple[Cause, str]] = {
    UPDATE_OTHER_BOARD: ("other_board", "the node says that it is another board"),
    UPDATE_NOT_NEWER: ("not_newer", "the node runs one that is as new or newer"),
    UPDATE_DAMAGED: (
        "worn",
        "what lies in its flash is not what was sent: its flash may be worn out",
    ),
    UPDATE_FLASH: ("flash", "the node's flash fails or is full"),
}
_WHY_UNDONE: dict[int, tuple[Cause, str]] = {
    1: ("crashed", "it crashed: the node's console says where"),
    2: ("reset", "the node was reset while it tried it, by its watchdog or for want of supply"),
    3: ("silent", "the node did not reach the gateway with it"),
    4: ("misfit", "the node's configuration cannot be used with it: its console says why"),
}


class Conversation:
    """`stands` tells whether the locomotive does, or None; `runs` which firmware the node said in
    its last HELLO that it runs."""

    def __init__(
        self,
        node: str,
        bundle: Bundle,
        downlink: Downlink,
        clock: Clock,
        stands: Callable[[], bool | None],
        runs: Callable[[], str | None],
        *,
        trying: bool = False,
    ) -> None:
        self.node = node
        self.step: NodeStep = "trying" if trying else "asking"
        self.reason = ""
        self._cause: Cause = ""
        self._stopped_by = ""
        self._bundle = bundle
        self._downlink = downlink
        self._clock = clock
        self._stands = stands
        self._runs = runs
        self._offset = 0
        self._boot: int | None = None
        self._sequences: set[int] = set()
        self._heard_us = self._begun_us = clock.monotonic_us()
        self._said_us: int | None = None
        self._unknown_us: int | None = None
        self._busy_us: int | None = None
        self._again_us = _AGAIN_US
        self._beginnings = 0
        self._cuts = sorted({file.offset for file in bundle.files} | {len(bundle.content)})

    @property
    def ended(self) -> bool:
        return self.step in ENDED

    def stop(self, who: str) -> bool:
        """Let go of it; False: the node was told to start again with it, and is on its own."""
        self._stopped_by = who
        if self.step == "trying" or (self.step == "switching" and self._said_us is not None):
            self._cause = "too_late"
            self.reason = "too late to stop: it keeps the new firmware, or goes back by itself"
            return False
        self._end_stopped()
        return True

    def progress(self) -> NodeProgress:
        of_bytes = len(self._bundle.content)
        is_there = self.step in ("switching", "trying", "done")
        return NodeProgress(
            node=self.node,
            step=self.step,
            bytes=of_bytes if is_there else self._offset,
            of_bytes=of_bytes,
            cause=self._cause,
            reason=self.reason,
        )

    def told(self, event: Event) -> None:
        """An event of the node, of any boot; each once."""
        if self.ended:
            return
        arguments = event.arguments
        if event.code == EVENT_FIRMWARE_KEPT and arguments[:1] == [self._bundle.release]:
            if self._runs() is None:
                self._end("done")
            else:
                self._judge_by_version()
        elif event.code == EVENT_FIRMWARE_UNDONE and arguments[:1] == [self._bundle.release]:
            why = arguments[-1]
            self._end("undone", *_WHY_UNDONE.get(why, ("", f"reason {why}")))
        elif event.boot != self._boot or self.step == "trying":
            return
        elif event.code == EVENT_COMMAND_DONE and len(arguments) == 3:
            self._answered(arguments[0], arguments[2])
        elif event.code == EVENT_UPDATE and len(arguments) >= 4:
            self._heard_us = self._clock.monotonic_us()
            self._wants(*arguments[:4])

    def tick(self) -> None:
        """Say what is due."""
        now = self._clock.monotonic_us()
        if self.step == "trying":
            if now - self._begun_us >= _TRIAL_US:
                self._judge_by_version()
        elif self.step == "switching":
            self._switch(now)
        elif not self.ended:
            if now - self._heard_us >= _GIVE_UP_US:
                minutes = _GIVE_UP_US // 60_000_000
                reason = f"the node has not answered for {minutes} min"
                self._end("unanswered", "no_answer", reason)
            elif self._may(now):
                self._say(now)

    def _say(self, now: int) -> None:
        boot = self._downlink.boot(self.node)
        if boot is None:
            return
        if boot != self._boot:
            self._boot = boot
            self._begin("asking")
        if self._said_us is not None and now - self._said_us < self._again_us:
            return
        self._said_us = now
        if self.step == "asking":
            digest = self._bundle.digest
            words = [int.from_bytes(digest[at : at + 4], "big") for at in range(0, 32, 4)]
            sequence = self._downlink.command(self.node, COMMAND_UPDATE, words)
        else:
            cut = next(cut for cut in self._cuts if cut > self._offset)
            end = min(self._offset + PIECE_BYTES, cut)
            part = self._bundle.content[self._offset : end]
            sequence = self._downlink.update(self.node, self._offset, part)
        if sequence is not None:
            self._sequences.add(sequence)

    def _answered(self, sequence: int, result: int) -> None:
        if sequence not in self._sequences:
            return
        now = self._heard_us = self._clock.monotonic_us()
        if self.step == "switching":
            if result != DONE:
                self._begin_again()
        elif self.step == "sending":
            self._begin_again()
        elif result == NOT_SUPPORTED:
            reason = (
                f"its firmware {self._runs() or ''} cannot be updated over the link: "
                "update it once by cable"
            )
            self._end("refused", "by_cable", reason)
        elif result == DONE:
            self._busy_us = None
            self._again_us = _GRANTED_AGAIN_US
        else:
            self._busy_us = now if self._busy_us is None else self._busy_us
            if now - self._busy_us >= _BUSY_US:
                reason = "the node is at something else, or short of memory"
                self._end("refused", "busy", reason)

    def _begin_again(self) -> None:
        """With a node that has let go of what it was sent."""
        self._begin("asking")
        self._beginnings += 1
        if self._beginnings == _BEGINNINGS:
            self._end("refused", "memory", "the node cannot keep it up: short of memory")

    def _wants(self, state: int, offset: int, free: int, release: int) -> None:
        if release == self._bundle.release and self._runs() == self._bundle.firmware:
            self._end("done")
        elif state != UPDATE_WHOLE and (refusal := self._refusal(offset, free, release)):
            self._end("refused", *refusal)
        elif state == UPDATE_WHOLE:
            self._begin("switching")
        elif state != UPDATE_WANTED:
            self._end("refused", *_WHY_REFUSED.get(state, ("", f"the node says {state}")))
        elif offset < len(self._bundle.content):
            self._offset = offset
            self._begin("sending")
            self.tick()

    def _refusal(self, offset: int, free: int, release: int) -> tuple[Cause, str] | None:
        """Why a node that says so is not to have it."""
        bundle = self._bundle
        if release >= bundle.release:
            return "not_newer", (
                f"it runs release {release}, the bundle is release {bundle.release}: "
                "only a newer one is taken"
            )
        if release < bundle.minimum:
            needs = f"this needs {bundle.minimum} at least before it"
            return "too_old", f"it runs release {release}; {needs}"
        blocks = _FOLDER_BLOCKS + sum(
            -(-file.size // _BLOCK_BYTES) for file in bundle.files if file.offset >= offset
        )
        if blocks * _BLOCK_BYTES > free:
            return "room", (
                f"it has {max(0, free) // 1024} KiB of flash free beside what readings may take, "
                f"and {blocks * _BLOCK_BYTES // 1024} KiB are needed: a smaller spill_bytes "
                "makes room"
            )
        return None

    def _switch(self, now: int) -> None:
        """Have the node start again with it, and see that it does."""
        if self._downlink.boot(self.node) != self._boot:
            if self._said_us is None:
                self._begin("asking")
            else:
                self.step = "trying"
                self._begun_us = now
                if not self._stopped_by:
                    self._cause, self.reason = "", ""
        elif self._stopped_by:
            # That word was lost, if it does not start again.
            if self._said_us is not None and now - self._said_us >= _RESTART_US:
                self._end_stopped()
        elif now - self._heard_us >= _GIVE_UP_US:
            reason = "the node has it all and does not start again"
            self._end("unanswered", "no_answer", reason)
        elif self._may(now) and (self._said_us is None or now - self._said_us >= _AGAIN_US):
            self._said_us = now
            release = self._bundle.release
            sequence = self._downlink.command(self.node, COMMAND_REBOOT, [release])
            if sequence is not None:
                self._sequences.add(sequence)

    def _judge_by_version(self) -> None:
        """What the node says that it runs counts, also where the word of how it ended was lost."""
        runs = self._runs()
        if runs == self._bundle.firmware:
            self._end("done")
        else:
            reason = f"the node runs {runs or 'nothing that it told'}, not this"
            self._end("unanswered", "other_version", reason)

    def _may(self, now: int) -> bool:
        """Whether the locomotive stands; without knowing, only for so long."""
        stands = self._stands()
        if stands:
            self._unknown_us = None
            if self._cause in ("moves", "speed_unknown"):
                self._cause, self.reason = "", ""
            return True
        if stands is None:
            self._unknown_us = now if self._unknown_us is None else self._unknown_us
            if now - self._unknown_us >= _UNKNOWN_US:
                reason = "the speed is not known any more; --standing vouches for it"
                self._end("refused", "speed_unknown", reason)
                return False
        self._heard_us = now
        self._cause = "moves" if stands is False else "speed_unknown"
        moves = "moves" if stands is False else "may move: its speed is not known"
        self.reason = f"waits: the locomotive {moves}"
        return False

    def _begin(self, step: NodeStep) -> None:
        self.step = step
        self._said_us = None
        self._again_us = _AGAIN_US
        self._sequences.clear()

    def _end_stopped(self) -> None:
        self._downlink.command(self.node, COMMAND_UPDATE, [])
        self._end("stopped", "stopped", f"by {self._stopped_by}")

    def _end(self, step: NodeStep, cause: Cause = "", reason: str = "") -> None:
        self.step = step
        self._cause = cause
        self.reason = reason
