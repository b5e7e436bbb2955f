"""The list of a locomotive's boards and keys, sealed for its gateway (gateway/enrolment.py)."""

from gateway.enrolment import KnownBoard, Roll, seal_roll
from hil.station.depot import Depot
from hil.station.errors import StationError
from hil.station.inventory import BEGUN
from hil.station.records import utc
from hil.station.vault import Vault

__all__ = ["export_roll"]


def export_roll(
    depot: Depot, vault: Vault, locomotive: str, passphrase: str
) -> tuple[bytes, list[str], list[str]]:
    """The sealed bytes, the nodes in them, and those that are left out: they have not proved to be
    what they are. Raises StationError where there is none, or a key is missing."""
    known = depot.inventory.boards_of(locomotive)
    fitted = [board for board in known if board.state != BEGUN]
    if not fitted:
        raise StationError(
            f"no board of {locomotive} is fitted",
            "Check its name: axlebox station records search",
        )
    boards = []
    for board in fitted:
        key = vault.key_of(board.unique_id, locomotive, board.node)
        if key is None:
            raise StationError(
                f"the key of {board.node} ({board.unique_id}) is not in the store",
                "Provision that board again, with --again",
            )
        boards.append(KnownBoard(name=board.node, unique_id=board.unique_id, key=key.hex()))
    number = vault.number(depot.clock.utc_us() // 1_000_000)
    roll = Roll(locomotive=locomotive, number=number, made=utc(depot.clock), boards=boards)
    left_out = [board.node for board in known if board.state == BEGUN]
    return seal_roll(roll, passphrase, depot.random), [b.node for b in fitted], left_out
