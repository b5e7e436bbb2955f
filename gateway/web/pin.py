"""The crew's PIN: kept as a scrypt hash in a file that its owner alone can read."""

import hashlib
import hmac
import os
import re
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import ConfigError

__all__ = ["PIN_PATTERN", "SALT_BYTES", "PinHash", "hash_pin", "load_pin", "write_pin"]

PIN_PATTERN = r"^[0-9]{6,12}$"
"""Six digits and more: with the limits on attempts, half of them take over a month to try."""

SALT_BYTES = 16

_LINE = re.compile(r"scrypt ([0-9]{1,8}) ([0-9]{1,3}) ([0-9]{1,3}) ([0-9a-f]{32}) ([0-9a-f]{64})")
_COST, _BLOCK, _LANES = 1 << 14, 8, 1
"""As RFC 7914 has it for interactive use: 16 MiB, and tens of milliseconds."""
_COST_MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class PinHash:
    """What is kept of a PIN, with what it was made with."""

    cost: int
    block: int
    lanes: int
    salt: bytes
    digest: bytes

    def matches(self, pin: str) -> bool:
        """Takes tens of milliseconds: not for an event loop."""
        made = _scrypt(pin, self.salt, self.cost, self.block, self.lanes)
        return hmac.compare_digest(made, self.digest)


def hash_pin(pin: str, salt: bytes) -> PinHash:
    """`salt`: SALT_BYTES random bytes. Raises ConfigError where the PIN is none."""
    if not re.fullmatch(PIN_PATTERN, pin):
        raise ConfigError("a PIN has 6 to 12 digits and nothing else")
    return PinHash(_COST, _BLOCK, _LANES, salt, _scrypt(pin, salt, _COST, _BLOCK, _LANES))


def write_pin(path: Path, made: PinHash) -> None:
    """Replace the file in one step; others cannot read it at any time. Raises ConfigError."""
    fresh = path.with_name(path.name + ".new")
    numbers = f"{made.cost} {made.block} {made.lanes}"
    try:
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"scrypt {numbers} {made.salt.hex()} {made.digest.hex()}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise ConfigError(f"the PIN cannot be written to {path}: {error.strerror}") from None


def load_pin(path: Path) -> PinHash:
    """Raises ConfigError, also where others can read the file."""
    again = "make it with: axlebox gateway pin"
    try:
        text = path.read_text(encoding="ascii").strip()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"page.pin_file: {path} cannot be read ({error}); {again}") from None
    if mode & 0o077:
        raise ConfigError(f"page.pin_file: others can read {path}; run: chmod 600 {path}")
    found = _LINE.fullmatch(text)
    if found is None:
        raise ConfigError(f"page.pin_file: {path} holds no PIN of axlebox; {again}")
    cost, block, lanes = (int(part) for part in found.groups()[:3])
    if not (cost > 1 and cost & (cost - 1) == 0 and 1 <= lanes <= 16 and block >= 1) or (
        128 * cost * block > _COST_MAX_BYTES
    ):
        raise ConfigError(f"page.pin_file: {path} asks for a hash that is too costly; {again}")
    return PinHash(cost, block, lanes, bytes.fromhex(found[4]), bytes.fromhex(found[5]))


def _scrypt(pin: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    return hashlib.scrypt(
        pin.encode(), salt=salt, n=cost, r=block, p=lanes, maxmem=2 * _COST_MAX_BYTES, dklen=32
    )
