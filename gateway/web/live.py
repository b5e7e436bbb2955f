"""What a page needs of the live picture."""

from typing import Protocol, TypeVar

__all__ = ["Live"]

StateT_co = TypeVar("StateT_co", covariant=True)


class Live(Protocol[StateT_co]):
    """The live picture, read in the event loop that the page runs in."""

    @property
    def version(self) -> int:
        """Rises with each change of the picture; ages alone do not count as a change."""

    def state(self) -> StateT_co:
        """The picture now, its ages as of now; does not block."""

    async def changed(self, since: int) -> int:
        """Return the version as soon as it is above `since`."""
