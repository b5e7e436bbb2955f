"""axwire against the golden vectors, in CPython and in the MicroPython of the boards."""

import pytest
from hypothesis import given
from wire import make_vectors, reference, run_vectors
from wire.messages import Message, messages
from wire.on_board import run_on_board

VECTORS = make_vectors.vectors()


def test_the_file_is_what_the_script_makes() -> None:
    assert make_vectors.PATH.read_text() == make_vectors.render()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vector(vector: reference.Fields) -> None:
    assert run_vectors.check(vector) == ""


def test_the_same_vectors_pass_on_a_board(micropython: list[str]) -> None:
    output = run_on_board(micropython, "run_vectors.py", str(make_vectors.PATH))
    assert output == f"{len(VECTORS)} vectors, 0 failed\n"


def test_every_message_type_has_vectors() -> None:
    told = {vector["type"] for vector in VECTORS if vector["kind"] in ("up", "down")}
    assert told == set(run_vectors.TYPES.values()) == set(reference.TYPES)


def test_every_refusal_reason_has_vectors() -> None:
    reasons = {vector["reason"] for vector in VECTORS if vector["kind"] == "refused"}
    assert reasons == {"cobs", "crc", "too_long", "cbor", "envelope", "bad_mac", "message"}


def test_no_vector_is_longer_than_its_reader_takes() -> None:
    for vector in VECTORS:
        if vector["kind"] in ("up", "down"):
            assert len(vector["sealed"]) // 2 <= 1024, vector["id"]


@given(messages())
def test_any_message_is_written_as_the_reference_writes_it(message: Message) -> None:
    direction, kind, fields = message
    payload = run_vectors.write(kind, fields)
    assert payload == reference.payload(kind, fields)
    assert run_vectors.read(direction, payload) == (kind, fields)
