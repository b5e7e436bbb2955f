"""Packages come from the machine's mirror into the cache folder, whole or not at all.

apt-get and dpkg-deb are the real ones, on a mirror in a folder: no network.
"""

import subprocess
import sys
from collections.abc import Callable

import pytest
from debian_machine import Machine
from debian_mirror import LOADER, RELEASE, DebianMirror

from hil.debian import command_in
from hil.errors import FetchError

MakeMirror = Callable[[str], DebianMirror]


@pytest.fixture
def mirror(machine: Machine, new_mirror: MakeMirror) -> DebianMirror:
    """A mirror the machine uses, with `tool`, which needs `library`."""
    made = new_mirror("mirror")
    made.add("library", "i386", {LOADER: "loader"})
    made.add("tool", "i386", {"usr/bin/tool": "tool"}, "library, adduser")
    made.publish()
    machine.sources(made.source())
    return made


def test_a_package_comes_with_all_it_depends_on(machine: Machine, mirror: DebianMirror) -> None:
    root = machine.packages().fetch(["tool"], RELEASE, "i386")
    assert (root / "usr/bin/tool").read_text() == "tool"
    assert command_in(root, "usr/bin/tool") == (
        str(root / LOADER),
        "--library-path",
        str((root / LOADER).parent),
        str(root / "usr/bin/tool"),
    )
    assert machine.cached == [root.name]
    assert len(machine.told) == 1
    assert "tool" in machine.told[0]


def test_what_was_fetched_once_needs_no_mirror_and_no_apt(
    machine: Machine, mirror: DebianMirror
) -> None:
    root = machine.packages().fetch(["tool"], RELEASE, "i386")
    machine.sources("")
    machine.remove("apt-get")
    machine.remove("dpkg-deb")
    assert machine.packages().fetch(["tool"], RELEASE, "i386") == root


def test_a_fetch_that_fails_while_unpacking_leaves_nothing_and_can_be_repeated(
    machine: Machine, mirror: DebianMirror
) -> None:
    machine.put("dpkg-deb", 'case "$2" in *tool*) echo "disk is full" >&2; exit 2;; esac')
    with pytest.raises(FetchError, match="disk is full"):
        machine.packages().fetch(["tool"], RELEASE, "i386")
    assert machine.cached == []
    machine.put("dpkg-deb", 'exec /usr/bin/dpkg-deb "$@"')
    root = machine.packages().fetch(["tool"], RELEASE, "i386")
    assert (root / "usr/bin/tool").is_file()


def test_what_a_killed_fetch_left_is_never_used_and_goes_away(
    machine: Machine, mirror: DebianMirror
) -> None:
    program = (
        "import os, sys; from pathlib import Path; from hil.debian import PackageCache;"
        "PackageCache(os.environ, apt_folder=Path(sys.argv[1])).fetch(['tool'], 'trixie', 'i386')"
    )
    machine.put("dpkg-deb", '/usr/bin/dpkg-deb "$@"; kill -9 $PPID')
    killed = subprocess.run(
        [sys.executable, "-c", program, str(machine.folder / "apt")], env=machine.environ
    )
    assert killed.returncode == -9
    [leftover] = machine.cached
    machine.put("dpkg-deb", 'exec /usr/bin/dpkg-deb "$@"')
    root = machine.packages().fetch(["tool"], RELEASE, "i386")
    assert machine.cached == [root.name]
    assert leftover != root.name
    assert (root / "usr/bin/tool").is_file()


