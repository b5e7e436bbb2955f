"""Makes calls of methods direct, in what a fast interpreter runs.

MicroPython finds a method by its name at each call: in the object, where it is not, and as an
object's table is full as a rule it looks at all of that, then in the class. Where a program leaves
no doubt which function that is, its modules get a name for it, and call that. A built-in function
that a module uses becomes a name of its own for the same reason: it was looked for in all of the
module first. What a program does stays the same.
"""

import ast
from array import array
from collections.abc import Generator, Iterable, Iterator
from io import RawIOBase
from pathlib import Path

__all__ = ["direct", "functions_in"]

_BUILT_IN = (str, bytes, bytearray, memoryview, list, dict, set, tuple, int, Generator)
_FOREIGN = {name for kind in (*_BUILT_IN, array, RawIOBase) for name in dir(kind)}
_FOREIGN |= {"acquire", "addr", "cancel", "connect", "digest", "done", "drain", "func", "ioctl"}
_FOREIGN |= {"ipoll", "modify", "poll", "recv", "register", "release", "unregister", "wait"}
"""Methods of what is built in and of MicroPython's modules."""

_Def = ast.FunctionDef | ast.AsyncFunctionDef


def direct(sources: dict[str, str], known: Iterable[str] = ()) -> dict[str, str]:
    """The modules of a program by their names, rewritten. A method whose name is among `known` may
    be one of a class that is not given."""
    program = _Program({name: ast.parse(text) for name, text in sources.items()}, set(known))
    return {name: program.rewrite(name) for name in sources}


def functions_in(files: Iterable[Path]) -> set[str]:
    """The names of all functions in these files."""
    return {
        node.name
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, _Def)
    }


class _Program:
    def __init__(self, trees: dict[str, ast.Module], known: set[str]) -> None:
        self._trees = trees
        self._foreign = _FOREIGN | known
        self._assigned: set[str] = set()
        self._owners: dict[str, list[tuple[str, ast.ClassDef]]] = {}
        self._classes: dict[str, list[ast.ClassDef]] = {}
        self.wanted: dict[tuple[str, str, str], str] = {}
        for module, tree in trees.items():
            top = set(map(id, tree.body))
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
                    self._assigned.add(node.attr)
                elif isinstance(node, ast.ClassDef):
                    self._learn(module, node, is_top=id(node) in top)

    def rewrite(self, module: str) -> str:
        """The text of a module whose calls are direct."""
        tree = self._trees[module]
        calls = _Calls(self, module, tree)
        for node in tree.body:
            calls.visit(node)
        body: list[ast.stmt] = []
        for node in tree.body:
            body.append(node)
            if isinstance(node, ast.ClassDef):
                body += [
                    ast.parse(f"{_name(node.name, each.name)} = {node.name}.{each.name}").body[0]
                    for each in _methods(node)
                    if self.is_direct(node, each.name)
                ]
            elif isinstance(node, ast.ImportFrom):
                names = sorted(calls.imported.pop(id(node), ()))
                body += [
                    ast.ImportFrom(node.module, [ast.alias(name) for name in names], node.level)
                ] * bool(names)
        own = [ast.parse(f"{name} = {name}").body[0] for name in sorted(calls.builtins())]
        tree.body = own + body
        return ast.unparse(ast.fix_missing_locations(tree))

    def is_direct(self, kind: ast.ClassDef, method: str) -> bool:
        """Whether an object of this class has this function as the method, of whatever class it
        is besides."""
        if method in self._assigned or not any(each.name == method for each in _methods(kind)):
            return False
        if sum(owner is kind for _, owner in self._owners.get(method, [])) != 1:
            return False
        return not any(method in _bound(each) for each in self._derived(kind.name))

    def only_owner(self, method: str) -> tuple[str, ast.ClassDef] | None:
        """The module and the class, where only one class of all has such a method."""
        owners = self._owners.get(method, [])
        if len(owners) != 1 or method in self._foreign or method in self._assigned:
            return None
        return owners[0] if self.is_direct(owners[0][1], method) else None

    def _learn(self, module: str, kind: ast.ClassDef, *, is_top: bool) -> None:
        self._classes.setdefault(kind.name, []).append(kind)
        for name in _bound(kind):
            self._owners.setdefault(name, []).append((module, kind))
            if not is_top:
                self._assigned.add(name)

    def _derived(self, name: str) -> Iterator[ast.ClassDef]:
        for kinds in self._classes.values():
            for kind in kinds:
                if any(ast.unparse(base).split(".")[-1] == name for base in kind.bases):
                    yield kind
                    if kind.name != name:
                        yield from self._derived(kind.name)


