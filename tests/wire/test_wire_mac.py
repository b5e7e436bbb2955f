"""The envelope against pycose, the HMAC against RFC 4231."""

import hashlib
import hmac

import cbor2
import pytest
from axwire import cose
from axwire.errors import EnvelopeError, WireError
from axwire.framing import frame, frame_in_place
from hypothesis import given
from hypothesis import strategies as st
from pycose.headers import KID, Algorithm
from pycose.keys.symmetric import SymmetricKey
from pycose.messages.mac0message import Mac0Message
from wire.messages import keys, names

directions = st.sampled_from([cose.UP, cose.DOWN])

RFC_4231 = [
    # key, data, HMAC-SHA-256: cases 1 to 5, those with a key of at most 32 bytes
    (
        b"\x0b" * 20,
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        b"\xaa" * 20,
        b"\xdd" * 50,
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    ),
    (
        bytes(range(1, 26)),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    (b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
]


@pytest.mark.parametrize(("key", "data", "expected"), RFC_4231, ids=range(1, 6))
def test_the_pads_are_those_of_rfc_4231(key: bytes, data: bytes, expected: str) -> None:
    """A key shorter than a block is filled with zeros, so these keys are ours with zeros."""
    mac = cose.MacKey(key + bytes(cose.KEY_BYTES - len(key)))
    inner = hashlib.sha256(mac.inner + data).digest()
    assert hashlib.sha256(mac.outer + inner).hexdigest().startswith(expected)


@given(keys, directions, st.binary(max_size=300))
def test_the_tag_is_hmac_over_the_mac_structure(
    key: bytes, direction: bytes, payload: bytes
) -> None:
    length = len(payload)
    head = bytes([0x40 + length]) if length < 24 else b"\x58" + bytes([length])
    head = head if length < 256 else b"\x59" + length.to_bytes(2, "big")
    aad = bytes([0x40 + len(direction)]) + direction
    structure = b"\x84\x64MAC0\x43\xa1\x01\x04" + aad + head + payload
    expected = hmac.new(key, structure, hashlib.sha256).digest()[:8]
    assert cose.MacKey(key).tag(direction, payload) == expected


def pycose_message(message: bytes, key: bytes, direction: bytes) -> Mac0Message:
    """The message as pycose reads it, given the array: its own decode wants COSE's tag 17."""
    read = Mac0Message.from_cose_obj(list(cbor2.loads(message)), True)
    read.key = SymmetricKey(k=key, optional_params={"ALG": "HMAC_256_64"})
    read.external_aad = direction  # type: ignore[misc]
    return read


@given(keys, names, directions, st.binary(max_size=300))
def test_pycose_verifies_what_we_seal(
    key: bytes, name: str, direction: bytes, payload: bytes
) -> None:
    message = cose.seal(cose.MacKey(key), name, direction, payload)
    read = pycose_message(message, key, direction)
    assert read.verify_tag()
    assert read.payload == payload
    assert read.uhdr == {KID: name.encode()}
    assert read.phdr[Algorithm].fullname == "HMAC_256_64"
    reflected = cose.UP if direction == cose.DOWN else cose.DOWN
    assert not pycose_message(message, key, reflected).verify_tag()
    assert not pycose_message(message, bytes([key[0] ^ 1]) + key[1:], direction).verify_tag()
    assert len(message) == cose.sealed_size(name, len(payload))


@given(keys, names, st.lists(st.binary(max_size=900), min_size=2, max_size=4))
def test_a_sealer_seals_again_over_what_a_line_made_of_the_last_message(
    key: bytes, name: str, payloads: list[bytes]
) -> None:
    mac = cose.MacKey(key)
    sealer = cose.Sealer(mac, name, cose.UP, 1024)
    for payload in payloads:
        message = cose.seal(mac, name, cose.UP, payload)
        assert bytes(sealer.seal(payload)) == message
        end = frame_in_place(sealer.buffer, sealer.view, cose.ROOM, sealer.end)
        assert sealer.buffer[cose.ROOM - 1 : end] == frame(message)


@given(keys, names, directions, st.binary(max_size=300))
def test_we_verify_what_pycose_seals(
    key: bytes, name: str, direction: bytes, payload: bytes
) -> None:
    made = Mac0Message(
        phdr={Algorithm: "HMAC_256_64"},
        uhdr={KID: name.encode()},
        payload=payload,
        external_aad=direction,
        key=SymmetricKey(k=key, optional_params={"ALG": "HMAC_256_64"}),
    )
    envelope = cose.split(made.encode(tag=False))
    envelope.check(cose.MacKey(key), direction)
    assert (envelope.name, envelope.payload) == (name, payload)


@given(keys, names, directions, st.binary(max_size=60), st.data())
def test_no_changed_bit_is_believed(
    key: bytes, name: str, direction: bytes, payload: bytes, data: st.DataObject
) -> None:
    """Every bit but those of the name, which only chooses the key that must fit."""
    mac = cose.MacKey(key)
    message = bytearray(cose.seal(mac, name, direction, payload))
    at = data.draw(st.integers(0, len(message) - 1))
    message[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        envelope = cose.split(bytes(message))
        envelope.check(mac, direction)
    except WireError:
        return
    assert envelope.name != name
    assert envelope.payload == payload


def test_a_tag_that_agrees_in_seven_bytes_is_refused() -> None:
    mac = cose.MacKey(bytes(32))
    message = cose.seal(mac, "motors-a", cose.UP, b"\x80")
    for at in range(8):
        changed = bytearray(message)
        changed[-1 - at] ^= 0x80
        with pytest.raises(EnvelopeError, match="wrong tag"):
            cose.split(bytes(changed)).check(mac, cose.UP)


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_key_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        cose.MacKey(bytes(length))


@pytest.mark.parametrize("name", ["", "n" * 24, "é" * 12])
def test_a_name_has_1_to_23_bytes(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 23 bytes"):
        cose.seal(cose.MacKey(bytes(32)), name, cose.UP, b"\x80")
