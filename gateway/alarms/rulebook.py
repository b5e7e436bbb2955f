"""Rules as files: the shipped ones, what a depot changes of them, and limits as numbers."""

import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
from axwire.quantities import BY_NAME
from msgspec import Struct

from gateway.alarms.rules import (
    Behind,
    Deviation,
    Duty,
    Fault,
    Frozen,
    Jump,
    Limit,
    LinkSilence,
    NodeSilence,
    Rise,
    Rule,
    Starts,
    Stroke,
    TimeToLimit,
    Together,
    Value,
    Words,
    about,
)
from gateway.alarms.texts import ALARM_WORDS
from gateway.errors import ConfigError, explain
from gateway.profiles import Figure, Profile
from gateway.state import AlarmPriority
from gateway.texts import Text

__all__ = ["Bound", "BoundRule", "load_rules", "words_of"]

_DOCUMENT = "docs/alarms.md"
_EXPRESSION = re.compile(r"([a-z][a-z_0-9]*)(?: ([-+*]) ([0-9]+(?:\.[0-9]+)?))?")
_SIGN = Words(code="", title=Text("", "", ""), meaning=Text("", "", ""), action=Text("", "", ""))
"""Nobody is told of a sign alone."""

_DIFFERENCE_UNITS = {"°C": "K"}


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    rules: list[Rule] = []
    off: list[str] = []


@dataclass(frozen=True)
class Bound:
    """A limit in numbers: where a rule opens and where it closes."""

    open: float
    close: float
    is_above: bool
    unit: str
    source: str
    verified: bool

    def is_beyond(self, value: float) -> bool:
        return value > self.open if self.is_above else value < self.open

    def is_back(self, value: float) -> bool:
        return value <= self.close if self.is_above else value >= self.close


@dataclass(frozen=True)
class BoundRule:
    """A rule for one locomotive class; `bound` is None where the rule has no number. `to`: what a
    rule of kind time_to_limit looks forward to."""

    rule: Rule
    bound: Bound | None
    words: Words
    to: float = 0.0

    @property
    def verified(self) -> bool:
        """A rule without a number rests on none that could be wrong."""
        return self.bound is None or self.bound.verified

    @property
    def priority(self) -> AlarmPriority:
        """As it is written, but never high where nobody verified the limit."""
        wanted = self.rule.priority
        return "medium" if wanted == "high" and not self.verified else wanted


def words_of(rules: Iterable[BoundRule]) -> dict[str, Words]:
    """What a person is told, by rule. Signs alone are told to nobody."""
    return {one.rule.id: one.words for one in rules if not one.rule.sign}


def load_rules(profile: Profile, changes: Path | None = None) -> tuple[BoundRule, ...]:
    """The shipped rules for a class, changed by a depot's file, in the order in which they are
    judged: of the system, of sensors, of the machine. Raises ConfigError."""
    shipped = resources.files(__package__) / "rules.toml"
    tables = _Tables()
    tables.take(shipped.read_text(encoding="utf-8"), "the shipped rules")
    if changes is not None:
        try:
            text = changes.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{changes}: the rules cannot be read: {error}") from None
        tables.take(text, str(changes))
    bound = [_bind(rule, profile, where) for rule, where in tables.rules()]
    codes: dict[str, str] = {}
    for one in bound:
        if one.rule.sign:
            continue
        other = codes.setdefault(one.words.code, one.rule.id)
        if other != one.rule.id:
            raise ConfigError(
                f"rule {one.rule.id}: the code {one.words.code} is that of {other}; give another"
            )
    _check_members(bound, tables.off)
    order = ("system", "sensor", "machine")
    return tuple(
        sorted(
            bound, key=lambda one: (order.index(about(one.rule)), isinstance(one.rule, Together))
        )
    )


