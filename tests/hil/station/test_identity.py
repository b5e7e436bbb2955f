"""Who a board is: one place, one key, one board, whatever is pulled or killed meanwhile."""

import dataclasses
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cut_off import Killed, killed_at_each
from manual_clock import ManualClock
from memory_boards import FIRMWARE, MemoryBoard, MemoryLink, pulled

from gateway import sealed
from gateway.profiles import load_profile
from hil.station.depot import Depot, open_depot
from hil.station.errors import ContactError, StationError
from hil.station.identity import Provision, Provisioned, Wanted
from hil.station.inventory import BEGUN, FITTED, RETIRED
from hil.station.swap import swap

SEED = 21
PASSPHRASE = "a long passphrase"
LOCOMOTIVE = "TE33A-0123"
PROFILE = load_profile("te33a")
FITS = {fit.name: fit for fit in PROFILE.all_nodes}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A passphrase costs little, and a disk that is told to write does not wait for it: what is
    killed here is a process."""
    monkeypatch.setattr(sealed, "_COST", 2)
    monkeypatch.setattr(os, "fsync", lambda handle: None)


class Station:
    """A depot whose random bytes are known to the test."""

    def __init__(self, folder: Path) -> None:
        self.given: list[bytes] = []
        self.said: list[str] = []
        self._random = random.Random(SEED)
        self.clock = ManualClock()
        self.folder = folder / "station"
        self.depot: Depot = open_depot(self.folder, self.clock, self.randbytes)

    def randbytes(self, count: int) -> bytes:
        self.given.append(self._random.randbytes(count))
        return self.given[-1]

    def provision(
        self,
        board: MemoryBoard,
        node: str = "motors-a",
        locomotive: str = LOCOMOTIVE,
        *,
        again: bool = False,
    ) -> Provisioned:
        """As a process of its own does it."""
        depot = open_depot(self.folder, self.clock, self.randbytes)
        return Provision(
            depot,
            depot.vault(PASSPHRASE),
            Wanted(locomotive, "te33a", FITS[node], {}, again),
            FIRMWARE,
            lambda: board,
            lambda name, key: MemoryLink(board, name, key),
            self.said.append,
        ).run()

    def possible_keys(self) -> list[bytes]:
        """All that may have become a key."""
        return [given for given in self.given if len(given) == 32]

    def in_the_clear(self) -> list[Path]:
        """Files that show a key, in any form."""
        shown = [form for key in self.possible_keys() for form in (key, key.hex().encode())]
        return [
            path
            for path in self.folder.rglob("*")
            if path.is_file() and any(form in path.read_bytes() for form in shown)
        ]

    def records(self) -> list[dict[str, Any]]:
        paths = sorted((self.folder / "records").glob("*.json"))
        return [json.loads(path.read_text()) for path in paths]


@pytest.fixture
def station(tmp_path: Path) -> Station:
    print(f"seed {SEED}")
    return Station(tmp_path)


def refused(act: Callable[[], Any]) -> str:
    with pytest.raises(StationError) as error:
        act()
    assert error.value.what_to_do
    return str(error.value)


def test_a_board_becomes_a_node_with_a_key_of_its_own(station: Station) -> None:
    board, other = MemoryBoard(), MemoryBoard("e66038b7132a5b30")
    done = station.provision(board)
    assert (done.known.node, done.known.places, done.resumed) == ("motors-a", "motor 1-6", False)
    station.provision(other, "axles-a")
    assert board.node == "motors-a"
    assert other.node == "axles-a"
    assert None not in (board.key, other.key)
    assert board.key != other.key
    vault = station.depot.vault(PASSPHRASE)
    assert vault.key_of(board.unique_id, LOCOMOTIVE, "motors-a") == board.key
    known = station.depot.inventory.boards_of(LOCOMOTIVE)
    assert [(k.node, k.state) for k in known] == [("axles-a", FITTED), ("motors-a", FITTED)]
    assert all(
        board.files[f"{name}.0"] == board.files[f"{name}.1"] for name in ("node.json", "node.key")
    )
    assert station.in_the_clear() == []
    assert [record["result"] for record in station.records()] == ["pass", "pass"]
    labels = sorted(path.name for path in (station.folder / "labels").iterdir())
    assert f"{LOCOMOTIVE}-motors-a-{board.unique_id}.png" in labels


def test_no_two_boards_are_the_same_node(station: Station) -> None:
    first, second = MemoryBoard(), MemoryBoard("e66038b7132a5b30")
    station.provision(first)
    said = refused(lambda: station.provision(second))
    assert f"board {first.unique_id} is motors-a of {LOCOMOTIVE}" in said
    assert "records swap" in said
    assert second.node is None
    station.provision(second, locomotive="TE33A-0124")
    assert "is motors-a of TE33A-0124" in refused(lambda: station.provision(second, "axles-a"))
    assert "already" in refused(lambda: station.provision(first))


def test_even_two_stations_at_once_cannot_give_a_place_twice(station: Station) -> None:
    """The file refuses what both have looked at and found free."""
    known = station.provision(MemoryBoard()).known
    twin = dataclasses.replace(known, unique_id="e66038b7132a5b30")
    assert "is another board already" in refused(lambda: station.depot.inventory.begin(twin))


def test_a_swapped_board_gives_its_place_and_its_key_away(station: Station) -> None:
    first, second = MemoryBoard(), MemoryBoard("e66038b7132a5b30")
    station.provision(first)
    vault = station.depot.vault(PASSPHRASE)
    swap(station.depot, vault, LOCOMOTIVE, "motors-a")
    assert vault.key_of(first.unique_id, LOCOMOTIVE, "motors-a") is None
    station.provision(second)
    assert vault.key_of(second.unique_id, LOCOMOTIVE, "motors-a") == second.key
    assert first.key != second.key
    states = {k.unique_id: k.state for k in station.depot.inventory.search([])}
    assert states == {first.unique_id: RETIRED, second.unique_id: FITTED}
    first.files["spill/1.seg"] = b"old readings"
    station.provision(first, "axles-a")
    assert first.node == "axles-a"
    assert "spill/1.seg" not in first.files
    (record,) = (r for r in station.records() if r["node"] == "axles-a")
    assert record["facts"]["readings_removed_bytes"] == 12


def test_a_board_that_another_station_made_is_not_taken_over_by_mistake(station: Station) -> None:
    board = MemoryBoard()
    elsewhere = Station(station.folder.parent / "elsewhere")
    elsewhere.provision(board)
    before = dict(board.files)
    assert "says that it is motors-a" in refused(lambda: station.provision(board))
    assert board.files == before
    station.provision(board, again=True)
    assert board.node == "motors-a"


def test_again_gives_a_new_key_and_keeps_the_readings(station: Station) -> None:
    board = MemoryBoard()
    station.provision(board)
    before = board.key
    board.files["spill/1.seg"] = b"readings"
    station.provision(board, again=True)
    assert board.key not in (None, before)
    assert board.files["spill/1.seg"] == b"readings"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"worn": "node.key.1"}, "cannot be read back"),
        ({"files": {"main.py": b"other"}}, "does not have firmware 0.1.0"),
    ],
)
def test_what_is_wrong_is_told_with_one_thing_to_do(
    station: Station, change: dict[str, Any], words: str
) -> None:
    said = refused(lambda: station.provision(MemoryBoard(**change)))
    assert words in said
    (record,) = station.records()
    assert (record["result"], record["ended"] is not None) == ("fail", True)
    assert words in record["said"]
    assert not any(key.hex() in said for key in station.possible_keys())


def test_a_board_with_another_file_does_not_prove_itself(station: Station) -> None:
    board = MemoryBoard()
    board.files["boot.py"] = b"print('mine')"
    assert "another firmware" in refused(lambda: station.provision(board))
    assert station.depot.inventory.board(board.unique_id).state == BEGUN  # type: ignore[union-attr]


def check_after_cut(station: Station, board: MemoryBoard, result: str) -> None:
    """What must hold wherever the first attempt was cut off."""
    assert station.in_the_clear() == []
    twin = MemoryBoard("e66038b7132a5b30")
    known = station.depot.inventory.board(board.unique_id)
    if known is None:
        assert board.node is None
    else:
        refused(lambda: station.provision(twin))
        assert twin.node is None
    records = [r for r in station.records() if r["unique_id"] in (board.unique_id, "unknown")]
    if known is not None:
        assert records[0]["result"] == result
    if known is None or known.state == BEGUN:
        done = station.provision(board)
        assert done.resumed == (known is not None)
        assert ("going on with what was cut off" in station.said) == done.resumed
    assert board.node == "motors-a"
    vault = station.depot.vault(PASSPHRASE)
    assert vault.key_of(board.unique_id, LOCOMOTIVE, "motors-a") == board.key
    refused(lambda: station.provision(twin))
    assert [k.state for k in station.depot.inventory.boards_of(LOCOMOTIVE)] == [FITTED]
    assert station.in_the_clear() == []


def folders(tmp_path: Path) -> Iterator[Path]:
    for number in range(1000):
        folder = tmp_path / str(number)
        folder.mkdir()
        yield folder


@pytest.mark.parametrize("result", ["fail", "interrupted"])
@pytest.mark.parametrize("old", [False, True], ids=["new", "retired"])
def test_cut_off_at_any_operation_on_the_board(tmp_path: Path, result: str, old: bool) -> None:
    """The cable pulled, and the process killed."""

    def killed() -> None:
        raise Killed

    cuts = 0
    for folder in folders(tmp_path):
        station, board = Station(folder), MemoryBoard()
        if old:
            station.provision(board, "axles-a")
            swap(station.depot, station.depot.vault(PASSPHRASE), LOCOMOTIVE, "axles-a")
            board.files["spill/1.seg"] = b"of its time as axles-a"
            board.operations.count = 0
            for path in (station.folder / "records").iterdir():
                path.unlink()
        board.operations.cut = cuts
        board.operations.break_off = pulled if result == "fail" else killed
        try:
            station.provision(board)
            break
        except (ContactError, Killed):
            cuts += 1
        board.operations.cut = None
        check_after_cut_of(station, board, result, old=old)
    assert cuts > 15


def check_after_cut_of(station: Station, board: MemoryBoard, result: str, *, old: bool) -> None:
    if old and board.node is not None and board.node != "motors-a":
        known = station.depot.inventory.board(board.unique_id)
        assert known is not None
        vault = station.depot.vault(PASSPHRASE)
        assert vault.key_of(board.unique_id, LOCOMOTIVE, "axles-a") is None
        station.provision(board)
        assert board.node == "motors-a"
        assert "spill/1.seg" not in board.files
        return
    check_after_cut(station, board, result)
    assert "spill/1.seg" not in board.files


def test_a_new_key_is_new_wherever_it_was_cut_off(tmp_path: Path) -> None:
    """On the board, and on the station's files."""
    where = folders(tmp_path)
    fitted = []
    for _ in range(150):
        station, board = Station(next(where)), MemoryBoard()
        station.provision(board)
        fitted.append((station, board, board.key))

    def act(number: int) -> None:
        station, board, _ = fitted[number]
        station.provision(board, again=True)

    kills = killed_at_each(act)
    assert 40 < kills < 150
    for station, board, before in fitted[:kills]:
        known = station.depot.inventory.board(board.unique_id)
        assert known is not None
        if board.key == before or known.state == BEGUN:
            station.provision(board, again=True)
        assert board.key not in (None, before)
        vault = station.depot.vault(PASSPHRASE)
        assert vault.key_of(board.unique_id, LOCOMOTIVE, "motors-a") == board.key


def test_killed_at_any_operation_on_the_stations_files(tmp_path: Path) -> None:
    where = folders(tmp_path)
    stations: list[tuple[Station, MemoryBoard]] = []
    fresh = [Station(next(where)) for _ in range(150)]

    def act(number: int) -> None:
        stations.append((fresh[number], MemoryBoard()))
        stations[-1][0].provision(stations[-1][1])

    kills = killed_at_each(act)
    assert 40 < kills < 150
    for station, board in stations[:kills]:
        known = station.depot.inventory.board(board.unique_id)
        if known is not None and known.state == FITTED:
            assert board.node == "motors-a"
            continue
        check_after_cut(station, board, "interrupted")
