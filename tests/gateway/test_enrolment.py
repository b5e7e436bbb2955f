"""A gateway takes over the boards of its locomotive from the depot's list, whole or not at all."""

import random
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cut_off import killed_at_each
from typer.testing import CliRunner

from gateway.config import load_config, load_keys
from gateway.enrolment import KnownBoard, Roll, enrol, open_roll, seal_roll
from gateway.errors import AxleboxError, ConfigError
from gateway.service_cli import app

SEED = 11
PASSPHRASE = "ABCD-EFGH-JKMN-PQRS-TVWX-YZ23"
CONFIG = """# A locomotive of the depot.
[locomotive]
id = "TE33A-0123"  # as painted on its side

# Our own board.
[[nodes]]
name = "spare"
key_file = "spare.key" # made by hand

[[serial]]
name = "motors"
port = "/dev/ttyACM0"
"""

Names = dict[str, int]
"""Nodes with the seed of their key."""


def key(seed: int) -> str:
    return random.Random(seed).randbytes(32).hex()


def roll(number: int, nodes: Names, locomotive: str = "TE33A-0123") -> Roll:
    boards = [
        KnownBoard(name=name, unique_id=f"e66{seed}", key=key(seed))
        for name, seed in nodes.items()
    ]
    return Roll(locomotive=locomotive, number=number, made="2026-11-29T12:00:00Z", boards=boards)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return laid_out(tmp_path)