class _Tables:
    """Rules by id as they are written; a later file changes keys of an earlier one's."""

    def __init__(self) -> None:
        self.off: set[str] = set()
        self._tables: dict[str, tuple[dict[str, Any], str]] = {}

    def take(self, text: str, where: str) -> None:
        try:
            tree = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{where}: not TOML: {error}") from None
        for key in tree.keys() - {"rules", "off"}:
            raise ConfigError(
                f"{where}: unknown key {key}; remove it ({_DOCUMENT} lists the keys)"
            )
        rules, off = tree.get("rules", []), tree.get("off", [])
        if not isinstance(rules, list) or not isinstance(off, list):
            raise ConfigError(f'{where}: write [[rules]] and off = ["RULE"] ({_DOCUMENT})')
        seen: set[str] = set()
        for at, table in enumerate(rules):
            name = table.get("id") if isinstance(table, dict) else None
            if not isinstance(name, str):
                raise ConfigError(f"{where}: key rules[{at}].id is missing ({_DOCUMENT} shows it)")
            if name in seen:
                raise ConfigError(f"{where}: rule {name} is there twice; remove one")
            seen.add(name)
            known, _ = self._tables.get(name, ({}, ""))
            self._tables[name] = (_merged(known, table), where)
        for name in off:
            if name not in self._tables:
                near = difflib.get_close_matches(str(name), self._tables, 1)
                hint = f"is {near[0]} meant?" if near else "`axlebox rules check` lists them"
                raise ConfigError(f"{where}: off: there is no rule {name}: {hint}")
            del self._tables[name]
            self.off.add(name)

    def rules(self) -> list[tuple[Rule, str]]:
        found = []
        for name, (table, where) in self._tables.items():
            try:
                found.append((msgspec.convert(table, Rule), where))
            except msgspec.ValidationError as error:
                raise ConfigError(
                    f"{where}: rule {name}: {explain(str(error), _DOCUMENT)}"
                ) from None
        return found


