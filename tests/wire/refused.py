"""Golden vectors of what must be refused, and why."""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import cbor2
from wire.reference import PROTECTED, cobs, frame, key, mac_tag, payload, seal

Vector = dict[str, Any]

_BOOT = 0x9F3A01C2
_NAME = "motors-a"


def refused() -> Iterator[Vector]:
    """By layer, from the outermost in."""
    yield from _frames()
    yield from _envelopes()
    yield from _cbor()
    yield from _up()
    yield from _down()


def _refusal(
    name: str,
    description: str,
    layer: str,
    data: bytes,
    reason: str,
    says: str = "",
    direction: str = "up",
    channels: int = 0,
    node: str = _NAME,
) -> Vector:
    return {
        "id": f"refused-{name}",
        "kind": "refused",
        "description": description,
        "layer": layer,
        "direction": direction,
        "key": key(node).hex(),
        "channels": channels,
        "input": data.hex(),
        "reason": reason,
        "says": says,
    }


def _frames() -> Iterator[Vector]:
    message = seal(_NAME, "up", payload("PONG", {"boot": _BOOT, "sequence": 1, "t_us": 5}))
    good = frame(message)
    wrong_crc = cobs(message + struct.pack("<I", zlib.crc32(message) ^ 1)) + b"\0"
    big_endian = cobs(message + struct.pack(">I", zlib.crc32(message))) + b"\0"
    for name, description, data, reason in (
        ("crc", "one bit of the CRC is wrong", wrong_crc, "crc"),
        ("crc-order", "the CRC in the wrong byte order", big_endian, "crc"),
        ("frame-flipped", "one bit of the message flipped", _flip(good, 9), "crc"),
        ("frame-no-room", "three bytes, no room for a CRC", b"\x04abc\0", "crc"),
        ("frame-cut", "the last bytes of the frame never came", good[:-4] + b"\0", "cobs"),
        ("frame-cobs", "a code that points past the end", b"\x09abc\0", "cobs"),
    ):
        yield _refusal(name, description, "frame", data, reason)
    yield _refusal(
        "frame-long", "a message one byte above the board's cap", "frame",
        frame(b"\xa5" * 1025), "too_long", direction="down",
    )  # fmt: skip
    yield _refusal(
        "frame-long-zeros", "the same of zeros, which COBS does not lengthen", "frame",
        frame(bytes(1025)), "too_long", direction="down",
    )  # fmt: skip
    yield _refusal(
        "frame-endless", "no end for 1500 bytes, then one", "frame",
        b"\x55" * 1500 + b"\0", "too_long", direction="down",
    )  # fmt: skip


def _envelopes() -> Iterator[Vector]:
    body = payload("PONG", {"boot": _BOOT, "sequence": 1, "t_us": 5})
    name = _NAME.encode()
    tag = mac_tag(_NAME, "up", body)
    good = seal(_NAME, "up", body)
    other = cbor2.dumps([PROTECTED, {4: name}, body, mac_tag("motors-b", "up", body)])
    renamed = cbor2.dumps([PROTECTED, {4: b"motors-b"}, body, tag])
    yield _refusal("tag", "one bit of the tag is wrong", "message", _flip(good, -1), "bad_mac")
    yield _refusal(
        "payload-flipped",
        "one bit of the payload is wrong",
        "message",
        _flip(good, -10),
        "bad_mac",
    )
    yield _refusal("key", "sealed with another node's key", "message", other, "bad_mac")
    yield _refusal(
        "reflected", "a message from the gateway sent back to it", "message",
        seal(_NAME, "down", body), "bad_mac",
    )  # fmt: skip
    yield _refusal(
        "renamed", "another node's name on it", "message", renamed, "bad_mac", node="motors-b"
    )
    for short, description, message, reason in (
        ("empty", "no bytes", b"", "envelope"),
        ("tagged", "with COSE's tag 17 in front", b"\xd1" + good, "envelope"),
        (
            "algorithm",
            "HMAC 256/256 instead of 256/64",
            cbor2.dumps([bytes.fromhex("a10105"), {4: name}, body, tag]),
            "envelope",
        ),
        (
            "header",
            "a second unprotected header",
            cbor2.dumps([PROTECTED, {4: name, 5: b"x"}, body, tag]),
            "envelope",
        ),
        ("no-name", "an empty name", cbor2.dumps([PROTECTED, {4: b""}, body, tag]), "envelope"),
        (
            "long-name",
            "a name of 24 bytes",
            cbor2.dumps([PROTECTED, {4: b"n" * 24}, body, tag]),
            "envelope",
        ),
        (
            "name-bytes",
            "a name that is not UTF-8",
            cbor2.dumps([PROTECTED, {4: b"\xff\xff"}, body, tag]),
            "envelope",
        ),
        (
            "name-text",
            "a name as text",
            cbor2.dumps([PROTECTED, {4: _NAME}, body, tag]),
            "envelope",
        ),
        (
            "short-tag",
            "a tag of seven bytes",
            cbor2.dumps([PROTECTED, {4: name}, body, tag[:7]]),
            "envelope",
        ),
        (
            "no-payload",
            "a payload that is detached",
            cbor2.dumps([PROTECTED, {4: name}, None, tag]),
            "envelope",
        ),
        ("cut", "the last byte is missing", good[:-1], "envelope"),
        ("cut-head", "ends behind the name", good[: 8 + len(name)], "cbor"),
        ("behind", "one byte behind the tag", good + b"\0", "envelope"),
        ("long-head", "the name's length in two bytes", _two_byte_name(good), "cbor"),
        ("endless", "the payload in pieces of unknown length", _endless_payload(good), "cbor"),
    ):
        yield _refusal(f"envelope-{short}", description, "message", message, reason)


