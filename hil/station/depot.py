"""A station's folder: sealed keys, inventory, records and labels.

keys.sealed     keys (vault.py)
inventory.db    boards and what was done to them (inventory.py)
records/        one file an attempt (records.py)
labels/         what is stuck on each board (label.py)
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import SealError, remedy
from gateway.sealed import check_private
from gateway.timebase import Clock
from hil.station.inventory import Inventory
from hil.station.records import Records
from hil.station.vault import Vault

__all__ = ["Depot", "open_depot"]


@dataclass(frozen=True)
class Depot:
    """What a station works with."""

    folder: Path
    clock: Clock
    inventory: Inventory
    records: Records
    random: Callable[[int], bytes]

    @property
    def labels(self) -> Path:
        return self.folder / "labels"

    def vault(self, passphrase: str) -> Vault:
        """Its keys. Raises SealError."""
        return Vault(self.folder, passphrase, self.random)

    def has_vault(self) -> bool:
        return not Vault.is_new(self.folder)


def open_depot(folder: Path, clock: Clock, random: Callable[[int], bytes] = os.urandom) -> Depot:
    """The station in a folder, which is made if it is not there. Raises SealError where others can
    open it, or it cannot be made."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        what_to_do = remedy(error, "correct its path")
        raise SealError(f"{folder} cannot be made: {error.strerror}; {what_to_do}") from None
    check_private(folder)
    inventory = Inventory(folder / "inventory.db")
    (folder / "labels").mkdir(mode=0o700, exist_ok=True)
    return Depot(folder, clock, inventory, Records(folder / "records", inventory, clock), random)
