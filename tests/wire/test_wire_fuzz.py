"""Any bytes in, an answer or a counted refusal out, in bounded memory, on both sides."""

import random
import tracemalloc

import pytest
from axwire import GATEWAY_MESSAGE_CAP, cose
from axwire.errors import WireError
from axwire.framing import frame
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import make_vectors, run_fuzz, run_vectors
from wire.messages import Message, keys, messages
from wire.on_board import run_on_board

SEEDS = (1, 20_260)
COUNT = 700
"""Rounds; each feeds five inputs."""

REASONS = {"cobs", "crc", "cbor", "envelope", "bad_mac", "message", "taken", "too_long"}


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The golden payloads of at most 200 bytes, in a file for `run_fuzz`."""
    path = tmp_path_factory.mktemp("fuzz") / "samples"
    sent = [vector for vector in make_vectors.vectors() if vector["kind"] in ("up", "down")]
    lines = [f"{v['kind']} {v['payload']}\n" for v in sent if len(v["payload"]) <= 400]
    path.write_text("".join(lines))
    return str(path)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_board_and_a_gateway_judge_alike(
    micropython: list[str], samples: str, seed: int
) -> None:
    here = run_fuzz.main(samples, seed, COUNT)
    printed = run_on_board(micropython, "run_fuzz.py", samples, str(seed), str(COUNT))
    there = {name: int(count) for name, count in (line.split() for line in printed.splitlines())}
    assert there == here
    assert set(here) == REASONS
    assert all(here[reason] for reason in REASONS - {"too_long"})


def test_the_fuzz_does_not_swallow_what_is_no_refusal(
    samples: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(payload: bytes) -> None:
        raise IndexError

    monkeypatch.setattr(run_vectors, "parse_up", broken)
    with pytest.raises(IndexError):
        run_fuzz.main(samples, 1, 3)


def read_anything(direction: str, payload: bytes) -> None:
    reason, text = "taken", "taken"
    try:
        run_vectors.read(direction, payload)
    except WireError as error:
        reason, text = error.reason, str(error)
    assert reason in REASONS
    assert 0 < len(text) <= run_vectors.TEXT_CAP


@settings(max_examples=500)
@given(st.sampled_from(["up", "down"]), st.binary(max_size=80))
def test_any_payload_is_read_or_refused(direction: str, payload: bytes) -> None:
    read_anything(direction, payload)


@settings(max_examples=300)
@given(messages(), st.sampled_from(["up", "down"]), st.data())
def test_any_changed_payload_is_read_or_refused(
    message: Message, direction: str, data: st.DataObject
) -> None:
    _, kind, fields = message
    payload = run_vectors.write(kind, fields)
    at = data.draw(st.integers(0, len(payload)))
    length = data.draw(st.integers(0, 12))
    read_anything(
        direction, payload[:at] + data.draw(st.binary(max_size=12)) + payload[at + length :]
    )


@settings(max_examples=300)
@given(messages(), keys, st.data())
def test_any_changed_message_is_taken_apart_or_refused(
    message: Message, key: bytes, data: st.DataObject
) -> None:
    direction, kind, fields = message
    aad = cose.UP if direction == "up" else cose.DOWN
    sealed = cose.seal(cose.MacKey(key), "motors-a", aad, run_vectors.write(kind, fields))
    at = data.draw(st.integers(0, len(sealed)))
    length = data.draw(st.integers(0, 12))
    changed = sealed[:at] + data.draw(st.binary(max_size=12)) + sealed[at + length :]
    counts: dict[str, int] = {}
    run_fuzz.take(direction, frame(changed), cose.MacKey(key), counts)
    assert sum(counts.values()) == 1
    assert "taken" not in counts or changed == sealed or b"motors-a" not in changed


@settings(max_examples=500)
@given(st.sampled_from(["up", "down"]), st.binary(max_size=200))
def test_any_stream_is_taken_or_counted(direction: str, stream: bytes) -> None:
    counts: dict[str, int] = {}
    run_fuzz.take(direction, stream + b"\0", cose.MacKey(bytes(32)), counts)
    assert "taken" not in counts
    frames = [piece for piece in stream.split(b"\0") if piece]
    assert sum(counts.values()) == len(frames)


def test_hostile_messages_are_judged_in_little_memory() -> None:
    """From the stream to the refusal, at the size of the gateway's cap."""
    key = cose.MacKey(bytes(32))
    numbers = random.Random(3)
    room = 2 * GATEWAY_MESSAGE_CAP - cose.sealed_size("n", GATEWAY_MESSAGE_CAP)
    for payload in [*run_fuzz.hostile(room), numbers.randbytes(room)]:
        assert len(payload) <= room
        for direction, aad in (("up", cose.UP), ("down", cose.DOWN)):
            framed = frame(cose.seal(key, "n", aad, payload))
            counts: dict[str, int] = {}
            tracemalloc.start()
            run_fuzz.take(direction, framed, key, counts)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert sum(counts.values()) - counts.get("taken", 0) == 1
            assert peak < 640 * 1024, peak
