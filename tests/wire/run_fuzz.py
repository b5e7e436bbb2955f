"""Changed and made-up bytes through every layer of axwire, in CPython and MicroPython alike.

    micropython run_fuzz.py SAMPLES SEED COUNT

SAMPLES holds payloads to start from, one a line: `up` or `down` and the hex. Prints how often
each reason refused an input, and how many were taken. Anything but a WireError ends the run. The
same seed gives the same inputs, and must give the same answers, everywhere.
"""

import binascii
import gc
import sys

from axwire import GATEWAY_MESSAGE_CAP, MESSAGE_CAP, cose
from axwire.cbor import INT8, INT16, INT32, Typed, Writer, decode
from axwire.errors import WireError
from axwire.framing import Deframer, frame
from wire import run_vectors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Choice(Protocol):
        """What decides: numbers below a limit, and bytes."""

        def below(self, limit: int) -> int: ...
        def data(self, length: int) -> bytes: ...


PAYLOAD_CAP = 2 * MESSAGE_CAP - cose.sealed_size("n", MESSAGE_CAP)
"""Longest payload that a board takes, when its name has one letter."""

_AAD = {"up": cose.UP, "down": cose.DOWN}
_writer = Writer(GATEWAY_MESSAGE_CAP)


class Numbers:
    """A seeded sequence (xorshift, 32 bits), the same in every interpreter."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def below(self, limit: int) -> int:
        state = self._state
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        self._state = state
        return state % limit

    def data(self, length: int) -> bytes:
        return bytes([self.below(256) for _ in range(length)])


def changed(numbers: "Choice", data: bytes) -> bytes:
    """The bytes with one to three small changes."""
    out = bytearray(data)
    for _ in range(1 + numbers.below(3)):
        at = numbers.below(len(out) + 1)
        how = numbers.below(6)
        if how == 0 and at < len(out):
            out[at] ^= 1 << numbers.below(8)
        elif how == 1 and at < len(out):
            out[at] = numbers.below(256)
        elif how == 2:
            out = out[:at] + numbers.data(1 + numbers.below(4)) + out[at:]
        elif how == 3:
            out = out[:at] + out[at + 1 + numbers.below(8) :]
        elif how == 4:
            out = out[: max(at, 1)]
        else:
            end = numbers.below(len(out) + 1)
            out = out[:at] + out[end : end + 12] + out[at:]
    return bytes(out)


def altered(numbers: "Choice", payload: bytes) -> bytes:
    """The payload with one to three items exchanged for others: still CBOR of the protocol."""
    value: Any = decode(payload)
    for _ in range(1 + numbers.below(3)):
        items = value
        at = numbers.below(len(items))
        while isinstance(items[at], list) and items[at] and numbers.below(4):
            items = items[at]
            at = numbers.below(len(items))
        items[at] = made_up(numbers, 2)
    _writer.clear()
    _write(_writer, value)
    return bytes(_writer.written())


def made_up(numbers: "Choice", depth: int) -> object:
    """Any value of the protocol, with arrays at most `depth` deep."""
    how = numbers.below(8 if depth else 7)
    if how < 3:
        return (numbers.below(1 << 30) << 34 | numbers.below(1 << 30)) >> numbers.below(64)
    if how == 3:
        return -numbers.below(1 << 30) << numbers.below(34)
    if how == 4:
        return None
    if how == 5:
        return numbers.data(numbers.below(9))
    if how == 6:
        return Typed((INT8, INT16, INT32)[numbers.below(3)], numbers.data(numbers.below(9)))
    return [made_up(numbers, depth - 1) for _ in range(numbers.below(5))]


def _write(writer: Writer, value: "Any") -> None:
    if isinstance(value, list):
        writer.array(len(value))
        for item in value:
            _write(writer, item)
    elif isinstance(value, Typed):
        writer.typed(value.tag, value.data)
    elif isinstance(value, bytes):
        writer.data(value)
    elif isinstance(value, str):
        writer.text(value)
    else:
        writer.optional(value)


def take(direction: str, framed: bytes, key: cose.MacKey, counts: "dict[str, int]") -> None:
    """One piece of a stream through unframe, split, check and parse; counts what becomes of it."""
    deframer = Deframer(MESSAGE_CAP if direction == "down" else GATEWAY_MESSAGE_CAP)
    for message in deframer.feed(framed):
        try:
            envelope = cose.split(message)
            envelope.check(key, _AAD[direction])
            run_vectors.read(direction, envelope.payload)
            reason = "taken"
        except WireError as error:
            reason = error.reason
            if len(str(error)) > run_vectors.TEXT_CAP:
                raise RuntimeError("too long a reason: " + str(error)) from None
        counts[reason] = counts.get(reason, 0) + 1
    for reason, count in deframer.refused.items():
        counts[reason] = counts.get(reason, 0) + count


def hostile(size: int) -> "list[bytes]":
    """CBOR of that size that asks for depth, for memory, or for many objects."""
    return [
        b"\x81" * size,
        (b"\x98\xff" * size)[:size],
        b"\x9b" + b"\xff" * (size - 1),
        (b"\x99\x03\x00" * size)[:size],
        b"\x5b\x7f" + b"\xff" * (size - 2),
        b"\x99" + bytes(((size - 3) >> 8, (size - 3) & 0xFF)) + b"\x80" * (size - 3),
        b"\x99\x00\x70" + (b"\x1b" + b"\xff" * 8) * 0x70,
    ]


def main(path: str, seed: int, count: int) -> "dict[str, int]":
    """Fuzz with `count` inputs of each kind; the answers by reason."""
    numbers = Numbers(seed)
    samples = _samples(path)
    key = cose.MacKey(numbers.data(cose.KEY_BYTES))
    counts: dict[str, int] = {}
    for _ in range(count):
        direction, payload = samples[numbers.below(len(samples))]

        def sealed(body: bytes, direction: str = direction) -> bytes:
            return cose.seal(key, "motors-a", _AAD[direction], body)

        for framed in (
            numbers.data(numbers.below(60)) + b"\0",
            changed(numbers, frame(sealed(payload))),
            frame(changed(numbers, sealed(payload))),
            frame(sealed(changed(numbers, payload))),
            frame(sealed(altered(numbers, payload))),
        ):
            take(direction, framed, key, counts)
    for payload in hostile(PAYLOAD_CAP):
        gc.collect()
        take("down", frame(cose.seal(key, "n", cose.DOWN, payload)), key, counts)
    return counts


def _samples(path: str) -> "list[tuple[str, bytes]]":
    with open(path) as lines:
        pairs = [line.split() for line in lines]
    return [(direction, binascii.unhexlify(payload)) for direction, payload in pairs]


if __name__ == "__main__":
    for name, number in sorted(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])).items()):
        print(name, number)
