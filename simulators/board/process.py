"""The process that a simulated board is: its signals, and how it begins anew as it is.

Through libc (MicroPython's `ffi`), on Linux.
"""

import os
from array import array

import ffi  # type: ignore[import-not-found]
import uctypes  # type: ignore[import-not-found]

_libc = ffi.open("libc.so.6")
_getpid = _libc.func("i", "getpid", "")
_kill = _libc.func("i", "kill", "ii")
_execv = _libc.func("i", "execv", "sP")

with open("/proc/self/cmdline", "rb") as _file:
    _command = [word + b"\0" for word in _file.read().split(b"\0")[:-1]]


def signal(number: int) -> None:
    """Send this signal to itself."""
    _kill(_getpid(), number)


def begin_again(setting: str, value: str) -> None:
    """Run the same program anew, with that in its environment. What the system was told to do
    later it still does: a watchdog (descriptors.exit_after) goes on."""
    os.putenv(setting, value)
    arguments = array("L", [uctypes.addressof(word) for word in _command] + [0])
    _execv("/proc/self/exe", arguments)
    raise OSError("the program cannot be run again")
