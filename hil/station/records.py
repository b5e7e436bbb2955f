"""One JSON file for each attempt at a board, whatever becomes of it.

It is there from the attempt's begin, with the result `interrupted`, and is written anew, each time
in one step, at each step of the attempt and at its end. Form 1:

    form, record, what, unique_id, locomotive, node, began, ended (UTC), result (pass, fail,
    interrupted), steps (name, at), measures (name, value, unit, low, high, verdict), facts, said,
    what_to_do
"""

import itertools
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.sealed import write_private
from gateway.timebase import Clock
from hil.station.errors import StationError
from hil.station.inventory import Entry, Inventory
from hil.station.measures import Measure

__all__ = ["FAIL", "PASS", "Attempt", "Records", "utc"]

_FORM = 1
_INTERRUPTED = "interrupted"
PASS, FAIL = "pass", "fail"


def utc(clock: Clock) -> str:
    """The time now, as records have it."""
    now = datetime.fromtimestamp(clock.utc_us() // 1_000_000, UTC)
    return now.isoformat().replace("+00:00", "Z")


class Attempt:
    """An attempt under way. `facts` go into its record as they are: never a secret."""

    def __init__(self, path: Path, clock: Clock, what: str, words: tuple[str, str, str]) -> None:
        self.facts: dict[str, Any] = {}
        self.measures: list[Measure] = []
        self.result = _INTERRUPTED
        self.said = self.what_to_do = ""
        self.name = path.stem
        self.what = what
        self.unique_id, self.locomotive, self.node = words
        self.began = utc(clock)
        self._path = path
        self._clock = clock
        self._ended: str | None = None
        self._steps: list[dict[str, str]] = []

    def step(self, name: str) -> None:
        """The attempt is about to do this."""
        self._steps.append({"name": name, "at": utc(self._clock)})
        self.write()

    def measured(self, found: Sequence[Measure]) -> None:
        self.measures += found
        self.write()

    def end(self, result: str, said: str, what_to_do: str = "") -> None:
        self.result, self.said, self.what_to_do = result, said, what_to_do
        self._ended = utc(self._clock)
        self.write()

    def write(self) -> None:
        content = {
            "form": _FORM,
            "record": self.name,
            "what": self.what,
            "unique_id": self.unique_id,
            "locomotive": self.locomotive,
            "node": self.node,
            "began": self.began,
            "ended": self._ended,
            "result": self.result,
            "steps": self._steps,
            "measures": [
                {
                    "name": m.name,
                    "value": m.value,
                    "unit": m.unit,
                    "low": m.low,
                    "high": m.high,
                    "verdict": m.word,
                }
                for m in self.measures
            ],
            "facts": self.facts,
            "said": self.said,
            "what_to_do": self.what_to_do,
        }
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        write_private(self._path, text.encode())

    def entry(self) -> Entry:
        return Entry(
            self.began,
            self.unique_id,
            self.locomotive,
            self.node,
            self.what,
            self.result,
            self.said,
            self.name,
        )


class Records:
    """The folder of records, and the inventory, which knows of each of them."""

    def __init__(self, folder: Path, inventory: Inventory, clock: Clock) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._naming = threading.Lock()
        self._folder = folder
        self._inventory = inventory
        self._clock = clock

    @contextmanager
    def attempt(self, what: str, unique_id: str, locomotive: str, node: str) -> Iterator[Attempt]:
        """An attempt at a board, from here to the end of the block: it passes unless something is
        raised. What is killed, or interrupted by a person, stays `interrupted`."""
        with self._naming:  # attempts in several slots may begin within one second
            path = self._new_path(what, unique_id)
            attempt = Attempt(path, self._clock, what, (unique_id, locomotive, node))
            attempt.write()
        self._inventory.note(attempt.entry())
        try:
            yield attempt
        except StationError as error:
            attempt.end(FAIL, error.text, error.what_to_do)
            self._inventory.note(attempt.entry(), attempt.measures)
            raise
        except Exception as error:
            attempt.end(FAIL, f"unexpected: {type(error).__name__}", "Begin again")
            self._inventory.note(attempt.entry(), attempt.measures)
            raise
        attempt.end(PASS, attempt.said)
        self._inventory.note(attempt.entry(), attempt.measures)

    def read(self, name: str) -> dict[str, Any]:
        """A record by its name. Raises StationError."""
        try:
            content = json.loads((self._folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            content = None
        if not isinstance(content, dict):
            raise StationError(
                f"there is no record {name}", "Ask for those of a board: axlebox station records"
            )
        return content

    def _new_path(self, what: str, unique_id: str) -> Path:
        moment = utc(self._clock).replace("-", "").replace(":", "")
        names = (f"{moment}-{unique_id}-{what}{more}.json" for more in _and_numbered())
        return next(path for name in names if not (path := self._folder / name).exists())


def _and_numbered() -> Iterator[str]:
    """Nothing, then numbers: for attempts at one board within a second."""
    yield ""
    yield from (f"-{number}" for number in itertools.count(1))
