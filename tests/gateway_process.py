"""The gateway as a process with one board's port, and the board at the other end of it."""

import os
import select
import signal
import subprocess
import sys
import tty
from pathlib import Path

from axwire import GATEWAY_MESSAGE_CAP
from axwire.cose import split
from axwire.down import ACK, PING, Down
from axwire.framing import Deframer, frame
from axwire.parse import parse_up
from board_peer import Board
from collecting import write_keys

from gateway.spool import Kind, read_records
from gateway.timebase import SystemClock

__all__ = ["CabledBoard", "Process", "readings"]

CLOCK = SystemClock()
LIMIT_S = 30
STOP_US = 2_000_000


class CabledBoard:
    """A board on a pty; `acknowledged` is what the gateway has said it has."""

    def __init__(self, path: Path, board: Board) -> None:
        self.board = board
        self.acknowledged: set[int] = set()
        self._deframer = Deframer(GATEWAY_MESSAGE_CAP)
        self._fd, self._near = os.openpty()
        tty.setraw(self._near)
        path.symlink_to(os.ttyname(self._near))

    def send(self, *messages: bytes) -> None:
        os.write(self._fd, b"".join(frame(message) for message in messages))

    def listen(self) -> list[Down]:
        """What the gateway says next. Fails when it says nothing for too long."""
        ready, _, _ = select.select([self._fd], [], [], LIMIT_S)
        assert ready, "the gateway is silent"
        heard = [self.board.open(m) for m in self._deframer.feed(os.read(self._fd, 65536))]
        for down in heard:
            if down.kind == ACK:
                upto, singles = down.fields
                self.acknowledged |= {*range(upto), *singles}
            elif down.kind == PING:
                self.send(self.board.pong(down, 1_000_000))
        return heard

    def until_acknowledged(self, count: int) -> None:
        while len(self.acknowledged) < count:
            self.listen()

    def close(self) -> None:
        os.close(self._fd)
        os.close(self._near)


class Process:
    """`axlebox gateway run`, with one board's port. `more`: further sections of its file."""

    def __init__(self, folder: Path, board: Board, more: str = "") -> None:
        self.spool = folder / "spool"
        self._config = folder / "axlebox.toml"
        write_keys(folder, [board])
        self._config.write_text(
            '[locomotive]\nid = "TE33A-0001"\n'
            '[[nodes]]\nname = "motors-a"\nkey_file = "motors-a.key"\n'
            '[[serial]]\nname = "motors"\nport = "port"\n'
            '[page]\nport = 0\n[clock]\ntrust = "always"\n' + more,
            encoding="utf-8",
        )
        self._process: subprocess.Popen[str] | None = None
        self._start_us = 0

    def start(self) -> str:
        """The page's address."""
        began_us = CLOCK.monotonic_us()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "gateway", "run", "-c", str(self._config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        self._start_us = CLOCK.monotonic_us() - began_us
        return line

    def end(self, number: int) -> int:
        """The exit code. Fails when it takes longer than 2 s.

        On a machine so busy that it took longer to start, it may take as long to end.
        """
        assert self._process is not None
        process, self._process = self._process, None
        assert process.stdout is not None
        process.send_signal(number)
        try:
            return process.wait(max(STOP_US, self._start_us) / 1e6)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def close(self) -> None:
        if self._process is not None:
            self.end(signal.SIGKILL)

    def stored(self) -> list[int]:
        """The sequences on the disk."""
        return [
            parse_up(split(record.body).payload).sequence
            for record in read_records(self.spool)
            if record.kind == Kind.MESSAGE
        ]


def readings(board: Board, count: int) -> list[bytes]:
    return [board.readings([[n, n]] * 20, t_ms=n * 100) for n in range(count)]
