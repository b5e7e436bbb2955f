"""Every change of a file in spool and forwarder goes through gateway.spool.storage."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import gateway.forward
import gateway.spool

MODULES = [
    path
    for package in (gateway.spool, gateway.forward)
    for path in sorted(Path(package.__path__[0]).glob("*.py"))
    if path.name != "storage.py"
]
OF_A_PATH = {"write_text", "write_bytes", "touch", "mkdir", "rmdir", "symlink_to"}
READING_OF_OS = {"fstat", "strerror", "major", "minor", "close", "getpid"}


def changes(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            yield from (name for name in names if name in ("mmap", "shutil", "tempfile", "io"))
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called == "open":
            yield ast.unparse(node)
        elif called == "os.open":
            if ast.unparse(node.args[1]) != "os.O_RDONLY | os.O_DIRECTORY":
                yield ast.unparse(node)
        elif called.startswith("os.") and called.count(".") == 1:
            if called.removeprefix("os.") not in READING_OF_OS:
                yield called
        elif isinstance(node.func, ast.Attribute) and node.func.attr in OF_A_PATH:
            yield ast.unparse(node)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_module_changes_no_file_itself(path: Path) -> None:
    assert list(changes(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "open(path)",
        "os.open(path, os.O_RDWR)",
        "os.unlink(path)",
        "path.write_bytes(data)",
        "path.touch()",
        "import mmap",
        "from tempfile import mkstemp",
    ],
)
def test_the_check_sees_what_goes_past_the_seam(source: str) -> None:
    assert list(changes(source))
