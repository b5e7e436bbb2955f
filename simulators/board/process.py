"""The process that a simulated board is: when Ctrl-C interrupts it, and how it begins anew.

Through libc (MicroPython's `ffi`), on Linux. The Unix port raises KeyboardInterrupt from its
signal handler, in the middle of whatever goes on: a collection of garbage, a write of the file
system. A board notices Ctrl-C between two instructions of the interpreter. So the signal is held
back, and let through where the firmware waits (interrupts.py).
"""

import os
from array import array

import ffi  # type: ignore[import-not-found]
import uctypes  # type: ignore[import-not-found]

_SIGINT = 2
_IGNORED = 1
_BLOCK, _UNBLOCK = 0, 1
_SET_BYTES = 128

_libc = ffi.open("libc.so.6")
_signal = _libc.func("P", "signal", "ii")
_sigprocmask = _libc.func("i", "sigprocmask", "iPP")
_execv = _libc.func("i", "execv", "sP")

_set = bytearray(_SET_BYTES)
_set[0] = 1 << (_SIGINT - 1)

with open("/proc/self/cmdline", "rb") as _file:
    _command = [word + b"\0" for word in _file.read().split(b"\0")[:-1]]


def hold_interrupts() -> None:
    """From now on Ctrl-C waits."""
    _sigprocmask(_BLOCK, _set, None)


def let_interrupts_through() -> None:
    """Raises KeyboardInterrupt, here or later, where one waits or comes."""
    _sigprocmask(_UNBLOCK, _set, None)


def forget_interrupts() -> None:
    """None waits any more, and none comes, until micropython.kbd_intr."""
    _signal(_SIGINT, _IGNORED)


def begin_again(setting: str, value: str) -> None:
    """Run the same program anew, with that in its environment. What the system was told to do
    later it still does: a watchdog (descriptors.exit_after) goes on."""
    os.putenv(setting, value)
    arguments = array("L", [uctypes.addressof(word) for word in _command] + [0])
    _execv("/proc/self/exe", arguments)
    raise OSError("the program cannot be run again")
