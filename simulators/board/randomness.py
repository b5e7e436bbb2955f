"""Chance that repeats: `os.urandom` and `random` in lock-step, from the wiring's seed."""

import hashlib
import random
import struct

_state: "list[bytes]" = [b""]


def seed_randomness(seed: int, us: int) -> None:
    """Begin anew; `us` is when the board was switched on, so that each boot is another."""
    _state[0] = hashlib.sha256(struct.pack("<II", seed & 0xFFFFFFFF, us)).digest()
    random.seed(struct.unpack("<I", _state[0])[0])


def urandom(count: int) -> bytes:
    """So many random bytes."""
    drawn = b""
    while len(drawn) < count:
        _state[0] = hashlib.sha256(_state[0]).digest()
        drawn += hashlib.sha256(_state[0] + b"drawn").digest()
    return drawn[:count]
