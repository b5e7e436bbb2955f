"""Makes the firmware small before it is compiled: what a board has no use for goes.

Each name costs a board about 18 bytes of its heap for as long as it runs, each function some
hundred. What the code does stays the same, in less room:

- type annotations, the imports that only they need, and documentation go;
- whole numbers that one module defines and others import are written where they are used;
- what the errors of a message say goes, for a board only counts them by their class;
- functions, classes and methods that nothing on a board mentions go, as the gateway's do;
- names that begin with one underscore, which are of no concern to other modules, become `_a`,
  `_b`, ... in each; arguments that nobody passes by name become `a`, `b`, ...
"""

import ast
import keyword
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count, product
from string import ascii_letters

__all__ = ["Stripped", "strip"]

_ONLY_FOR_TYPES = "TYPE_CHECKING"
_CALLED_BY_MICROPYTHON = frozenset({"ioctl", "read", "readinto", "readline", "write", "close"})
_COUNTED_ERRORS = ("CborError", "EnvelopeError", "FramingError", "MessageError")
"""The last argument of each is its text."""

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.comprehension)
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

Function = ast.FunctionDef | ast.AsyncFunctionDef


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
    _drop_unmentioned([*trees.values()], users)
    keywords = _keywords([*trees.values(), *users])
    names: dict[str, dict[str, str]] = {}
    for family in _families(trees):
        renamed = _shorten_private_names([trees[name] for name in family])
        longer = {short: long for long, short in renamed.items()}
        names |= dict.fromkeys(family, longer)
    for tree in trees.values():
        used = {*_names(tree), *_words(tree)}
        for node in ast.walk(tree):
            if isinstance(node, Function) and not _is_machine_code(node):
                _shorten_arguments(node, keywords, used)
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
        if not _is_machine_code(node):
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

    def _strip(self, node: Function) -> None:
        self.generic_visit(node)
        node.returns = None
        arguments = node.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            argument.annotation = None
        for more in (arguments.vararg, arguments.kwarg):
            if more is not None:
                more.annotation = None
        node.body = _without_texts(node.body) or [ast.Pass()]


def _is_machine_code(node: Function) -> bool:
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


def _drop_unmentioned(trees: list[ast.Module], users: list[ast.Module]) -> None:
    """Take away what is defined and never mentioned but by itself, until nothing more goes."""
    goes = True
    while goes:
        mentions: Counter[str] = Counter()
        for tree in (*trees, *users):
            mentions.update(_mentions(tree))
        goes = sum(_drop(tree, tree.body, mentions) for tree in trees) > 0


def _drop(tree: ast.AST, body: list[ast.stmt], mentions: Counter[str]) -> bool:
    dropped = False
    for statement in list(body):
        match statement:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                is_needed = mentions[name] > Counter(_mentions(statement))[name]
            case ast.AsyncFunctionDef(name=name):
                is_needed = mentions[name] > Counter(_mentions(statement))[name]
            case ast.Assign(targets=[ast.Name(id=name)]) if not isinstance(tree, ast.ClassDef):
                is_needed = mentions[name] > 0 or _calls(statement.value)
            case ast.Assign(targets=[ast.Tuple(elts=elements)]):
                named = [element.id for element in elements if isinstance(element, ast.Name)]
                is_needed = any(mentions[name] for name in named) or len(named) < len(elements)
            case ast.ImportFrom(names=names) if isinstance(tree, ast.Module):
                used = _used_in(tree)
                kept = [alias for alias in names if (alias.asname or alias.name) in used]
                dropped = dropped or len(kept) < len(names)
                statement.names = kept
                is_needed = bool(kept)
            case _:
                continue
        is_kept = is_needed or getattr(statement, "name", "").startswith("__")
        if not is_kept and getattr(statement, "name", "") not in _CALLED_BY_MICROPYTHON:
            body.remove(statement)
            dropped = True
        elif isinstance(statement, ast.ClassDef):
            dropped = _drop(statement, statement.body, mentions) or dropped
            statement.body = statement.body or [ast.Pass()]
    return dropped


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