class _Calls(ast.NodeTransformer):
    """Rewrites the calls in one module; `imported`: what it needs from others, by the statement
    that takes something from there already."""

    def __init__(self, program: _Program, module: str, tree: ast.Module) -> None:
        self.imported: dict[int, set[str]] = {}
        self._program = program
        self._module = module
        self._kind: ast.ClassDef | None = None
        self._self: str | None = None
        self._loaded: set[str] = set()
        self._bound = {
            node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
        }
        self._sources: dict[str, ast.ImportFrom] = {}
        self._modules = {
            alias.asname or alias.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                self._sources.setdefault(node.module, node)
        for each in ast.walk(tree):
            if isinstance(each, ast.arg):
                self._bound.add(each.arg)
            elif isinstance(each, _Def | ast.ClassDef):
                self._bound.add(each.name)
            elif isinstance(each, ast.alias):
                self._bound.add(each.asname or each.name)

    def builtins(self) -> set[str]:
        """Built-in functions that the module uses, and whose names mean nothing else in it."""
        return (self._loaded - self._bound) & _COMMON

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        before, self._kind = self._kind, node
        self.generic_visit(node)
        self._kind = before
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        self._loaded.add(node.id)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        called = node.func
        if not isinstance(called, ast.Attribute):
            return node
        name = self._function_of(called)
        if name is not None:
            node.func = ast.Name(name, ast.Load())
            node.args.insert(0, called.value)
        return node

    def _function(self, node: _Def) -> ast.AST:
        before = self._self
        arguments = [each.arg for each in node.args.args]
        if self._kind is not None and node in self._kind.body:
            self._self = arguments[0] if arguments and not node.decorator_list else None
        elif self._self in arguments:
            self._self = None
        self.generic_visit(node)
        self._self = before
        return node

    def _function_of(self, called: ast.Attribute) -> str | None:
        """The direct name of what is called, which the module then has."""
        method, holder = called.attr, called.value
        of_self = isinstance(holder, ast.Name) and holder.id == self._self
        kind = self._kind if of_self else None
        if kind is not None and self._program.is_direct(kind, method):
            return _name(kind.name, method)
        owner = self._program.only_owner(method)
        if owner is None or _root(holder) in self._modules:
            return None
        module, kind = owner
        name = _name(kind.name, method)
        if module == self._module:
            return name
        source = self._sources.get(module)
        if source is None:
            return None
        self.imported.setdefault(id(source), set()).add(name)
        return name


_COMMON = {"len", "min", "max", "abs", "isinstance", "sum", "any", "all", "hasattr", "getattr"}


def _name(kind: str, method: str) -> str:
    return f"_{kind}_{method}"


def _root(node: ast.expr) -> str | None:
    """The name that `a` is in `a.b.c`."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _methods(kind: ast.ClassDef) -> Iterator[_Def]:
    """Plain functions among what a class defines."""
    for node in kind.body:
        if isinstance(node, _Def) and not node.decorator_list and not node.name.startswith("__"):
            yield node


def _bound(kind: ast.ClassDef) -> list[str]:
    """All names that a class defines, each as often as it does."""
    names = []
    for node in kind.body:
        if isinstance(node, _Def):
            names.append(node.name)
        else:
            names += [
                each.id
                for each in ast.walk(node)
                if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            ]
    return names
