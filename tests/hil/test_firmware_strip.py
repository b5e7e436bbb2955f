"""What a board does not need goes from its modules; what they do stays."""

import ast
import re
import types
from pathlib import Path

import pytest

from hil.firmware_files import firmware_files
from hil.firmware_strip import keywords_in, strip

MODULE = '''
"""What it is."""

from elsewhere import given

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LIMIT = 7
_table: "dict[str, int]" = {"_looked_up": 1}
_bare: int


class Counter:
    """Counts."""

    def __init__(self, start: int, step: int = 1) -> None:
        """Begin."""
        self.count = start
        self._step_by = step

    def add(self, times: int) -> int:
        self.count += self._step_by * times
        return _bounded(self.count)

    def _looked_up(self) -> "Any":
        return [start for start in range(self.count)]


def _bounded(value: int) -> int:
    return value if value < _LIMIT else _LIMIT


def total(values: "list[int]") -> int:
    return sum(_bounded(value) for value in values)
'''


def test_a_stripped_module_does_what_it_did() -> None:
    texts = (MODULE, strip(MODULE, frozenset({"step"})))
    results = []
    for text in texts:
        module = types.ModuleType("counting")
        exec(text.replace("from elsewhere import given", ""), module.__dict__)
        counter = module.Counter(2, step=3)
        results.append(
            (counter.add(1), counter.add(9), counter._looked_up()[:2], module.total([9]))
        )
    assert results[0] == results[1] == (5, 7, [0, 1], 7)


def test_what_is_private_or_for_people_is_gone_and_what_is_found_by_name_stays() -> None:
    text = strip(MODULE, frozenset({"step"}))
    names = set(re.findall(r"\w+", text))
    assert not names & {"_step_by", "_bounded", "_bare", "Any", "TYPE_CHECKING", "Begin", "times"}
    assert names >= {"_looked_up", "step", "Counter", "total", "given"}
    assert keywords_in("f(1, by=2)\ng(**more)") == {"by"}


@pytest.mark.parametrize("name", sorted(set(firmware_files()) - {"main.py"}))
def test_no_module_of_the_firmware_uses_a_private_name_of_another(name: str) -> None:
    tree = ast.parse(firmware_files()[name].read_text(encoding="utf-8"))
    own = set()
    used = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=word) | ast.AsyncFunctionDef(name=word):
                own.add(word)
            case ast.ClassDef(name=word, bases=bases):
                own.add(word)
                assert all(isinstance(base, ast.Name) for base in bases)
            case ast.Attribute(attr=word, ctx=ast.Store()) | ast.Name(id=word, ctx=ast.Store()):
                own.add(word)
            case ast.Attribute(attr=word):
                used.add(word)
            case ast.ImportFrom(names=words):
                used.update(alias.name for alias in words)
    foreign = {word for word in used - own if re.match("_[^_]", word)}
    assert not foreign, f"{Path(name)} uses {foreign}"