def laid_out(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "axlebox.toml"
    path.write_text(CONFIG)
    path.chmod(0o640)
    spare = folder / "spare.key"
    spare.touch(mode=0o600)
    spare.write_text(key(9) + "\n")
    return path


def keys_of(path: Path) -> dict[str, bytes]:
    return {name: found.inner for name, found in load_keys(load_config(path)).items()}


def macs(nodes: Names) -> dict[str, bytes]:
    from axwire.cose import MacKey

    return {name: MacKey(bytes.fromhex(key(seed))).inner for name, seed in nodes.items()}


def test_the_boards_of_the_list_are_known_and_nothing_else_is_changed(config: Path) -> None:
    changes = enrol(config, roll(7, {"motors-a": 1, "axles-a": 2}))
    assert (changes.added, changes.kept) == (("motors-a", "axles-a"), ("spare",))
    assert keys_of(config) == macs({"spare": 9, "motors-a": 1, "axles-a": 2})
    text = config.read_text()
    assert [line for line in CONFIG.splitlines() if line not in text.splitlines()] == []
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    for path in (config.parent / "keys").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_a_swapped_and_a_removed_board_lose_their_keys(config: Path) -> None:
    enrol(config, roll(7, {"motors-a": 1, "axles-a": 2, "brakes-a": 3}))
    changes = enrol(config, roll(8, {"motors-a": 4, "brakes-a": 3, "motors-b": 5}))
    assert changes.added == ("motors-b",)
    assert changes.changed == ("motors-a",)
    assert changes.removed == ("axles-a",)
    assert keys_of(config) == macs({"spare": 9, "motors-a": 4, "brakes-a": 3, "motors-b": 5})
    kept = "".join(p.read_text() for p in config.parent.rglob("*") if p.is_file())
    assert key(1) not in kept
    assert key(2) not in kept


def test_a_list_of_the_same_is_told_as_nothing_new(config: Path) -> None:
    enrol(config, roll(7, {"motors-a": 1}))
    before = config.read_text()
    changes = enrol(config, roll(7, {"motors-a": 1}))
    assert (changes.added, changes.changed, changes.removed) == ((), (), ())
    assert config.read_text() == before


def test_a_node_that_was_made_by_hand_gets_the_depots_key(config: Path) -> None:
    changes = enrol(config, roll(7, {"spare": 1}))
    assert changes.changed == ("spare",)
    assert changes.unused == (config.parent / "spare.key",)
    assert keys_of(config) == macs({"spare": 1})
    assert "# made by hand" in config.read_text()


def test_an_older_list_does_not_bring_a_revoked_key_back(config: Path) -> None:
    enrol(config, roll(8, {"motors-a": 2}))
    with pytest.raises(ConfigError, match="older than the one in use"):
        enrol(config, roll(7, {"motors-a": 1}))
    assert keys_of(config)["motors-a"] == macs({"motors-a": 2})["motors-a"]
    enrol(config, roll(7, {"motors-a": 1}), older=True)
    assert keys_of(config)["motors-a"] == macs({"motors-a": 1})["motors-a"]


def test_the_list_of_another_locomotive_is_refused(config: Path) -> None:
    with pytest.raises(ConfigError, match="of KZ8A-0001, this gateway is of TE33A-0123"):
        enrol(config, roll(7, {"motors-a": 1}, "KZ8A-0001"))
    assert config.read_text() == CONFIG


def test_nodes_in_another_notation_are_refused_not_lost(config: Path) -> None:
    text = CONFIG[: CONFIG.index("# Our own")]
    written = 'nodes = [{ name = "spare", key_file = "spare.key" }]\n' + text
    config.write_text(written)
    with pytest.raises(ConfigError, match=r"not written as \[\[nodes\]\]"):
        enrol(config, roll(7, {"spare": 1}))
    assert config.read_text() == written
    assert not list(config.parent.glob("*.new.toml"))
    assert keys_of(config) == macs({"spare": 9})


def test_killed_at_any_operation_the_gateway_knows_the_old_boards_or_the_new(
    tmp_path: Path,
) -> None:
    old = {"motors-a": 1, "axles-a": 2}
    new = {"motors-a": 3, "brakes-a": 4}
    seen = set()

    def act(number: int) -> None:
        folder = tmp_path / str(number)
        config = prepared[number]
        try:
            enrol(config, roll(8, new))
        finally:
            found = keys_of(config)
            assert found in (macs({**old, "spare": 9}), macs({**new, "spare": 9})), folder
            seen.add("motors-a" in found and "axles-a" in found)

    prepared = []
    for number in range(80):
        prepared.append(laid_out(tmp_path / str(number)))
        enrol(prepared[-1], roll(7, old))
    kills = killed_at_each(act)
    assert 20 < kills < 80
    assert seen == {True, False}
    for number in range(kills):
        enrol(prepared[number], roll(8, new))
        assert keys_of(prepared[number]) == macs({**new, "spare": 9})
        names = [path.name for path in (prepared[number].parent / "keys").iterdir()]
        assert names == ["roll-8"]
    shutil.rmtree(tmp_path)


Typed = Callable[..., tuple[int, str]]


@pytest.fixture
def typed(config: Path) -> Typed:
    def run(*words: str, typed: str = "") -> tuple[int, str]:
        done = CliRunner().invoke(app, ["enrol", *words, "-c", str(config)], input=typed + "\n")
        told = done.output
        if isinstance(done.exception, AxleboxError):
            told += str(done.exception)
        return done.exit_code, told

    return run


def test_a_person_enrols_with_the_passphrase_that_the_depot_told(
    config: Path, typed: Typed
) -> None:
    file = config.parent / "list"
    file.write_bytes(
        seal_roll(roll(7, {"motors-a": 1}), PASSPHRASE, random.Random(SEED).randbytes)
    )
    assert key(1).encode() not in file.read_bytes()
    code, told = typed(str(file), typed=PASSPHRASE.lower().replace("-", " "))
    assert code == 0
    assert "motors-a: new" in told
    assert "systemctl restart axlebox-gateway" in told
    code, told = typed(str(file), typed="ABCD")
    assert code == 1
    assert "not the passphrase" in told
    assert key(1) not in told


def test_the_passphrase_can_come_from_a_private_file(config: Path, typed: Typed) -> None:
    file, words = config.parent / "list", config.parent / "words"
    file.write_bytes(
        seal_roll(roll(7, {"motors-a": 1}), PASSPHRASE, random.Random(SEED).randbytes)
    )
    words.write_text(PASSPHRASE + "\n")
    words.chmod(0o644)
    code, told = typed(str(file), "--passphrase-file", str(words))
    assert code == 1
    assert f"chmod 600 {words}" in told
    words.chmod(0o600)
    assert typed(str(file), "--passphrase-file", str(words))[0] == 0


def test_a_file_that_is_not_there_is_told_with_what_to_do(config: Path, typed: Typed) -> None:
    file, words = config.parent / "list", config.parent / "words"
    code, told = typed(str(file), "--passphrase-file", str(words))
    assert code == 1
    assert f"{words} cannot be opened: No such file or directory; correct the path" in told
    code, told = typed(str(file), typed=PASSPHRASE)
    assert code == 1
    assert f"{file} cannot be read: No such file or directory; correct the path" in told


def test_keys_that_cannot_be_written_are_told_with_what_to_do(config: Path) -> None:
    (config.parent / "keys").touch()
    with pytest.raises(ConfigError, match=r"cannot be written: .*: move it away, .*enrol again"):
        enrol(config, roll(7, {"motors-a": 1}))
    assert config.read_text() == CONFIG


def test_no_text_of_a_list_shows_a_key() -> None:
    shown = f"{roll(7, {'motors-a': 1})!r} {roll(7, {'motors-a': 1})}"
    assert not re.search(key(1)[:8], shown)


def test_a_list_with_a_node_twice_is_refused(config: Path) -> None:
    twice = roll(7, {"motors-a": 1})
    both = Roll(locomotive="TE33A-0123", number=7, made="", boards=twice.boards * 2)
    file = config.parent / "list"
    file.write_bytes(seal_roll(both, PASSPHRASE, random.Random(SEED).randbytes))
    with pytest.raises(ConfigError, match="a node twice"):
        open_roll(file, PASSPHRASE)
