"""What tests of the bench own: a Debian machine and mirrors, a stimulus unit."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from debian_machine import Machine
from debian_mirror import DebianMirror
from simulated_unit import SimulatedUnit

from gateway.timebase import SystemClock
from hil.interpreter import find_interpreter
from hil.stimulus import StimulusUnit

_HIDDEN = {"micropython", "mosquitto", "victoria-metrics", "chromium"}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A Debian machine without MicroPython or servers, and without a mirror yet."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("needs apt and dpkg: this machine is no Debian")
    for name in ("programs", "apt", "cache", "home"):
        (tmp_path / name).mkdir()
    for name in sorted(os.listdir("/usr/bin")):
        if name not in _HIDDEN:
            (tmp_path / "programs" / name).symlink_to(f"/usr/bin/{name}")
    environ = {
        "PATH": str(tmp_path / "programs"),
        "HOME": str(tmp_path / "home"),
        "AXLEBOX_CACHE": str(tmp_path / "cache"),
    }
    return Machine(tmp_path, environ, [])


@pytest.fixture
def new_mirror(tmp_path: Path) -> Callable[[str], DebianMirror]:
    """Makes a mirror in a folder of that name."""
    return lambda name: DebianMirror(tmp_path / name)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedUnit]:
    """A simulated Pico with the stimulus unit's program, in a folder `unit`."""
    folder = tmp_path_factory.mktemp("bench") / "unit"
    folder.mkdir()
    unit = SimulatedUnit(folder, find_interpreter())
    yield unit
    unit.close()


@pytest.fixture
def unit(simulated: SimulatedUnit) -> Iterator[StimulusUnit]:
    """The bench's end of its port; all its outputs rest."""
    opened = StimulusUnit(simulated.port, SystemClock())
    opened.rest()
    yield opened
    opened.close()
