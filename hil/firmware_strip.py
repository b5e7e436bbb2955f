"""Makes the firmware small before it is compiled: what a board has no use for goes.

Each name costs a board about 18 bytes of its heap for as long as it runs, each function some
hundred. What the code does stays the same, in less room:

- type annotations, the imports that only they need, and documentation go;
- whole numbers that one module defines and others import are written where they are used;
- what the errors of a message say goes, for a board only counts them by their class;
- modules that are in memory at the same time become one (firmware_link.py);
- functions, classes and methods that nothing on a board mentions go, as the gateway's do;
- names that begin with one underscore, which are of no concern to other modules, become `_a`,
  `_b`, ... in each; arguments that nobody passes by name become `a`, `b`, ... (firmware_names.py)
"""

import ast
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from hil.firmware_link import TOGETHER, link
from hil.firmware_names import is_machine_code, shorten

__all__ = ["Stripped", "strip"]

_ONLY_FOR_TYPES = "TYPE_CHECKING"
_CALLED_BY_MICROPYTHON = frozenset({"ioctl", "read", "readinto", "readline", "write", "close"})
_FOR_PEOPLE = ("__repr__", "__eq__", "__hash__")
"""What shows and compares messages, in tests and in the gateway."""

_COUNTED_ERRORS = ("CborError", "EnvelopeError", "FramingError", "MessageError")
"""The last argument of each is its text."""

_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
}


@dataclass(frozen=True)
class Stripped:
    """Sources by module, and by module what each of its short names was."""

    sources: dict[str, str]
    names: dict[str, dict[str, str]]


def strip(sources: Mapping[str, str], roots: Mapping[str, str]) -> Stripped:
    """The modules' sources, by the names they are imported by, with the same meaning in less room.

    `roots` are sources that stay as they are and use the modules. Raises SyntaxError, whose
    `filename` is the module.
    """
    trees = {name: _Strip().visit(ast.parse(text, name)) for name, text in sources.items()}
    users = [ast.parse(text, name) for name, text in roots.items()]
    _inline_constants(trees)
    trees = link(trees, TOGETHER)
    _drop_unmentioned(trees, users, {names[0] for names in TOGETHER})
    packages = {name.rpartition(".")[0] for name in trees}
    trees = {name: tree for name, tree in trees.items() if tree.body or name in packages}
    names = shorten(trees, users)
    texts = {
        name: ast.unparse(ast.fix_missing_locations(tree)) + "\n" for name, tree in trees.items()
    }
    return Stripped(texts, names)


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
        if not is_machine_code(node):
            self._strip(node)
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        self._strip(node)
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        match node.exc:
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in _COUNTED_ERRORS:
                arguments[-1] = ast.Constant("")
                node.cause = None
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


def _inline_constants(trees: dict[str, ast.Module]) -> None:
    known: dict[str, dict[str, int]] = {name: {} for name in trees}
    grows = True
    while grows:
        before = sum(map(len, known.values()))
        for name, tree in trees.items():
            once = {word for word, times in _bound(tree).items() if times == 1}
            values = {word: known[name][word] for word in known[name]}
            imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
            for node in imports:
                numbers = known.get(node.module or "", {})
                for alias in list(node.names):
                    if alias.name in numbers and not alias.asname and not _bound(tree)[alias.name]:
                        values[alias.name] = numbers[alias.name]
                        node.names.remove(alias)
            _Inline(values).visit(tree)
            known[name].update((word, value) for word, value in _numbers(tree) if word in once)
        grows = sum(map(len, known.values())) > before


