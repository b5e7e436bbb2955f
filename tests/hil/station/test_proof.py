"""Who checks a proof and who gives it mean the same bytes."""

import struct

import pytest
from firmware.on_board import proof_vector as vector

from hil.firmware_build import tree_sha256
from hil.station.errors import StationError
from hil.station.proof import Expected, check_proof, nonce_words, proof

NONCE = struct.pack(">4I", *vector.NONCE)
EXPECTED = Expected(
    bytes.fromhex(vector.UNIQUE_ID), bytes.fromhex(vector.FIRMWARE), vector.CONFIGURATION
)
WORDS = [
    *struct.unpack(">8I", bytes.fromhex(vector.PROOF)),
    *struct.unpack(">8I", bytes.fromhex(vector.FIRMWARE)),
]


def test_the_golden_proof() -> None:
    assert tree_sha256(vector.FILES) == vector.FIRMWARE
    assert proof(vector.KEY, NONCE, EXPECTED).hex() == vector.PROOF
    assert nonce_words(NONCE) == vector.NONCE
    check_proof(vector.KEY, NONCE, EXPECTED, WORDS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": bytes(32)}, "does not prove"),
        ({"nonce": bytes(16)}, "does not prove"),
        ({"unique_id": b"\1"}, "does not prove"),
        ({"configuration": b"{}"}, "does not prove"),
        ({"firmware": bytes(32)}, "another firmware"),
    ],
)
def test_what_is_not_as_expected_is_refused(change: dict[str, bytes], words: str) -> None:
    named = {"key": vector.KEY, "nonce": NONCE, **vars(EXPECTED), **change}
    expected = Expected(named["unique_id"], named["firmware"], named["configuration"])
    with pytest.raises(StationError, match=words) as refused:
        check_proof(named["key"], named["nonce"], expected, WORDS)
    assert vector.KEY.hex() not in str(refused.value)


@pytest.mark.parametrize("words", [[], WORDS[:15], [*WORDS[:15], -1]])
def test_words_that_are_no_proof_are_refused(words: list[int]) -> None:
    with pytest.raises(StationError):
        check_proof(vector.KEY, NONCE, EXPECTED, words)
