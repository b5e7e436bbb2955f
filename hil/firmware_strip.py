"""Makes firmware sources small before they are compiled: what a board has no use for goes.

Each name costs a board about 18 bytes of its heap for as long as it runs. So type annotations, the
imports that only they need, and documentation go. Names that begin with one underscore, which are
of no concern to other modules, become `_a`, `_b`, ... in each, and arguments that nobody passes by
name become `a`, `b`, ... What the code does stays.
"""

import ast
import keyword
from collections import Counter
from collections.abc import Iterator
from itertools import count, product
from string import ascii_letters

__all__ = ["keywords_in", "strip"]

_ONLY_FOR_TYPES = "TYPE_CHECKING"
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.comprehension)


def keywords_in(source: str) -> frozenset[str]:
    """The names by which a module passes arguments."""
    return frozenset(
        node.arg
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.keyword) and node.arg is not None
    )


def strip(source: str, keywords: frozenset[str]) -> str:
    """A module's source with the same meaning and fewer, shorter names.

    `keywords`: see keywords_in, of all modules that may call this one.
    """
    tree = _Strip().visit(ast.parse(source))
    _shorten_private_names(tree)
    used = {*_names(tree), *_words_in_texts(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_machine_code(node):
            _shorten_arguments(node, keywords, used)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


class _Strip(ast.NodeTransformer):
    """Takes annotations, documentation and the code for type checkers away."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        is_for_types = isinstance(node.test, ast.Name) and node.test.id == _ONLY_FOR_TYPES
        return node.orelse if is_for_types else node

    def visit_Assign(self, node: ast.Assign) -> ast.Assign | None:
        target = node.targets[0]
        is_for_types = isinstance(target, ast.Name) and target.id == _ONLY_FOR_TYPES
        return None if is_for_types else node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.Assign | None:
        return None if node.value is None else ast.Assign([node.target], node.value)

    def visit_Module(self, node: ast.Module) -> ast.Module:
        self.generic_visit(node)
        node.body = _without_texts(node.body)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self.generic_visit(node)
        node.body = _without_texts(node.body) or [ast.Pass()]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        if not _is_machine_code(node):
            self._strip(node)
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        self._strip(node)
        return node

    def _strip(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.generic_visit(node)
        node.returns = None
        arguments = node.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            argument.annotation = None
        for more in (arguments.vararg, arguments.kwarg):
            if more is not None:
                more.annotation = None
        node.body = _without_texts(node.body) or [ast.Pass()]


def _is_machine_code(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a decorator reads the annotations: viper's are what it compiles."""
    return any("viper" in ast.unparse(decorator) for decorator in node.decorator_list)


def _without_texts(body: list[ast.stmt]) -> list[ast.stmt]:
    return [
        statement
        for statement in body
        if not (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
            and isinstance(statement.value.value, str)
        )
    ]


def _shorten_private_names(tree: ast.Module) -> None:
    uses = Counter(_names(tree))
    fixed = _constants(tree) | _words_in_texts(tree)
    private = [
        name
        for name, _ in sorted(uses.items(), key=lambda item: (-item[1], item[0]))
        if name.startswith("_") and not name.startswith("__") and name not in fixed
    ]
    short = (name for name in _short_names() if name not in fixed and name not in uses)
    renamed = dict(zip(private, short, strict=False))
    for node in ast.walk(tree):
        for field in ("id", "attr", "name", "arg"):
            name = getattr(node, field, None)
            if isinstance(name, str) and name in renamed and not isinstance(node, ast.alias):
                setattr(node, field, renamed[name])
        if isinstance(node, ast.Global | ast.Nonlocal):
            node.names = [renamed.get(name, name) for name in node.names]


def _shorten_arguments(
    function: ast.FunctionDef | ast.AsyncFunctionDef, keywords: frozenset[str], used: set[str]
) -> None:
    """Rename what comes by position; not in a function with another inside, which may share it."""
    if any(isinstance(node, _SCOPES) for part in function.body for node in ast.walk(part)):
        return
    names = [argument.arg for argument in function.args.args]
    long = [name for name in names if name != "self" and len(name) > 1 and name not in keywords]
    renamed = dict(
        zip(long, (name[1:] for name in _short_names() if name[1:] not in used), strict=False)
    )
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


def _words_in_texts(tree: ast.Module) -> set[str]:
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
            letters_only = "".join(letters)
            if not keyword.iskeyword(letters_only):
                yield "_" + letters_only
