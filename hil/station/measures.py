"""A measurement with its limits, and what it means: PASS or FAIL."""

from dataclasses import dataclass

__all__ = ["FAIL", "PASS", "Measure", "measure"]

PASS, FAIL = "PASS", "FAIL"


@dataclass(frozen=True)
class Measure:
    """`value` in `unit`, None where nothing could be measured; a limit of None holds always."""

    name: str
    value: float | None
    unit: str
    low: float | None
    high: float | None

    @property
    def word(self) -> str:
        """PASS, or FAIL: also where there is no value."""
        value = self.value
        good = (
            value is not None
            and value == value
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
        )
        return PASS if good else FAIL

    def __str__(self) -> str:
        value = "nothing" if self.value is None else f"{self.value:.6g} {self.unit}".strip()
        limits = " to ".join("any" if end is None else f"{end:g}" for end in (self.low, self.high))
        return f"{self.word} {self.name}: {value} ({limits})"


def measure(
    name: str,
    value: float | None,
    unit: str,
    low: float | None = None,
    high: float | None = None,
) -> Measure:
    """A measurement held against its limits, both of which are allowed values."""
    return Measure(name, value, unit, low, high)