def _cbor() -> Iterator[Vector]:
    start = cbor2.dumps([6, _BOOT, 1, 5])
    for name, description, text, says in (
        ("cut", "the last byte is missing", start[:-1].hex(), "ends in the middle"),
        ("empty", "no bytes", "", "ends in the middle"),
        ("behind", "one byte behind the message", start.hex() + "00", "after the end"),
        ("endless-array", "an array of indefinite length", "9f060105ff", "indefinite"),
        ("endless-bytes", "a byte string in pieces", "840601015f4101ff", "indefinite"),
        ("reserved", "a reserved head", "8406010 11c".replace(" ", ""), "reserved"),
        ("long-1", "5 in two bytes", "840601011805", "shortest"),
        ("long-2", "255 in three bytes", "840601011900ff", "shortest"),
        ("long-4", "65535 in five bytes", "840601011a0000ffff", "shortest"),
        ("long-8", "2^32 - 1 in nine bytes", "840601011b00000000ffffffff", "shortest"),
        ("long-negative", "-1 in two bytes", "840601013800", "shortest"),
        ("long-length", "a text of one byte, its length in two", "840601017801 61", "shortest"),
        ("float16", "1.0 as a half", "84060101f93c00", "float"),
        ("float32", "1.0 as a single", "84060101fa3f800000", "float"),
        ("float64", "1.1 as a double", "84060101fb3ff199999999999a", "float"),
        ("float-null", "a half whose last byte looks like null", "84060101f901f6", "float"),
        ("true", "true", "84060101f5", "simple"),
        ("undefined", "undefined", "84060101f7", "simple"),
        ("simple-null", "simple value 246, written like null", "84060101f8f6", "simple"),
        ("map", "a map", "84060101a10102", "map"),
        ("map-null", "a map of 22 pairs, whose head ends like null's", "84060101b6", "map"),
        ("tag", "a time (tag 1)", "84060101c100", "tag 1 "),
        ("tag-64", "uint8 (tag 64)", "84060101d84041ff", "tag 64 "),
        ("tag-self", "self-described CBOR (tag 55799)", "d9d9f7" + start.hex(), "tag 55799 "),
        ("typed-int", "a typed array of no bytes but an integer", "84060101d84d05", "typed array"),
        ("typed-nested", "a typed array of a tag", "84060101d84dd84d4100", "typed array"),
        ("typed-cut", "a typed array longer than the message", "84060101d84d4400", "typed array"),
        ("deep", "arrays seven deep", "84060101" + "81" * 6 + "00", "nested"),
        ("deepest", "arrays a thousand deep", "81" * 1000 + "00", "nested"),
        ("huge-bytes", "2^63 bytes announced", "840601015b8000000000000000", "string of"),
        ("huge-text", "2^31 bytes of text announced", "840601017a8000000000", "string of"),
        ("huge-array", "2^64 - 1 items announced", "9b" + "ff" * 8, "array of"),
        ("huge-typed", "2^32 - 1 bytes announced", "84060101d84d5affffffff", "typed array"),
        ("text", "text that is not UTF-8", "8406010161ff", "UTF-8"),
    ):
        data = bytes.fromhex(text)
        yield _refusal(f"cbor-{name}", description, "payload", data, "cbor", says)


