"""Finds the MicroPython interpreter that the bench runs firmware on.

In this order: the setting, the 32-bit build on PATH, Debian's 32-bit build fetched into the cache
folder, and only where that cannot be had a 64-bit build. The 32-bit one is wanted because its
objects and its `time.ticks_*` are as large as a board's. The machine's own build, with firmware
and simulated hardware as machine code, is faster, for runs in simulated time of which only the
result counts.
"""

import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from hil.debian import PackageCache, command_in
from hil.errors import MissingError

__all__ = [
    "INTERPRETER_SETTING",
    "MINIMUM_VERSION",
    "Interpreter",
    "find_fast_interpreter",
    "find_interpreter",
]

INTERPRETER_SETTING = "AXLEBOX_MICROPYTHON"
MINIMUM_VERSION = (1, 24)

_SUITE = "trixie"
_PACKAGES = ("micropython",)
_PROGRAM = "usr/bin/micropython"
_SMALLER = {"amd64": "i386", "arm64": "armhf"}
_PROBE = (
    "import sys; i = sys.implementation;"
    "print(i.name, '.'.join(str(n) for n in i.version[:3]), 32 if sys.maxsize < 2**31 else 64)"
)
_PROBE_LIMIT_S = 10


@dataclass(frozen=True)
class Interpreter:
    """A MicroPython that runs here: append options and a script to `command`.

    `origin` tells a person where it comes from, and why it is not the 32-bit build where it
    is not. `fast`: only the result of a run counts, not its heap, so what it runs may be compiled
    to machine code.
    """

    command: tuple[str, ...]
    version: str
    bits: int
    origin: str
    fast: bool = False


def find_interpreter(
    environ: Mapping[str, str] = os.environ,
    packages: PackageCache | None = None,
    *,
    tell: Callable[[str], None] = lambda line: None,
) -> Interpreter:
    """The interpreter to use; MissingError says what to install or set where there is none.

    May fetch from the network the first time; `tell` then gets a line that says so.
    """
    if setting := environ.get(INTERPRETER_SETTING):
        return _from_setting(setting, environ)
    installed = _from_path(environ)
    if isinstance(installed, Interpreter) and installed.bits == 32:
        return installed
    try:
        return _from_debian(packages or PackageCache(environ, tell=tell), installed)
    except MissingError as error:
        if isinstance(installed, Interpreter):
            return _compromise(installed, error)
        raise MissingError(_remedy(installed, error)) from error


def find_fast_interpreter(
    environ: Mapping[str, str] = os.environ,
    packages: PackageCache | None = None,
    *,
    tell: Callable[[str], None] = lambda line: None,
) -> Interpreter:
    """The machine's own build, from the setting, PATH or Debian, for runs in simulated time in
    which the heap is not measured: see hil.lockstep. MissingError as of `find_interpreter`."""
    return replace(_own_build(environ, packages or PackageCache(environ, tell=tell)), fast=True)


def _own_build(environ: Mapping[str, str], packages: PackageCache) -> Interpreter:
    if setting := environ.get(INTERPRETER_SETTING):
        return _from_setting(setting, environ)
    installed = _from_path(environ)
    if isinstance(installed, Interpreter):
        return installed
    try:
        return _fetched(packages, packages.architecture())
    except MissingError as error:
        raise MissingError(_remedy(installed, error)) from error


def _from_setting(setting: str, environ: Mapping[str, str]) -> Interpreter:
    command = (setting,) if os.path.isfile(setting) else tuple(shlex.split(setting))
    program = shutil.which(command[0], path=environ.get("PATH", os.defpath)) if command else None
    if program is None:
        raise MissingError(f"{INTERPRETER_SETTING}={setting}: there is no such program")
    try:
        return _probe((program, *command[1:]), INTERPRETER_SETTING, environ)
    except MissingError as error:
        raise MissingError(f"{INTERPRETER_SETTING}={setting}: {error}") from error


def _from_path(environ: Mapping[str, str]) -> Interpreter | str:
    """What PATH offers, or why it offers nothing."""
    program = shutil.which("micropython", path=environ.get("PATH", os.defpath))
    if program is None:
        return "there is no micropython on PATH"
    try:
        return _probe((program,), program, environ)
    except MissingError as error:
        return f"{program}: {error}"


def _from_debian(packages: PackageCache, installed: Interpreter | str) -> Interpreter:
    """Debian's 32-bit build; its 64-bit build where that cannot run and none is installed."""
    native = packages.architecture()
    wanted = _SMALLER.get(native, native)
    try:
        return _fetched(packages, wanted)
    except _CannotRunError as error:
        if wanted == native or isinstance(installed, Interpreter):
            raise
        return _compromise(_fetched(packages, native), error)


def _fetched(packages: PackageCache, architecture: str) -> Interpreter:
    root = packages.fetch(_PACKAGES, _SUITE, architecture)
    origin = f"Debian {_SUITE} {architecture} in {root}"
    return _probe(command_in(root, _PROGRAM), origin, packages.environ)


def _compromise(found: Interpreter, reason: MissingError) -> Interpreter:
    why = f"{found.bits}-bit because the 32-bit build cannot be had: {reason}"
    return replace(found, origin=f"{found.origin}; {why}")


class _CannotRunError(MissingError):
    """The machine cannot execute the program at all."""


def _probe(command: Sequence[str], origin: str, environ: Mapping[str, str]) -> Interpreter:
    """Ask the interpreter what it is; MissingError where it is none or too old."""
    try:
        done = subprocess.run(
            [*command, "-c", _PROBE],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_LIMIT_S,
        )
    except OSError as error:
        raise _CannotRunError(f"it does not run here ({error.strerror})") from error
    except subprocess.TimeoutExpired:
        raise _CannotRunError(f"it gave no answer within {_PROBE_LIMIT_S} s") from None
    if done.returncode:
        last = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
        raise _CannotRunError(f"it does not run here ({last})")
    name, _, rest = done.stdout.strip().partition(" ")
    version, _, bits = rest.partition(" ")
    if name != "micropython":
        raise MissingError("it is no MicroPython")
    if tuple(int(part) for part in version.split(".")[:2]) < MINIMUM_VERSION:
        least = ".".join(map(str, MINIMUM_VERSION))
        raise MissingError(f"it is MicroPython {version}, and {least} or newer is needed")
    return Interpreter(tuple(command), version, int(bits), origin)


def _remedy(installed: str, fetching: MissingError) -> str:
    least = ".".join(map(str, MINIMUM_VERSION))
    return (
        f"No MicroPython {least} or newer: {installed}; Debian's package cannot be fetched on "
        f"this {platform.machine()} machine: {fetching}. Connect the machine to its Debian "
        f"mirror once and start again, or install MicroPython (its Unix port, 32-bit if you "
        f"can) and name it in {INTERPRETER_SETTING}."
    )
