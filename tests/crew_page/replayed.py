"""A page that is told a recorded run, in time that the test owns, and judged at every frame."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from crew_page.recorded_run import LOOK_MS, Step
from playwright.sync_api import Page

__all__ = ["Judged", "open_owned", "play"]

_HERE = Path(__file__).parent
_REPLAY = _HERE.joinpath("replay.js").read_text(encoding="utf-8")
_PIECE = 100


class Judged(msgspec.Struct):
    """What was wrong, the first of it; and how often there was something to see."""

    said: list[str]
    seen: dict[str, int]


def open_owned(tab: Page, address: str) -> None:
    """Open the page; its time and its events are `play`'s from the first moment on."""
    tab.add_init_script(path=_HERE / "owned_gateway.js")
    tab.add_init_script(path=_HERE / "judge.js")
    tab.goto(address)


def play(tab: Page, steps: Sequence[Step]) -> Judged:
    """Tell the page all of it, and look at every value whenever it may have been painted anew."""
    for at in range(0, len(steps), _PIECE):
        piece: list[Any] = msgspec.to_builtins(list(islice(steps, at, at + _PIECE)))
        tab.evaluate(_REPLAY, {"steps": piece, "stepMs": LOOK_MS})
    return msgspec.convert(tab.evaluate("({ said: judge.said, seen: judge.seen })"), Judged)
