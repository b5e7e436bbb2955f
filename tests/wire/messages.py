"""Hypothesis strategies: messages of every type, by the names of their fields."""

from typing import Any

from axwire.codes import RESET_CAUSES, STATUSES
from axwire.places import place
from axwire.quantities import QUANTITIES
from hypothesis import strategies as st

Message = tuple[str, str, dict[str, Any]]
"""Direction, type and fields, as in vectors.json."""

uint16 = st.integers(0, 0xFFFF)
uint32 = st.integers(0, 0xFFFFFFFF)
uint64 = st.integers(0, (1 << 64) - 1)
int64 = st.integers(-(1 << 63), (1 << 63) - 1)
_int62 = st.integers(-(1 << 62), 1 << 62)
_t_ms = st.integers(0, 1 << 53)
_texts = st.text(min_size=1, max_size=23).filter(lambda text: len(text.encode()) <= 23)
_places = st.builds(place, st.integers(0, 5), st.integers(0, 63), st.integers(0, 2))

channels = st.tuples(
    st.sampled_from(sorted(QUANTITIES)), _places, _int62.filter(bool), _int62, uint32
).map(list)

groups = st.fixed_dictionaries(
    {
        "number": st.integers(0, 15),
        "first": st.integers(0, 447),
        "period_ms": st.integers(1, 3_600_000),
        "channels": st.lists(channels, min_size=1, max_size=28),
    }
)