def _up() -> Iterator[Vector]:
    table = [[1, 1028, 1, 0, 0]]
    group = [0, 0, 10, table]
    hello: list[Any] = [1, _BOOT, 0, 1, "0.1.0", "sim", 1, 0, 0, 0, 1, [group]]
    int16, int8 = cbor2.CBORTag(77, bytes(12)), cbor2.CBORTag(72, bytes(6))
    waveform = [5, _BOOT, 0, 0, 12, 1, 0, 3, 0, 37_453, int16]

    def changed(message: list[Any], at: int, value: Any) -> list[Any]:
        return [*message[:at], value, *message[at + 1 :]]

    def channel(at: int, value: Any) -> list[Any]:
        return changed(hello, 11, [[0, 0, 10, [changed(table[0], at, value)]]])

    def thinned(at: int, value: Any) -> list[Any]:
        return changed([7, _BOOT, 9, 20, 12, [[5, 60]], 0, [[0, 0, int16, 990, 100]]], at, value)

    def readings(*blocks: Any) -> list[Any]:
        return [2, _BOOT, 0, 0, list(blocks)]

    for name, description, message, says in (
        ("number", "no array", 5, "[type"),
        ("short", "an array of three", [6, _BOOT, 1], "[type"),
        ("type", "type 0", [0, _BOOT, 1, 5], "type 0"),
        ("type-down", "an ACK from a node", [16, _BOOT, 1, 5, []], "type 16"),
        ("type-text", "a type in words", ["PONG", _BOOT, 1, 5], "type str"),
        ("boot", "a boot of 33 bits", [6, 1 << 32, 1, 5], "boot"),
        ("boot-negative", "a negative boot", [6, -1, 1, 5], "boot"),
        ("sequence", "a sequence of 33 bits", [3, 1, 1 << 32, 0, 1, []], "sequence"),
        ("pong-fields", "one field too many", [6, 1, 1, 5, 5], "PONG has 5"),
        ("pong-time", "microseconds above 2^63 - 1", [6, 1, 1, 1 << 63], "t_us"),
        ("hello-version", "protocol version 2", changed(hello, 3, 2), "protocol version 2"),
        (
            "hello-version-longer",
            "version 2, with a field that version 1 does not have",
            [*changed(hello, 3, 2), 7],
            "protocol version 2",
        ),
        ("hello-version-0", "protocol version 0", changed(hello, 3, 0), "protocol version 0"),
        ("hello-fields", "a field is missing", hello[:-1], "HELLO has 11"),
        ("hello-text", "a firmware version of 24 bytes", changed(hello, 4, "v" * 24), "firmware"),
        ("hello-text-bytes-24", "12 letters, 24 bytes", changed(hello, 4, "é" * 12), "firmware"),
        ("hello-text-empty", "no board", changed(hello, 5, ""), "board"),
        ("hello-text-bytes", "a board in bytes", changed(hello, 5, b"sim"), "board"),
        ("hello-cause", "a reset cause that is none", changed(hello, 6, 7), "reset cause"),
        ("hello-piece", "piece 1 of 1", changed(hello, 9, 1), "piece"),
        ("hello-pieces", "17 pieces", changed(hello, 10, 17), "pieces"),
        ("hello-groups", "17 groups", changed(hello, 11, [group] * 17), "groups"),
        ("hello-group", "a group of three", changed(hello, 11, [group[:3]]), "a group is"),
        (
            "hello-group-16",
            "group 16",
            changed(hello, 11, [changed(group, 0, 16)]),
            "group number",
        ),
        ("hello-first", "channel 448", changed(hello, 11, [changed(group, 1, 448)]), "first"),
        ("hello-period", "a period of 0 ms", changed(hello, 11, [changed(group, 2, 0)]), "period"),
        (
            "hello-no-channel",
            "a group without a channel",
            changed(hello, 11, [changed(group, 3, [])]),
            "0 channels",
        ),
        (
            "hello-channels",
            "29 channels in a group",
            changed(hello, 11, [changed(group, 3, table * 29)]),
            "29 channels",
        ),
        (
            "hello-channel",
            "a channel of four",
            changed(hello, 11, [changed(group, 3, [[1, 1028, 1, 0]])]),
            "a channel is",
        ),
        ("quantity", "quantity 12, not given yet", channel(0, 12), "quantity 12"),
        ("place-kind", "kind of place 6", channel(1, 6 << 8), "place"),
        ("place-side", "side 3", channel(1, 1031), "place"),
        ("scale-zero", "a scale of 0", channel(2, 0), "scale 0"),
        ("scale", "a scale above 2^62", channel(2, (1 << 62) + 1), "scale"),
        ("offset", "an offset below -2^62", channel(3, -(1 << 62) - 1), "offset"),
        ("calibration", "a calibration of 33 bits", channel(4, 1 << 32), "calibration"),
        ("readings-none", "no block", readings(), "without a block"),
        ("readings-blocks", "65 blocks", readings(*[[0, 0, int16]] * 65), "blocks"),
        ("block", "a block of two", readings([0, 0]), "a block is"),
        ("block-group", "group 16", readings([16, 0, int16]), "group"),
        ("block-time", "t_ms above 2^53", readings([0, (1 << 53) + 1, int16]), "t_ms"),
        ("block-int8", "rows of int8", readings([0, 0, int8]), "typed array"),
        ("block-bytes", "rows as plain bytes", readings([0, 0, bytes(12)]), "typed array"),
        ("block-steps", "steps of int16", readings([0, 0, [int16, int16]]), "typed array"),
        ("block-steps-3", "three typed arrays", readings([0, 0, [int16, int8, int8]]), "steps"),
        ("block-status", "status 8", readings([0, 0, int16, [0, 8]]), "status"),
        ("thinned-fields", "a field too many", [*thinned(6, 0), 0], "THINNED has 9"),
        ("thinned-last", "last before its own sequence", thinned(3, 8), "last sequence"),
        ("thinned-long", "4097 sequences", thinned(3, 9 + 4096), "last sequence"),
        ("thinned-messages", "13 messages in 12 sequences", thinned(4, 13), "messages"),
        ("thinned-no-message", "in place of none", thinned(4, 0), "messages"),
        ("thinned-doubt", "itself in doubt", thinned(5, [[0, 60]]), "offset"),
        ("thinned-doubt-far", "in doubt behind its last", thinned(5, [[12, 60]]), "offset"),
        ("thinned-doubt-twice", "twice in doubt", thinned(5, [[5, 60], [5, 60]]), "offset"),
        ("thinned-doubts", "65 in doubt", thinned(5, [[5, 60]] * 65), "in doubt"),
        ("thinned-doubt-3", "three numbers in doubt", thinned(5, [[5, 60, 1]]), "in doubt"),
        ("thinned-doubt-1", "one number in doubt", thinned(5, [[5]]), "in doubt"),
        ("thinned-none", "no block", thinned(7, []), "without a block"),
        ("thinned-block", "a block of four", thinned(7, [[0, 0, int16, 990]]), "a thinned block"),
        ("thinned-span", "no span", thinned(7, [[0, 0, int16, None, 100]]), "span"),
        ("thinned-taken", "-1 samples", thinned(7, [[0, 0, int16, 990, -1]]), "taken"),
        ("thinned-taken-list", "29 counts", thinned(7, [[0, 0, int16, 9, [1] * 29]]), "taken"),
        ("event-code", "a code of 17 bits", [3, 1, 1, 0, 1 << 16, []], "event"),
        ("event-arguments", "17 arguments", [3, 1, 1, 0, 1, [0] * 17], "arguments"),
        ("event-argument", "an argument of 65 bits", [3, 1, 1, 0, 1, [1 << 63]], "argument"),
        ("health-oldest", "oldest above its own sequence", [4, 1, 9, 0, 10, []], "oldest"),
        ("health-values", "65 values", [4, 1, 9, 0, 0, [None] * 65], "health values"),
        ("health-text", "a value in words", [4, 1, 9, 0, 0, ["warm"]], "health value is no"),
        ("waveform-channel", "channel 448", changed(waveform, 4, 448), "channel"),
        ("waveform-piece", "piece 3 of 3", changed(waveform, 6, 3), "piece"),
        ("waveform-period", "no period", changed(waveform, 9, 0), "period"),
        (
            "waveform-odd",
            "half a sample at the end",
            changed(waveform, 10, cbor2.CBORTag(77, bytes(7))),
            "no waveform",
        ),
        (
            "waveform-none",
            "no sample",
            changed(waveform, 10, cbor2.CBORTag(78, b"")),
            "no waveform",
        ),
        (
            "long-reason",
            "the reason stays short, whatever stands where a number should",
            [6, _BOOT, 1, [b"x" * 900]],
            "t_us is no integer",
        ),
    ):
        yield _refusal(
            f"message-{name}", description, "payload", cbor2.dumps(message), "message", says
        )
    for name, description, block, channels in (
        ("rows-uneven", "12 bytes are no rows of five int16", [0, 0, int16], 5),
        ("rows-none", "no row at all", [0, 0, cbor2.CBORTag(77, b"")], 6),
        ("rows-first", "a first row of six for three channels", [0, 0, [int16, int8]], 3),
        (
            "rows-steps",
            "five steps for six channels",
            [0, 0, [int16, cbor2.CBORTag(72, bytes(5))]],
            6,
        ),
        ("rows-statuses", "five statuses for six channels", [0, 0, int16, [0] * 5], 6),
    ):
        yield _refusal(
            name, description, "payload", cbor2.dumps(readings(block)), "message",
            "no rows" if name != "rows-statuses" else "5 statuses", channels=channels,
        )  # fmt: skip
    for name, description, channels, taken, says in (
        ("thinned-rows", "two rows instead of three", 3, 9, "2 rows"),
        ("thinned-counts", "three counts for two channels", 2, [9, 9, 9], "3 counts"),
    ):
        message = thinned(7, [[0, 0, int16, 990, taken]])
        yield _refusal(
            name, description, "payload", cbor2.dumps(message), "message", says, channels=channels
        )


