"""A clock that the test owns."""


class ManualClock:
    """Stands still until told; monotonic and wall time start apart, as they do on a machine."""

    def __init__(self, utc_us: int = 1_763_755_200_000_000, trusted: bool = True) -> None:
        self._monotonic_us = 5_000_000
        self._utc_us = utc_us
        self._trusted = trusted

    def monotonic_us(self) -> int:
        return self._monotonic_us

    def utc_us(self) -> int:
        return self._utc_us

    def trusted(self) -> bool:
        return self._trusted

    def advance_us(self, microseconds: int) -> None:
        self._monotonic_us += microseconds
        self._utc_us += microseconds

    def step_wall_us(self, microseconds: int) -> None:
        """Move the wall time alone, as a time daemon does when it corrects a bad start."""
        self._utc_us += microseconds

    def trust(self, trusted: bool) -> None:
        self._trusted = trusted
