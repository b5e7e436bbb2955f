"""What the tests of the forwarder share: a server double, a clock, a spool that is filled."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from manual_clock import ManualClock

from .feed import Feed
from .influx_double import InfluxDouble
from .node_double import UTC_US, FilledSpool


@pytest.fixture
def influx() -> Iterator[InfluxDouble]:
    double = InfluxDouble()
    yield double
    double.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(UTC_US)


@pytest.fixture
def feed(tmp_path: Path, clock: ManualClock) -> Iterator[Feed]:
    with FilledSpool(tmp_path, clock) as spool:
        yield Feed(spool)
