"""Servers and browser are taken from the machine, servers else from Debian's packages."""

from collections.abc import Callable

import pytest
from debian_machine import Machine
from debian_mirror import LOADER, DebianMirror

from hil import programs
from hil.errors import MissingError

SERVERS = [
    (programs.find_victoria_metrics, "victoria-metrics", "usr/bin/victoria-metrics"),
    (programs.find_mosquitto, "mosquitto", "usr/sbin/mosquitto"),
]
Find = Callable[..., tuple[str, ...]]


@pytest.fixture
def bare(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine whose folders of daemons are empty too."""
    monkeypatch.setattr(programs, "_DAEMON_FOLDERS", (str(machine.folder / "sbin"),))
    return machine


@pytest.mark.parametrize(("find", "name", "path"), SERVERS)
def test_a_server_on_path_or_among_the_daemons_is_used(
    bare: Machine, find: Find, name: str, path: str
) -> None:
    daemon = bare.folder / "sbin" / name
    daemon.parent.mkdir()
    daemon.write_text("#!/bin/sh\n")
    daemon.chmod(0o755)
    assert find(bare.environ) == (str(daemon),)
    bare.put(name, "")
    assert find(bare.environ) == (str(bare.programs / name),)


@pytest.mark.parametrize(("find", "name", "path"), SERVERS)
def test_a_server_that_is_not_installed_comes_from_debian(
    bare: Machine, new_mirror: Callable[[str], DebianMirror], find: Find, name: str, path: str
) -> None:
    architecture = bare.packages().architecture()
    mirror = new_mirror("mirror").add(name, architecture, {path: "", LOADER: ""})
    mirror.publish()
    bare.sources(mirror.source())
    command = find(bare.environ, packages=bare.packages())
    assert command[0].endswith(LOADER)
    assert command[-1].endswith(path)


@pytest.mark.parametrize(("find", "name", "path"), SERVERS)
def test_a_server_that_cannot_be_had_names_the_package(
    bare: Machine, find: Find, name: str, path: str
) -> None:
    with pytest.raises(MissingError) as raised:
        find(bare.environ, packages=bare.packages())
    assert "no Debian mirror" in str(raised.value)
    assert f"sudo apt install {name}" in str(raised.value)


def test_chromium_goes_before_other_browsers(bare: Machine) -> None:
    bare.put("google-chrome", "")
    assert programs.find_chromium(bare.environ) == str(bare.programs / "google-chrome")
    bare.put("chromium", "")
    assert programs.find_chromium(bare.environ) == str(bare.programs / "chromium")


def test_the_setting_names_the_browser(bare: Machine) -> None:
    bare.put("chromium", "")
    bare.put("mine", "")
    for setting in ("mine", str(bare.programs / "mine")):
        environ = {**bare.environ, "AXLEBOX_CHROMIUM": setting}
        assert programs.find_chromium(environ) == str(bare.programs / "mine")
    with pytest.raises(MissingError, match="AXLEBOX_CHROMIUM=unknown: there is no such program"):
        programs.find_chromium({**bare.environ, "AXLEBOX_CHROMIUM": "unknown"})


def test_without_a_browser_the_error_names_the_package(bare: Machine) -> None:
    with pytest.raises(MissingError, match="sudo apt install chromium"):
        programs.find_chromium(bare.environ)