def test_two_processes_fetch_once(machine: Machine, mirror: DebianMirror) -> None:
    log = machine.folder / "log"
    machine.put("apt-get", f'echo "$@" >> {log}; exec /usr/bin/apt-get "$@"')
    program = (
        "import os, sys; from pathlib import Path; from hil.debian import PackageCache;"
        "print(PackageCache(os.environ, apt_folder=Path(sys.argv[1]))"
        ".fetch(['tool'], 'trixie', 'i386'))"
    )
    command = [sys.executable, "-c", program, str(machine.folder / "apt")]
    started = [
        subprocess.Popen(command, env=machine.environ, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    roots = {process.communicate(timeout=60)[0].strip() for process in started}
    assert [process.returncode for process in started] == [0, 0]
    assert len(roots) == 1
    assert len(log.read_text().splitlines()) == 2, "one update and one install"


def test_the_machines_own_apt_is_not_disturbed(machine: Machine, mirror: DebianMirror) -> None:
    touched = machine.folder / "touched"
    settings = machine.folder / "apt.conf"
    settings.write_text(
        f'APT::Update::Pre-Invoke {{ "touch {touched}"; }};\n'
        f'APT::Update::Post-Invoke {{ "touch {touched}"; }};\n'
        f'APT::Update::Post-Invoke-Success {{ "touch {touched}"; }};\n'
        'APT::Default-Release "bookworm";\n'
    )
    machine.environ["APT_CONFIG"] = str(settings)
    machine.packages().fetch(["tool"], RELEASE, "i386")
    assert not touched.exists()


def test_the_first_mirror_that_has_everything_is_used(
    machine: Machine, new_mirror: MakeMirror, mirror: DebianMirror
) -> None:
    other = new_mirror("other")
    other.add("camera", "i386", {"usr/bin/camera": ""}).publish()
    missing = f"deb [trusted=yes] file://{machine.folder}/missing trixie main\n"
    machine.sources(missing, other.source(), mirror.source())
    root = machine.packages().fetch(["tool"], RELEASE, "i386")
    assert (root / "usr/bin/tool").is_file()


def test_a_mirror_without_the_package_is_named_with_apts_words(
    machine: Machine, mirror: DebianMirror
) -> None:
    with pytest.raises(FetchError, match="mirror: Unable to locate package telescope"):
        machine.packages().fetch(["telescope"], RELEASE, "i386")
    assert machine.cached == []


def test_an_unsigned_mirror_is_refused(machine: Machine, mirror: DebianMirror) -> None:
    machine.sources(mirror.source(options=""))
    with pytest.raises(FetchError, match="is not signed"):
        machine.packages().fetch(["tool"], RELEASE, "i386")


def test_a_package_that_does_not_fit_its_index_is_refused(
    machine: Machine, mirror: DebianMirror
) -> None:
    [archive] = (machine.folder / "mirror/pool").glob("tool_*")
    content = bytearray(archive.read_bytes())
    content[-1] ^= 1
    archive.write_bytes(content)
    with pytest.raises(FetchError, match=r"Failed to fetch copy:.*tool"):
        machine.packages().fetch(["tool"], RELEASE, "i386")
    assert machine.cached == []


def test_a_machine_without_apt_says_so(machine: Machine, mirror: DebianMirror) -> None:
    machine.remove("apt-get")
    with pytest.raises(FetchError, match="this machine has no apt-get"):
        machine.packages().fetch(["tool"], RELEASE, "i386")


def test_a_machine_without_debian_sources_says_so(machine: Machine) -> None:
    with pytest.raises(FetchError, match="no Debian mirror is set up in "):
        machine.packages().fetch(["tool"], RELEASE, "i386")


def test_a_cache_folder_that_cannot_be_made_names_the_setting(
    machine: Machine, mirror: DebianMirror
) -> None:
    machine.environ["AXLEBOX_CACHE"] = str(machine.folder / "apt/sources.list/cache")
    with pytest.raises(FetchError, match="name another one in AXLEBOX_CACHE"):
        machine.packages().fetch(["tool"], RELEASE, "i386")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"HOME": "home"}, "home/.cache/axlebox/debian"),
        ({"HOME": "home", "XDG_CACHE_HOME": "xdg"}, "xdg/axlebox/debian"),
        ({"XDG_CACHE_HOME": "xdg", "AXLEBOX_CACHE": "own"}, "own/debian"),
    ],
)
def test_the_cache_folder_follows_the_settings(
    machine: Machine, mirror: DebianMirror, settings: dict[str, str], expected: str
) -> None:
    del machine.environ["AXLEBOX_CACHE"]
    machine.environ.update({name: str(machine.folder / to) for name, to in settings.items()})
    root = machine.packages().fetch(["tool"], RELEASE, "i386")
    assert root.parent == machine.folder / expected


def test_a_damaged_root_names_the_folder_to_remove(machine: Machine, mirror: DebianMirror) -> None:
    root = machine.packages().fetch(["tool"], RELEASE, "i386")
    (root / "usr/bin/tool").unlink()
    with pytest.raises(FetchError, match=f"{root} is damaged: remove this folder"):
        command_in(root, "usr/bin/tool")
