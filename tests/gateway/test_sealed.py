"""A sealed file opens with its passphrase alone, unchanged, and is nobody else's to read."""

import errno
import json
import os
import random
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import sealed
from gateway.errors import SealError, remedy

SEED = 5
SECRET = "3fb1" * 16
PASSPHRASE = "ABCD-EFGH-JKMN-PQRS-TVWX-YZ23"


def chance() -> random.Random:
    return random.Random(SEED)


@pytest.fixture(scope="module")
def closed() -> bytes:
    return sealed.seal("keys", {"key": SECRET}, PASSPHRASE, chance().randbytes)


def test_what_was_sealed_comes_back_and_cannot_be_seen(closed: bytes) -> None:
    assert sealed.unseal("keys", closed, PASSPHRASE, "the store") == {"key": SECRET}
    assert SECRET.encode() not in closed
    assert bytes.fromhex(SECRET) not in closed
    assert PASSPHRASE.encode() not in closed


def test_another_passphrase_is_told_from_damage(closed: bytes) -> None:
    with pytest.raises(SealError, match="not the passphrase of the store") as wrong:
        sealed.unseal("keys", closed, "guess", "the store")
    assert not wrong.value.damaged
    assert "guess" not in str(wrong.value)


@given(st.data())
def test_a_changed_byte_anywhere_is_refused(closed: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(closed) - 1))
    changed = closed[at] ^ data.draw(st.integers(1, 255))
    with pytest.raises(SealError) as refused:
        sealed.unseal("keys", closed[:at] + bytes([changed]) + closed[at + 1 :], PASSPHRASE, "it")
    assert SECRET not in str(refused.value)


def test_a_head_that_was_changed_with_its_digest_is_refused(closed: bytes) -> None:
    """Who can write the file can make its digest, but not its tag."""
    import hashlib

    head, _, hidden = closed.partition(b"\n")
    start = json.loads(head)
    start["kind"] = "boards"
    del start["sha256"]
    digest = hashlib.sha256(json.dumps(start).encode() + hidden).hexdigest()
    forged = json.dumps({**start, "sha256": digest}).encode() + b"\n" + hidden
    with pytest.raises(SealError):
        sealed.unseal("boards", forged, PASSPHRASE, "it")


@pytest.mark.parametrize("end", [0, 1, 100, 240])
def test_a_file_that_ends_early_is_damaged(closed: bytes, end: int) -> None:
    with pytest.raises(SealError) as refused:
        sealed.unseal("keys", closed[:end], PASSPHRASE, "it")
    assert refused.value.damaged


def test_a_costly_head_is_refused_before_it_costs(closed: bytes) -> None:
    costly = closed.replace(b'"cost": 32768', b'"cost": 1073741824')
    with pytest.raises(SealError, match="too costly"):
        sealed.unseal("keys", costly, PASSPHRASE, "it")


def test_a_passphrase_can_be_typed_in_any_way() -> None:
    made = sealed.new_passphrase(chance().randbytes)
    assert len(made) == 29
    for typed in (made.lower(), made.replace("-", " "), f" {made.replace('-', '')}\n"):
        assert sealed.plain_passphrase(typed) == made


def test_a_file_is_never_open_to_others(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    before = os.umask(0)
    try:
        sealed.write_private(path, b"one")
        sealed.write_private(path, b"two")
    finally:
        os.umask(before)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sealed.check_private(path)
    path.chmod(0o640)
    with pytest.raises(SealError, match=f"run: chmod 600 {path}"):
        sealed.check_private(path)
    assert [file.name for file in tmp_path.iterdir()] == ["keys"]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "No such file or directory; correct the path, or bring it there"),
        (lambda path: path.mkdir(mode=0o700), "Is a directory; that is a folder: name a file"),
        (lambda path: sealed.write_private(path, b" \n"), "is empty: write the passphrase"),
        (lambda path: sealed.write_private(path, b"\xff"), "holds no passphrase: name another"),
    ],
)
def test_a_file_that_gives_no_passphrase_is_told_with_what_to_do(
    tmp_path: Path, make: Callable[[Path], None], says: str
) -> None:
    path = tmp_path / "words"
    make(path)
    with pytest.raises(SealError) as refused:
        sealed.read_passphrase(path)
    assert str(path) in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("none/list", "No such file or directory; make the folder {}/none first, or correct"),
        ("file/list", "Not a directory; make the folder {}/file first, or correct the path"),
        ("folder", "Is a directory; that is a folder: name a file"),
    ],
)
def test_a_place_that_takes_no_file_is_told_with_what_to_do(
    tmp_path: Path, name: str, says: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(SealError) as refused:
        sealed.write_private(tmp_path / name, b"secret")
    assert str(refused.value).startswith(f"{tmp_path / name} cannot be written: ")
    assert says.format(tmp_path) in str(refused.value)


def test_what_was_never_sealed_is_told_with_what_to_do() -> None:
    with pytest.raises(SealError, match=r"no sealed file of axlebox.*: name another file, or"):
        sealed.unseal("keys", b"rubbish", PASSPHRASE, "it")


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.EACCES, "run this as its owner"),
        (errno.ENOSPC, "make room there"),
        (errno.EROFS, "choose another place"),
        (errno.EEXIST, "move it away"),
        (errno.EIO, "look into `dmesg`"),
    ],
)
def test_each_trouble_with_a_file_has_something_to_do(number: int, says: str) -> None:
    assert says in remedy(OSError(number, os.strerror(number)), "correct the path")
