"""Golden vectors of messages and frames that are right."""

import zlib
from collections.abc import Iterator
from typing import Any

from wire.reference import Fields, frame, key, payload, seal

Vector = dict[str, Any]

_BOOT = 0x9F3A01C2
_NAME = "motors-a"
_MAX32 = 0xFFFFFFFF
_MAX63 = (1 << 63) - 1
_MAX64 = (1 << 64) - 1
_RUN = 7 << 32
_CURRENT, _WINDING, _LOAD = 1, 3, 20
_AXLE_2_LEFT = 3 << 8 | 2 << 2 | 1
_CURRENT_SCALE = 24_414_063
_CURRENT_OFFSET = -250_000_000_000


def accepted() -> Iterator[Vector]:
    """Every message type, and frames by themselves."""
    yield from _hellos()
    yield from _readings()
    yield from _events()
    yield from _healths()
    yield from _waveforms()
    yield from _pongs()
    yield from _thinned()
    yield from _acks()
    yield from _others_down()
    yield from _frames()


def _message(
    direction: str, name: str, description: str, kind: str, fields: Fields, node: str = _NAME
) -> Vector:
    body = payload(kind, fields)
    sealed = seal(node, direction, body)
    return {
        "id": name,
        "kind": direction,
        "description": description,
        "type": kind,
        "name": node,
        "key": key(node).hex(),
        "fields": fields,
        "payload": body.hex(),
        "sealed": sealed.hex(),
        "framed": frame(sealed).hex(),
    }


def _about(sequence: int, groups: list[Fields], **changed: Any) -> Fields:
    return {
        "boot": _BOOT,
        "sequence": sequence,
        "protocol": 1,
        "firmware": "0.1.0",
        "board": "sim",
        "reset_cause": 1,
        "configuration": 0xC0FFEE42,
        "revision": 0,
        "piece": 0,
        "pieces": 1,
        "groups": groups,
        **changed,
    }


def _group(number: int, first: int, period_ms: int, channels: list[list[int]]) -> Fields:
    return {"number": number, "first": first, "period_ms": period_ms, "channels": channels}


def _motors(quantity: int, scale: int, offset: int) -> list[list[int]]:
    return [[quantity, 4 << 8 | motor << 2, scale, offset, 0] for motor in range(1, 7)]


def _block(
    group: int,
    t_ms: int,
    bits: int,
    samples: list[int],
    steps: list[int] | None = None,
    statuses: list[int] | None = None,
) -> Fields:
    return {
        "group": group,
        "t_ms": t_ms,
        "bits": bits,
        "samples": samples,
        "steps": steps,
        "statuses": statuses,
    }


def _blocks(
    name: str, description: str, sequence: int, blocks: list[tuple[Fields, int, int]]
) -> Vector:
    """READINGS; each block with the rows and channels it holds."""
    fields = {
        "boot": _BOOT,
        "sequence": sequence,
        "revision": 0,
        "blocks": [block for block, _, _ in blocks],
    }
    vector = _message("up", name, description, "READINGS", fields)
    vector["shapes"] = [[rows, channels] for _, rows, channels in blocks]
    return vector


def _hellos() -> Iterator[Vector]:
    currents = _group(0, 0, 10, _motors(_CURRENT, _CURRENT_SCALE, _CURRENT_OFFSET))
    windings = _group(1, 6, 1000, _motors(_WINDING, 31_250_000, -256_000_000_000))
    load = [[_LOAD, _AXLE_2_LEFT, -152_588, 25_000_000_000, 17]]
    yield _message(
        "up", "hello", "the table of a node with two groups", "HELLO",
        _about(0, [currents, windings]),
    )  # fmt: skip
    for piece, group in enumerate((currents, windings)):
        yield _message(
            "up",
            f"hello-piece-{piece}",
            f"piece {piece} of a table sent again as revision 1",
            "HELLO",
            _about(70 + piece, [group], revision=1, piece=piece, pieces=2),
        )
    yield _message(
        "up", "hello-negative-scale", "a calibrated load cell, falling with the load", "HELLO",
        _about(1, [_group(15, 447, 3_600_000, load)], reset_cause=6),
    )  # fmt: skip
    yield _message("up", "hello-no-groups", "a node that measures nothing", "HELLO", _about(0, []))
    widest = [62, 5 << 8 | 63 << 2 | 2, -(1 << 62), 1 << 62, _MAX32]
    yield _message(
        "up", "hello-longest", "the longest group, texts and name still fit 1024 bytes", "HELLO",
        _about(
            _MAX32, [_group(15, 420, 3_600_000, [widest] * 28)],
            boot=_MAX32, firmware="é" * 11 + "1", board="b" * 23, reset_cause=6,
            configuration=_MAX32, revision=0xFFFF, piece=15, pieces=16,
        ),
        "n" * 23,
    )  # fmt: skip


