"""What a station knows of a board that is plugged in: its prompt, its facts and its files.

Through mpremote's transport, over the serial port that MicroPython's prompt is at. The firmware's
watchdog cannot be stopped once it runs, so a board is worked on right after a reset: Ctrl-C within
the 1.5 s that main.py waits (firmware/main.py) gives a prompt that nothing ends.
"""

import ast
import binascii
import os
import struct
import termios
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import TracebackType
from typing import Any, Self

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport
from serial import SerialException

from hil.station.errors import ContactError, StationError

__all__ = ["Board", "BoardFacts"]

SAFE_AFTER = 4
"""Resets in a row after which a node does nothing but speak (firmware/axnode/boot.py)."""

_LOOKS = 150
"""How often a prompt is asked for before the board counts as silent: for 30 s, three times as long
as a board that hangs takes until its watchdog resets it."""

_INTERRUPT_S = 0.05
_LATE_ANSWERS = 20
_BANNER_S = 0.15
_ANSWER_S = 5.0
"""How long the board may stay silent in the middle of an answer."""

_PIECE_BYTES = 1536
"""Of a file, at a time: a line of 2 KiB, which every board's heap can take."""

_HEARD_BYTES = 65_536
_LOST = (TransportError, OSError, SerialException, struct.error, termios.error, TypeError)
"""What the transport raises where an answer is missing or the port gone, which pyserial notices as
whatever was being done to it."""

_INTERRUPT = b"\r\x03"
_RAW = b"\r\x01"
_BANNER = b"raw REPL; CTRL-B to exit\r\n"

_FACTS = """
import machine, os, sys
i = sys.implementation
m = getattr(i, "_machine", None) or os.uname()[4]
try:
    with open("resets") as f:
        n = int(f.read())
except (OSError, ValueError):
    n = 0
print(repr((machine.unique_id(), m, tuple(i.version), n)))
"""
_ASKED_FOR = f"""
import os
try:
    with open("resets") as f:
        n = int(f.read())
    if n < {SAFE_AFTER}:
        os.remove("resets")
except (OSError, ValueError):
    pass
"""
_HAS_PROGRAM = """
import os
n = os.listdir("/")
print("main.py" in n or "boot.py" in n)
"""
# What else is mounted has three items in a listing of "/".
_LISTING = """
import os
def l(p):
    for e in os.ilistdir(p or "/"):
        if len(e) < 4:
            continue
        q = p + "/" + e[0]
        if e[1] & 0x4000:
            l(q)
        else:
            print(repr((q[1:], e[3])))
l("")
"""
_NO_FILE = "-"
_READ = """
from binascii import b2a_base64
try:
    f = open(%r, "rb")
except OSError:
    print("-")
else:
    while True:
        b = f.read(384)
        if not b:
            break
        print(b2a_base64(b).decode(), end="")
    f.close()
"""
_BEGIN_FILE = """
import os
from binascii import a2b_base64 as a
for d in %r:
    try:
        os.mkdir(d)
    except OSError:
        pass
f = open(%r, "wb")
w = f.write
"""
_END_FILE = """
f.close()
os.rename(%r, %r)
"""
_DIGESTS = """
import hashlib
from binascii import hexlify
b = memoryview(bytearray(512))
for p in %r:
    try:
        f = open(p, "rb")
    except OSError:
        continue
    h = hashlib.sha256()
    n = f.readinto(b)
    while n:
        h.update(b[:n])
        n = f.readinto(b)
    f.close()
    print(repr((p, hexlify(h.digest()).decode())))
"""
_DIGESTS_AT_A_TIME = 16
_FREE = """
import os
s = os.statvfs("/")
print(s[0] * s[3])
"""


@dataclass(frozen=True)
class BoardFacts:
    """`unique_id` in hexadecimal digits; `machine` as the interpreter names the board and its
    chip; `firmware_version` of MicroPython, as 1.28.0; `is_safe_mode`: it reset itself so often
    in a row that its node does nothing but speak."""

    unique_id: str
    machine: str
    firmware_version: str
    is_safe_mode: bool


