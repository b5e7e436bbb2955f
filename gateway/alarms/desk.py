"""What a crew can do to alarms, as the page and the command line see it."""

from typing import Protocol

__all__ = ["AlarmDesk", "AlarmError"]


class AlarmError(ValueError):
    """What was asked of an alarm cannot be done; the text says why."""


class AlarmDesk(Protocol):
    """Each action is stored with who and when before it shows. Used in the gateway's thread.

    `by` is who does it, as they are known to the page. `AlarmError`: no such alarm, or not in a
    state for it.
    """

    def acknowledge(self, alarm: str, by: str) -> None:
        """The crew knows of it. Raises AlarmError."""

    def shelve(self, alarm: str, by: str, minutes: int) -> None:
        """Out of sight for 1 to 480 minutes; it comes back by itself. Raises AlarmError."""

    def unshelve(self, alarm: str, by: str) -> None:
        """Back in sight. Raises AlarmError."""

    def silence(self, by: str) -> None:
        """No sound for the alarms that are there now; each stays as unacknowledged as it was."""
