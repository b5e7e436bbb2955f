"""A depot of three nodes."""

from pathlib import Path

import pytest
from update_depot import Depot


@pytest.fixture
def depot(tmp_path: Path) -> Depot:
    return Depot(tmp_path, "axles-a", "brakes-a", "motors-a")
