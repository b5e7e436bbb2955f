"""The CBOR of axwire against cbor2, and its bounds."""

import tracemalloc
from contextlib import suppress
from typing import Any

import cbor2
import pytest
from axwire.cbor import INT8, INT16, INT32, MAX_DEPTH, Typed, Writer, decode, head_size
from axwire.errors import CborError
from hypothesis import example, given, settings
from hypothesis import strategies as st

_TAGS = (INT8, INT16, INT32)

leaves = st.one_of(
    st.integers(-(1 << 64), (1 << 64) - 1),
    st.integers(0, 64).flatmap(lambda bits: st.sampled_from([1 << bits, (1 << bits) - 1])),
    st.none(),
    st.text(max_size=30),
    st.binary(max_size=300),
    st.builds(Typed, st.sampled_from(_TAGS), st.binary(max_size=40)),
).filter(lambda value: not isinstance(value, int) or value < 1 << 64)


def nested(depth: int) -> st.SearchStrategy[Any]:
    """Values with arrays at most `depth` deep."""
    if not depth:
        return leaves
    return leaves | st.lists(st.deferred(lambda: nested(depth - 1)), max_size=4)


def write(writer: Writer, value: Any) -> None:
    if isinstance(value, list):
        writer.array(len(value))
        for item in value:
            write(writer, item)
    elif isinstance(value, Typed):
        writer.typed(value.tag, value.data)
    elif isinstance(value, bytes):
        writer.data(value)
    elif isinstance(value, str):
        writer.text(value)
    else:
        writer.optional(value)


def for_cbor2(value: Any) -> Any:
    if isinstance(value, list):
        return [for_cbor2(item) for item in value]
    return cbor2.CBORTag(value.tag, value.data) if isinstance(value, Typed) else value


def from_cbor2(value: Any, depth: int = MAX_DEPTH) -> Any:
    """What decode gives for a value of cbor2. Raises ValueError: outside the subset."""
    if isinstance(value, list):
        if not depth:
            raise ValueError("too deep")
        return [from_cbor2(item, depth - 1) for item in value]
    if isinstance(value, cbor2.CBORTag) and value.tag in _TAGS and isinstance(value.value, bytes):
        return Typed(value.tag, value.value)
    inside = value is None or type(value) in (str, bytes)
    if inside or (type(value) is int and -(1 << 64) <= value < 1 << 64):
        return value
    raise ValueError("outside the subset")


@given(nested(MAX_DEPTH))
def test_cbor2_reads_what_the_writer_writes(value: Any) -> None:
    writer = Writer(16384)
    write(writer, value)
    written = bytes(writer.written())
    assert written == cbor2.dumps(for_cbor2(value))
    assert from_cbor2(cbor2.loads(written)) == value
    assert decode(written) == value


@given(st.lists(nested(2), max_size=5))
def test_decode_reads_what_cbor2_writes_canonically(value: list[Any]) -> None:
    assert decode(cbor2.dumps(for_cbor2(value), canonical=True)) == value


heads = st.one_of(
    st.sampled_from([bytes.fromhex(text) for text in ("80", "81", "82", "83", "84", "f6", "40")]),
    st.sampled_from([b"\x18", b"\x19", b"\x1a", b"\x1b", b"\xd8\x48", b"\xd8\x4d", b"\xf9"]),
    st.builds(lambda byte: bytes([byte]), st.integers(0, 255)),
    st.binary(max_size=9),
)
bytes_like_cbor = st.lists(heads, max_size=12).map(b"".join)


