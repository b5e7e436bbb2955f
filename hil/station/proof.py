"""The station's side of the proof that firmware/axnode/proof.py gives."""

import hashlib
import hmac
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from hil.station.errors import StationError

__all__ = ["NONCE_BYTES", "Expected", "check_proof", "nonce_words", "proof"]

NONCE_BYTES = 16

_PURPOSE = b"axlebox proof 1"
_WORDS = ">8I"


@dataclass(frozen=True)
class Expected:
    """What a board is to prove: the number of its chip, the hash of its firmware
    (hil.firmware_build.tree_sha256), and its node.json."""

    unique_id: bytes
    firmware: bytes
    configuration: bytes


def nonce_words(nonce: bytes) -> list[int]:
    """A nonce as the command takes it."""
    return list(struct.unpack(">4I", nonce))


def proof(key: bytes, nonce: bytes, expected: Expected) -> bytes:
    """What a board that is as expected answers: an HMAC-SHA256."""
    number = expected.unique_id
    configuration = hashlib.sha256(expected.configuration).digest()
    head = _PURPOSE + nonce + bytes((len(number),)) + number
    return hmac.digest(key, head + expected.firmware + configuration, "sha256")


def check_proof(key: bytes, nonce: bytes, expected: Expected, words: Sequence[int]) -> None:
    """Raise StationError unless the words of EVENT 17 prove what is expected."""
    try:
        given, firmware = (struct.pack(_WORDS, *words[at : at + 8]) for at in (0, 8))
    except struct.error:
        given = firmware = b""
    if firmware != expected.firmware:
        raise StationError(
            "the board runs another firmware than this station ships",
            "Flash it again: axlebox station flash",
            code="firmware",
        )
    if not hmac.compare_digest(given, proof(key, nonce, expected)):
        raise StationError(
            "the board does not prove to be what was written to it: its key, its configuration or "
            "its chip is another one",
            "Provision it again; if that does not help, set it aside",
            code="unproved",
        )