def _readings() -> Iterator[Vector]:
    row = [13_107, 13_110, 13_102, 13_109, 13_100, 13_111]
    steps = [3, -2, 0, 1, 5, -1, 2, 2, -3, 0, -4, 1, 127, -128, 0, 0, 0, 0]
    yield _blocks(
        "readings", "two currents, two rows as they are", 2,
        [(_block(0, 1000, 16, [13_107, 13_110, 13_112, 13_108]), 2, 2)],
    )  # fmt: skip
    yield _blocks(
        "readings-steps", "six currents, the first row and three rows of steps", 3,
        [(_block(0, 123_456, 16, row, steps), 4, 6)],
    )  # fmt: skip
    yield _blocks(
        "readings-steps-none", "a first row without any step", 4,
        [(_block(0, 0, 32, [70_000, -70_000], []), 1, 2)],
    )  # fmt: skip
    yield _blocks(
        "readings-missing", "a sample that was not taken: the lowest integer of its width", 5,
        [
            (_block(0, 2000, 16, [100, -32_768, 102, 103]), 2, 2),
            (_block(1, 2000, 32, [-(1 << 31), (1 << 31) - 1]), 1, 2),
        ],
    )  # fmt: skip
    yield _blocks(
        "readings-statuses", "one open circuit and one silent chip among six", 6,
        [(_block(1, 3000, 16, row, statuses=[0, 1, 0, 0, 5, 0]), 1, 6)],
    )  # fmt: skip
    yield _blocks(
        "readings-steps-statuses", "steps and statuses together", 7,
        [(_block(1, 3000, 16, row, steps, [0, 0, 0, 7, 0, 0]), 4, 6)],
    )  # fmt: skip
    yield _blocks(
        "readings-late", "one sample, 285,000 years after a reset", 8,
        [(_block(15, 1 << 53, 32, [0]), 1, 1)],
    )  # fmt: skip
    yield _blocks(
        "readings-many", "64 blocks of one channel", 9,
        [(_block(2, 10 * at, 16, [at]), 1, 1) for at in range(64)],
    )  # fmt: skip


_PROOF = [0x01234567 * at & 0xFFFFFFFF for at in range(8)] + [0xFFFFFFFF - at for at in range(8)]


def _events() -> Iterator[Vector]:
    widest = [_MAX63, -_MAX63 - 1] + [0, -1] * 7
    for name, description, t_ms, code, arguments in (
        ("event", "channel 4 changed from ok to open", 45_000, 1, [4, 0, 1]),
        ("event-outbox", "9 messages with 540 samples dropped", 7_200_000, 4, [9, 540]),
        ("event-proof", "8 words of a proof, 8 of the firmware", 9_000, 17, _PROOF),
        ("event-unknown", "a code that a newer node may send", 1, 0xFFFF, []),
        ("event-extremes", "the widest arguments", 1 << 53, 0, widest),
    ):
        fields = {
            "boot": _BOOT,
            "sequence": 10,
            "t_ms": t_ms,
            "code": code,
            "arguments": arguments,
        }
        yield _message("up", name, description, "EVENT", fields)


