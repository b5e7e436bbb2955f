"""What a stranger with a clip on a line would send, and what a recorder would play again."""

from random import Random

from axwire import cose, up
from axwire.cbor import INT16, Writer
from axwire.framing import Deframer, frame

__all__ = ["forged"]

_PAYLOAD_ROOM = 256
_UNKNOWN = "motors-z"
_BOOT = 7


def forged(node: str, how: str, times: int, recorded: bytes, randomness: Random) -> bytes:
    """Frames for the gateway, as hil.bench.happenings.Forgery says; `recorded`: what the node
    sent."""
    if how == "changed":
        return b"\0".join([b"", *_changed(recorded, times, randomness), b""])
    name = node if how == "wrong_key" else _UNKNOWN
    key = cose.MacKey(randomness.randbytes(32))
    writer = Writer(_PAYLOAD_ROOM)
    frames = bytearray(b"\0")
    for sequence in range(times):
        up.readings(writer, _BOOT, sequence, 0, 1)
        up.block(writer, 0, 0, INT16, memoryview(bytes(12)), None)
        frames += frame(cose.seal(key, name, cose.UP, writer.written()))
    return bytes(frames)


def _changed(recorded: bytes, times: int, randomness: Random) -> list[bytes]:
    """Frames of the node with one bit of the message changed, and a checksum that fits again."""
    deframer = Deframer(1 << 12)
    messages = list(deframer.feed(recorded))
    changed = []
    for _ in range(times):
        message = bytearray(randomness.choice(messages))
        at = randomness.randrange(len(message) * 8)
        message[at // 8] ^= 1 << at % 8
        changed.append(frame(bytes(message)).strip(b"\0"))
    return changed
