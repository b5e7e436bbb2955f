"""One thing that was looked at, and how it is told."""

import re
from collections.abc import Iterable
from typing import Literal

import msgspec

__all__ = ["LEVELS", "Finding", "Level", "as_told", "exit_code", "most_urgent_first", "ok"]

Level = Literal["wrong", "unknown", "note", "ok"]
"""`unknown` could not be looked at; a `note` needs nobody today."""

LEVELS: tuple[Level, ...] = ("wrong", "unknown", "note", "ok")
"""The most urgent first."""

_LOOK = "look into the gateway's log: journalctl -u axlebox-gateway"

_LOGIN = re.compile(r"(?<=://)[^/@\s]*@")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`what` is one sentence; `advice` is what to do, and empty only where all is well."""

    level: Level
    part: str
    what: str
    advice: str = ""

    def without_secrets(self) -> "Finding":
        """The same, without the user and the password that an address may carry."""
        return msgspec.structs.replace(
            self, what=_LOGIN.sub("", self.what), advice=_LOGIN.sub("", self.advice)
        )


def ok(part: str, what: str) -> Finding:
    return Finding(level="ok", part=part, what=what)


def as_told(part: str, sentence: object, otherwise: str = "", level: Level = "wrong") -> Finding:
    """What another part of axlebox says: `what is wrong; what to do`, or `...: what to do`.

    `otherwise` is what to do where the sentence has no `;` to tell it. Where nothing tells it, the
    gateway's log does.
    """
    text = str(sentence)
    what, mark, advice = text.partition("; ")
    if not mark:
        before, mark, advice = ("", "", otherwise) if otherwise else text.rpartition(": ")
        what, advice = (before, advice) if mark else (text, otherwise)
    return Finding(level=level, part=part, what=what, advice=advice or _LOOK)


def most_urgent_first(findings: Iterable[Finding]) -> list[Finding]:
    """By level; those of one level stay in their order."""
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))


def exit_code(findings: Iterable[Finding]) -> int:
    """0: all is well, 1: something is wrong, 2: nothing is, of what could be looked at."""
    levels = {finding.level for finding in findings}
    return 1 if "wrong" in levels else 2 if "unknown" in levels else 0
