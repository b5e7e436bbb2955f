"""What came of a scenario, as data: one JSON object each, and one file for all of them."""

from msgspec import Struct

__all__ = ["Check", "Record", "Report", "Trace"]


class Check(Struct, frozen=True, kw_only=True):
    """Something that had to be so. `measured` beside `limit`, both in words; `at_s` = where on
    the time line it was broken, or met."""

    text: str
    passed: bool
    measured: str
    limit: str = ""
    at_s: float | None = None
    promise: str = ""


class Trace(Struct, frozen=True, kw_only=True):
    """A channel over the run, thinned for a plot: what its sensor was given, what the page
    showed (None: no value), and the quality it showed."""

    name: str
    unit: str
    t_s: list[float]
    truth: list[float | None]
    shown: list[float | None]
    quality: list[str]


class Record(Struct, frozen=True, kw_only=True):
    """`simulated_s` = 0 where it ran in real time. `digest`: SHA-256 of all that was stored, equal
    in a run that repeats. `skipped`: why it was not run. `repeat`: the command that runs it again.
    """

    name: str
    title: str
    covers: list[str]
    seed: int
    repeat: str
    skipped: str = ""
    simulated_s: float = 0.0
    took_s: float = 0.0
    samples: int = 0
    stored: int = 0
    thinned: int = 0
    lost: int = 0
    duplicated: int = 0
    lost_by: dict[str, int] = {}
    digest: str = ""
    happened: list[tuple[float, float | None, str]] = []
    checks: list[Check] = []
    traces: list[Trace] = []

    @property
    def passed(self) -> bool:
        return not self.skipped and all(check.passed for check in self.checks)

    @property
    def broken(self) -> list[str]:
        """A line for each check that failed."""
        return [
            f"{check.promise or check.text}: {check.text}: {check.measured}"
            + (f" (limit {check.limit})" if check.limit else "")
            for check in self.checks
            if not check.passed
        ]


class Report(Struct, frozen=True, kw_only=True):
    """All of a run of the bench. `speedup` = simulated over real seconds, of the
    scenarios in simulated time."""

    version: str
    commit: str
    interpreter: str
    scenarios: int
    passed: int
    failed: int
    skipped: int
    seconds: float
    simulated_s: float
    speedup: float
    samples_taken: int
    samples_stored: int
    samples_thinned: int
    lost_by: dict[str, int]
    duplicated: int
    records: list[Record]
