"""Calls of methods become calls of functions where there is no doubt which; what is done stays."""

import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.firmware_direct import direct, functions_in

CHIP = """
import gc

LIMIT = 3


class Chip:
    def __init__(self, name):
        self.name = name
        self.told = []
        self.render = self._plain

    def report(self, what):
        self.told.append(self.render(what))
        return self._count()

    def _count(self):
        return len(self.told)

    def _plain(self, what):
        return what

    def render(self, what):
        return "never"

    def kind(self):
        return "chip"

    def describe(self):
        return self.name + " is a " + self.kind()

    def collect(self):
        return "collected"

    def later(self):
        def inner():
            return self._count()
        return inner()

    @property
    def size(self):
        return self._count()


class Loud(Chip):
    def kind(self):
        return "loud chip"


def tidy():
    gc.collect()
    return len("tidy")
"""

BOARD = """
from parts import chip
from parts.chip import Chip, Loud


def run(other):
    one, two = Chip("a"), Loud("b")
    return [
        one.report("x"),
        one.report("y"),
        one.told,
        one.describe(),
        two.describe(),
        one.collect(),
        one.later(),
        one.size,
        chip.tidy(),
        other.collect(),
    ]
"""

SOURCES = {"parts.chip": CHIP, "board": BOARD}


class Other:
    """Of a class that the program does not know, with a method called as one of its own."""

    def collect(self) -> str:
        return "another"


@pytest.fixture
def loaded() -> Iterator[None]:
    before = dict(sys.modules)
    yield
    for name in set(sys.modules) - set(before):
        del sys.modules[name]


def run(sources: dict[str, str]) -> object:
    """What the board of these modules does."""
    parts = sys.modules["parts"] = types.ModuleType("parts")
    for name, text in sources.items():
        module = sys.modules[name] = types.ModuleType(name)
        exec(text, module.__dict__)
        if name == "parts.chip":
            parts.chip = module  # type: ignore[attr-defined]
    return sys.modules["board"].run(Other())


def test_what_a_program_does_stays_the_same(loaded: None) -> None:
    wanted = run(SOURCES)
    told, described = ["x", "y"], ["a is a chip", "b is a loud chip"]
    assert wanted == [1, 2, told, *described, "collected", 2, 2, 4, "another"]
    assert run(direct(SOURCES, {"collect"})) == wanted


def test_a_method_that_is_the_only_one_is_called_directly_in_each_module() -> None:
    found = direct(SOURCES, {"collect"})
    assert "_Chip__count(self)" in found["parts.chip"]
    assert "_Chip_report(one, 'x')" in found["board"]
    assert "from parts.chip import Chip, Loud\nfrom parts.chip import" in found["board"]
    assert "_Chip_later(one)" in found["board"]


def test_where_there_is_doubt_a_method_is_looked_for_as_before() -> None:
    found = direct(SOURCES, {"collect"})
    text = found["parts.chip"] + found["board"]
    for as_before in ("self.render(what)", "self.kind()", "one.collect()", "other.collect()"):
        assert as_before in text, as_before
    assert "gc.collect()" in text
    assert "self.told.append(" in text


def test_a_built_in_function_that_is_used_becomes_a_name_of_the_module() -> None:
    found = direct({"one": "def f(x):\n    return len(x)\n", "two": "def len(x):\n    return 1\n"})
    assert found["one"].startswith("len = len\n")
    assert "len = len" not in found["two"]


def test_names_of_functions_are_found_wherever_they_are_defined(tmp_path: Path) -> None:
    path = tmp_path / "some.py"
    path.write_text("class A:\n    def one(self):\n        def two(): pass\n")
    assert functions_in([path]) == {"one", "two"}
