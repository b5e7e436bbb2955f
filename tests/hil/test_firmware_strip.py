"""What a board does not need goes from its modules; what they do stays."""

import ast
import re
import types
from pathlib import Path

import pytest

from hil.firmware_files import firmware_files
from hil.firmware_strip import strip

BASE = '''
"""What it is."""

from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LIMIT = 7
MOST = const(2 * LIMIT)
_SMALL = const(1)
_table: "dict[str, int]" = {"_looked_up": 1}
_bare: int


class CountError(ValueError):
    """Too much."""


class Counter:
    """Counts."""

    def __init__(self, start: int, step: int = 1) -> None:
        """Begin."""
        self.count = start
        self._step_by = step

    def add(self, times: int) -> int:
        self.count += self._step_by * times
        if self.count > MOST:
            raise MessageError("count", "%d is too much" % self.count)
        return _bounded(self.count)

    def _looked_up(self) -> "Any":
        return [start for start in range(self.count)]

    def unused(self) -> None:
        other_unused()

    def ioctl(self) -> int:
        return _SMALL


class MessageError(CountError):
    """What came is wrong."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def _bounded(value: int) -> int:
    return value if value < LIMIT else LIMIT


def other_unused() -> Counter:
    return Counter(1)
'''

DERIVED = """
from counting import LIMIT, Counter, _table


class Doubled(Counter):
    def add(self, times: int) -> int:
        self._twice = self._step_by
        return super().add(times) + self._twice + LIMIT


def total(values: "list[int]") -> int:
    return sum(min(value, LIMIT) for value in values) + len(_table)
"""

ROOT = "Doubled(2, step=3).add(1); getattr(Doubled, '_looked_up'); total; reason"


def run(sources: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the modules give: Python in the place of MicroPython, whose `const` does nothing."""
    modules = {name: types.ModuleType(name) for name in (*sources, "micropython")}
    modules["micropython"].const = int  # type: ignore[attr-defined]
    for name, module in modules.items():
        monkeypatch.setitem(__import__("sys").modules, name, module)
    for name, text in sources.items():
        exec(text, modules[name].__dict__)
    doubled = modules["doubling"].Doubled(2, step=3)
    results = [doubled.add(1), doubled.count, doubled._looked_up(), doubled.ioctl()]
    with pytest.raises(ValueError, match=r"^(20 is too much)?$") as caught:
        doubled.add(5)
    return [*results, vars(caught.value), modules["doubling"].total([9, 1])]


def test_stripped_modules_do_what_they_did(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = {"counting": BASE, "doubling": DERIVED}
    stripped = strip(sources, {"main.py": ROOT}).sources
    assert run(stripped, monkeypatch) == run(sources, monkeypatch)
    assert run(stripped, monkeypatch)[:2] == [15, 5]


def test_what_no_board_needs_is_gone_and_what_is_found_by_its_name_stays() -> None:
    stripped = strip({"counting": BASE, "doubling": DERIVED}, {"main.py": ROOT})
    names = set(re.findall(r"\w+", "".join(stripped.sources.values())))
    assert stripped.names["counting"] == stripped.names["doubling"], "they are derived"
    assert set(stripped.names["counting"].values()) >= {"_bounded", "_step_by", "_twice"}
    assert set(stripped.names["counting"]) <= names
    assert not names & {"_step_by", "_bounded", "_bare", "Any", "TYPE_CHECKING", "Begin", "times"}
    assert not names & {"unused", "other_unused", "LIMIT", "MOST", "much", "_twice"}
    assert names >= {"_looked_up", "step", "Counter", "total", "ioctl", "_table"}


def test_a_syntax_error_names_its_module() -> None:
    with pytest.raises(SyntaxError) as caught:
        strip({"counting": "pass\ndef f(:"}, {})
    assert (caught.value.filename, caught.value.lineno) == ("counting", 2)


@pytest.mark.parametrize("name", sorted(set(firmware_files()) - {"main.py"}))
def test_no_module_of_the_firmware_uses_a_private_name_of_another(name: str) -> None:
    tree = ast.parse(firmware_files()[name].read_text(encoding="utf-8"))
    bases = {
        ast.unparse(base)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for base in node.bases
    }
    own = set()
    used = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=word) | ast.AsyncFunctionDef(name=word):
                own.add(word)
            case ast.ClassDef(name=word):
                own.add(word)
            case ast.Attribute(attr=word, ctx=ast.Store()) | ast.Name(id=word, ctx=ast.Store()):
                own.add(word)
            case ast.Attribute(attr=word):
                used.add(word)
            case ast.ImportFrom(module=str(module), names=words):
                used.update(alias.name for alias in words)
                origin = firmware_files().get(module.replace(".", "/") + ".py")
                if origin and bases & {alias.name for alias in words}:
                    own.update(re.findall(r"\b_\w+", origin.read_text(encoding="utf-8")))
    foreign = {word for word in used - own if re.match("_[^_]", word)}
    assert not foreign, f"{Path(name)} uses {foreign}"
