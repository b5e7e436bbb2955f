"""A serial line: whatever happens to its bytes, messages that came whole arrive."""

import random
import tracemalloc
from itertools import pairwise

import pytest
from axwire import GATEWAY_MESSAGE_CAP, MESSAGE_CAP
from axwire.errors import FramingError
from axwire.framing import Deframer, frame, unframe
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import reference

runs = st.one_of(
    st.binary(max_size=40),
    st.integers(0, 20).map(bytes),
    st.integers(240, 270).map(lambda length: b"\x07" * length),
    st.integers(500, 515).map(lambda length: b"\xff" * length),
)
contents = st.lists(runs, max_size=4).map(b"".join)


def longest_frame(cap: int) -> int:
    """Bytes in front of the 0x00: message and CRC, one byte more for each run begun."""
    return cap + 4 + (cap + 4) // 254 + 1


@given(contents)
def test_a_message_survives_its_frame(message: bytes) -> None:
    framed = frame(message)
    assert framed == reference.frame(message)
    assert framed.index(0) == len(framed) - 1
    assert unframe(framed[:-1]) == message
    assert len(framed) - 1 <= longest_frame(len(message))


def test_the_crc_is_that_of_ieee_802_3_with_the_lowest_byte_first() -> None:
    assert frame(b"123456789") == b"\x0e123456789" + bytes.fromhex("2639f4cb") + b"\0"


@given(st.lists(contents, max_size=6), st.lists(st.integers(0, 2000), max_size=12))
def test_any_split_of_the_stream_gives_the_same_messages(
    sent: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(frame(message) for message in sent)
    deframer = Deframer(GATEWAY_MESSAGE_CAP)
    received = []
    for begin, end in pairwise([0, *sorted(cuts), len(stream)]):
        received += deframer.feed(stream[begin : max(begin, end)])
    assert received == sent
    assert sum(deframer.refused.values()) == 0


@given(st.lists(contents, max_size=4))
def test_one_byte_at_a_time(sent: list[bytes]) -> None:
    stream = b"".join(frame(message) for message in sent)
    deframer = Deframer(GATEWAY_MESSAGE_CAP)
    received = [message for byte in stream for message in deframer.feed(bytes([byte]))]
    assert received == sent


@settings(max_examples=300)
@given(st.lists(contents, min_size=1, max_size=5), st.integers(1, 255), st.data())
def test_a_flipped_byte_costs_the_frames_it_touches(
    sent: list[bytes], flip: int, data: st.DataObject
) -> None:
    frames = [frame(message) for message in sent]
    stream = bytearray(b"".join(frames))
    at = data.draw(st.integers(0, len(stream) - 1))
    delimiter = not stream[at]
    stream[at] ^= flip
    ends = [sum(len(framed) for framed in frames[: index + 1]) for index in range(len(frames))]
    hit = next(index for index, end in enumerate(ends) if at < end)
    touched = sent[hit : hit + 1 + delimiter]
    deframer = Deframer(GATEWAY_MESSAGE_CAP)
    assert deframer.feed(bytes(stream)) == sent[:hit] + sent[hit + len(touched) :]
    joined_with_nothing = delimiter and hit == len(sent) - 1
    refused = sum(deframer.refused.values())
    assert 1 <= refused + joined_with_nothing <= 2


@given(st.binary(max_size=300), contents)
def test_a_receiver_that_joins_late_is_in_step_at_the_next_frame(
    rest: bytes, message: bytes
) -> None:
    deframer = Deframer(GATEWAY_MESSAGE_CAP)
    deframer.feed(rest + b"\0")
    assert deframer.feed(frame(message)) == [message]


@given(st.binary(max_size=300), contents)
def test_a_reset_forgets_the_partial_frame(rest: bytes, message: bytes) -> None:
    deframer = Deframer(GATEWAY_MESSAGE_CAP)
    deframer.feed(rest.replace(b"\0", b"\1"))
    deframer.reset()
    assert deframer.feed(frame(message)) == [message]
    assert sum(deframer.refused.values()) == 0


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("cap", [0, 1, 249, 250, 251, 504, MESSAGE_CAP, GATEWAY_MESSAGE_CAP])
def test_the_cap_is_exact(cap: int, fill: bytes) -> None:
    deframer = Deframer(cap)
    assert deframer.feed(frame(fill * cap)) == [fill * cap]
    assert deframer.feed(frame(fill * (cap + 1))) == []
    assert deframer.refused == {"cobs": 0, "crc": 0, "too_long": 1}


@given(
    st.lists(st.binary(max_size=90) | st.integers(60, 400).map(lambda n: b"\x09" * n), max_size=20)
)
def test_it_never_holds_more_than_one_frame_of_its_cap(chunks: list[bytes]) -> None:
    deframer = Deframer(64)
    for chunk in chunks:
        deframer.feed(chunk)
        assert len(deframer._held) <= longest_frame(64)


@given(st.integers(longest_frame(64) + 1, 5000), st.integers(1, 200), st.integers(1, 4))
def test_an_overlong_frame_is_counted_once(length: int, step: int, times: int) -> None:
    deframer = Deframer(64)
    stream = (b"\x11" * length + b"\0") * times + frame(b"next")
    received = []
    for at in range(0, len(stream), step):
        received += deframer.feed(stream[at : at + step])
    assert received == [b"next"]
    assert deframer.refused == {"cobs": 0, "crc": 0, "too_long": times}


@pytest.mark.parametrize("body", [b"", b"\x01", b"\x02a", b"\x03ab", b"\x04abc"])
def test_a_frame_without_room_for_its_crc_is_refused(body: bytes) -> None:
    with pytest.raises(FramingError) as refused:
        unframe(body)
    assert refused.value.reason == "crc"


@pytest.mark.parametrize("body", [b"\0", b"\x02", b"\x01\0\x01", b"\xff" * 254])
def test_a_code_that_leads_nowhere_is_refused(body: bytes) -> None:
    with pytest.raises(FramingError) as refused:
        unframe(body)
    assert refused.value.reason == "cobs"


@pytest.mark.parametrize(
    ("cap", "size"), [(MESSAGE_CAP, 1), (MESSAGE_CAP, 256), (GATEWAY_MESSAGE_CAP, 4096)]
)
def test_a_megabyte_of_noise_is_counted_and_held_in_little_memory(cap: int, size: int) -> None:
    noise = random.Random(20_261).randbytes(1 << 20)
    chunks = [noise[at : at + size] for at in range(0, len(noise), size)]
    deframer = Deframer(cap)
    most = 0
    for chunk in chunks:
        assert deframer.feed(chunk) == []
        most = max(most, len(deframer._held))
    assert most <= longest_frame(cap)
    whole = noise[: noise.rindex(0)]
    assert sum(deframer.refused.values()) == sum(bool(piece) for piece in whole.split(b"\0"))
    assert deframer.feed(b"\0" + frame(b"after the noise")) == [b"after the noise"]


def test_a_megabyte_without_an_end_takes_no_memory() -> None:
    deframer = Deframer(GATEWAY_MESSAGE_CAP)
    chunk = b"\x55" * 4096
    tracemalloc.start()
    for _ in range(256):
        assert deframer.feed(chunk) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 * 1024
    assert deframer.refused == {"cobs": 0, "crc": 0, "too_long": 1}
