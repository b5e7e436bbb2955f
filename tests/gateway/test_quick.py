"""The quick reader and `axwire` take the same messages, to the same result."""

import random
from collections.abc import Callable

import pytest
from axwire import cose
from axwire.errors import WireError
from axwire.parse import Readings, parse_up
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import make_vectors, run_fuzz, run_vectors
from wire.messages import Message, keys, messages

from gateway import quick

SEED = 20_261
ROUNDS = 20_000


def outcome(read: Callable[[bytes], object], data: bytes) -> object:
    """What came of it, to be compared: every field, or the refusal with its text."""
    try:
        return fields_of(read(data))
    except WireError as error:
        return type(error), error.reason, str(error)


def fields_of(value: object) -> object:
    if isinstance(value, list):
        return [fields_of(item) for item in value]
    if hasattr(value, "__dict__"):
        return type(value), {name: fields_of(field) for name, field in vars(value).items()}
    return type(value), value


def golden() -> list[bytes]:
    return [
        bytes.fromhex(vector["payload"])
        for vector in make_vectors.vectors()
        if vector["kind"] == "up"
    ]


def test_every_golden_message_is_read_alike() -> None:
    for payload in golden():
        assert outcome(quick.parse, payload) == outcome(parse_up, payload)


def test_changed_golden_messages_are_judged_alike() -> None:
    print("seed", SEED)
    numbers = run_fuzz.Numbers(SEED)
    payloads = golden()
    read = 0
    for _ in range(ROUNDS):
        payload = run_fuzz.changed(numbers, payloads[numbers.below(len(payloads))])
        assert outcome(quick.parse, payload) == outcome(parse_up, payload), payload.hex()
        payload = run_fuzz.altered(numbers, payloads[numbers.below(len(payloads))])
        judged = outcome(quick.parse, payload)
        assert judged == outcome(parse_up, payload), payload.hex()
        read += isinstance(judged, tuple) and judged[0] is Readings
    assert read > ROUNDS // 100, "hardly any of them was READINGS"


@settings(max_examples=500)
@given(messages(), st.data())
def test_any_message_cut_or_patched_anywhere_is_judged_alike(
    message: Message, data: st.DataObject
) -> None:
    _, kind, fields = message
    payload = run_vectors.write(kind, fields)
    assert outcome(quick.parse, payload) == outcome(parse_up, payload)
    at = data.draw(st.integers(0, len(payload)))
    length = data.draw(st.integers(0, 12))
    patched = payload[:at] + data.draw(st.binary(max_size=12)) + payload[at + length :]
    assert outcome(quick.parse, patched) == outcome(parse_up, patched)


def test_readings_as_nodes_send_them_take_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the speed is gone and nobody sees it."""
    usual = [
        payload
        for payload in golden()
        if isinstance(parse_up(payload), Readings) and len(payload) < 200
    ]

    def slow(payload: bytes) -> None:
        raise AssertionError(payload.hex())

    monkeypatch.setattr(quick, "parse_up", slow)
    for payload in usual:
        quick.parse(payload)
    assert usual


@settings(max_examples=500)
@given(keys, st.binary(max_size=400), st.text(min_size=1, max_size=23), st.data())
def test_any_envelope_whole_or_patched_is_taken_apart_alike(
    key: bytes, payload: bytes, name: str, data: st.DataObject
) -> None:
    kid = name.encode()[: cose.NAME_CAP].decode(errors="ignore").replace("\0", "n") or "n"
    sealed = cose.seal(cose.MacKey(key), kid, cose.UP, payload)
    assert outcome(quick.split, sealed) == outcome(cose.split, sealed)
    at = data.draw(st.integers(0, len(sealed)))
    length = data.draw(st.integers(0, 12))
    patched = sealed[:at] + data.draw(st.binary(max_size=12)) + sealed[at + length :]
    assert outcome(quick.split, patched) == outcome(cose.split, patched)


def test_a_long_payload_is_taken_apart_alike() -> None:
    numbers = random.Random(SEED)
    for length in (0, 1, 23, 24, 255, 256, 257, 1000, 4000):
        sealed = cose.seal(cose.MacKey(bytes(32)), "n", cose.UP, numbers.randbytes(length))
        assert outcome(quick.split, sealed) == outcome(cose.split, sealed)


@pytest.mark.parametrize(
    "kid_and_payload",
    [
        b"\x40" + b"\x41p",  # no name
        b"\x57" + b"n" * 23 + b"\x41p",  # the longest name
        b"\x58\x18" + b"n" * 24 + b"\x41p",  # too long a name
        b"\x61n" + b"\x41p",  # a text for a name
        b"\x41\xff" + b"\x41p",  # no UTF-8
        b"\x41n" + b"\x58\x05" + b"p" * 5,  # lengths not in their shortest form
        b"\x41n" + b"\x59\x00\x05" + b"p" * 5,
        b"\x41n" + b"\x59\x00\xff" + b"p" * 255,
        b"\x41n" + b"\x59\x01\x00" + b"p" * 256,
        b"\x41n" + b"\x5a\x00\x00\x01\x00" + b"p" * 256,
        b"\x41n" + b"\x61p",
    ],
)
def test_an_odd_envelope_is_judged_alike(kid_and_payload: bytes) -> None:
    message = b"\x84\x43\xa1\x01\x04\xa1\x04" + kid_and_payload + b"\x48" + bytes(8)
    assert outcome(quick.split, message) == outcome(cose.split, message)
    assert outcome(quick.split, message + b"x") == outcome(cose.split, message + b"x")
    assert outcome(quick.split, message[:-1]) == outcome(cose.split, message[:-1])


@settings(max_examples=200)
@given(keys, st.binary(max_size=300), st.integers(0, cose.TAG_BYTES * 8 - 1))
def test_a_tag_proves_what_it_proves_to_axwire(key: bytes, payload: bytes, bit: int) -> None:
    mac = cose.MacKey(key)
    up = cose.split(cose.seal(mac, "motors-a", cose.UP, payload))
    quick.Proof(mac, cose.UP).check(up)
    wrong = bytearray(up.tag)
    wrong[bit // 8] ^= 1 << bit % 8
    for forged in (
        cose.Envelope("motors-a", payload, bytes(wrong)),
        cose.split(cose.seal(mac, "motors-a", cose.DOWN, payload)),
        cose.split(cose.seal(cose.MacKey(bytes([key[0] ^ 1]) + key[1:]), "n", cose.UP, payload)),
    ):
        with pytest.raises(WireError) as refused:
            quick.Proof(mac, cose.UP).check(forged)
        assert refused.value.reason == "bad_mac"
