"""A gateway's updates and the nodes that take them, in memory: a test owns time and every word."""

from pathlib import Path

from axwire import cose, down
from axwire.codes import (
    COMMAND_REBOOT,
    COMMAND_UPDATE,
    EVENT_COMMAND_DONE,
    EVENT_FIRMWARE_KEPT,
    EVENT_UPDATE,
)
from axwire.down import Down, parse_down
from axwire.parse import Event
from manual_clock import ManualClock

from gateway.downlink import Downlink
from gateway.spool.storage import FileStorage
from gateway.update.bundle import Bundle, pack, public_key, read_bundle, sign
from gateway.update.progress import NodeStep
from gateway.update.store import JobStore
from gateway.update.updating import NodeFacts, Updating

__all__ = ["FILES", "FREE", "GOOD", "SECRET", "Depot", "bundle", "made", "switching"]

SECRET = bytes(range(32))
TRUSTED = [public_key(SECRET)]
FILES = {
    "axnode/node.mpy": b"M" * 2000,
    "axwire/cose.mpy": b"W" * 100,
    "drivers/x.mpy": b"D" * 768,
}
FREE = 1 << 20


def made(release: int = 2, firmware: str = "0.2.0", minimum: int = 1) -> bytes:
    return sign(pack("pico", firmware, release, minimum, FILES), SECRET)


GOOD = made()


class Node:
    """Answers as firmware/axnode/update.py does, at once."""

    name = "serial bench"

    def __init__(self, name: str, key: cose.MacKey) -> None:
        self.node = name
        self.key = key
        self.boot = 1
        self.firmware: str | None = "0.1.0"
        self.release = 1
        self.board = "pico"
        self.free = FREE
        self.status = "live"
        self.knows_updates = True
        self.is_busy = False
        self.is_deaf = False
        self.outcome: int | None = None
        self.held = b""
        self.digest = b""
        self.in_flash = b""
        self.takes = False
        self.heard: list[Down] = []
        self.said: list[Event] = []

    def send(self, message: bytes) -> bool:
        if self.is_deaf:
            return True
        envelope = cose.split(message)
        envelope.check(self.key, cose.DOWN)
        told = parse_down(envelope.payload)
        if told.boot != self.boot:
            return True
        self.heard.append(told)
        fields: list[object] = told.fields
        if told.kind == down.COMMAND and fields[0] == COMMAND_UPDATE:
            result = 1 if not self.knows_updates else 2 if self.is_busy else 0
            self.say(EVENT_COMMAND_DONE, told.sequence, COMMAND_UPDATE, result)
            self.takes = bool(fields[1]) and result == 0
            if self.takes:
                words: list[int] = fields[1]  # type: ignore[assignment]
                digest = b"".join(word.to_bytes(4, "big") for word in words)
                if digest != self.digest:
                    self.digest, self.in_flash = digest, b""
                self.held = self.in_flash
                self.wants()
        elif told.kind == down.UPDATE and not self.takes:
            self.say(EVENT_COMMAND_DONE, told.sequence, 0, 2)
        elif told.kind == down.UPDATE:
            offset, part = fields
            if offset == len(self.held):
                self.held += part  # type: ignore[operator]
            self.wants()
        elif told.kind == down.COMMAND and fields[0] == COMMAND_REBOOT:
            if fields[1] == [2] and self.is_whole:
                self.reset()
            else:
                self.say(EVENT_COMMAND_DONE, told.sequence, COMMAND_REBOOT, 2)
        return True

    @property
    def is_whole(self) -> bool:
        return self.takes and self.held == read_bundle(GOOD, TRUSTED).content

    def wants(self) -> None:
        self.say(EVENT_UPDATE, int(self.is_whole), len(self.held), self.free, self.release)

    def reset(self) -> None:
        self.boot += 1
        self.takes = False

    def say(self, code: int, *arguments: int) -> None:
        self.said.append(Event(self.boot, len(self.said), [0, code, [*arguments]]))


class Depot:
    def __init__(self, folder: Path, *names: str) -> None:
        keys = {name: cose.MacKey(bytes([at]) * 32) for at, name in enumerate(names, 1)}
        self.nodes = {name: Node(name, key) for name, key in keys.items()}
        self.keys = keys
        self.folder = folder
        self.clock = ManualClock()
        self.stands: bool | None = True
        self.run = 0
        self.busy: set[str] = set()
        self.restart()

    def restart(self) -> None:
        self.run += 1
        self.downlink = Downlink(self.keys)
        self.downlink.begin_run(self.run)
        self.updating = Updating(
            self.downlink,
            self.clock,
            lambda node: NodeFacts(
                self.nodes[node].status,  # type: ignore[arg-type]
                self.nodes[node].firmware,
                self.nodes[node].board,
            ),
            lambda: self.stands,
            lambda node: node in self.busy,
            TRUSTED,
            JobStore(FileStorage(), self.folder / "update"),
        )
        self.updating.resume()
        self.hear()

    def hear(self) -> None:
        for name, node in self.nodes.items():
            self.downlink.heard(name, node.boot, node)

    def run_for(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.clock.advance_us(100_000)
            self.hear()
            self.updating.tick()
            for node in self.nodes.values():
                said, node.said = node.said, []
                for event in said:
                    self.updating.told(node.node, event)

    def ends(self) -> dict[str, tuple[NodeStep, str]]:
        state = self.updating.state()
        assert state is not None
        assert state.ended, state
        return {one.node: (one.step, one.reason) for one in state.nodes}

    def step(self, name: str) -> NodeStep:
        state = self.updating.state()
        assert state is not None
        return next(one.step for one in state.nodes if one.node == name)

    def prove(self, name: str) -> None:
        """Its new firmware reached the gateway."""
        node = self.nodes[name]
        node.firmware, node.release = "0.2.0", 2
        node.say(EVENT_FIRMWARE_KEPT, 2)


def bundle() -> Bundle:
    """GOOD, as the gateway reads it."""
    return read_bundle(GOOD, TRUSTED)


def switching(depot: Depot, *nodes: str) -> None:
    """Until the first node has it all; then the locomotive moves."""
    depot.updating.ask(GOOD, nodes, "test")
    while depot.step("axles-a") != "switching":
        depot.run_for(0.1)
    depot.stands = False
    depot.run_for(10)
    assert depot.nodes["axles-a"].boot == 1