class Board:
    """A board at its prompt. Raises ContactError once it is gone, StationError for what it cannot
    do. Paths are those on the board, without a slash in front."""

    def __init__(self, port: str, transport: SerialTransport) -> None:
        self.port = port
        self._transport = transport
        self._held = True

    @classmethod
    def open(cls, port: str) -> Self:
        """The board at this port, at a prompt that no watchdog ends if its firmware allows one.

        It is interrupted again and again until it gives a prompt, through as many resets as come.
        """
        board = cls(port, _take(port))
        try:
            if board.execute(_HAS_PROGRAM).strip() != "True":
                return board
        except ContactError:  # its watchdog was quicker
            board.close()
        else:
            board._restart()
        return cls(port, _take(port))

    def kind(self) -> BoardFacts:
        """What the board says of itself."""
        unique_id, machine, version, resets = self._told(_FACTS)[0]
        numbers = ".".join(str(part) for part in version[:3])
        return BoardFacts(unique_id.hex(), machine, numbers, resets >= SAFE_AFTER)

    def read(self, path: str) -> bytes | None:
        """The content of a file; None where there is none."""
        content = self.execute(_READ % path)
        return None if content.startswith(_NO_FILE) else binascii.a2b_base64(content)

    def write(self, path: str, data: bytes) -> None:
        """Make this the content of a file, and its folders. The old content stays whole until the
        new one is."""
        folders = [str(folder) for folder in reversed(PurePosixPath(path).parents[:-1])]
        beside = f"{path}.new"
        code = _BEGIN_FILE % (folders, beside)
        for at in range(0, max(1, len(data)), _PIECE_BYTES):
            piece = binascii.b2a_base64(data[at : at + _PIECE_BYTES], newline=False)
            code += f"n = w(a({piece!r}))\n"
            if at + _PIECE_BYTES >= len(data):
                code += _END_FILE % (beside, path)
            self.execute(code)
            code = ""

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""
        self.execute(f"import os\ntry:\n os.remove({path!r})\nexcept OSError:\n pass")

    def sha256(self, path: str) -> str | None:
        """Of a file's content as the board reads it, in hexadecimal digits; None: no file."""
        return self.digests([path]).get(path)

    def digests(self, paths: Iterable[str]) -> dict[str, str]:
        """`sha256` of those of the files that are there."""
        asked = list(paths)
        found: dict[str, str] = {}
        for at in range(0, len(asked), _DIGESTS_AT_A_TIME):
            found |= dict(self._told(_DIGESTS % (asked[at : at + _DIGESTS_AT_A_TIME],)))
        return found

    def listing(self) -> dict[str, int]:
        """All files in all folders, and how many bytes each has."""
        return dict(self._told(_LISTING))

    def free_bytes(self) -> int:
        """What is left of the file system."""
        return int(self.execute(_FREE))

    def execute(self, code: str) -> str:
        """Run this on the board; what it printed. What it raises there is a StationError."""
        with self._in_contact():
            try:
                output: bytes = self._transport.exec(code)
            except TransportExecError as error:
                last = (str(error.error_output).strip() or "nothing").splitlines()[-1]
                raise StationError(
                    f"the board refuses: {last}",
                    "Flash it again; if that does not help, set it aside",
                    code="worn",
                ) from None
        return output.decode("utf-8", "replace")

    def reset(self) -> None:
        """Have the board run its program from the start, and let go of it. As a person asked for
        this reset, it does not count among those that lead to safe mode, nor end that."""
        self.execute(_ASKED_FOR)
        self._restart()
        self._held = False

    def enter_boot_loader(self) -> None:
        """Have the chip's own loader wait for an image, and let go of the board."""
        self._leave("bootloader")
        self._held = False

    def close(self) -> None:
        """Let go of the port; the board stays at its prompt."""
        _let_go(self._transport)
        self._held = False

    def _restart(self) -> None:
        self._leave("reset")

    def _leave(self, how: str) -> None:
        with suppress(*_LOST):
            self._transport.exec_raw_no_follow(f"import machine\nmachine.{how}()")
        _let_go(self._transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """A board that is still held runs its program again."""
        if self._held:
            with suppress(StationError):
                self.reset()
            self.close()

    def _told(self, code: str) -> list[Any]:
        """What the code printed, each line a literal."""
        try:
            return [ast.literal_eval(line) for line in self.execute(code).splitlines() if line]
        except (SyntaxError, ValueError):
            raise ContactError(
                f"the board at {self.port} answers what cannot be read",
                "Check its cable, plug it in again and begin again",
            ) from None

    @contextmanager
    def _in_contact(self) -> Iterator[None]:
        try:
            yield
        except TransportExecError:
            raise
        except _LOST:
            raise ContactError(
                f"the board at {self.port} was pulled or reset itself",
                "Plug it in and begin again: it goes on where it was",
            ) from None


def _take(port: str) -> SerialTransport:
    """The port, with the board at its raw prompt. A port that is not there may come yet: a board
    that resets itself takes its USB port with it."""
    transport = None
    opened = False
    for _ in range(_LOOKS):
        try:
            if transport is None:
                transport = SerialTransport(port, timeout=_ANSWER_S)
                transport.serial.write_timeout = _ANSWER_S
                opened = True
            if _gives_prompt(transport):
                return transport
        except _LOST:
            _let_go(transport)
            transport = None
            time.sleep(_INTERRUPT_S + _BANNER_S)
    _let_go(transport)
    if opened:
        raise ContactError(
            f"the board at {port} gives no prompt",
            "Unplug it, begin again, and plug it in while the station waits for it",
        )
    if os.path.exists(port) and not os.access(port, os.R_OK | os.W_OK):
        raise ContactError(
            f"this user may not open {port}",
            "Add the user to the group dialout and log in anew",
            code="station",
        )
    if os.path.exists(port):
        raise ContactError(
            f"{port} cannot be opened",
            "End the program that uses it, then begin again",
            code="station",
        )
    raise ContactError(f"there is no board at {port}", "Plug one in there and begin again")


def _gives_prompt(transport: SerialTransport) -> bool:
    """Whether a board that is interrupted now is at its raw prompt afterwards."""
    port = transport.serial
    try:
        port.write(_INTERRUPT)
        _hear(transport, _INTERRUPT_S)
        port.write(_RAW)
        port.timeout = _BANNER_S
        if not port.read_until(_BANNER).endswith(_BANNER):
            return False
        # Answers to what was asked before may still come, and must not be taken for later ones.
        if all(_hear(transport, _INTERRUPT_S) for _ in range(_LATE_ANSWERS)):
            return False
        port.write(_RAW)
        port.timeout = _BANNER_S
        return bool(port.read_until(_BANNER).endswith(_BANNER))
    finally:
        port.timeout = _ANSWER_S


def _hear(transport: SerialTransport, duration_s: float) -> bytes:
    """What comes within that time, and perhaps more."""
    transport.serial.timeout = duration_s
    heard: bytes = transport.serial.read(_HEARD_BYTES)
    return heard


def _let_go(transport: SerialTransport | None) -> None:
    if transport is not None:
        with suppress(*_LOST):
            transport.close()
        with suppress(*_LOST):
            transport.serial.close()
