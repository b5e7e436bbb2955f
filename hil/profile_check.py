"""Whether the nodes of a profile fit their boards: a check that `axlebox profile check` runs."""

from collections.abc import Iterator

from gateway.errors import AxleboxError
from gateway.profiles import Profile
from hil.fitting import fit_node

__all__ = ["board_mistakes"]


def board_mistakes(profile: Profile) -> Iterator[tuple[str, str]]:
    """(key of a node, why it does not fit)."""
    for key in ("nodes", "more_nodes"):
        for at, node in enumerate(getattr(profile, key)):
            try:
                fit_node(node, "", 0)
            except (AxleboxError, ValueError) as error:
                yield f"{key}[{at}]", str(error)
