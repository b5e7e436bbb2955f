"""Board time becomes UTC within the error that is admitted, on every kind of line."""

import os
from pathlib import Path

import pytest
from clock_error import LINES, measure

pytestmark = pytest.mark.timeout(900)

SECONDS = float(os.environ.get("AXLEBOX_CLOCK_SECONDS", "120"))
QUIET_P99_MS, FULL_P99_MS = 5.0, 20.0
FULL_LOAD = 0.5


@pytest.mark.parametrize("name", LINES)
def test_the_error_is_small_and_within_what_is_admitted(tmp_path: Path, name: str) -> None:
    seed = 47
    kind = LINES[name]
    figures = measure(tmp_path, seed, kind, SECONDS)
    print(f"seed {seed}, {name}: {figures}")
    assert len(figures.errors_us) >= 3.9 * SECONDS
    assert figures.error_ms(99) < (FULL_P99_MS if kind.full else QUIET_P99_MS)
    assert figures.covered >= 0.99
    assert figures.admitted_ms() < (FULL_P99_MS if kind.full else 2 * QUIET_P99_MS)
    if name == "115200_full":
        assert figures.load > FULL_LOAD
