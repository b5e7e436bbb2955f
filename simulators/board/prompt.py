"""A board with MicroPython's prompt on its console, in real time, its files in a simulated flash.

The Unix port has no raw prompt, so this is one: what its boards do at their console, byte for byte
as far as a host's tool can tell (MicroPython shared/runtime/pyexec.c, ports/rp2/main.c), but with
the interpreter below it that the firmware runs on, too. The console is standard input and output:
raw, for Ctrl-C comes as SIGINT, which the host sends while the process catches it. Needed besides
what the package says, all optional:

    AXSIM_MACHINE       what sys.implementation._machine is at the prompt, and with it
    AXSIM_VERSION       MicroPython's version there, as 1.28.0
    AXSIM_PROMPT        raw: begin at the raw prompt, and do not run main.py
    AXSIM_POWER_FAILS   in which operation of the flash from now on power fails

What this is not: Ctrl-C is noticed only where code waits, in `time` or in `select` (process.py),
so that it never ends a loop that does not; lines end as they are printed, without a carriage
return; the friendly prompt has no history, no completion and takes a block only up to an empty
line; the firmware itself sees the sys.implementation of the interpreter below.
"""

import builtins
import os
import sys

import micropython  # type: ignore[import-not-found]

from simulators.board import descriptors, power, process
from simulators.board.board import power_up
from simulators.board.boot import mount_file_system
from simulators.board.constant import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    execfile: Any

_CTRL_A, _CTRL_B, _CTRL_C, _CTRL_D, _CTRL_E = const(1), const(2), const(3), const(4), const(5)
_BACKSPACE = (8, 127)
_ENTER = (10, 13)
_WINDOW = const(128)
"""Bytes that raw paste lets the host send ahead: half of MICROPY_REPL_STDIN_BUFFER_MAX."""

_INTERRUPT = const(3)


class Implementation:
    """As sys.implementation; what is not said here is as below."""

    def __init__(self, machine: str, version: str) -> None:
        self._machine = machine
        major, minor, micro = version.split(".")
        self.version = int(major), int(minor), int(micro), ""

    def __getattr__(self, name: str) -> "Any":
        return getattr(sys.implementation, name)


class System:
    """As the module sys, of the board that this is."""

    def __init__(self, implementation: Implementation) -> None:
        self.implementation = implementation

    def __getattr__(self, name: str) -> "Any":
        return getattr(sys, name)


