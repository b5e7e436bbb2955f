"""Bundles: only a whole one, signed by somebody trusted, is read; all others are told why not."""

import random

import pytest

from gateway.errors import BundleError
from gateway.update.bundle import (
    BUNDLE_CAP,
    MANIFEST_CAP,
    new_key,
    pack,
    public_key,
    read_bundle,
    sign,
)

KEY = bytes(range(32))
TRUSTED = [public_key(KEY)]
FILES = {"axnode/node.mpy": b"M\x06" * 700, "axwire/cose.mpy": b"M\n\nx", "drivers/tacho.mpy": b""}


def whole(**changes: object) -> bytes:
    facts = {"board": "pico", "firmware": "0.2.0", "release": 2, "minimum": 1, "files": FILES}
    return pack(**{**facts, **changes})  # type: ignore[arg-type]


def refusal(data: bytes, trusted: list[bytes] = TRUSTED) -> BundleError:
    with pytest.raises(BundleError) as refused:
        read_bundle(data, trusted)
    return refused.value


def test_what_was_packed_and_signed_is_read() -> None:
    bundle = read_bundle(sign(whole(), KEY), [public_key(new_key()), *TRUSTED])
    assert (bundle.board, bundle.firmware) == ("pico", "0.2.0")
    assert (bundle.release, bundle.minimum) == (2, 1)
    assert {
        file.path: bundle.content[file.offset : file.offset + file.size] for file in bundle.files
    } == FILES
    assert bundle.content[: bundle.manifest_bytes].endswith(b"\n\n")
    assert bundle.content == whole()


def test_a_known_key_signs_as_rfc_8032_says() -> None:
    """Test 2 of section 7.1."""
    secret = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    signature = (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert public_key(secret).hex() == public
    assert sign(b"\x72", secret) == b"\x72" + bytes.fromhex(signature)


def test_no_changed_byte_is_taken() -> None:
    data = sign(whole(), KEY)
    for at in random.Random(5).sample(range(len(data)), 300):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        error = refusal(bytes(changed))
        assert error.reason in ("forged", "format", "truncated"), at


def test_a_bundle_cut_anywhere_is_refused_as_such() -> None:
    data = sign(whole(), KEY)
    for length in range(len(b"AXU1\n"), len(data)):
        error = refusal(data[:length])
        assert error.reason == "truncated", (length, error)
        assert "cut short" in str(error)


def test_another_key_no_key_and_more_behind_it_are_refused() -> None:
    data = sign(whole(), KEY)
    assert refusal(sign(whole(), new_key())).reason == "forged"
    assert "does not trust" in str(refusal(sign(whole(), new_key())))
    assert refusal(data, []).reason == "no_keys"
    assert refusal(data + b"x").reason == "forged"
    assert refusal(sign(whole() + b"more", KEY)).reason == "forged"
    assert refusal(b"").reason == refusal(b"PK\x03\x04" * 100).reason == "format"
    assert refusal(b"AXU1\n" + bytes(BUNDLE_CAP)).reason == "format"


@pytest.mark.parametrize(
    "path",
    [
        "main.py",
        "slots.mpy",
        "node.key.0",
        "axnode/../node.key.0",
        "axnode/a/b",
        "/axnode/x",
        "b/x/y",
        "axnode/",
        "axnode/a b",
    ],
)
def test_no_file_outside_a_slot_can_be_named(path: str) -> None:
    with pytest.raises(BundleError, match="no file that a node takes"):
        whole(files={path: b""})
    good = whole(files={"axnode/x": b""})
    forged = good.replace(b"axnode/x", path.encode())
    assert refusal(sign(forged, KEY)).reason == "format"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"board pico", b"board pi co"),
        (b"release 2", b"release two"),
        (b"release 2", b"release -2"),
        (b"minimum 1", b"least 1"),
        (b"firmware 0.2.0\n", b""),
        (b"board pico\nfirmware 0.2.0", b"firmware 0.2.0\nboard pico"),
    ],
)
def test_a_head_that_no_node_could_read_is_refused_however_signed(
    before: bytes, after: bytes
) -> None:
    assert refusal(sign(whole().replace(before, after), KEY)).reason == "format"


def test_contents_that_are_not_what_the_list_says_are_refused_however_signed() -> None:
    changed = whole().replace(b"M\x06M\x06", b"M\x06M\x07", 1)
    assert "axnode/node.mpy" in str(refusal(sign(changed, KEY)))


def test_a_list_longer_than_a_node_takes_is_not_packed() -> None:
    files = {f"axnode/module_{at}.mpy": b"" for at in range(MANIFEST_CAP // 80)}
    with pytest.raises(BundleError, match="at most 16384 bytes"):
        whole(files=files)
    with pytest.raises(BundleError, match="at most 1000000 bytes"):
        whole(files={"axnode/node.mpy": bytes(BUNDLE_CAP)})