def _piece_of(most: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.integers(1, most).flatmap(
        lambda pieces: st.tuples(st.integers(0, pieces - 1), st.just(pieces))
    )


def _samples(bits: int, least: int, most: int) -> st.SearchStrategy[list[int]]:
    half = 1 << (bits - 1)
    return st.lists(st.integers(-half, half - 1), min_size=least, max_size=most)


_bits = st.sampled_from([16, 32])


@st.composite
def _hellos(draw: st.DrawFn) -> dict[str, Any]:
    piece, pieces = draw(_piece_of(16))
    return {
        "protocol": 1,
        "firmware": draw(_texts),
        "board": draw(_texts),
        "reset_cause": draw(st.integers(0, len(RESET_CAUSES) - 1)),
        "configuration": draw(uint32),
        "revision": draw(uint16),
        "piece": piece,
        "pieces": pieces,
        "groups": draw(st.lists(groups, max_size=4)),
    }


@st.composite
def blocks(draw: st.DrawFn) -> dict[str, Any]:
    """A block whose rows are whole for the number of channels that it is drawn with."""
    width = draw(st.integers(1, 8))
    rows = draw(st.integers(1, 6))
    bits = draw(_bits)
    stepped = draw(st.booleans())
    count = width if stepped else rows * width
    steps = (rows - 1) * width
    statuses = st.lists(st.integers(0, len(STATUSES) - 1), min_size=width, max_size=width)
    return {
        "group": draw(st.integers(0, 15)),
        "t_ms": draw(_t_ms),
        "bits": bits,
        "samples": draw(_samples(bits, count, count)),
        "steps": draw(_samples(8, steps, steps)) if stepped else None,
        "statuses": draw(st.none() | statuses),
    }


@st.composite
def _thinned_blocks(draw: st.DrawFn) -> dict[str, Any]:
    width = draw(st.integers(1, 8))
    bits = draw(_bits)
    stepped = draw(st.booleans())
    count = width if stepped else 3 * width
    statuses = st.lists(st.integers(0, len(STATUSES) - 1), min_size=width, max_size=width)
    return {
        "group": draw(st.integers(0, 15)),
        "t_ms": draw(_t_ms),
        "bits": bits,
        "samples": draw(_samples(bits, count, count)),
        "steps": draw(_samples(8, 2 * width, 2 * width)) if stepped else None,
        "span_ms": draw(_t_ms),
        "taken": draw(uint32 | st.lists(uint32, min_size=width, max_size=width)),
        "statuses": draw(st.none() | statuses),
    }


@st.composite
def _thinned(draw: st.DrawFn) -> dict[str, Any]:
    """All but what hangs on its sequence."""
    length = draw(st.integers(1, 4096))
    offsets = st.lists(st.integers(1, length - 1), max_size=5, unique=True).map(sorted)
    doubts = draw(offsets) if length > 1 else []
    return {
        "length": length,
        "messages": draw(st.integers(1, length)),
        "in_doubt": [[offset, draw(uint16)] for offset in doubts],
        "revision": draw(uint16),
        "blocks": draw(st.lists(_thinned_blocks(), min_size=1, max_size=5)),
    }


@st.composite
def _waveforms(draw: st.DrawFn) -> dict[str, Any]:
    piece, pieces = draw(_piece_of(4096))
    bits = draw(_bits)
    return {
        "revision": draw(st.integers(0, 0xFFFF)),
        "channel": draw(st.integers(0, 447)),
        "burst": draw(uint32),
        "piece": piece,
        "pieces": pieces,
        "t_ms": draw(_t_ms),
        "period_ns": draw(st.integers(1, 1_000_000_000)),
        "bits": bits,
        "samples": draw(_samples(bits, 1, 200)),
    }


@st.composite
def _configures(draw: st.DrawFn) -> dict[str, Any]:
    piece, pieces = draw(_piece_of(0xFFFF))
    part = draw(st.binary(max_size=300)).hex()
    return {"piece": piece, "pieces": pieces, "crc": draw(uint32), "part": part}


_BODIES: dict[str, tuple[str, st.SearchStrategy[dict[str, Any]]]] = {
    "HELLO": ("up", _hellos()),
    "READINGS": (
        "up",
        st.fixed_dictionaries(
            {"revision": uint16, "blocks": st.lists(blocks(), min_size=1, max_size=5)}
        ),
    ),
    "EVENT": (
        "up",
        st.fixed_dictionaries(
            {"t_ms": _t_ms, "code": uint16, "arguments": st.lists(int64, max_size=16)}
        ),
    ),
    "HEALTH": (
        "up",
        st.fixed_dictionaries({"t_ms": _t_ms, "values": st.lists(st.none() | int64, max_size=64)}),
    ),
    "WAVEFORM": ("up", _waveforms()),
    "THINNED": ("up", _thinned()),
    "PONG": ("up", st.fixed_dictionaries({"t_us": st.integers(0, (1 << 63) - 1)})),
    "ACK": (
        "down",
        st.fixed_dictionaries({"upto": uint32, "singles": st.lists(uint32, max_size=64)}),
    ),
    "PING": ("down", st.fixed_dictionaries({"utc_ms": st.none() | uint64})),
    "CONFIGURE": ("down", _configures()),
    "COMMAND": (
        "down",
        st.fixed_dictionaries({"code": uint16, "arguments": st.lists(uint32, max_size=8)}),
    ),
    "UPDATE": (
        "down",
        st.fixed_dictionaries(
            {"offset": uint32, "part": st.binary(max_size=900).map(lambda part: part.hex())}
        ),
    ),
}


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Any message that a node or a gateway may send, in any size that fits the gateway."""
    kind = draw(st.sampled_from(sorted(_BODIES)))
    direction, body = _BODIES[kind]
    fields = draw(body)
    wide = direction == "down" or kind == "PONG"
    fields["boot"] = draw(uint32)
    fields["sequence"] = draw(uint64 if wide else uint32)
    if kind == "HEALTH":
        fields["oldest"] = draw(st.integers(0, fields["sequence"]))
    elif kind == "THINNED":
        length = fields.pop("length")
        fields["sequence"] = min(fields["sequence"], 0x100000000 - length)
        fields["last"] = fields["sequence"] + length - 1
    return direction, kind, fields


names = st.text(min_size=1, max_size=23).filter(lambda name: len(name.encode()) <= 23)
keys = st.binary(min_size=32, max_size=32)
