"""A gateway under a clock that the test owns, collecting into a real spool."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from board_peer import Board
from collecting import Collecting
from manual_clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def collect(tmp_path: Path, clock: ManualClock) -> Iterator[Callable[..., Collecting]]:
    """Makes gateways in folders of their own, and closes them after the test."""
    made: list[Collecting] = []

    def make(*boards: Board, **spool: int) -> Collecting:
        made.append(Collecting(tmp_path / f"gateway-{len(made)}", boards, clock, **spool))
        return made[-1]

    yield make
    for collecting in made:
        collecting.close()