class _Inline(ast.NodeTransformer):
    """Puts numbers in the place of names, and takes imports of nothing away."""

    def __init__(self, values: dict[str, int]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id not in self._values or not isinstance(node.ctx, ast.Load):
            return node
        return ast.parse(str(self._values[node.id]), mode="eval").body

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | None:
        return node if node.names else None


def _numbers(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The whole numbers that a module defines."""
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pairs = [(name, _number(value))]
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                pairs = [
                    (ast.unparse(name), _number(v)) for name, v in zip(names, values, strict=False)
                ]
            case _:
                continue
        yield from ((name, number) for name, number in pairs if number is not None)


def _number(node: ast.expr) -> int | None:
    match node:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            positive = _number(operand)
            return None if positive is None else -positive
        case ast.Call(func=ast.Name(id="const"), args=[argument]):
            return _number(argument)
        case ast.BinOp(left=left, op=op, right=right):
            parts = (_number(left), _number(right))
            if None not in parts and type(op) in _OPERATORS:
                return _OPERATORS[type(op)](*parts)  # type: ignore[arg-type]
    return None


def _bound(tree: ast.Module) -> Counter[str]:
    """Names that a module gives a meaning of its own anywhere in it, and how often."""
    bound: Counter[str] = Counter()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                bound[name] += 1
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                bound[name] += 1
            case ast.ClassDef(name=name):
                bound[name] += 1
    return bound


def _drop_unmentioned(
    trees: dict[str, ast.Module], users: list[ast.Module], joined: set[str]
) -> None:
    """Take away what is defined and never mentioned but by itself, until nothing more goes.

    In those that are `joined` nobody looks a name up by its text.
    """
    goes = True
    while goes:
        mentions: Counter[str] = Counter()
        taken: dict[str, Counter[str]] = {}
        for tree in (*trees.values(), *users):
            mentions.update(_mentions(tree))
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.module in joined:
                    names = taken.setdefault(node.module, Counter())
                    names.update(alias.name for alias in node.names)
        goes = False
        for name, tree in trees.items():
            own = mentions
            if name in joined:
                own = Counter(_loaded(tree)) + taken.get(name, Counter())
            goes = _drop(tree, tree.body, own, mentions) or goes


def _drop(tree: ast.AST, body: list[ast.stmt], own: Counter[str], mentions: Counter[str]) -> bool:
    dropped = False
    for statement in list(body):
        match statement:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                itself = _mentions(statement) if own is mentions else _loaded(statement)
                is_needed = own[name] > Counter(itself)[name]
            case ast.AsyncFunctionDef(name=name):
                itself = _mentions(statement) if own is mentions else _loaded(statement)
                is_needed = own[name] > Counter(itself)[name]
            case ast.Assign(targets=[ast.Name(id=name)]) if not isinstance(tree, ast.ClassDef):
                is_needed = own[name] > 0 or _calls(statement.value)
            case ast.Assign(targets=[ast.Tuple(elts=elements)]):
                named = [element.id for element in elements if isinstance(element, ast.Name)]
                is_needed = any(own[name] for name in named) or len(named) < len(elements)
            case ast.ImportFrom(names=names) if isinstance(tree, ast.Module):
                used = _used_in(tree)
                kept = [alias for alias in names if (alias.asname or alias.name) in used]
                dropped = dropped or len(kept) < len(names)
                statement.names = kept
                is_needed = bool(kept)
            case _:
                continue
        called = getattr(statement, "name", "")
        is_needed = is_needed or called in _CALLED_BY_MICROPYTHON or called.startswith("__")
        if not is_needed or called in _FOR_PEOPLE:
            body.remove(statement)
            dropped = True
        elif isinstance(statement, ast.ClassDef):
            dropped = _drop(statement, statement.body, mentions, mentions) or dropped
            statement.body = statement.body or [ast.Pass()]
    return dropped


def _loaded(tree: ast.AST) -> Iterator[str]:
    """Names that a module looks up among its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id


def _calls(value: ast.expr) -> bool:
    """Whether making the value may do something that the board needs done."""
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func) != "const"
        for node in ast.walk(value)
    )


def _mentions(tree: ast.AST) -> Iterator[str]:
    """Names that are read, of whatever, or may be looked up by a text."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name):
                yield name
            case ast.alias(name=name):
                yield from name.split(".")
            case ast.Constant(value=str(text)):
                yield from text.replace(".", " ").split()


def _used_in(tree: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
