"""Puts modules that are in a board's memory at the same time together into one.

Each module costs a board some 100 bytes for as long as it is loaded: itself, its dictionary, its
path, and each name that it takes from another. Those of a row of TOGETHER become one, named as the
first, and what anybody takes from any of them is taken from there. What they define keeps its name
unless that has another meaning to one of them: then its module's name goes before it.
"""

import ast
import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["TOGETHER", "link"]

TOGETHER = (
    # What main.py loads before all else, to count resets.
    ("axnode.boot", "axwire.codes"),
    # What each node needs for as long as it runs.
    (
        *("axnode.node", "axnode.ticks", "axnode.block", "axnode.outbox", "axnode.reports"),
        *("axnode.sampler", "axnode.session", "axnode.unloading"),
        *("axwire.errors", "axwire.cbor", "axwire.table", "axwire.up", "axwire.cose"),
        "axwire.down",
    ),
    # What its start needs, and then what its links do.
    (
        *("axnode.start", "axnode.provision", "axnode.config", "axnode.hardware"),
        *("axwire.places", "axwire.quantities"),
    ),
    ("axnode.store", "axnode.trial"),
    ("axnode.serial_link", "axwire.framing"),
    ("axnode.mqtt_link", "axnode.mqtt"),
    # What thinning needs.
    ("axnode.merge", "axnode.thin", "axwire.thinned"),
)

_Origin = tuple[str, str]
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BUILTINS = frozenset(dir(builtins))


def link(
    trees: Mapping[str, ast.Module], together: Iterable[Sequence[str]]
) -> dict[str, ast.Module]:
    """The modules that are left, by name. The trees are used up.

    Raises SyntaxError, whose `filename` is the module, where a name cannot be told from another.
    """
    rows = [row for names in together if (row := [name for name in names if name in trees])]
    homes = {name: row[0] for row in rows for name in row}
    modules = {name: _Module(name, tree, trees) for name, tree in trees.items()}
    called: dict[_Origin, str] = {}
    for row in rows:
        called |= _new_names([modules[name] for name in row])
    for module in modules.values():
        module.rename(called, homes)
    bodies = {name: tree.body for name, tree in trees.items() if homes.get(name, name) == name}
    for row in rows:
        bodies[row[0]] = _joined([modules[name] for name in row])
    return {name: ast.Module(body, []) for name, body in bodies.items()}


class _Module:
    """Names of one module: `defined` by it; `taken` by their own name, from (module, name) or
    (module, ""); `inside`: with a meaning of their own in a part of it."""

    def __init__(self, name: str, tree: ast.Module, trees: Mapping[str, ast.Module]) -> None:
        self.name = name
        self.tree = tree
        self.defined: set[str] = set()
        self.taken: dict[str, _Origin] = {}
        self.inside: set[str] = set()
        _take_by_name(tree, trees)
        for statement in tree.body:
            if isinstance(statement, _DEFINITIONS):
                self.defined.add(statement.name)
                self.inside |= set(_inside(statement))
            elif isinstance(statement, ast.ImportFrom):
                for alias in statement.names:
                    origin = (statement.module or "", alias.name)
                    self.taken[alias.asname or alias.name] = origin
            elif isinstance(statement, ast.Import):
                self.taken |= {
                    each.asname or each.name: (each.name, "") for each in statement.names
                }
            else:
                self.defined |= set(_bound(statement))

    def rename(self, called: Mapping[_Origin, str], homes: Mapping[str, str]) -> None:
        """Use the new names, and take things from where they are then."""
        home = homes.get(self.name)
        names = {own: called.get((self.name, own), own) for own in self.defined}
        for own, origin in self.taken.items():
            if home and homes.get(origin[0]) == home:
                names[own] = called.get(origin, origin[1])
        names = {old: new for old, new in names.items() if old != new}
        for node in ast.walk(self.tree):
            match node:
                case ast.Name(id=name):
                    node.id = names.get(name, name)
                case ast.arg(arg=name):
                    node.arg = names.get(name, name)
                case ast.Global(names=words):
                    node.names = [names.get(word, word) for word in words]
                case ast.ImportFrom(module=str(module)) if module in homes:
                    _take_from(node, called, homes[module])
                case ast.keyword(arg=str(name)) if name in names:
                    raise self.error(name)
                case ast.ClassDef(body=body):
                    attributes = [part for part in body if isinstance(part, ast.Assign)]
                    for name in {name for part in attributes for name in _bound(part)} & {*names}:
                        raise self.error(name)
        for statement in self.tree.body:
            if isinstance(statement, _DEFINITIONS):
                statement.name = names.get(statement.name, statement.name)

    def error(self, name: str) -> SyntaxError:
        return SyntaxError(f"{name} has another meaning, too", (self.name, 0, 0, ""))


