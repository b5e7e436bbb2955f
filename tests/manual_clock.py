"""A clock that the test owns."""


class ManualClock:
    """Stands still until told; monotonic and wall time start apart, as they do on a machine."""

    def __init__(self, utc_us: int = 1_763_755_200_000_000, trusted: bool = True) -> None:
        self._monotonic_us = 5_000_000
        self._utc_us = utc_us
        self._trusted = trusted
        self._boot = 1
        self.true_us = utc_us
        """What UTC really is, whatever the machine believes."""

    def monotonic_us(self) -> int:
        return self._monotonic_us

    def utc_us(self) -> int:
        return self._utc_us

    def trusted(self) -> bool:
        return self._trusted

    def boot_id(self) -> str:
        return f"boot {self._boot}"

    def advance_us(self, microseconds: int) -> None:
        self._monotonic_us += microseconds
        self._utc_us += microseconds
        self.true_us += microseconds

    def step_wall_us(self, microseconds: int) -> None:
        """Move the wall time alone, as a time daemon does when it corrects a bad start."""
        self._utc_us += microseconds

    def trust(self, trusted: bool) -> None:
        self._trusted = trusted

    def set_wall(self) -> None:
        """A time source says what time it is."""
        self._utc_us = self.true_us
        self._trusted = True

    def reboot(self, off_us: int, utc_us: int) -> None:
        """The machine was off for so long, and takes it to be `utc_us`; nobody vouches for it."""
        self.true_us += off_us
        self._boot += 1
        self._monotonic_us = 1_000_000
        self._utc_us = utc_us
        self._trusted = False
