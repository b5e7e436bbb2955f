"""What a stranger with a clip on a line would send, and what a recorder would play again."""

from random import Random

from axwire import cose, up
from axwire.cbor import INT16, Writer
from axwire.framing import Deframer, frame

__all__ = ["forged", "forged_messages"]

_PAYLOAD_ROOM = 256
_FRAME_ROOM = 4096
_UNKNOWN = "motors-z"
_BOOT = 7


def forged(node: str, how: str, times: int, recorded: bytes, randomness: Random) -> bytes:
    """Frames for the gateway, as hil.bench.happenings.Forgery says; `recorded`: what the node
    sent."""
    heard = list(Deframer(_FRAME_ROOM).feed(recorded))
    return b"\0" + b"".join(map(frame, forged_messages(node, how, times, heard, randomness)))


def forged_messages(
    node: str, how: str, times: int, heard: list[bytes], randomness: Random
) -> list[bytes]:
    """As `forged`, without frames; `heard`: messages of the node."""
    if how == "changed":
        return [_changed(randomness.choice(heard), randomness) for _ in range(times)]
    name = node if how == "wrong_key" else _UNKNOWN
    key = cose.MacKey(randomness.randbytes(32))
    writer = Writer(_PAYLOAD_ROOM)
    messages = []
    for sequence in range(times):
        up.readings(writer, _BOOT, sequence, 0, 1)
        up.block(writer, 0, 0, INT16, memoryview(bytes(12)), None)
        messages.append(cose.seal(key, name, cose.UP, writer.written()))
    return messages


def _changed(message: bytes, randomness: Random) -> bytes:
    """With one bit that is another."""
    changed = bytearray(message)
    at = randomness.randrange(len(changed) * 8)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)
