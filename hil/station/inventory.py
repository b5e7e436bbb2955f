"""What the depot knows of its boards: an SQLite file, without any secret.

A board is known by the number of its chip. It is `begun` once it is told which node it will be,
`fitted` once it has proved to be, and `retired` when another takes its place. Of the boards that
are not retired no two are the same node of the same locomotive: the file itself refuses that.
"""

import csv
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from hil.station.errors import StationError
from hil.station.measures import Measure

__all__ = ["BEGUN", "FITTED", "RETIRED", "Calibration", "Entry", "Inventory", "Known"]

BEGUN, FITTED, RETIRED = "begun", "fitted", "retired"

_VERSION = 1
_WAIT_S = 10.0
_SCHEMA = """
CREATE TABLE boards (
    unique_id TEXT PRIMARY KEY CHECK (unique_id <> ''),
    state TEXT NOT NULL CHECK (state IN ('begun', 'fitted', 'retired')),
    locomotive TEXT NOT NULL,
    node TEXT NOT NULL,
    profile TEXT NOT NULL,
    places TEXT NOT NULL,
    board TEXT NOT NULL,
    machine TEXT NOT NULL,
    firmware TEXT NOT NULL,
    firmware_sha256 TEXT NOT NULL,
    configuration_sha256 TEXT NOT NULL,
    since TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_board_a_node ON boards (locomotive, node) WHERE state <> 'retired';
CREATE TABLE history (
    number INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    unique_id TEXT NOT NULL,
    locomotive TEXT NOT NULL,
    node TEXT NOT NULL,
    what TEXT NOT NULL,
    result TEXT NOT NULL,
    said TEXT NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX history_of_a_board ON history (unique_id, number);
CREATE TABLE measures (
    record TEXT NOT NULL,
    unique_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value REAL,
    unit TEXT NOT NULL,
    low REAL,
    high REAL,
    verdict TEXT NOT NULL
) STRICT;
CREATE INDEX measures_of_a_board ON measures (unique_id);
CREATE TABLE calibrations (
    number INTEGER PRIMARY KEY AUTOINCREMENT CHECK (number < 1073741824),
    at TEXT NOT NULL,
    unique_id TEXT NOT NULL,
    locomotive TEXT NOT NULL,
    node TEXT NOT NULL,
    quantity TEXT NOT NULL,
    place TEXT NOT NULL,
    unit TEXT NOT NULL,
    scale INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    initials TEXT NOT NULL,
    certificate TEXT NOT NULL,
    drift REAL,
    state TEXT NOT NULL CHECK (state IN ('begun', 'written'))
) STRICT;
CREATE INDEX calibrations_of_a_board ON calibrations (unique_id, quantity, place);
"""


@dataclass(frozen=True)
class Known:
    """A board as the inventory knows it; `since` in UTC, the hashes in hexadecimal digits."""

    unique_id: str
    state: str
    locomotive: str
    node: str
    profile: str
    places: str
    board: str
    machine: str
    firmware: str
    firmware_sha256: str
    configuration_sha256: str
    since: str


@dataclass(frozen=True)
class Entry:
    """Something that was done to a board, or tried."""

    at: str
    unique_id: str
    locomotive: str
    node: str
    what: str
    result: str
    said: str
    record: str


@dataclass(frozen=True)
class Calibration:
    """One calibration of one channel; `number` is what its channel table names. Scale and offset
    as in node.json; `drift` in `unit` against the one before, None for the first."""

    number: int
    at: str
    unique_id: str
    locomotive: str
    node: str
    quantity: str
    place: str
    unit: str
    scale: int
    offset: int
    initials: str
    certificate: str
    drift: float | None
    state: str