def _down() -> Iterator[Vector]:
    for name, description, message, says in (
        ("type-up", "a HELLO to a node", [1, 1, 1, 0], "type"),
        ("type", "type 21", [21, 1, 1, 0], "type is 21"),
        ("boot", "a boot of 33 bits", [17, 1 << 32, 1, None], "boot"),
        ("sequence", "a negative sequence", [17, 1, -1, None], "sequence"),
        ("ack-fields", "an ACK without singles", [16, 1, 1, 0], "type 16 has 4"),
        ("ack-singles", "65 singles", [16, 1, 1, 0, [1] * 65], "at most 64"),
        ("ack-null", "null among the singles", [16, 1, 1, 0, [None]], "acknowledged"),
        ("ping-negative", "a time before 1970", [17, 1, 1, -1], "time"),
        ("ping-text", "a time in words", [17, 1, 1, "now"], "time"),
        ("configure-piece", "part 2 of 2", [18, 1, 1, 2, 2, 0, b""], "piece"),
        ("configure-text", "a part as text", [18, 1, 1, 0, 1, 0, "{}"], "byte string"),
        ("command-code", "a command of 17 bits", [19, 1, 1, 1 << 16, []], "command"),
        ("command-arguments", "nine arguments", [19, 1, 1, 1, [0] * 9], "at most 8"),
        ("command-argument", "a negative argument", [19, 1, 1, 1, [-1]], "argument"),
        ("update-offset", "an offset of 33 bits", [20, 1, 1, 1 << 32, b""], "offset"),
        ("update-text", "a part as text", [20, 1, 1, 0, "M"], "byte string"),
        ("update-fields", "an UPDATE without a part", [20, 1, 1, 0], "type 20 has 4"),
    ):
        yield _refusal(
            f"down-{name}", description, "payload", cbor2.dumps(message), "message", says, "down"
        )
    yield _refusal(
        "down-items", "more items than a board has room for", "payload",
        cbor2.dumps([16, 1, 1, 0, [[]] * 900]), "cbor", "more items", "down",
    )  # fmt: skip
    yield _refusal(
        "down-reflected", "a node's message sent back to it", "message",
        seal(_NAME, "up", cbor2.dumps([17, _BOOT, 1, None])), "bad_mac", direction="down",
    )  # fmt: skip


def _flip(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 0x04
    return bytes(changed)


def _two_byte_name(message: bytes) -> bytes:
    """The same message with the length of its name in two bytes instead of one."""
    return message[:7] + b"\x58" + bytes([message[7] & 0x1F]) + message[8:]


def _endless_payload(message: bytes) -> bytes:
    """The same message with its payload in one piece of a string of indefinite length."""
    at = 8 + len(_NAME)
    end = at + 1 + (message[at] & 0x1F)
    return message[:at] + b"\x5f" + message[at:end] + b"\xff" + message[end:]