class Prompt:
    """What a host's tool talks to. `names` are those of the code that runs: main.py's, too."""

    def __init__(self, system: "Any") -> None:
        self.names: "dict[str, Any]" = {"__name__": "__main__"}
        self._system = system
        self._import: "Any" = builtins.__import__
        self._read = sys.stdin.buffer.read

    def run(self, *, raw: bool) -> None:
        """From a start to the soft reset that ends it; never returns."""
        try:
            self._file("boot.py")
            if not raw:
                self._file("main.py")
            while True:
                try:
                    raw = self._raw() if raw else self._friendly()
                except KeyboardInterrupt:  # it came when the code was just over
                    pass
        except EOFError:
            pass
        self._say("MPY: soft reboot\r\n")
        process.begin_again("AXSIM_PROMPT", "raw" if raw else "")

    def _file(self, name: str) -> None:
        if name in os.listdir("/"):
            run = lambda: execfile(name, self.names)  # noqa: E731, F821 MicroPython's
            self._execute(run, at_prompt=False)

    def _raw(self) -> bool:
        """The raw prompt; whether it is to be the raw one again. EOFError: a soft reset."""
        self._say("raw REPL; CTRL-B to exit\r\n>")
        line = bytearray()
        while True:
            byte = self._byte()
            if byte == _CTRL_A:
                if bytes(line[:1]) != b"\x05" or len(line) != 2:
                    return True
                if line[1] == 65:  # A
                    self._raw_paste()
                else:
                    self._say("R\x00")
                self._say(">")
                line = bytearray()
            elif byte == _CTRL_B:
                self._say("\r\n")
                return False
            elif byte == _CTRL_C:
                line = bytearray()
            elif byte == _CTRL_D:
                self._say("OK")
                if not line:
                    self._say("\r\n")
                    raise EOFError
                self._run_source(bytes(line))
                self._say(">")
                line = bytearray()
            else:
                line.append(byte)

    def _raw_paste(self) -> None:
        self._say("R\x01")
        sys.stdout.buffer.write(bytes((_WINDOW & 255, _WINDOW >> 8, 1)))
        source = bytearray()
        while True:
            byte = self._byte()
            if byte == _CTRL_D:
                break
            if byte == _CTRL_C:
                self._say("\x04\x04KeyboardInterrupt: \r\n\x04")
                return
            source.append(byte)
            if len(source) % _WINDOW == 0:
                self._say("\x01")
        self._say("\x04")
        self._run_source(bytes(source))

    def _run_source(self, source: bytes) -> None:
        """As a program, its output and its traceback each ended by Ctrl-D."""
        self._execute(lambda: exec(compile(source, "<stdin>", "exec"), self.names), "\x04")
        self._say("\x04")

    def _friendly(self) -> bool:
        """The prompt for people; whether the raw one is next. EOFError: a soft reset."""
        found = self._system.implementation
        version = ".".join(str(part) for part in found.version[:3])
        self._say("MicroPython v%s; %s\r\n" % (version, found._machine))
        self._say('Type "help()" for more information.\r\n')
        while True:
            self._say(">>> ")
            line = self._line()
            if line in ("\x01", "\x02"):
                return line == "\x01"
            if line == "\x04":
                self._say("\r\n")
                raise EOFError
            if line == "\x05":
                self._paste()
            elif line.strip():
                self._run_line(line)

    def _run_line(self, line: str) -> None:
        while line.rstrip().endswith(":") or "\n" in line:
            self._say("... ")
            more = self._line()
            if not more.strip():
                break
            line += "\n" + more
        self._execute(lambda: exec(compile(line + "\n", "<stdin>", "single"), self.names))

    def _line(self) -> str:
        """A line as it was typed, echoed; a control character alone that begins one."""
        line = ""
        while True:
            byte = self._byte()
            if byte in _ENTER:
                self._say("\r\n")
                return line
            if byte == _CTRL_C:
                self._say("\r\n")
                return ""
            if byte <= _CTRL_E and not line:
                return chr(byte)
            if byte in _BACKSPACE:
                if line:
                    line = line[:-1]
                    self._say("\x08 \x08")
            elif byte >= 32 or byte == 9:
                line += chr(byte)
                self._say(chr(byte))

    def _paste(self) -> None:
        self._say("\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== ")
        source = ""
        while True:
            byte = self._byte()
            if byte == _CTRL_C:
                self._say("\r\n")
                return
            if byte == _CTRL_D:
                self._say("\r\n")
                break
            source += "\n" if byte == 13 else chr(byte)
            self._say("\r\n=== " if byte == 13 else chr(byte))
        self._execute(lambda: exec(compile(source, "<stdin>", "exec"), self.names))

    def _execute(
        self, code: "Callable[[], Any]", end: str = "", *, at_prompt: bool = True
    ) -> None:
        """Run it as a board does: Ctrl-C interrupts it, a traceback is printed, behind `end`; to
        leave is a soft reset, EOFError. `at_prompt`: it sees what the board says it is."""
        if at_prompt:
            builtins.__import__ = self._importing  # type: ignore[assignment]
        ended = False
        try:
            micropython.kbd_intr(_INTERRUPT)
            try:
                code()
            finally:
                process.forget_interrupts()
        except SystemExit:
            ended = True
        except BaseException as error:
            self._say(end)
            end = ""
            sys.print_exception(error)  # type: ignore[attr-defined]
        finally:
            builtins.__import__ = self._import
        self._say(end)
        if ended:
            raise EOFError

    def _importing(self, name: str, *rest: "Any") -> "Any":
        return self._system if name == "sys" else self._import(name, *rest)

    def _byte(self) -> int:
        read = self._read(1)
        if not read:
            descriptors.exit_now(power.EXIT_POWER_CUT)
        return read[0]

    def _say(self, text: str) -> None:
        sys.stdout.write(text)


def start() -> None:
    """Switch the board on; never returns."""
    process.forget_interrupts()
    process.hold_interrupts()
    machine = os.getenv("AXSIM_MACHINE")
    system: "Any" = sys
    if machine:
        system = System(Implementation(machine, os.getenv("AXSIM_VERSION") or "1.28.0"))
    raw = os.getenv("AXSIM_PROMPT") == "raw"
    flash: "Any" = power_up().hardware.flash
    fails = os.getenv("AXSIM_POWER_FAILS")
    if fails:
        flash.fail_after(int(fails))
    mount_file_system()
    Prompt(system).run(raw=raw)
