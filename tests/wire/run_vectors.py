"""Runs the golden vectors through axwire, in CPython and MicroPython alike.

    micropython run_vectors.py vectors.json

Prints one line for each vector that fails and the count at the end; the exit code is 1 when one
failed. The file is read line by line, one vector a line, so that it fits a board's memory.
"""

import binascii
import gc
import json
import struct
import sys

from axwire import GATEWAY_MESSAGE_CAP, MESSAGE_CAP, cose, down, thinned, up
from axwire.cbor import INT16, INT32, Writer
from axwire.errors import WireError
from axwire.framing import Deframer, frame
from axwire.parse import Block, ThinnedBlock, parse_up
from axwire.table import Channel, Group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Fields = dict[str, Any]

TYPES = {
    up.HELLO: "HELLO",
    up.READINGS: "READINGS",
    up.EVENT: "EVENT",
    up.HEALTH: "HEALTH",
    up.WAVEFORM: "WAVEFORM",
    up.PONG: "PONG",
    up.THINNED: "THINNED",
    down.ACK: "ACK",
    down.PING: "PING",
    down.CONFIGURE: "CONFIGURE",
    down.COMMAND: "COMMAND",
    down.UPDATE: "UPDATE",
}
TEXT_CAP = 160
"""A refusal says what is wrong in at most so many characters, whatever came."""

_AAD = {"up": cose.UP, "down": cose.DOWN}
_FORMATS = {8: "b", 16: "h", 32: "i"}
_TAGS = {16: INT16, 32: INT32}
_BITS = {2: 16, 4: 32}
_writer = Writer(GATEWAY_MESSAGE_CAP)


def check(vector: "Fields") -> str:
    """What is wrong with axwire by this vector: a text, empty when all is well."""
    try:
        if vector["kind"] == "frame":
            _check_frame(vector["message"], vector["framed"])
        elif vector["kind"] == "refused":
            _check_refused(vector)
        else:
            _check_message(vector)
    except _WrongError as error:
        return str(error)
    return ""


def write(kind: str, fields: "Fields") -> bytes:
    """The payload of a message of that type, written by axwire from its fields."""
    if kind == "HELLO":
        _write_hello(fields)
    elif kind == "READINGS":
        _write_readings(fields)
    elif kind == "THINNED":
        _write_thinned(fields)
    else:
        values = [fields["boot"], fields["sequence"]]
        values += [fields[name] for name in _FIELDS[kind]]
        if kind in ("CONFIGURE", "UPDATE"):
            values.append(_bytes(fields["part"]))
        elif kind == "WAVEFORM":
            values += [_TAGS[fields["bits"]], _pack(fields["bits"], fields["samples"])]
        _WRITERS[kind](_writer, *values)
    return bytes(_writer.written())


def read(direction: str, payload: bytes) -> "tuple[str, Fields]":
    """Type and fields of a payload, read by axwire. Raises WireError."""
    return _read_down(payload) if direction == "down" else _read_up(payload)


def receive(stream: bytes, cap: int, step: int) -> "tuple[list[bytes], dict[str, int]]":
    """Messages and refusals of a Deframer that is fed `step` bytes at a time."""
    deframer = Deframer(cap)
    messages = []
    for at in range(0, len(stream), step):
        messages += deframer.feed(stream[at : at + step])
    return messages, deframer.refused


def vectors(path: str) -> "Iterator[Fields]":
    """The vectors of the file, one after the other."""
    with open(path) as lines:
        for line in lines:
            line = line.strip()
            if line not in ("[", "]"):
                yield json.loads(line[:-1] if line[-1] == "," else line)
            gc.collect()


def main(path: str) -> int:
    """Run every vector of the file; the number that failed."""
    count = 0
    failed = 0
    for vector in vectors(path):
        wrong = check(vector)
        count += 1
        if wrong:
            failed += 1
            print(vector["id"], wrong)
    print(f"{count} vectors, {failed} failed")
    return failed


class _WrongError(Exception):
    pass


def _expect(what: str, expected: object, got: object) -> None:
    if expected != got:
        raise _WrongError(f"{what}: expected {expected}, got {got}")


def _check_frame(message_hex: str, framed_hex: str) -> None:
    message, framed = _bytes(message_hex), _bytes(framed_hex)
    _expect("framed", framed_hex, _hex(frame(message)))
    for step in (1, 7, len(framed)):
        messages, refused = receive(framed, GATEWAY_MESSAGE_CAP, step)
        _expect("messages", [message], messages)
        _expect("refused", 0, sum(refused.values()))


