"""The line as it is at a moment, for whoever shows it: nothing in it changes."""

from typing import Final, Literal

from msgspec import Struct

__all__ = [
    "ASKS",
    "FAIL",
    "PASS",
    "QUEUED",
    "STEPS",
    "WORKS",
    "Card",
    "Done",
    "LineState",
    "Notice",
]

ASKS: Final = "asks"
QUEUED: Final = "queued"
WORKS: Final = "works"
PASS: Final = "pass"
FAIL: Final = "fail"
Phase = Literal["asks", "queued", "works", "pass", "fail"]

STEPS = ("look", "micropython", "flash", "check", "identity", "test")
"""What is done to a board, in this order; a step that a board does not need is passed over."""


class Card(Struct, frozen=True, kw_only=True):
    """The board in a slot. `number` is the slot's at this line, from 1 on, and `name` its short
    one. `place` is empty until the board has one. `step` is of STEPS, `share` of all work is done.
    `next`: the next place that is scanned is for it. `absent`: it is out, though it is worked on
    or its failure is still shown.

    With FAIL, `text` says what is wrong and `what_to_do` the one thing to do, in English, and
    `code` by which text of line_errors.py it is told in each language.
    """

    number: int
    slot: str
    name: str
    phase: Phase
    place: str = ""
    unique_id: str = ""
    step: str = ""
    share: float = 0.0
    next: bool = False
    absent: bool = False
    code: str = ""
    text: str = ""
    what_to_do: str = ""


class Notice(Struct, frozen=True, kw_only=True):
    """What came of the last scan: a key of the texts, the slot's number and the place that go into
    it, and where there is more to say, that in English."""

    key: str
    good: bool
    slot: int = 0
    place: str = ""
    text: str = ""


class Done(Struct, frozen=True, kw_only=True):
    """An attempt that came to its end today; `at` is local time, as 14:05."""

    at: str
    place: str
    unique_id: str
    passed: bool
    said: str


class LineState(Struct, frozen=True, kw_only=True):
    """`version` rises with each change. `history` is of today, the last first, and not more than
    can be shown; `passed` and `failed` count the whole day."""

    version: int
    cards: tuple[Card, ...]
    notice: Notice | None
    passed: int
    failed: int
    history: tuple[Done, ...]
