"""Takes a board out of its place, so that another one can be put there."""

from hil.station.depot import Depot
from hil.station.errors import StationError
from hil.station.inventory import RETIRED, Entry, Known
from hil.station.records import utc
from hil.station.vault import Vault

__all__ = ["swap"]


def swap(depot: Depot, vault: Vault, locomotive: str, node: str) -> Known:
    """The board that had the place: it is retired, and its key is revoked; the locomotive's next
    list is without it. Raises StationError where nobody has the place."""
    found = depot.inventory.holder(locomotive, node)
    if found is None:
        raise StationError(
            f"no board is {node} of {locomotive}",
            f"Ask which there are: axlebox station records search {locomotive}",
        )
    vault.revoke(found.unique_id)
    depot.inventory.become(found.unique_id, RETIRED)
    depot.inventory.note(
        Entry(
            utc(depot.clock),
            found.unique_id,
            locomotive,
            node,
            "swap",
            "pass",
            "taken out of its place; its key is revoked",
            "",
        )
    )
    return found