class Inventory:
    """The file; each call is a transaction of its own. Raises StationError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as file:
            version = file.execute("PRAGMA user_version").fetchone()[0]
            if version > _VERSION:
                raise StationError(
                    f"{path} was written by a newer axlebox",
                    "Install that one on this station",
                    code="station",
                )
            if version == 0:
                file.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version={_VERSION};COMMIT;")

    def board(self, unique_id: str) -> Known | None:
        return self._one("unique_id = ?", unique_id)

    def holder(self, locomotive: str, node: str) -> Known | None:
        """The board that is that node now, or is being made it."""
        return self._one("locomotive = ? AND node = ? AND state <> 'retired'", locomotive, node)

    def boards_of(self, locomotive: str) -> list[Known]:
        """Those of a locomotive that are not retired, by node."""
        return self._boards("locomotive = ? AND state <> 'retired' ORDER BY node", locomotive)

    def search(self, words: Sequence[str]) -> list[Known]:
        """The boards in each of whose descriptions every word is found."""
        columns = " || ' ' || ".join(Known.__dataclass_fields__)
        condition = " AND ".join([f"instr(lower({columns}), lower(?)) > 0"] * len(words)) or "1"
        return self._boards(f"{condition} ORDER BY locomotive, node, since", *words)

    def begin(self, board: Known) -> None:
        """Keep this identity for this board. Raises StationError where another one has it."""
        names = list(Known.__dataclass_fields__)
        changes = ", ".join(f"{name} = excluded.{name}" for name in names)
        with self._open() as file:
            try:
                file.execute(
                    f"INSERT INTO boards ({', '.join(names)}) "
                    f"VALUES ({', '.join('?' * len(names))}) "
                    f"ON CONFLICT (unique_id) DO UPDATE SET {changes}",
                    tuple(getattr(board, name) for name in names),
                )
            except sqlite3.IntegrityError:
                raise StationError(
                    f"{board.node} of {board.locomotive} is another board already",
                    f"Ask which: axlebox station records search {board.locomotive} {board.node}",
                    code="place_taken",
                ) from None

    def become(self, unique_id: str, state: str, **told: str) -> None:
        """Change a board's state, and what else is told of it."""
        told = {"state": state, **told}
        changes = ", ".join(f"{name} = ?" for name in told)
        with self._open() as file:
            file.execute(
                f"UPDATE boards SET {changes} WHERE unique_id = ?", (*told.values(), unique_id)
            )

    def note(self, entry: Entry, measures: Sequence[Measure] = ()) -> None:
        """Keep what was done; it takes the place of what is known of the same record."""
        with self._open() as file:
            file.execute("DELETE FROM history WHERE record = ? AND record <> ''", (entry.record,))
            file.execute("DELETE FROM measures WHERE record = ?", (entry.record,))
            file.execute(
                "INSERT INTO history VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
                tuple(getattr(entry, name) for name in Entry.__dataclass_fields__),
            )
            file.executemany(
                "INSERT INTO measures VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (entry.record, entry.unique_id, m.name, m.value, m.unit, m.low, m.high, m.word)
                    for m in measures
                ],
            )

    def history(self, unique_id: str) -> list[Entry]:
        """What was done to a board, the first first."""
        with self._open() as file:
            rows = file.execute(
                f"SELECT {', '.join(Entry.__dataclass_fields__)} FROM history "
                "WHERE unique_id = ? ORDER BY number",
                (unique_id,),
            )
            return [Entry(*row) for row in rows]

    def attempts(self, what: str, since: str) -> list[Entry]:
        """What was tried of a kind from a time on, in UTC; the last first."""
        with self._open() as file:
            rows = file.execute(
                f"SELECT {', '.join(Entry.__dataclass_fields__)} FROM history "
                "WHERE what = ? AND at >= ? ORDER BY number DESC",
                (what, since),
            )
            return [Entry(*row) for row in rows]

    def begin_calibration(self, found: Calibration) -> int:
        """Keep a calibration before the board has it; returns its number."""
        names = [name for name in Calibration.__dataclass_fields__ if name != "number"]
        with self._open() as file:
            row = file.execute(
                f"INSERT INTO calibrations ({', '.join(names)}) "
                f"VALUES ({', '.join('?' * len(names))})",
                tuple(getattr(found, name) for name in names),
            )
            return int(row.lastrowid or 0)

    def end_calibrations(self, unique_id: str, numbers: Sequence[int]) -> None:
        """The board has these now."""
        with self._open() as file:
            file.executemany(
                "UPDATE calibrations SET state = 'written' WHERE number = ? AND unique_id = ?",
                [(number, unique_id) for number in numbers],
            )

    def calibrations(self, unique_id: str) -> list[Calibration]:
        """Those that the board got, the first first."""
        with self._open() as file:
            rows = file.execute(
                f"SELECT {', '.join(Calibration.__dataclass_fields__)} FROM calibrations "
                "WHERE unique_id = ? AND state = 'written' ORDER BY number",
                (unique_id,),
            )
            return [Calibration(*row) for row in rows]

    def export(self, table: str, out: TextIO) -> int:
        """Write a table as CSV: boards, history, measures or calibrations; returns its rows."""
        with self._open() as file:
            rows = file.execute(f"SELECT * FROM {table} ORDER BY rowid")
            writer = csv.writer(out)
            writer.writerow([column[0] for column in rows.description])
            count = 0
            for row in rows:
                writer.writerow(row)
                count += 1
        return count

    def _one(self, condition: str, *words: str) -> Known | None:
        return next(iter(self._boards(condition, *words)), None)

    def _boards(self, condition: str, *words: str) -> list[Known]:
        with self._open() as file:
            rows = file.execute(
                f"SELECT {', '.join(Known.__dataclass_fields__)} FROM boards WHERE {condition}",
                words,
            )
            return [Known(*row) for row in rows]

    @contextmanager
    def _open(self) -> Iterator[Any]:
        try:
            with closing(sqlite3.connect(self._path, timeout=_WAIT_S)) as file:
                file.execute("PRAGMA journal_mode=WAL")
                file.execute("PRAGMA synchronous=FULL")
                with file:
                    yield file
        except sqlite3.DatabaseError as error:
            raise StationError(
                f"{self._path} cannot be used: {error}",
                "Bring it back from a copy of the station's folder, or make room on the disk",
                code="station",
            ) from None
