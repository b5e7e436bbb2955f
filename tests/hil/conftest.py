"""A Debian machine and mirrors that a test of the bench's set-up owns."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from debian_machine import Machine
from debian_mirror import DebianMirror

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