def _take_from(node: ast.ImportFrom, called: Mapping[_Origin, str], home: str) -> None:
    for alias in node.names:
        new = called.get((node.module or "", alias.name), alias.name)
        if new != alias.name:
            alias.asname, alias.name = alias.asname or alias.name, new
    node.module = home


def _take_by_name(tree: ast.Module, trees: Mapping[str, ast.Module]) -> None:
    """Have it take what it uses of another module in place of that module."""
    for statement in list(tree.body):
        if not isinstance(statement, ast.ImportFrom):
            continue
        for alias in list(statement.names):
            module = f"{statement.module}.{alias.name}"
            if module in trees:
                direct = _Direct(alias.name)
                direct.visit(tree)
                words = [ast.alias(word, f"{alias.name}_{word}") for word in sorted(direct.words)]
                tree.body.insert(0, ast.ImportFrom(module, words, 0))
                statement.names.remove(alias)
        if not statement.names:
            tree.body.remove(statement)


class _Direct(ast.NodeTransformer):
    """Writes `up_event` for `up.event`."""

    def __init__(self, module: str) -> None:
        self.words: set[str] = set()
        self._module = module

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id == self._module:
            self.words.add(node.attr)
            return ast.Name(f"{self._module}_{node.attr}", node.ctx)
        return node


def _bound(tree: ast.AST) -> Iterator[str]:
    """Names that get a meaning in a part of a module."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name


def _inside(statement: ast.stmt) -> Iterator[str]:
    """Names that get a meaning in functions."""
    for node in ast.walk(statement):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for part in ast.iter_child_nodes(node):
                yield from _bound(part)


def _new_names(modules: Sequence[_Module]) -> dict[_Origin, str]:
    """What they define that cannot keep its name, and what it is called then."""
    own_names = {module.name for module in modules}
    owners: dict[str, _Origin] = {}
    for module in modules:
        for name, origin in module.taken.items():
            if origin[0] not in own_names and owners.setdefault(name, origin) != origin:
                raise module.error(name)
    called: dict[_Origin, str] = {}
    for module in modules:
        for name in sorted(module.defined):
            origin = (module.name, name)
            is_free = owners.setdefault(name, origin) == origin and name not in _BUILTINS
            if is_free and not any(_hides(other, origin) for other in modules):
                continue
            bare = name.lstrip("_")
            new = f"{name[: -len(bare)]}{module.name.rpartition('.')[2]}_{bare}"
            if new in owners or any(new in other.inside for other in modules):
                raise module.error(new)
            owners[new] = origin
            called[origin] = new
    return called


def _hides(module: _Module, origin: _Origin) -> bool:
    """Whether a module takes that by another name, and its name means something else to it."""
    name = origin[1]
    takes = any(source == origin and own != name for own, source in module.taken.items())
    return takes and name in module.inside | module.defined


def _joined(modules: Sequence[_Module]) -> list[ast.stmt]:
    """What they do, each behind those that it needs."""
    body: list[ast.stmt] = []
    imports: dict[str, ast.stmt] = {}
    for module in _in_order(modules):
        for statement in module.tree.body:
            if isinstance(statement, ast.ImportFrom) and statement.module == modules[0].name:
                continue
            if isinstance(statement, ast.Import | ast.ImportFrom):
                imports.setdefault(ast.unparse(statement), statement)
            else:
                body.append(statement)
    return [*imports.values(), *body]


def _in_order(modules: Sequence[_Module]) -> list[_Module]:
    ordered: list[_Module] = []

    def place(module: _Module) -> None:
        if module not in ordered:
            needed = {origin[0] for origin in module.taken.values()}
            for other in modules:
                if other is not module and other.name in needed:
                    place(other)
            ordered.append(module)

    for module in modules:
        place(module)
    return ordered
