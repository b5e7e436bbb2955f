"""A serial cable in software: a pty at each end, and in between what happens to real cables."""

import os
import pty
import random
import select
import threading
import tty
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Cable", "FrameTrouble", "Frames", "LineNoise", "disturbed"]

_CHUNK = 4096
_PENDING_CAP = 256 * 1024
"""Bytes that wait for a reader who does not read; beyond, the cable drops, as a UART does."""


@dataclass(frozen=True)
class LineNoise:
    """Each byte is replaced by a random one with this probability; repeats from its seed."""

    share: float
    seed: int


@dataclass(frozen=True)
class FrameTrouble:
    """A frame comes twice, changes places with the next one, or gets lost, with these
    probabilities."""

    twice: float
    swapped: float
    seed: int
    lost: float = 0.0


class Frames:
    """One direction of a line whose frames are in trouble."""

    def __init__(self, trouble: FrameTrouble, direction: int) -> None:
        self._trouble = trouble
        self._random = random.Random(trouble.seed * 2 + direction)
        self._begun = bytearray()
        self._held = b""

    def pass_on(self, data: bytes) -> bytes:
        """What arrives now; a frame that is not complete yet waits."""
        self._begun += data
        *frames, rest = bytes(self._begun).split(b"\0")
        self._begun = bytearray(rest)
        out = []
        for frame in frames:
            if self._trouble.lost and self._random.random() < self._trouble.lost:
                continue
            if not self._held and self._random.random() < self._trouble.swapped:
                self._held = frame + b"\0"
                continue
            copies = 2 if self._random.random() < self._trouble.twice else 1
            out += [(frame + b"\0") * copies, self._held]
            self._held = b""
        return b"".join(out)

    def rest(self) -> bytes:
        """What is still on its way when the trouble ends."""
        return self._held + bytes(self._begun)


class _End:
    """One end: the pty's controlling side, and what still has to go out there."""

    def __init__(self) -> None:
        self.controller, self.device = pty.openpty()
        tty.setraw(self.device)
        os.set_blocking(self.controller, False)
        self.path = os.ttyname(self.device)
        self.pending = bytearray()

    def close(self) -> None:
        os.close(self.controller)
        os.close(self.device)


class Cable:
    """From a board's UART at `board_path` to a port that appears under `port`.

    `unplug` takes the port away as a pulled USB plug does (a gateway that has it open gets an
    error); `plug` brings it back. A board notices neither: its UART sends into the air.
    `record` keeps what the board sent, for playing it back later.
    """

    def __init__(self, port: Path, noise: LineNoise | None = None) -> None:
        self.port = port
        self.dropped_bytes = 0
        self.flipped_bytes = 0
        self.recorded: bytearray | None = None
        self._random = random.Random()
        self.disturb(noise)
        self._board = _End()
        self._gateway: _End | None = None
        self._frames: dict[_End, Frames] = {}
        self._lock = threading.Lock()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        self._closed = False
        self.plug()
        self._thread = threading.Thread(target=self._pump, name=f"cable {port.name}", daemon=True)
        self._thread.start()

    @property
    def board_path(self) -> str:
        return self._board.path

    def plug(self) -> None:
        with self._lock:
            if self._gateway is None:
                self._gateway = _End()
                self.port.unlink(missing_ok=True)
                self.port.symlink_to(self._gateway.path)
        self._wake()

    def unplug(self) -> None:
        with self._lock:
            if self._gateway is not None:
                self.port.unlink(missing_ok=True)
                self._gateway.close()
                self._gateway = None
        self._wake()

    def disturb(self, noise: LineNoise | None) -> None:
        """Begin or, with None, end noise on the line, in both directions."""
        self._noise = noise
        if noise is not None:
            self._random.seed(noise.seed)

    def trouble(self, trouble: FrameTrouble | None) -> None:
        """Begin or, with None, end trouble with whole frames, in both directions."""
        with self._lock:
            if trouble is not None:
                ends = [self._board, self._gateway]
                self._frames = {
                    end: Frames(trouble, number) for number, end in enumerate(ends) if end
                }
                return
            for end, frames in self._frames.items():
                if end in (self._board, self._gateway):
                    self._queue(end, frames.rest())
            self._frames = {}
        self._wake()

    @property
    def waiting(self) -> int:
        """Bytes that the gateway's end has not read yet."""
        return 0 if self._gateway is None else len(self._gateway.pending)

    def record(self) -> None:
        """Keep from now on what the board sends, in `recorded`."""
        self.recorded = bytearray()

    def inject(self, data: bytes) -> None:
        """Put bytes on the line towards the gateway, as a stranger with a clip would."""
        with self._lock:
            if self._gateway is not None:
                self._queue(self._gateway, data)
        self._wake()

    def close(self) -> None:
        self._closed = True
        self._wake()
        self._thread.join()
        self.unplug()
        self._board.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _wake(self) -> None:
        with suppress(OSError):
            os.write(self._wake_write, b"!")

    def _pump(self) -> None:
        while not self._closed:
            with self._lock:
                ends = [end for end in (self._board, self._gateway) if end is not None]
                writing = [end.controller for end in ends if end.pending]
                reading = [end.controller for end in ends]
            with suppress(OSError, ValueError):
                select.select([self._wake_read, *reading], writing, [], 1.0)
            with self._lock:
                with suppress(BlockingIOError):
                    os.read(self._wake_read, _CHUNK)
                self._move(self._board, self._gateway)
                if self._gateway is not None:
                    self._move(self._gateway, self._board)

    def _move(self, source: _End, target: _End | None) -> None:
        with suppress(BlockingIOError, OSError):
            data = os.read(source.controller, _CHUNK)
            if source is self._board and self.recorded is not None:
                self.recorded += data
            if target is None:
                self.dropped_bytes += len(data)
            else:
                data = self._disturb(data)
                frames = self._frames.get(target)
                self._queue(target, data if frames is None else frames.pass_on(data))
        if target is not None and target.pending:
            with suppress(BlockingIOError, OSError):
                del target.pending[: os.write(target.controller, target.pending)]

    def _queue(self, end: _End, data: bytes) -> None:
        if len(end.pending) + len(data) > _PENDING_CAP:
            self.dropped_bytes += len(data)
        else:
            end.pending += data

    def _disturb(self, data: bytes) -> bytes:
        if self._noise is None:
            return data
        changed, flipped = disturbed(data, self._noise, self._random)
        self.flipped_bytes += flipped
        return changed


def disturbed(data: bytes, noise: LineNoise, randomness: random.Random) -> tuple[bytes, int]:
    """What arrives, and how many of its bytes are wrong."""
    changed = bytearray(data)
    flipped = 0
    for index, byte in enumerate(data):
        if randomness.random() < noise.share:
            changed[index] = byte ^ randomness.randrange(1, 256)
            flipped += 1
    return bytes(changed), flipped
