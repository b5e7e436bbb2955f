"""Gives short names to what a board's modules keep to themselves."""

import ast
import keyword
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count, product
from string import ascii_letters

__all__ = ["is_machine_code", "shorten"]

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.comprehension)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def shorten(
    trees: dict[str, ast.Module], users: Sequence[ast.Module]
) -> dict[str, dict[str, str]]:
    """Rename in the modules what no other uses: `_x` throughout each, and arguments that nobody
    passes by name. Returns by module what each short name was."""
    keywords = _keywords([*trees.values(), *users])
    names: dict[str, dict[str, str]] = {}
    for family in _families(trees):
        renamed = _shorten_private_names([trees[name] for name in family])
        longer = {short: long for long, short in renamed.items()}
        names |= dict.fromkeys(family, longer)
    for tree in trees.values():
        used = {*_names(tree), *_words(tree)}
        for node in ast.walk(tree):
            if isinstance(node, Function) and not is_machine_code(node):
                _shorten_arguments(node, keywords, used)
    return names


def is_machine_code(node: Function) -> bool:
    """Whether a decorator reads the annotations: viper's are what it compiles."""
    return any("viper" in ast.unparse(decorator) for decorator in node.decorator_list)


def _keywords(trees: list[ast.Module]) -> set[str]:
    """The names by which anything passes an argument."""
    return {
        node.arg
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg is not None
    }


def _families(trees: dict[str, ast.Module]) -> list[list[str]]:
    """Modules, together with those whose classes theirs derive from: they share private names."""
    family = {name: name for name in trees}
    for name, tree in trees.items():
        origin = {
            alias.asname or alias.name: node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                for base in map(ast.unparse, node.bases):
                    other = family.get(origin.get(base) or "")
                    if other is not None:
                        mine = family[name]
                        family = {key: other if f == mine else f for key, f in family.items()}
    return [
        [name for name in trees if family[name] == head] for head in sorted({*family.values()})
    ]


def _shorten_private_names(family: list[ast.Module]) -> dict[str, str]:
    """Rename them; the short one of each."""
    uses = Counter(name for tree in family for name in _names(tree))
    fixed = set().union(*(_constants(tree) | _words(tree) for tree in family))
    private = [
        name
        for name, _ in sorted(uses.items(), key=lambda item: (-item[1], item[0]))
        if name.startswith("_") and not name.startswith("__") and name not in fixed
    ]
    short = (name for name in _short_names() if name not in fixed and name not in uses)
    renamed = dict(zip(private, short, strict=False))
    for node in (node for tree in family for node in ast.walk(tree)):
        for field in ("id", "attr", "name", "arg"):
            name = getattr(node, field, None)
            if isinstance(name, str) and name in renamed and not isinstance(node, ast.alias):
                setattr(node, field, renamed[name])
        if isinstance(node, ast.Global | ast.Nonlocal):
            node.names = [renamed.get(name, name) for name in node.names]
    return renamed


def _shorten_arguments(function: Function, keywords: set[str], used: set[str]) -> None:
    """Rename what comes by position; not in a function with another inside, which may share it."""
    if any(isinstance(node, _SCOPES) for part in function.body for node in ast.walk(part)):
        return
    names = [argument.arg for argument in function.args.args]
    long = [name for name in names if name != "self" and len(name) > 1 and name not in keywords]
    letters = (name[1:] for name in _short_names() if name[1:] not in used)
    renamed = dict(zip(long, letters, strict=False))
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            node.arg = renamed.get(node.arg, node.arg)
        elif isinstance(node, ast.Name):
            node.id = renamed.get(node.id, node.id)


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name


def _constants(tree: ast.Module) -> set[str]:
    """Names that the compiler replaces by their value, so that they cost nothing."""
    return {
        statement.targets[0].id
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and isinstance(statement.value, ast.Call)
        and ast.unparse(statement.value.func) == "const"
    }


def _words(tree: ast.Module) -> set[str]:
    """Names that the code may look up by their text, and what is imported."""
    words = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.update(node.value.replace(".", " ").split())
        elif isinstance(node, ast.alias):
            words.update(node.name.split("."), [node.asname or ""])
    return words


def _short_names() -> Iterator[str]:
    for length in count(1):
        for letters in product(ascii_letters, repeat=length):
            name = "".join(letters)
            if not keyword.iskeyword(name):
                yield "_" + name