def _healths() -> Iterator[Vector]:
    values: list[int | None] = [
        182_000, 96_000, 1_450, 3, 412, 0, 0, 0, 1, 2, 0, 0, 1, 0, 3_150, 5_020, (7 << 32) + 90,
        36_540,
    ]  # fmt: skip
    some = [value if at < 14 else None for at, value in enumerate(values)]
    for name, description, sequence, oldest, told in (
        ("health", "a healthy node that holds three messages", 61, 58, values),
        ("health-unknown", "a board that cannot tell its temperature", 62, 0, some),
        ("health-newer", "more values than this version names", 63, 63, [*values, -5, 8]),
        ("health-empty", "a node that tells nothing but its oldest message", 0, 0, []),
        ("health-extremes", "64 values, the widest", _MAX32, _MAX32, [_MAX63, -_MAX63 - 1] * 32),
    ):
        fields = {
            "boot": _BOOT,
            "sequence": sequence,
            "t_ms": 61_000,
            "oldest": oldest,
            "values": told,
        }
        yield _message("up", name, description, "HEALTH", fields)


def _waveforms() -> Iterator[Vector]:
    wave = [(at * at * 37 + at * 11) % 4001 - 2000 for at in range(400)]
    for name, description, place, bits, samples in (
        ("waveform", "the first piece of three, at 26.7 kHz", (12, 1, 0, 3), 16, wave),
        ("waveform-last", "the short last piece", (12, 1, 2, 3), 16, [-1, 0, 1]),
        ("waveform-wide", "one 32-bit sample", (447, _MAX32, 4095, 4096), 32, [-(1 << 31)]),
    ):
        channel, burst, piece, pieces = place
        fields = {
            "boot": _BOOT,
            "sequence": 80 + piece,
            "revision": 1,
            "channel": channel,
            "burst": burst,
            "piece": piece,
            "pieces": pieces,
            "t_ms": 90_000,
            "period_ns": 37_453,
            "bits": bits,
            "samples": samples,
        }
        yield _message("up", name, description, "WAVEFORM", fields)


def _pongs() -> Iterator[Vector]:
    for name, description, ping, t_us in (
        ("pong", "the answer to ping", _RUN + 91, 90_000_123),
        ("pong-zero", "right after a reset", 0, 0),
        ("pong-extremes", "the highest numbers", _MAX64, _MAX63),
    ):
        fields = {"boot": _BOOT, "sequence": ping, "t_us": t_us}
        yield _message("up", name, description, "PONG", fields)


def _thinned() -> Iterator[Vector]:
    low = [13_100, -200, 0, 5, -32_768, 7]
    mean = [13_110, -150, 1, 5, -32_768, 90]
    high = [13_150, -24, 2, 5, -32_768, 217]
    steps = [b - a for a, b in zip(low + mean, mean + high, strict=True)]
    for name, description, sequence, last, messages, doubts, blocks in (
        (
            "thinned",
            "a second of six currents in three rows, in place of ten messages",
            120, 130, 10, [],
            [_thinned_block(0, 60_000, 16, low + mean + high, None, 990, [100] * 4 + [0, 97])],
        ),
        (
            "thinned-steps",
            "two groups: the minimum and int8 steps; three rows with an open circuit",
            131, 170, 38, [[3, 60], [17, 66]],
            [
                _thinned_block(0, 61_000, 16, low, steps, 4000, 100),
                _thinned_block(1, 61_000, 32, [70_000, -1, 70_001, -1, 70_002, -1],
                               None, 3000, 4, [0, 1]),
            ],
        ),
        (
            "thinned-extremes", "the highest numbers",
            _MAX32 - 4095, _MAX32, 4096, [[at, 0xFFFF] for at in range(4032, 4096)],
            [_thinned_block(15, 1 << 53, 32, [-(1 << 31)] * 3, None, 1 << 53, _MAX32, [7])],
        ),
    ):  # fmt: skip
        fields = {
            "boot": _BOOT,
            "sequence": sequence,
            "last": last,
            "messages": messages,
            "in_doubt": doubts,
            "revision": 1,
            "blocks": blocks,
        }
        vector = _message("up", name, description, "THINNED", fields)
        vector["shapes"] = [[3, _channels(block)] for block in blocks]
        yield vector


def _channels(block: Fields) -> int:
    return len(block["samples"]) // (3 if block["steps"] is None else 1)


def _thinned_block(
    group: int,
    t_ms: int,
    bits: int,
    samples: list[int],
    steps: list[int] | None,
    span_ms: int,
    taken: int | list[int],
    statuses: list[int] | None = None,
) -> Fields:
    block = _block(group, t_ms, bits, samples, steps, statuses)
    return {**block, "span_ms": span_ms, "taken": taken}


