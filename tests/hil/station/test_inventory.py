"""What the depot knows of its boards: found, told in full, written as CSV."""

import csv
import dataclasses
import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from manual_clock import ManualClock
from typer.testing import CliRunner

from gateway.errors import AxleboxError
from hil.station.cli import app
from hil.station.depot import Depot, open_depot
from hil.station.errors import StationError
from hil.station.inventory import FITTED, RETIRED, Inventory, Known
from hil.station.measures import measure

KNOWN = Known(
    unique_id="e66038b7132a5b2f",
    state=FITTED,
    locomotive="TE33A-0123",
    node="motors-a",
    profile="te33a",
    places="motor 1-6",
    board="pico",
    machine="Raspberry Pi Pico with RP2040",
    firmware="0.1.0",
    firmware_sha256="ab" * 32,
    configuration_sha256="cd" * 32,
    since="2026-11-29T12:00:00Z",
)
OTHER = dataclasses.replace(KNOWN, unique_id="e66038b7132a5b30", node="axles-a")


@pytest.fixture
def depot(tmp_path: Path) -> Depot:
    made = open_depot(tmp_path / "station", ManualClock())
    made.inventory.begin(KNOWN)
    made.inventory.begin(OTHER)
    return made


def typed(depot: Depot, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["records", *words, "--folder", str(depot.folder)])
    told = done.output
    if isinstance(done.exception, AxleboxError):
        told += str(done.exception)
    return done.exit_code, told


def attempt(depot: Depot, *, fails: bool = False) -> None:
    try:
        with depot.records.attempt("test", KNOWN.unique_id, KNOWN.locomotive, KNOWN.node) as tried:
            tried.measured([measure("supply", 5.0, "V", 4.5, 5.5), measure("noise", None, "t")])
            if fails:
                raise StationError("its supply dips", "Change the cable")
    except StationError:
        assert fails


def interrupted(depot: Depot) -> None:
    with depot.records.attempt("test", KNOWN.unique_id, "L", "n") as tried:
        tried.step("listening")
        raise KeyboardInterrupt


def test_every_word_must_be_found(depot: Depot) -> None:
    def found(*words: str) -> list[str]:
        return [board.node for board in depot.inventory.search(words)]

    assert found() == ["axles-a", "motors-a"]
    assert found("0123", "MOTORS") == ["motors-a"]
    assert found("5b30") == ["axles-a"]
    assert found("motors", "5b30") == []
    assert found("%") == []
    assert (
        "TE33A-0123 motors-a: board e66038b7132a5b2f, fitted"
        in typed(depot, "search", "motors")[1]
    )
    assert [b["node"] for b in json.loads(typed(depot, "search", "--json")[1])] == [
        "axles-a",
        "motors-a",
    ]


def test_a_board_is_told_with_all_that_was_done_to_it(depot: Depot) -> None:
    attempt(depot, fails=True)
    attempt(depot)
    code, told = typed(depot, "show", KNOWN.unique_id)
    assert code == 0
    assert told.index("test as motors-a of TE33A-0123: fail") < told.index(": pass")
    assert "its supply dips" in told
    content = json.loads(typed(depot, "show", KNOWN.unique_id, "--json")[1])
    assert content["board"] == vars(KNOWN)
    assert [entry["result"] for entry in content["history"]] == ["fail", "pass"]
    code, told = typed(depot, "show", "e6")
    assert code == 1
    assert "records search" in told


def test_every_attempt_has_a_file_whatever_became_of_it(depot: Depot) -> None:
    attempt(depot)
    attempt(depot, fails=True)
    with pytest.raises(KeyboardInterrupt):
        interrupted(depot)
    files = [json.loads(p.read_text()) for p in (depot.folder / "records").glob("*.json")]
    assert sorted(each["result"] for each in files) == ["fail", "interrupted", "pass"]
    by_result = {each["result"]: each for each in files}
    assert by_result["fail"]["what_to_do"] == "Change the cable"
    assert by_result["interrupted"]["ended"] is None
    assert [step["name"] for step in by_result["interrupted"]["steps"]] == ["listening"]
    assert [m["verdict"] for m in by_result["pass"]["measures"]] == ["PASS", "FAIL"]
    assert depot.records.read(by_result["pass"]["record"]) == by_result["pass"]


@pytest.mark.parametrize("table", ["boards", "history", "measures", "calibrations"])
def test_tables_are_written_as_csv(depot: Depot, tmp_path: Path, table: str) -> None:
    attempt(depot)
    out = tmp_path / "out.csv"
    assert typed(depot, "export", table, "--out", str(out))[0] == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert len(rows) == {"boards": 2, "history": 1, "measures": 2, "calibrations": 0}[table]
    code, told = typed(depot, "export", table)
    assert code == 0
    assert told.splitlines() == out.read_text().splitlines()


def test_the_file_itself_refuses_a_second_board_in_a_place(depot: Depot) -> None:
    twin = dataclasses.replace(KNOWN, unique_id="e66038b7132a5b31")
    with pytest.raises(StationError, match="is another board already"):
        depot.inventory.begin(twin)
    assert depot.inventory.holder("TE33A-0123", "motors-a") == KNOWN
    depot.inventory.become(KNOWN.unique_id, RETIRED)
    depot.inventory.begin(twin)
    file = sqlite3.connect(depot.folder / "inventory.db")
    with pytest.raises(sqlite3.IntegrityError):
        file.execute("UPDATE boards SET state = 'fitted'")
    file.close()


def test_a_file_that_is_none_or_newer_is_told(tmp_path: Path) -> None:
    path = tmp_path / "inventory.db"
    path.write_bytes(b"rubbish" * 1000)
    with pytest.raises(StationError, match="cannot be used"):
        Inventory(path)
    path.unlink()
    Inventory(path)
    file = sqlite3.connect(path)
    file.execute("PRAGMA user_version = 99")
    file.close()
    with pytest.raises(StationError, match="newer axlebox"):
        Inventory(path)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (1.0, "PASS"),
        (2.0, "PASS"),
        (2.1, "FAIL"),
        (0.9, "FAIL"),
        (None, "FAIL"),
        (float("nan"), "FAIL"),
    ],
)
def test_a_limit_is_an_allowed_value_and_nothing_is_not_good(value: Any, word: str) -> None:
    assert measure("x", value, "V", 1.0, 2.0).word == word
    assert measure("x", 7.0, "V").word == "PASS"


def test_a_label_is_made_once_more(depot: Depot) -> None:
    code, told = typed(depot, "label", "TE33A-0123", "motors-a")
    assert code == 0
    assert all(Path(line).is_file() for line in told.splitlines())
    assert typed(depot, "label", "TE33A-0123", "brakes-a")[0] == 1


@pytest.mark.parametrize(
    "command",
    [
        ["records", "search", "brakes-a"],
        ["records", "label", "TE33A-0123", "brakes-a"],
        ["records", "export"],
        ["export", "--locomotive", "TE33A-0123", "--out", "list"],
        ["test", "--slot", "/dev/null"],
    ],
)
def test_who_asks_where_no_station_is_makes_none(tmp_path: Path, command: list[str]) -> None:
    with pytest.raises(StationError, match="no station's folder"):
        CliRunner().invoke(
            app, [*command, "--folder", str(tmp_path / "elsewhere")], catch_exceptions=False
        )
    assert not list(tmp_path.iterdir())
