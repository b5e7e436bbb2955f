"""Modules that are put together do what they did, under names that cannot be confused."""

import sys
import types

import pytest

from hil.firmware_files import firmware_files
from hil.firmware_link import TOGETHER
from hil.firmware_strip import strip

SOURCES = {
    "train": "",
    "train.axle": """
from time import sleep
from train import brake
from train.wheel import LIMIT, turn as turn_wheel

_count = [0]


def _next():
    _count[0] += 1
    return _count[0]


def roll():
    turn = turn_wheel(_next())
    return turn, brake.force(turn), brake.words()


def late():
    from train.wheel import turn
    return turn(LIMIT)
""",
    "train.wheel": """
from time import sleep

LIMIT = len("wheel")
_count = [40]


def _next(by):
    _count[0] += by
    return _count[0]


def turn(by):
    return min(_next(by), 100 * LIMIT)
""",
    "train.brake": """
from train.wheel import turn


def force(max):
    return -max


def words():
    return [force.__name__ != "", turn(0)]


def max():
    return "most"


def nobody():
    return "gone"
""",
    "train.driver": """
from train.brake import force, max as most
from train.axle import roll


def drive():
    return roll(), force(3), most()
""",
}
ROOT = "from train.driver import drive; from train.axle import late"
ROW = ("train.axle", "train.brake", "train.wheel")


def loaded(
    sources: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, types.ModuleType]:
    """The modules, loaded in an order in which each finds what it needs."""
    modules = {name: types.ModuleType(name) for name in sources}
    modules["train"].__path__ = []
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
        if "." in name:
            monkeypatch.setattr(modules["train"], name.partition(".")[2], module, raising=False)
    for name in ("train.wheel", "train.brake", "train.axle", "train.driver"):
        if name in sources:
            exec(sources[name], modules[name].__dict__)
    return modules


def results(modules: dict[str, types.ModuleType]) -> tuple[object, object, object]:
    drive, late = modules["train.driver"].drive, modules["train.axle"].late
    return drive(), drive(), late()


def linked(monkeypatch: pytest.MonkeyPatch, sources: dict[str, str] = SOURCES) -> dict[str, str]:
    monkeypatch.setattr("hil.firmware_strip.TOGETHER", (ROW,))
    return strip(sources, {"main.py": ROOT}).sources


def test_modules_put_together_do_what_they_did(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = results(loaded(SOURCES, monkeypatch))
    assert expected == (
        ((41, -41, [True, 41]), -3, "most"),
        ((43, -43, [True, 43]), -3, "most"),
        48,
    )
    sources = linked(monkeypatch)
    assert set(sources) == {"train", "train.axle", "train.driver"}
    assert results(loaded(sources, monkeypatch)) == expected
    assert "nobody" not in sources["train.axle"], "nobody takes it"


@pytest.mark.parametrize(
    "text",
    [
        "from os import sleep",
        "class Hub:\n    _next = 1",
        "turn(by=_next(_next=1))",
        "def move(_wheel_next): pass",
    ],
)
def test_a_name_that_cannot_be_told_from_another_stops_the_build(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    wheel = SOURCES["train.wheel"] + text + "\n"
    with pytest.raises(SyntaxError, match="another meaning") as caught:
        linked(monkeypatch, {**SOURCES, "train.wheel": wheel})
    assert caught.value.filename == "train.wheel"


def test_what_is_put_together_are_modules_of_the_firmware_each_once() -> None:
    names = [name for row in TOGETHER for name in row]
    assert len({*names}) == len(names)
    assert {name.replace(".", "/") + ".py" for name in names} <= set(firmware_files())
