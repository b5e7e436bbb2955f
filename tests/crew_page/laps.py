"""A recorded run told to a page lap after lap, faster than time; what the browser keeps of it."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec
from crew_page.recorded_run import LOOK_MS, Step
from playwright.sync_api import Page

__all__ = ["Kept", "Laps"]

_LAP = Path(__file__).with_name("lap.js").read_text(encoding="utf-8")
_SCREENS = ("#", "#alarms", "#detail/2", "#service")
_PIECE = 100
_COLLECTIONS = 2


class Kept(NamedTuple):
    """What is left after garbage was collected: bytes of the page's heap, nodes of documents, and
    listeners to events."""

    heap_bytes: int
    nodes: int
    listeners: int


class Laps:
    """On a page opened with crew_page.replayed.open_owned."""

    def __init__(self, tab: Page, steps: Sequence[Step]) -> None:
        self.seconds = len(steps) * LOOK_MS / 1000
        self._tab = tab
        self._browser = tab.context.new_cdp_session(tab)
        self._browser.send("Performance.enable")
        tab.evaluate("owned.steps = []")
        for at in range(0, len(steps), _PIECE):
            piece = msgspec.to_builtins(list(islice(steps, at, at + _PIECE)))
            tab.evaluate("piece => { owned.steps.push(...piece); }", piece)

    def run(self) -> None:
        """One lap, a quarter of it on each screen."""
        self._tab.evaluate(_LAP, {"stepMs": LOOK_MS, "screens": _SCREENS})

    def kept(self) -> Kept:
        for _ in range(_COLLECTIONS):
            self._browser.send("HeapProfiler.collectGarbage")
        found = {
            one["name"]: int(one["value"])
            for one in self._browser.send("Performance.getMetrics")["metrics"]
        }
        return Kept(found["JSHeapUsedSize"], found["Nodes"], found["JSEventListeners"])