def _check_message(vector: "Fields") -> None:
    kind, fields, direction = vector["type"], vector["fields"], vector["kind"]
    key = cose.MacKey(_bytes(vector["key"]))
    payload = write(kind, fields)
    _expect("payload", vector["payload"], _hex(payload))
    sealed = cose.seal(key, vector["name"], _AAD[direction], payload)
    _expect("sealed", vector["sealed"], _hex(sealed))
    _expect("size", len(sealed), cose.sealed_size(vector["name"], len(payload)))
    _check_frame(vector["sealed"], vector["framed"])
    envelope = cose.split(sealed)
    _expect("name", vector["name"], envelope.name)
    envelope.check(key, _AAD[direction])
    gc.collect()
    _expect("type and fields", (kind, fields), read(direction, envelope.payload))
    reflected = _AAD["up" if direction == "down" else "down"]
    _expect("reflected", "bad_mac", _refusal(lambda: envelope.check(key, reflected))[0])
    if kind in ("READINGS", "THINNED"):
        message: Any = parse_up(payload)
        for block, (rows, channels) in zip(message.blocks, vector["shapes"]):  # noqa: B905
            _expect("rows", rows, block.rows(channels))


def _check_refused(vector: "Fields") -> None:
    data = _bytes(vector["input"])
    if vector["layer"] == "frame":
        cap = MESSAGE_CAP if vector["direction"] == "down" else GATEWAY_MESSAGE_CAP
        for step in (1, len(data)):
            messages, refused = receive(data, cap, step)
            _expect("messages", [], messages)
            counted = {reason: count for reason, count in refused.items() if count}
            _expect("refused", {vector["reason"]: 1}, counted)
        return
    reason, text = _refusal(lambda: _take(vector, data))
    _expect("reason of " + text, vector["reason"], reason)
    if vector["says"] not in text or len(text) > TEXT_CAP:
        raise _WrongError(f"text: expected {vector['says']}, got {text}")


def _take(vector: "Fields", data: bytes) -> None:
    direction = vector["direction"]
    if vector["layer"] == "message":
        envelope = cose.split(data)
        envelope.check(cose.MacKey(_bytes(vector["key"])), _AAD[direction])
        data = envelope.payload
    if direction == "down":
        down.parse_down(data)
        return
    message: Any = parse_up(data)
    if vector["channels"]:
        for block in message.blocks:
            block.rows(vector["channels"])


def _refusal(action: "Callable[[], None]") -> "tuple[str, str]":
    try:
        action()
    except WireError as error:
        return error.reason, str(error)
    return "none", "accepted"


def _write_hello(fields: "Fields") -> None:
    pieces: list[list[Group]] = [[] for _ in range(fields["pieces"])]
    for group in fields["groups"]:
        channels = [Channel(*channel) for channel in group["channels"]]
        pieces[fields["piece"]].append(
            Group(group["number"], group["first"], group["period_ms"], channels)
        )
    up.hello(
        _writer,
        fields["boot"],
        fields["sequence"],
        up.About(
            fields["firmware"], fields["board"], fields["reset_cause"], fields["configuration"]
        ),
        fields["revision"],
        fields["piece"],
        pieces,
    )


def _write_readings(fields: "Fields") -> None:
    blocks = fields["blocks"]
    up.readings(_writer, fields["boot"], fields["sequence"], fields["revision"], len(blocks))
    for block in blocks:
        group, t_ms, tag = block["group"], block["t_ms"], _TAGS[block["bits"]]
        samples = _pack(block["bits"], block["samples"])
        statuses = None if block["statuses"] is None else bytearray(block["statuses"])
        if block["steps"] is None:
            up.block(_writer, group, t_ms, tag, samples, statuses)
        else:
            steps = _pack(8, block["steps"])
            up.block_of_differences(_writer, group, t_ms, tag, samples, steps, statuses)


