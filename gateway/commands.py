"""Commands of people to nodes: sent once each, and matched with what the node answers.

A command is sealed for one node and one boot under a sequence that rises, and is never sent again
by itself, so a node carries it out once or not at all; its answer (EVENT 5) names the sequence and
is repeated by the node until it is stored. One command a node is under way at a time. A new
configuration is a conversation of its own (gateway.configuring), asked for in the same way.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from axwire import codes
from axwire.parse import Event
from msgspec import Struct

from gateway.configuring import Configuring, State
from gateway.downlink import Downlink
from gateway.errors import CommandError, ConfigError
from gateway.state import NodeStatus
from gateway.timebase import Clock

__all__ = [
    "CONFIGURE",
    "KNOWN",
    "LONGEST_S",
    "Answer",
    "BoardTest",
    "ChipTest",
    "Command",
    "Commands",
    "Request",
]

_log = logging.getLogger(__name__)

LONGEST_S = 300
"""Nobody waits longer than this for an answer."""

_RESULTS = {number: words.partition(":")[0] for number, words in codes.RESULTS.items()}


@dataclass(frozen=True)
class Command:
    """A command by its code, its arguments as (word, lowest, highest), and how long an answer may
    take."""

    code: int
    parameters: tuple[tuple[str, int, int], ...] = ()
    limit_s: int = 10


KNOWN = {
    "hello": Command(codes.COMMAND_HELLO),
    "identify": Command(codes.COMMAND_IDENTIFY, (("SECONDS", 1, 3600),)),
    "self-test": Command(codes.COMMAND_SELF_TEST, limit_s=30),
    "burst": Command(codes.COMMAND_BURST, (("CHANNEL", 0, 447),)),
    "period": Command(codes.COMMAND_PERIOD, (("GROUP", 0, 15), ("MS", 1, 60_000)), limit_s=70),
    "reboot": Command(codes.COMMAND_REBOOT, limit_s=30),
    "maintenance": Command(codes.COMMAND_MAINTENANCE, limit_s=30),
}
"""What a person can ask a node for with one command."""

CONFIGURE = "configure"
_CONFIGURE = Command(0, limit_s=240)
"""A node undoes a configuration with which it has not reached us for 2 minutes."""

_ENDS = {
    State.KEPT: "done",
    State.UNDONE: "undone",
    State.REFUSED: "not_possible",
    State.UNANSWERED: "no_answer",
}


class Request(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is asked of a node. `boot` (8 hex digits): only while it is in that boot.
    `configuration`: a `node.json` for the command configure."""

    node: str
    command: str
    arguments: list[int] = []
    limit_s: int | None = None
    boot: str | None = None
    configuration: str | None = None


class ChipTest(Struct, frozen=True, kw_only=True):
    """A chip by its number in the node's configuration, what it measures first, and a status."""

    chip: int
    channel: str
    status: str


class BoardTest(Struct, frozen=True, kw_only=True):
    """What the self-test says of the board itself; None: it cannot tell."""

    flash: str
    heap_free_bytes: int
    temperature_c: float | None
    supply_v: float | None


class Answer(Struct, frozen=True, kw_only=True):
    """How a command ended.

    `result`: a name of axwire.codes.RESULTS; or `no_answer`; `restarted`: the node began another
    boot before it answered, and nobody can tell whether it did it; `not_back`: it said that it
    starts again, and was not heard since; `undone`: it went back to the configuration before.
    `new_boot`: the boot that followed a reboot. `reason`: why a configuration is not in use.
    """

    node: str
    command: str
    arguments: list[int]
    result: str
    boot: str
    sequence: int
    took_ms: int
    new_boot: str | None = None
    reason: str = ""
    chips: list[ChipTest] = []
    board: BoardTest | None = None


class _Pending:
    def __init__(
        self,
        request: Request,
        boot: int,
        sequence: int,
        sent_us: int,
        limit_s: int,
        done: Callable[[Answer], None],
    ) -> None:
        self.request = request
        self.boot = boot
        self.sequence = sequence
        self.sent_us = sent_us
        self.until_us = sent_us + limit_s * 1_000_000
        self.done = done
        self.accepted = False
        self.chips: list[ChipTest] = []
        self.board: BoardTest | None = None


