"""Reads a CDDL file (RFC 8610) and says whether a value, as cbor2 loads it, conforms.

The part of CDDL that docs/wire.cddl uses, and nothing else: an unknown construct is an error.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass

import cbor2

Check = Callable[[object], bool]

_TOKEN = re.compile(
    r"\s+|;[^\n]*"
    r"|(?P<occurrence>\d*\*\d*)"
    r"|(?P<number>-?\d+)"
    r"|(?P<name>[A-Za-z_@$](?:[-.]*[A-Za-z0-9_@$])*)"
    r"|(?P<control>\.[a-z]+)"
    r"|(?P<mark>\.\.|=>|#6\.|[=/,:()\[\]{}])"
)
_MOST = 1 << 32


class CddlError(Exception):
    """The text is not in the part of CDDL that is understood here."""


@dataclass(frozen=True)
class _Entry:
    least: int
    most: int
    key: int | None
    check: Check


class Schema:
    """All rules of one CDDL text."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._rules: dict[str, Check] = {}
        while self._kind() != "end":
            name = self._take("name")
            self._take("=")
            if name in self._rules:
                raise CddlError(f"rule {name} comes twice")
            self._rules[name] = self._type()
        for name in self._names_used:
            self._rule(name)

    @property
    def names(self) -> list[str]:
        """The rules, in the order of the text."""
        return list(self._rules)

    def accepts(self, rule: str, value: object) -> bool:
        return self._rule(rule)(value)

    @property
    def _names_used(self) -> set[str]:
        rules = {text for kind, text in self._tokens if kind == "name"}
        return rules - set(_PRELUDE) - self._keys

    @property
    def _keys(self) -> set[str]:
        pairs = zip(self._tokens, self._tokens[1:], strict=False)
        return {token[1] for token, following in pairs if following[1] == ":"}

    def _rule(self, name: str) -> Check:
        check = self._rules.get(name) or _PRELUDE.get(name)
        if check is None:
            raise CddlError(f"rule {name} is not defined")
        return check

    def _kind(self) -> str:
        return self._tokens[self._at][0]

    def _is(self, mark: str) -> bool:
        kind, text = self._tokens[self._at]
        if kind == "mark" and text == mark:
            self._at += 1
            return True
        return False

    def _take(self, wanted: str) -> str:
        kind, text = self._tokens[self._at]
        if wanted not in (kind, text):
            raise CddlError(f"{wanted} expected, {text!r} found at token {self._at}")
        self._at += 1
        return text

    def _type(self) -> Check:
        choices = [self._bounded()]
        while self._is("/"):
            choices.append(self._bounded())
        return lambda value: any(check(value) for check in choices)

    def _bounded(self) -> Check:
        if self._kind() == "number":
            low = int(self._take("number"))
            high = int(self._take("number")) if self._is("..") else low
            return _integers(low, high)
        check = self._atom()
        if self._kind() != "control":
            return check
        control = self._take("control")
        if control == ".cbor":
            return _both(check, _embedded(self._atom()))
        bounds = self._bounds()
        if control == ".size":
            return _both(check, lambda value: _size(value) in bounds)
        if control not in _CONTROLS:
            raise CddlError(f"control {control} is not known")
        holds = _CONTROLS[control]
        return _both(check, lambda value: isinstance(value, int) and holds(value, bounds[0]))

    def _bounds(self) -> range:
        if self._is("("):
            low = int(self._take("number"))
            self._take("..")
            high = int(self._take("number"))
            self._take(")")
            return range(low, high + 1)
        only = int(self._take("number"))
        return range(only, only + 1)

    def _atom(self) -> Check:
        if self._is("["):
            return _array(self._group("]"))
        if self._is("{"):
            return _map(self._group("}"))
        if self._is("#6."):
            number = int(self._take("number"))
            self._take("(")
            inner = self._type()
            self._take(")")
            return lambda value: (
                isinstance(value, cbor2.CBORTag) and value.tag == number and inner(value.value)
            )
        name = self._take("name")
        return lambda value: self._rule(name)(value)

    def _group(self, end: str) -> list[_Entry]:
        entries: list[_Entry] = []
        while not self._is(end):
            entries.append(self._entry())
            if not self._is(","):
                self._take(end)
                break
        return entries

    def _entry(self) -> _Entry:
        least, most = 1, 1
        if self._kind() == "occurrence":
            low, high = self._take("occurrence").split("*")
            least, most = int(low or 0), int(high or _MOST)
        following = self._tokens[self._at + 1][1]
        key = None
        if following == ":":
            self._take("name")
            self._take(":")
        elif following == "=>":
            key = int(self._take("number"))
            self._take("=>")
        return _Entry(least, most, key, self._type())


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise CddlError(f"cannot read {text[at : at + 20]!r}")
        if match.lastgroup is not None:
            found.append((match.lastgroup, match.group()))
        at = match.end()
    return [*found, ("end", ""), ("end", "")]


def _integers(low: int, high: int) -> Check:
    return lambda value: type(value) is int and low <= value <= high


def _both(first: Check, second: Check) -> Check:
    return lambda value: first(value) and second(value)


def _size(value: object) -> int:
    """Bytes of a string. Raises CddlError for anything else."""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, bytes):
        return len(value)
    raise CddlError(".size of something that is no string")


def _embedded(check: Check) -> Check:
    def conforms(value: object) -> bool:
        if not isinstance(value, bytes):
            return False
        stream = io.BytesIO(value)
        try:
            item = cbor2.load(stream)
        except cbor2.CBORError:
            return False
        return stream.tell() == len(value) and check(item)

    return conforms


def _array(entries: list[_Entry]) -> Check:
    def conforms(value: object) -> bool:
        return isinstance(value, list) and _follows(value, 0, entries)

    return conforms


def _follows(items: list[object], at: int, entries: list[_Entry]) -> bool:
    if not entries:
        return at == len(items)
    entry = entries[0]
    for count in range(min(entry.most, len(items) - at) + 1):
        if count and not entry.check(items[at + count - 1]):
            return False
        if count >= entry.least and _follows(items, at + count, entries[1:]):
            return True
    return False


def _map(entries: list[_Entry]) -> Check:
    def conforms(value: object) -> bool:
        return (
            isinstance(value, dict)
            and set(value) == {entry.key for entry in entries}
            and all(entry.check(value[entry.key]) for entry in entries)
        )

    return conforms


_CONTROLS: dict[str, Callable[[int, int], bool]] = {
    ".ge": lambda value, bound: value >= bound,
    ".le": lambda value, bound: value <= bound,
    ".ne": lambda value, bound: value != bound,
}

_PRELUDE: dict[str, Check] = {
    "int": _integers(-(1 << 64), (1 << 64) - 1),
    "bstr": lambda value: isinstance(value, bytes),
    "tstr": lambda value: isinstance(value, str),
    "nil": lambda value: value is None,
}