def _write_thinned(fields: "Fields") -> None:
    blocks = fields["blocks"]
    values = [fields[name] for name in ("boot", "sequence", "last", "messages")]
    doubts = [(offset, samples) for offset, samples in fields["in_doubt"]]
    thinned.thinned(_writer, *values, doubts, fields["revision"], len(blocks))
    for block in blocks:
        thinned.thinned_block(
            _writer,
            block["group"],
            block["t_ms"],
            _TAGS[block["bits"]],
            _pack(block["bits"], block["samples"]),
            None if block["steps"] is None else _pack(8, block["steps"]),
            block["span_ms"],
            block["taken"],
            None if block["statuses"] is None else bytes(block["statuses"]),
        )


def _read_down(payload: bytes) -> "tuple[str, Fields]":
    message = down.parse_down(payload)
    kind = TYPES[message.kind]
    fields: Fields = {"boot": message.boot, "sequence": message.sequence}
    names = _FIELDS[kind] + (("part",) if kind in ("CONFIGURE", "UPDATE") else ())
    fields.update(zip(names, message.fields))  # noqa: B905
    if kind in ("CONFIGURE", "UPDATE"):
        fields["part"] = _hex(fields["part"])
    return kind, fields


def _read_up(payload: bytes) -> "tuple[str, Fields]":
    message: Any = parse_up(payload)
    kind = TYPES[message.kind]
    fields: Fields = {"boot": message.boot, "sequence": message.sequence}
    for name in _FIELDS[kind]:
        fields[name] = getattr(message, name)
    if kind == "HELLO":
        fields["groups"] = [_read_group(group) for group in message.groups]
    elif kind == "READINGS":
        fields["blocks"] = [_read_block(block) for block in message.blocks]
    elif kind == "THINNED":
        fields["in_doubt"] = [list(doubt) for doubt in message.in_doubt]
        fields["blocks"] = [_read_thinned(block) for block in message.blocks]
    elif kind == "WAVEFORM":
        fields["bits"] = _BITS[message.width]
        fields["samples"] = _unpack(fields["bits"], message.samples)
    return kind, fields


def _read_group(group: Group) -> "Fields":
    return {
        "number": group.number,
        "first": group.first,
        "period_ms": group.period_ms,
        "channels": [list(channel.fields()) for channel in group.channels],
    }


def _read_block(block: Block) -> "Fields":
    bits = _BITS[block.width]
    steps = block.differences
    return {
        "group": block.group,
        "t_ms": block.t_ms,
        "bits": bits,
        "samples": _unpack(bits, block.samples),
        "steps": None if steps is None else _unpack(8, steps),
        "statuses": None if block.statuses is None else list(block.statuses),
    }


def _read_thinned(block: ThinnedBlock) -> "Fields":
    fields = _read_block(block)
    fields["span_ms"] = block.span_ms
    fields["taken"] = block.taken
    return fields


def _pack(bits: int, values: "list[int]") -> memoryview:
    return memoryview(struct.pack(f"<{len(values)}{_FORMATS[bits]}", *values))


def _unpack(bits: int, data: bytes) -> "list[int]":
    """The whole integers in it; whether all are whole is for `Block.rows` to say."""
    size = len(data) - len(data) % (bits // 8)
    whole = data if size == len(data) else data[:size]
    return list(struct.unpack(f"<{size * 8 // bits}{_FORMATS[bits]}", whole))


def _hex(data: bytes) -> str:
    return binascii.hexlify(data).decode()


def _bytes(text: str) -> bytes:
    return binascii.unhexlify(text)


_FIELDS = {
    "HELLO": (
        "protocol",
        "firmware",
        "board",
        "reset_cause",
        "configuration",
        "revision",
        "piece",
        "pieces",
    ),
    "READINGS": ("revision",),
    "EVENT": ("t_ms", "code", "arguments"),
    "HEALTH": ("t_ms", "oldest", "values"),
    "WAVEFORM": ("revision", "channel", "burst", "piece", "pieces", "t_ms", "period_ns"),
    "PONG": ("t_us",),
    "THINNED": ("last", "messages", "revision"),
    "ACK": ("upto", "singles"),
    "PING": ("utc_ms",),
    "CONFIGURE": ("piece", "pieces", "crc"),
    "COMMAND": ("code", "arguments"),
    "UPDATE": ("offset",),
}
_WRITERS: "dict[str, Callable[..., None]]" = {
    "EVENT": up.event,
    "HEALTH": up.health,
    "WAVEFORM": up.waveform,
    "PONG": up.pong,
    "ACK": down.ack,
    "PING": down.ping,
    "CONFIGURE": down.configure,
    "COMMAND": down.command,
    "UPDATE": down.update,
}


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
