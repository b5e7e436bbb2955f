"""The firmware's files: in a checkout, or inside the installed package."""

from pathlib import Path

import axwire

__all__ = ["MAIN", "SLOTS", "board_files", "firmware_files", "firmware_root", "stimulus_files"]

MAIN = "main.py"
"""What MicroPython starts; it runs only as source."""

SLOTS = "slots.py"
"""What MAIN asks which copy of the rest it is to run."""

_GATEWAY_ONLY = ("axwire/parse.py",)
"""What of axwire reads a node's messages."""

_STIMULUS = "stimulus"
_STIMULUS_WIRE = ("__init__", "cbor", "errors", "framing")
"""What a stimulus unit needs of axwire."""

_PACKAGES = ("axwire", "axnode", "drivers")


def firmware_root() -> Path:
    """The folder with `main.py` and what it needs; `axwire` may be elsewhere."""
    packaged = Path(__file__).parent / "firmware"
    checkout = Path(axwire.__file__).parent.parent
    return packaged if (packaged / MAIN).exists() else checkout


def firmware_files() -> dict[str, Path]:
    """All source files that a board can run: their path there, in order, and where they are."""
    root = firmware_root()
    files = {MAIN: root / MAIN, SLOTS: root / "boards" / SLOTS}
    for package in _PACKAGES:
        source = Path(axwire.__file__).parent if package == "axwire" else root / package
        for path in sorted(source.rglob("*.py")):
            files[f"{package}/{path.relative_to(source).as_posix()}"] = path
    return dict(sorted(files.items()))


def board_files() -> dict[str, Path]:
    """Those of them that a board has a use for."""
    return {name: path for name, path in firmware_files().items() if name not in _GATEWAY_ONLY}


def stimulus_files() -> dict[str, Path]:
    """All files of a stimulus unit: their path there, and where they are."""
    program = firmware_root() / _STIMULUS
    files = {f"{_STIMULUS}/{path.name}": path for path in sorted(program.glob("*.py"))}
    files[MAIN] = files.pop(f"{_STIMULUS}/{MAIN}")
    wire = Path(axwire.__file__).parent
    return files | {f"axwire/{name}.py": wire / f"{name}.py" for name in _STIMULUS_WIRE}
