"""The sealed store: keys only sealed, in two generations, and for nobody else to open."""

import os
import random
import stat
import threading
from pathlib import Path

import pytest
from cut_off import killed_at_each

from gateway import sealed
from gateway.errors import SealError
from hil.station.errors import StationError
from hil.station.vault import Vault

SEED = 3
PASSPHRASE = "a long passphrase"
PLACE = ("e66038b7132a5b2f", "TE33A-0123", "motors-a")
OTHER = ("e66038b7132a5b30", "TE33A-0123", "axles-a")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "_COST", 2)


def opened(folder: Path, passphrase: str = PASSPHRASE, seed: int = SEED) -> Vault:
    folder.mkdir(mode=0o700, exist_ok=True)
    return Vault(folder, passphrase, random.Random(seed).randbytes)


def test_keys_are_kept_sealed_and_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "station"
    keys = [opened(folder).make_key(*PLACE), opened(folder, seed=4).make_key(*OTHER)]
    vault = opened(folder)
    assert [vault.key_of(*PLACE), vault.key_of(*OTHER)] == keys
    assert vault.key_of(PLACE[0], "TE33A-0124", "motors-a") is None
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for key in keys:
            assert key not in path.read_bytes()
            assert key.hex().encode() not in path.read_bytes()


def test_a_wrong_passphrase_opens_nothing_and_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "station"
    opened(folder).make_key(*PLACE)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(SealError, match="not the passphrase"):
        opened(folder, "another passphrase")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("what", ["", "keys.sealed"])
def test_what_others_can_open_is_refused_with_what_to_do(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "station"
    opened(folder)
    path = folder / what
    path.chmod(0o755 if path.is_dir() else 0o644)
    mode = "700" if path.is_dir() else "600"
    with pytest.raises(SealError, match=f"run: chmod {mode} {path}"):
        opened(folder)


@pytest.mark.parametrize("damage", ["changed", "cut", "missing"])
def test_a_damaged_store_gives_way_to_the_one_before_and_says_so(
    tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "station"
    vault = opened(folder)
    key = vault.make_key(*PLACE)
    vault.make_key(*OTHER)
    path = folder / "keys.sealed"
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(data[:-1] + b"!" if damage == "changed" else data[: len(data) // 2])
    mended = opened(folder)
    assert "the keys of the change before are used" in mended.note
    assert (mended.key_of(*PLACE), mended.key_of(*OTHER)) == (key, None)
    mended.make_key(*OTHER)
    again = opened(folder)
    assert again.note == ""
    assert again.key_of(*PLACE) == key


def test_a_store_that_is_damaged_in_both_generations_is_not_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "station"
    opened(folder).make_key(*PLACE)
    for path in folder.glob("keys.sealed*"):
        path.write_bytes(b"rubbish")
    with pytest.raises((StationError, SealError)):
        opened(folder)
    assert not Vault.is_new(folder)


def test_a_revoked_key_is_gone(tmp_path: Path) -> None:
    vault = opened(tmp_path / "station")
    vault.make_key(*PLACE)
    vault.revoke(PLACE[0])
    assert vault.key_of(*PLACE) is None
    vault.revoke(PLACE[0])


def test_numbers_of_lists_rise_even_when_the_clock_does_not(tmp_path: Path) -> None:
    vault = opened(tmp_path / "station")
    assert [vault.number(100), vault.number(50), vault.number(100), vault.number(500)] == [
        100, 101, 102, 500,
    ]  # fmt: skip


def test_several_slots_change_it_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "station"
    opened(folder)
    made: dict[str, bytes] = {}

    def work(number: int) -> None:
        place = (f"e6{number:02x}", "TE33A-0123", f"node-{number}")
        made[place[0]] = opened(folder, seed=number).make_key(*place)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    vault = opened(folder)
    for number in range(8):
        key = vault.key_of(f"e6{number:02x}", "TE33A-0123", f"node-{number}")
        assert key == made[f"e6{number:02x}"]


def test_killed_at_any_operation_the_store_has_the_old_keys_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    keys = {}
    for number in range(40):
        keys[number] = opened(tmp_path / str(number)).make_key(*PLACE)

    def act(number: int) -> None:
        opened(tmp_path / str(number), seed=9).make_key(*OTHER)

    kills = killed_at_each(act)
    assert 5 < kills < 40
    for number in range(kills):
        vault = opened(tmp_path / str(number))
        assert vault.note == ""
        assert vault.key_of(*PLACE) == keys[number]
        vault.make_key(*OTHER)
        assert vault.key_of(*PLACE) == keys[number]