def _acks() -> Iterator[Vector]:
    last = [_MAX32 - at for at in range(64)]
    for name, description, boot, sequence, upto, singles in (
        ("ack-nothing", "nothing is stored yet", _BOOT, _RUN + 1, 0, []),
        ("ack", "all below 62 are stored", _BOOT, _RUN + 2, 62, []),
        ("ack-gap", "all below 62, then 64 and 65", _BOOT, _RUN + 3, 62, [64, 65]),
        ("ack-longest", "64 single acknowledgements", _MAX32, _MAX64, _MAX32, last),
    ):
        fields = {"boot": boot, "sequence": sequence, "upto": upto, "singles": singles}
        yield _message("down", name, description, "ACK", fields)


def _others_down() -> Iterator[Vector]:
    configuration = b'{"node":"motors-a","groups":[' + b"0," * 300 + b"0]}"
    first, second = configuration[:500].hex(), configuration[500:].hex()
    whole = {"pieces": 2, "crc": zlib.crc32(configuration)}
    for name, description, kind, sequence, fields in (
        ("ping", "with the time", "PING", _RUN + 91, {"utc_ms": 1_763_755_200_000}),
        ("ping-untrusted", "the gateway doubts its clock", "PING", 0, {"utc_ms": None}),
        (
            "configure-0",
            "part 0 of two",
            "CONFIGURE",
            _RUN + 100,
            {"piece": 0, **whole, "part": first},
        ),
        (
            "configure-1",
            "part 1 of two",
            "CONFIGURE",
            _RUN + 101,
            {"piece": 1, **whole, "part": second},
        ),
        (
            "configure-empty",
            "an empty configuration",
            "CONFIGURE",
            _RUN + 102,
            {"piece": 0, "pieces": 1, "crc": 0, "part": ""},
        ),
        (
            "command-hello",
            "send the table",
            "COMMAND",
            _RUN + 103,
            {"code": 1, "arguments": []},
        ),
        (
            "command-period",
            "group 1 each 500 ms",
            "COMMAND",
            _RUN + 104,
            {"code": 5, "arguments": [1, 500]},
        ),
        (
            "command-prove",
            "prove which board this is",
            "COMMAND",
            _RUN + 105,
            {"code": 8, "arguments": [0, 1, 0x80000000, _MAX32]},
        ),
        (
            "command-extremes",
            "the widest command",
            "COMMAND",
            _MAX64,
            {"code": 0xFFFF, "arguments": [_MAX32] * 8},
        ),
        (
            "command-update",
            "take new firmware, by its SHA-256",
            "COMMAND",
            _RUN + 104,
            {"code": 9, "arguments": [0xE3B0C442 + at for at in range(8)]},
        ),
        (
            "update",
            "a piece of firmware",
            "UPDATE",
            _RUN + 105,
            {"offset": 86_016, "part": b"M\x06\0\x1f".hex()},
        ),
        (
            "update-extremes",
            "the farthest piece, and an empty one",
            "UPDATE",
            _MAX64,
            {"offset": _MAX32, "part": ""},
        ),
    ):
        everything = {"boot": _BOOT, "sequence": sequence, **fields}
        yield _message("down", name, description, kind, everything)


def _frames() -> Iterator[Vector]:
    for name, description, message in (
        ("frame-empty", "no message at all: the CRC is zero", b""),
        ("frame-zero", "one zero byte", b"\0"),
        ("frame-zeros", "all zero", bytes(300)),
        ("frame-249", "with the CRC one byte less than a full run", b"\x01" * 249),
        ("frame-250", "with the CRC exactly a full run", b"\x01" * 250),
        ("frame-251", "with the CRC one byte more than a full run", b"\x01" * 251),
        ("frame-254", "a full run, then the CRC", b"\x02" * 254),
        ("frame-504", "with the CRC two full runs", b"\x03" * 504),
        ("frame-mixed", "runs of every kind", b"\x01\0\0" + b"\x07" * 254 + b"\0" + b"\x08" * 260),
    ):
        yield {
            "id": name,
            "kind": "frame",
            "description": description,
            "message": message.hex(),
            "framed": frame(message).hex(),
        }
