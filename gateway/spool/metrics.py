"""Counters of the write side, as plain numbers for whoever publishes them."""

from dataclasses import dataclass, field

__all__ = ["SLOW_SYNC_US", "SYNC_BOUNDS_US", "SyncTimes", "WriterMetrics"]

SLOW_SYNC_US = 2_000_000
SYNC_BOUNDS_US = (
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
)


@dataclass
class SyncTimes:
    """How long the disk took to make a batch durable.

    `buckets[i]` counts the syncs of up to SYNC_BOUNDS_US[i], the last one those above all.
    """

    count: int = 0
    last_us: int = 0
    max_us: int = 0
    total_us: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(SYNC_BOUNDS_US) + 1))
    began_us: int | None = None
    """Since when one is under way."""

    def slow(self, now_us: int) -> bool:
        """Whether the last one, or that under way, takes so long that somebody must look."""
        under_way_us = 0 if self.began_us is None else now_us - self.began_us
        return max(self.last_us, under_way_us) > SLOW_SYNC_US

    def add(self, duration_us: int) -> None:
        self.count += 1
        self.last_us = duration_us
        self.max_us = max(self.max_us, duration_us)
        self.total_us += duration_us
        bucket = sum(duration_us > bound for bound in SYNC_BOUNDS_US)
        self.buckets[bucket] += 1


@dataclass
class WriterMetrics:
    """Sums since the start. `records` and `bytes` are durable ones, overhead included;
    `disk_bytes` is all that was handed to the file system, repeats and headers too."""

    records: int = 0
    bytes: int = 0
    commits: int = 0
    commit_us: int = 0
    disk_bytes: int = 0
    refused_full: int = 0
    failures: int = 0
    segments_made: int = 0
    segments_removed: int = 0
    messages_removed: int = 0
    segments_thinned: int = 0
    messages_thinned: int = 0
    syncs: SyncTimes = field(default_factory=SyncTimes)
