"""What is written twice, for CPython and for MicroPython's machine code, says the same.

MicroPython folds a constant only in the file that defines it, so each twin has its own.
"""

import ast
from pathlib import Path

import pytest

import simulators.board

BOARD = Path(simulators.board.__path__[0])
CHIPS = sorted(path.name.removesuffix("_viper.py") for path in BOARD.glob("*_viper.py"))


def constants(name: str) -> dict[str, str]:
    """Names that `const` gives a value, with the value as it is written."""
    path = BOARD / f"{name}.py"
    if not path.exists():
        return {}
    return {
        node.targets[0].id: ast.unparse(node.value.args[0])
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func) == "const"
    }


def test_there_are_twins() -> None:
    assert {"ads1115", "motion"} <= set(CHIPS)
    assert len(constants("ads1115_viper")) > 10


@pytest.mark.parametrize("chip", CHIPS)
def test_twins_have_the_same_constants_as_each_other_and_as_their_chip(chip: str) -> None:
    plain, viper, model = (constants(chip + suffix) for suffix in ("_plain", "_viper", ""))
    assert plain == viper
    assert {name: model[name] for name in plain if name in model} == {
        name: plain[name] for name in plain if name in model
    }
