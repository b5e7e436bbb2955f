"""A node with the real firmware in simulated time; its gateway is the test."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from axwire import GATEWAY_MESSAGE_CAP, cose, down
from axwire.cbor import Writer
from axwire.codes import HEALTH_FIELDS
from axwire.framing import Deframer, frame
from axwire.parse import Event, Health, Hello, Pong, Readings, Waveform, parse_up

from gateway.profiles import GroupFit, LoopSensor, NodeFit
from hil.fitting import Fitting, fit_node
from hil.flash_image import make_image, read_image
from hil.interpreter import find_interpreter
from hil.lockstep import LockstepTarget

__all__ = ["BLOCKS", "FIT", "KEY", "NAME", "WINDOW_S", "SteppedNode", "stepped"]

NAME = "bench"
KEY = bytes(range(32))
BLOCKS = 352
"""Of 4 KiB: what MicroPython leaves for files in the 2 MiB of a Pico."""

WINDOW_S = 1.5
"""In which a person may take a board over at its start (firmware/main.py)."""

FIT = NodeFit(
    name=NAME,
    groups=[
        GroupFit(
            quantity="motor.current",
            places=["motor 1", "motor 2"],
            period_ms=100,
            sensor=LoopSensor(low=0, high=1200),
        )
    ],
)
_STEP_US = 50_000
_STRIDE_US = 1_000_000
"""A step of time while the node is answered, and while it is not."""

Up = Hello | Readings | Event | Health | Waveform | Pong


class SteppedNode:
    """A node with two loops each 100 ms. What it sends is checked, opened and kept in `messages`.

    `answers`: it is acknowledged each 50 ms, and pinged once a second. With `flash_blocks` its
    files lie in a simulated flash, else in `files`. `each_step` is called after each step of time,
    `sequence_of` gives the next sequence of what is said to it.
    """

    def __init__(self, folder: Path, flash_blocks: int = 0, seed: int = 1) -> None:
        self.messages: list[Up] = []
        self.answers = True
        self.key = cose.MacKey(KEY)
        self.fitting: Fitting = fit_node(FIT, "e66038b7132a5b2f", seed)
        self.target = LockstepTarget(
            self.fitting, KEY, find_interpreter(), folder, flash_blocks=flash_blocks
        )
        self.folder = folder
        self.files = folder / "flash"
        self._deframer = Deframer(GATEWAY_MESSAGE_CAP)
        self._blocks = flash_blocks
        self._writer = Writer(GATEWAY_MESSAGE_CAP)
        self.each_step: Callable[[], None] = lambda: None
        self.sequence_of: Callable[[], int] = count(1).__next__
        self._pinged_us = 0
        self._unread = 0

    def rewrite_flash(self) -> None:
        """Have the flash hold what is in `files` now."""
        make_image(
            self.target.image, self._blocks, self.files, find_interpreter(), self.folder / "sim"
        )

    def in_flash(self, folder: Path) -> dict[str, bytes]:
        """What is in its flash, by name; `folder` is made."""
        read_image(self.target.image, folder, find_interpreter(), self.folder / "sim")
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

    def patch_main(self, preamble: str) -> None:
        """Have this run before main.py."""
        main = self.files / "main.py"
        main.write_text(preamble + main.read_text(encoding="utf-8"), encoding="utf-8")

    def run_for(self, seconds: float) -> None:
        """Let it run, and take in what it sends."""
        end_us = self.target.now_us + round(seconds * 1e6)
        while self.target.now_us < end_us:
            step_us = _STEP_US if self.answers else _STRIDE_US
            self._step(min(end_us, self.target.now_us + step_us))

    def until(self, condition: Callable[[], bool], what: str, limit_s: float = 60.0) -> None:
        """Let it run until the condition holds; the test fails at the limit."""
        end_us = self.target.now_us + round(limit_s * 1e6)
        while not condition():
            assert self.target.now_us < end_us, f"no {what}; console: {self.console()}"
            self._step(self.target.now_us + _STEP_US)

    def console(self) -> str:
        path = self.folder / "console.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    @property
    def boot(self) -> int:
        """The one that spoke last."""
        return self.messages[-1].boot

    @property
    def boots(self) -> list[int]:
        """All that spoke, in order."""
        return list(dict.fromkeys(message.boot for message in self.messages))

    def of(self, kind: type[Any], boot: int | None = None) -> list[Any]:
        """Messages of that kind, each once, by sequence; of the last boot, where none is given."""
        boot = self.boot if boot is None else boot
        once = {
            each.sequence: each
            for each in self.messages
            if isinstance(each, kind) and each.boot == boot
        }
        return [once[sequence] for sequence in sorted(once)]

    def events(self, *codes: int, boot: int | None = None) -> list[list[int]]:
        """Arguments of the events of those codes."""
        return [event.arguments for event in self.of(Event, boot) if event.code in codes]

    def health(self) -> dict[str, int | None]:
        """What the newest HEALTH says."""
        return dict(zip(HEALTH_FIELDS, self.of(Health)[-1].values, strict=False))

    def say(self, write: Callable[..., None], *fields: Any) -> int:
        """Send it a message for its last boot; returns the sequence."""
        sequence = self.sequence_of()
        write(self._writer, self.boot, sequence, *fields)
        self._seal()
        return sequence

    def send(self, message: bytes) -> None:
        """A sealed message on its line."""
        self.target.send(frame(message), self.target.now_us)

    def _seal(self) -> None:
        self.send(cose.seal(self.key, NAME, cose.DOWN, self._writer.written()))

    def _step(self, until_us: int) -> None:
        for piece in self.target.advance(until_us):
            for message in self._deframer.feed(piece.data):
                envelope = cose.split(message)
                assert envelope.name == NAME
                envelope.check(self.key, cose.UP)
                self.messages.append(parse_up(envelope.payload))
        if self.answers and self.target.now_us >= self.target.on_us:
            self._answer()
        self.each_step()

    def _answer(self) -> None:
        fresh = self.messages[self._unread :]
        self._unread = len(self.messages)
        for boot in dict.fromkeys(up.boot for up in fresh if not isinstance(up, Pong)):
            self._acknowledge(boot)
        if self.messages and self.target.now_us - self._pinged_us >= 1_000_000:
            self._pinged_us = self.target.now_us
            self.say(down.ping, None)

    def _acknowledge(self, boot: int) -> None:
        kept = {up.sequence for up in self.messages if up.boot == boot and type(up) is not Pong}
        upto = 0
        while upto in kept:
            upto += 1
        singles = sorted(sequence for sequence in kept if sequence > upto)[-64:]
        down.ack(self._writer, boot, self.sequence_of(), upto, singles)
        self._seal()


@contextmanager
def stepped(folder: Path, **options: Any) -> Iterator[SteppedNode]:
    """A node that is not switched on yet, and is off in the end."""
    node = SteppedNode(folder, **options)
    try:
        yield node
    finally:
        node.target.stop()
