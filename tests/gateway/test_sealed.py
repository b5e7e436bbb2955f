"""A sealed file opens with its passphrase alone, unchanged, and is nobody else's to read."""

import json
import os
import random
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import sealed
from gateway.errors import SealError

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