@settings(max_examples=800)
@given(st.binary(max_size=40) | bytes_like_cbor)
@example(bytes.fromhex("f8f6"))
@example(bytes.fromhex("f901f6"))
@example(bytes.fromhex("fa000100f6"))
@example(bytes.fromhex("fb00000001000000f6"))
@example(bytes.fromhex("81b6"))
def test_decode_equals_cbor2_or_refuses(data: bytes) -> None:
    """Decode takes exactly the bytes that cbor2 would write itself for a value of the subset."""
    try:
        expected = from_cbor2(cbor2.loads(data))
        right = cbor2.dumps(for_cbor2(expected)) == data
    except (ValueError, OverflowError, cbor2.CBORError):
        right = False
    if right:
        assert decode(data) == expected
    else:
        with pytest.raises(CborError):
            decode(data)


def test_every_single_byte_and_pair_is_judged_as_cbor2_judges_it() -> None:
    for first in range(256):
        for tail in (b"", *(bytes([second]) for second in range(256))):
            test_decode_equals_cbor2_or_refuses.hypothesis.inner_test(bytes([first]) + tail)  # type: ignore[attr-defined]


@given(st.integers(0, (1 << 64) - 1))
def test_head_size_is_what_is_written(value: int) -> None:
    writer = Writer(9)
    writer.integer(value)
    assert writer.length == head_size(value)


@given(nested(3), st.integers(0, 60))
def test_a_full_buffer_is_refused_and_never_overrun(value: Any, capacity: int) -> None:
    needed = len(cbor2.dumps(for_cbor2(value)))
    writer = Writer(capacity)
    if needed > capacity:
        with pytest.raises(CborError):
            write(writer, value)
        assert writer.length <= capacity
        assert cbor2.dumps(for_cbor2(value)).startswith(bytes(writer.written()))
    else:
        write(writer, value)
        assert writer.room() == capacity - needed


@pytest.mark.parametrize("value", [1 << 64, 1 << 80, -(1 << 64) - 1])
def test_an_integer_of_more_than_64_bits_is_refused(value: int) -> None:
    writer = Writer(64)
    with pytest.raises(CborError):
        writer.integer(value)
    assert writer.length == 0


def _arrays_of_arrays(size: int) -> bytes:
    """As many empty arrays as fit: the most objects a byte of input can ask for."""
    return b"\x99" + (size - 3).to_bytes(2, "big") + b"\x80" * (size - 3)


ADVERSARIAL = {
    "deep": b"\x81" * 4096,
    "deep and wide": (b"\x98\xff" * 2048)[:4096],
    "huge array": b"\x9b" + b"\xff" * 8 + bytes(4087),
    "huge arrays in each other": (b"\x9a\x7f\xff\xff\xff" * 820)[:4096],
    "large arrays in each other": (b"\x99\x0f\xf0" * 1366)[:4096],
    "huge bytes": b"\x5b\x7f" + b"\xff" * 7 + bytes(4087),
    "huge text": b"\x7b\x7f" + b"\xff" * 7 + bytes(4087),
    "huge typed": b"\xd8\x4d\x5b\x7f" + b"\xff" * 7 + bytes(4085),
    "empty arrays": _arrays_of_arrays(4096),
    "large integers": b"\x99\x01\xc6" + b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff" * 454 + bytes(7),
    "one text": b"\x79\x0f\xfd" + b"\xc3\xa9" * 2046 + b"a",
}


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_decoding_4096_hostile_bytes_allocates_little(name: str) -> None:
    data = ADVERSARIAL[name]
    assert len(data) == 4096
    tracemalloc.start()
    with suppress(CborError):
        decode(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 512 * 1024, peak


@settings(max_examples=300)
@given(st.lists(heads, max_size=200).map(b"".join).map(lambda data: data[:512]))
def test_decoding_takes_one_step_a_byte_at_most(data: bytes) -> None:
    counted = _CountingBytes(data)
    with suppress(CborError):
        decode(counted)
    assert counted.reads <= 2 * len(data) + 2


class _CountingBytes(bytes):
    """Bytes that count how often they are indexed or sliced."""

    reads = 0

    def __getitem__(self, at: Any) -> Any:
        self.reads += 1
        return super().__getitem__(at)