def _merged(known: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    """A limit is changed key by key; one that is `above` now is not `below` any more."""
    merged = known | table
    if isinstance(known.get("limit"), dict) and isinstance(table.get("limit"), dict):
        limit = dict(known["limit"])
        if {"above", "below"} & table["limit"].keys():
            for key in ("above", "below", "close", "source", "verified"):
                limit.pop(key, None)
        merged["limit"] = limit | table["limit"]
    return merged


def _bind(rule: Rule, profile: Profile, where: str) -> BoundRule:
    at = f"{where}: rule {rule.id}"
    names = [*getattr(rule, "quantities", ()), *getattr(rule, "besides", ())]
    names += [getattr(rule, key, None) for key in ("quantity", "other", "pipe")]
    for name in filter(None, names):
        if name not in BY_NAME:
            near = difflib.get_close_matches(name, BY_NAME, 1)
            hint = f"is {near[0]} meant?" if near else "docs/profiles.md lists them"
            raise ConfigError(f"{at}: there is no quantity {name}: {hint}")
    words = rule.words or ALARM_WORDS.get(rule.id) or (_SIGN if rule.sign else None)
    if words is None:
        raise ConfigError(
            f"{at}: nobody would know what it says: give it [rules.words] with code, title, "
            f"meaning and action in kk, ru and en ({_DOCUMENT} shows it)"
        )
    if isinstance(rule, Fault):
        return BoundRule(rule, None, words)
    if isinstance(rule, Rise) and rule.volume and not _has_volume(rule, profile):
        raise ConfigError(f"{at}: volume is for a pressure in kPa, and names a figure in litres")
    limit, unit = rule.limit, _unit(rule)
    if unit is not None and limit.unit != unit:
        raise ConfigError(f"{at}: its limit is in {limit.unit!r}: convert it to {unit}")
    to = _number(rule.to, profile, at)[0] if isinstance(rule, TimeToLimit) else 0.0
    return BoundRule(rule, _bound(limit, profile, at), words, to)


def _has_volume(rule: Rise, profile: Profile) -> bool:
    figure = profile.figures.get(rule.volume)
    return figure is not None and figure.unit == "L" and BY_NAME[rule.quantity].unit == "kPa"


def _check_members(bound: list[BoundRule], off: set[str]) -> None:
    """Raises ConfigError where a rule on several names one that has no share of a limit."""
    known = {one.rule.id: one for one in bound}
    for one in bound:
        if not isinstance(one.rule, Together):
            continue
        for name in one.rule.rules:
            if name in off:
                continue
            member = known.get(name)
            if member is None:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"is {near[0]} meant?" if near else "`axlebox rules check` lists them"
                raise ConfigError(f"rule {one.rule.id}: there is no rule {name}: {hint}")
            if isinstance(member.rule, Together) or not _has_share(member.bound):
                raise ConfigError(
                    f"rule {one.rule.id}: nobody can say how near {name} is to its limit: name "
                    "rules with a limit above a positive number or below a negative one"
                )


def _has_share(bound: Bound | None) -> bool:
    return bound is not None and (bound.open > 0 if bound.is_above else bound.open < 0)


def _unit(rule: Rule) -> str | None:
    """The unit a limit must be in; None: that of no one quantity."""
    match rule:
        case NodeSilence() | LinkSilence() | Frozen() | Stroke():
            return "s"
        case Duty() | Together() | Deviation(share=True):
            return "%"
        case Starts():
            return "1"
        case TimeToLimit():
            return "min"
        case Fault():
            return None
        case Jump():
            units = {_difference_unit(name) for name in rule.quantities}
            return f"{units.pop()}/s" if len(units) == 1 else None
        case Rise(volume=volume) if volume:
            return "L/min"
        case Rise() | Behind():
            return f"{_difference_unit(rule.quantity)}/min"
        case Value():
            return BY_NAME[rule.quantity].unit
    return _difference_unit(rule.quantity)


def _difference_unit(quantity: str) -> str:
    unit = BY_NAME[quantity].unit
    return _DIFFERENCE_UNITS.get(unit, unit)


def _bound(limit: Limit, profile: Profile, at: str) -> Bound:
    if (limit.above is None) == (limit.below is None):
        raise ConfigError(f"{at}: its limit needs one of above and below")
    is_above = limit.above is not None
    opened, figure = _number(limit.above if is_above else limit.below, profile, at)
    closed = opened if limit.close is None else _number(limit.close, profile, at)[0]
    if (closed > opened) if is_above else (closed < opened):
        raise ConfigError(
            f"{at}: it would close at {closed:g} {limit.unit}, where it is still open: put close "
            f"on the other side of {opened:g}"
        )
    source, verified = limit.source, limit.verified
    if figure is not None and opened == figure.value:
        source, verified = source or figure.source, figure.verified
    elif figure is not None:
        verified = verified and figure.verified
    if not source.strip():
        raise ConfigError(f"{at}: limit.source is missing: say where the number comes from")
    return Bound(opened, closed, is_above, limit.unit, source, verified)


def _number(written: float | str | None, profile: Profile, at: str) -> tuple[float, Figure | None]:
    """The number, and the figure that it comes from."""
    if not isinstance(written, str):
        assert written is not None
        return float(written), None
    match = _EXPRESSION.fullmatch(written)
    figure = None if match is None else profile.figures.get(match[1])
    if match is None or figure is None:
        near = difflib.get_close_matches(written.split()[0] if written else "", profile.figures, 1)
        hint = f"is {near[0]} meant?" if near else "docs/profiles.md lists the figures"
        raise ConfigError(
            f"{at}: {written!r} is neither a number nor a figure of the profile, alone or as "
            f"'figure - 10': {hint}"
        )
    if match[2] is None:
        return figure.value, figure
    number = float(match[3])
    value = figure.value
    return {"-": value - number, "+": value + number, "*": value * number}[match[2]], figure