class Commands:
    """One instance for all nodes, used from one thread.

    `status` says whether a node speaks, `channel_name` what a channel of a node measures. `sent`
    counts by command, `answered` by command and result; an answer that came after its time is
    counted once more, as `late`.
    """

    def __init__(
        self,
        downlink: Downlink,
        clock: Clock,
        status: Callable[[str], NodeStatus],
        channel_name: Callable[[str, int], str],
    ) -> None:
        self._downlink = downlink
        self._clock = clock
        self._status = status
        self._channel_name = channel_name
        self._pending: dict[str, _Pending] = {}
        self._unanswered: dict[str, _Pending] = {}
        self._configuring = Configuring(downlink, clock)
        self.taken: Callable[[], str | None] = lambda: None
        """The node that takes new firmware, which is asked for nothing else meanwhile."""
        self.sent: Counter[str] = Counter()
        self.answered: Counter[tuple[str, str]] = Counter()

    @property
    def pending(self) -> int:
        """Commands that are not answered yet, at most one a node."""
        return len(self._pending)

    def is_pending(self, node: str) -> bool:
        """Whether the node has yet to answer one."""
        return node in self._pending

    def ask(self, request: Request, who: str, done: Callable[[Answer], None]) -> None:
        """Send a command; `done` is called once, when it is answered or the time for it is over.

        Raises CommandError where nothing was sent.
        """
        command = _known(request)
        limit_s = command.limit_s if request.limit_s is None else request.limit_s
        if not 1 <= limit_s <= LONGEST_S:
            raise CommandError("arguments", f"the limit must be 1 to {LONGEST_S} s")
        node = request.node
        boot = self._present_boot(request)
        if node in self._pending:
            other = self._pending[node].request.command
            raise CommandError(
                "busy", f"node {node} has not answered {other} yet; wait for that first"
            )
        if self.taken() == node:
            raise CommandError("busy", f"node {node} takes new firmware; wait for that first")
        sequence = self._send(request, command)
        now = self._clock.monotonic_us()
        self._pending[node] = _Pending(request, boot, sequence, now, limit_s, done)
        self.sent[request.command] += 1
        _log.info(
            "%s asks node %s for %s (sequence %d)",
            who,
            node,
            _words(request),
            sequence,
            extra={"node": node, "command": request.command, "who": who},
        )

    def _send(self, request: Request, command: Command) -> int:
        """The sequence of what was sent; 0 for a configuration, which takes many."""
        node = request.node
        if request.configuration is not None:
            try:
                self._configuring.send(node, request.configuration.encode())
            except ConfigError as error:
                raise CommandError("arguments", str(error)) from None
            return 0
        sequence = self._downlink.command(node, command.code, request.arguments)
        if sequence is None:
            raise CommandError("silent", f"no link took the command for node {node}: try again")
        return sequence

    def told(self, node: str, event: Event) -> None:
        """A new event of a node."""
        self._configuring.told(node, event)
        pending = self._pending.get(node)
        if event.code == codes.EVENT_COMMAND_DONE and len(event.arguments) == 3:
            sequence, _, result = event.arguments
            if pending is not None and (event.boot, sequence) == (pending.boot, pending.sequence):
                self._answered(pending, _result(result))
            elif self._is_late(node, event.boot, sequence):
                late = self._unanswered.pop(node).request
                self.answered[late.command, "late"] += 1
                _log.info(
                    "node %s, %s: %s, too late",
                    node,
                    _words(late),
                    _result(result),
                    extra={"node": node, "command": late.command, "result": _result(result)},
                )
        elif pending is not None and event.boot == pending.boot:
            self._tested(pending, event)

    def tick(self) -> None:
        """End what takes too long or was overtaken by a reset; call it ten times a second."""
        self._configuring.tick()
        now = self._clock.monotonic_us()
        for node, pending in list(self._pending.items()):
            if pending.request.configuration is not None:
                self._look_at_configuration(pending, now)
                continue
            reboots = pending.request.command == "reboot"
            boot = self._downlink.boot(node)
            if boot is not None and boot != pending.boot:
                self._end(pending, "done" if reboots else "restarted", f"{boot:08x}")
            elif now >= pending.until_us:
                self._end(pending, "not_back" if pending.accepted else "no_answer")

    def _look_at_configuration(self, pending: _Pending, now: int) -> None:
        progress = self._configuring.progress(pending.request.node)
        if progress is not None and progress.ended:
            self._end(pending, _ENDS[progress.state], reason=progress.reason)
        elif now >= pending.until_us:
            self._end(pending, "no_answer")

    def _present_boot(self, request: Request) -> int:
        node = request.node
        if node not in self._downlink.names:
            known = ", ".join(self._downlink.names) or "none"
            raise CommandError("unknown_node", f"there is no node {node}; there are: {known}")
        boot = self._downlink.boot(node)
        status = self._status(node)
        if boot is None or status == "waiting":
            raise CommandError("silent", f"node {node} was not heard yet: nothing was sent")
        if status == "stale":
            raise CommandError(
                "silent", f"node {node} is silent, look at its cable and supply: nothing was sent"
            )
        if request.boot is not None and request.boot != f"{boot:08x}":
            raise CommandError(
                "other_boot",
                f"node {node} is in boot {boot:08x}, not {request.boot}: nothing was sent",
            )
        return boot

    def _answered(self, pending: _Pending, result: str) -> None:
        if pending.request.command == "reboot" and result == "done":
            pending.accepted = True
        else:
            self._end(pending, result)

    def _is_late(self, node: str, boot: int, sequence: int) -> bool:
        """Whether that is the last command that nobody waited for any longer."""
        last = self._unanswered.get(node)
        return last is not None and (last.boot, last.sequence) == (boot, sequence)

    def _tested(self, pending: _Pending, event: Event) -> None:
        arguments = event.arguments
        if event.code == codes.EVENT_CHIP_TESTED and len(arguments) == 3:
            chip, channel, status = arguments
            name = self._channel_name(pending.request.node, channel)
            known = 0 <= status < len(codes.STATUSES)
            word = codes.STATUSES[status] if known else f"status_{status}"
            pending.chips.append(ChipTest(chip=chip, channel=name, status=word))
        elif event.code == codes.EVENT_BOARD_TESTED and len(arguments) == 4:
            flash, heap, temperature, supply = arguments
            pending.board = BoardTest(
                flash="failed" if flash else "ok",
                heap_free_bytes=heap,
                temperature_c=None if temperature == codes.UNKNOWN else temperature / 100,
                supply_v=None if supply == codes.UNKNOWN else supply / 1000,
            )

    def _end(
        self, pending: _Pending, result: str, new_boot: str | None = None, reason: str = ""
    ) -> None:
        request = pending.request
        del self._pending[request.node]
        if result in ("no_answer", "restarted"):
            self._unanswered[request.node] = pending
        self.answered[request.command, result] += 1
        took_ms = (self._clock.monotonic_us() - pending.sent_us) // 1000
        _log.info(
            "node %s, %s (sequence %d): %s after %d ms",
            request.node,
            _words(request),
            pending.sequence,
            result,
            took_ms,
            extra={"node": request.node, "command": request.command, "result": result},
        )
        pending.done(
            Answer(
                node=request.node,
                command=request.command,
                arguments=request.arguments,
                result=result,
                boot=f"{pending.boot:08x}",
                sequence=pending.sequence,
                took_ms=took_ms,
                new_boot=new_boot,
                reason=reason,
                chips=sorted(pending.chips, key=lambda tested: tested.chip),
                board=pending.board,
            )
        )


def _known(request: Request) -> Command:
    """The command, with as many arguments as it takes, each within its limits."""
    if request.command == CONFIGURE:
        if request.configuration is None or request.arguments:
            raise CommandError("arguments", "configure takes a configuration and nothing else")
        return _CONFIGURE
    command = KNOWN.get(request.command)
    if command is None:
        known = ", ".join((*KNOWN, CONFIGURE))
        raise CommandError(
            "unknown_command", f"there is no command {request.command}; there are: {known}"
        )
    parameters = command.parameters
    if request.configuration is not None:
        raise CommandError("arguments", f"{request.command} takes no configuration")
    fits = len(parameters) == len(request.arguments) and all(
        low <= value <= high
        for value, (_, low, high) in zip(request.arguments, parameters, strict=True)
    )
    if not fits:
        wanted = ", ".join(f"{word} ({low} to {high})" for word, low, high in parameters)
        raise CommandError("arguments", f"{request.command} takes {wanted or 'no arguments'}")
    return command


def _result(number: int) -> str:
    return _RESULTS.get(number, f"result_{number}")


def _words(request: Request) -> str:
    return " ".join([request.command, *map(str, request.arguments)])
