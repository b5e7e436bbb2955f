"""Where the interpreter is found; where it is not, the user is told what to do.

All but the last two tests own their machine and its mirror. Those two run the interpreter that the
other tests use: it is fetched from the network only where neither PATH nor the cache has it.
"""

import subprocess
from collections.abc import Callable

import pytest
from debian_machine import Machine
from debian_mirror import DebianMirror

from hil.errors import MissingError
from hil.interpreter import Interpreter, find_interpreter

MakeMirror = Callable[[str], DebianMirror]


def answering(text: str) -> str:
    """A program that prints `text` to whatever it is asked."""
    return f"echo '{text}'"


def find(machine: Machine) -> Interpreter:
    return find_interpreter(machine.environ, machine.packages())


@pytest.fixture
def amd64(machine: Machine) -> Machine:
    machine.put("dpkg", "echo amd64")
    return machine


@pytest.fixture
def mirror(amd64: Machine, new_mirror: MakeMirror) -> DebianMirror:
    """Debian's 32-bit and 64-bit builds, on a mirror that the machine uses."""
    made = new_mirror("mirror")
    made.add_interpreter("i386", "micropython 1.25.0 32")
    made.add_interpreter("amd64", "micropython 1.25.0 64")
    made.publish()
    amd64.sources(made.source())
    return made


def test_the_setting_wins(amd64: Machine, mirror: DebianMirror) -> None:
    amd64.put("micropython", answering("micropython 1.26.0 32"))
    amd64.put("mine", answering("micropython 1.28.0 64"))
    for setting in ("mine", str(amd64.programs / "mine"), "mine -X heapsize=64k"):
        amd64.environ["AXLEBOX_MICROPYTHON"] = setting
        found = find(amd64)
        assert (found.version, found.bits, found.origin) == ("1.28.0", 64, "AXLEBOX_MICROPYTHON")
        assert found.command == (str(amd64.programs / "mine"), *setting.split()[1:])
    assert amd64.told == []


def test_a_setting_may_name_a_path_with_a_space(amd64: Machine) -> None:
    amd64.put("my micropython", answering("micropython 1.28.0 32"))
    amd64.environ["AXLEBOX_MICROPYTHON"] = str(amd64.programs / "my micropython")
    assert find(amd64).command == (str(amd64.programs / "my micropython"),)


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        (
            answering("micropython 1.23.0 32"),
            "it is MicroPython 1.23.0, and 1.24 or newer is needed",
        ),
        (answering("cpython 3.13.5 64"), "it is no MicroPython"),
        (answering(""), "it is no MicroPython"),
        ("echo 'no such library' >&2; exit 127", "it does not run here (no such library)"),
    ],
)
def test_a_setting_that_does_not_serve_is_an_error_that_says_why(
    amd64: Machine, mirror: DebianMirror, script: str, complaint: str
) -> None:
    amd64.put("mine", script)
    amd64.environ["AXLEBOX_MICROPYTHON"] = "mine"
    with pytest.raises(MissingError) as raised:
        find(amd64)
    assert str(raised.value) == f"AXLEBOX_MICROPYTHON=mine: {complaint}"


def test_a_setting_that_names_nothing_is_an_error(amd64: Machine) -> None:
    for setting in ("/nowhere/micropython", "unknown", " "):
        amd64.environ["AXLEBOX_MICROPYTHON"] = setting
        with pytest.raises(MissingError, match="there is no such program"):
            find(amd64)


def test_a_32_bit_build_on_path_is_used_as_it_is(amd64: Machine, mirror: DebianMirror) -> None:
    amd64.put("micropython", answering("micropython 1.24.0 32"))
    path = str(amd64.programs / "micropython")
    assert find(amd64) == Interpreter((path,), "1.24.0", 32, path)
    assert amd64.told == []


@pytest.mark.parametrize("version", ["1.19.1", "1.25.0"])
def test_debians_32_bit_build_goes_before_an_old_or_64_bit_one(
    amd64: Machine, mirror: DebianMirror, version: str
) -> None:
    amd64.put("micropython", answering(f"micropython {version} 64"))
    found = find(amd64)
    assert (found.version, found.bits) == ("1.25.0", 32)
    assert found.origin.startswith("Debian trixie i386 in ")
    assert find(amd64) == found
    assert len(amd64.told) == 1, "fetched once"


def test_a_64_bit_build_on_path_serves_where_debian_cannot_be_reached(amd64: Machine) -> None:
    amd64.put("micropython", answering("micropython 1.25.0 64"))
    found = find(amd64)
    assert (found.version, found.bits) == ("1.25.0", 64)
    assert found.command == (str(amd64.programs / "micropython"),)
    assert "64-bit because the 32-bit build cannot be had: no Debian mirror" in found.origin


@pytest.mark.parametrize(("native", "small"), [("amd64", "i386"), ("arm64", "armhf")])
def test_a_machine_that_cannot_run_32_bit_programs_gets_its_own_kind(
    machine: Machine, new_mirror: MakeMirror, native: str, small: str
) -> None:
    machine.put("dpkg", f"echo {native}")
    mirror = new_mirror("mirror")
    mirror.add_interpreter(small, "", exit_code=1).add_interpreter(native, "micropython 1.25.0 64")
    mirror.publish()
    machine.sources(mirror.source())
    found = find(machine)
    assert found.bits == 64
    assert found.origin.startswith(f"Debian trixie {native} in ")
    assert "64-bit because the 32-bit build cannot be had: it does not run here" in found.origin


@pytest.mark.parametrize("native", ["armhf", "i386", "riscv64"])
def test_other_machines_get_debians_build_for_themselves(
    machine: Machine, new_mirror: MakeMirror, native: str
) -> None:
    machine.put("dpkg", f"echo {native}")
    mirror = new_mirror("mirror")
    mirror.add_interpreter(native, "micropython 1.25.0 32").publish()
    machine.sources(mirror.source())
    assert find(machine).origin.startswith(f"Debian trixie {native} in ")


def test_where_there_is_none_the_error_says_what_to_do(amd64: Machine) -> None:
    amd64.sources(f"deb [trusted=yes] file://{amd64.folder}/gone trixie main\n")
    with pytest.raises(MissingError) as raised:
        find(amd64)
    text = str(raised.value)
    assert "there is no micropython on PATH" in text
    assert f"file://{amd64.folder}/gone: " in text
    assert "Connect the machine to its Debian mirror once" in text
    assert "name it in AXLEBOX_MICROPYTHON" in text


def test_a_machine_that_is_no_debian_is_told_so(machine: Machine) -> None:
    machine.remove("dpkg")
    machine.put("micropython", answering("micropython 1.19.1 64"))
    with pytest.raises(MissingError) as raised:
        find(machine)
    text = str(raised.value)
    assert "it is MicroPython 1.19.1, and 1.24 or newer is needed" in text
    assert "this machine has no dpkg" in text
    assert "name it in AXLEBOX_MICROPYTHON" in text


def test_the_interpreter_of_this_machine_has_a_boards_heap_limit(micropython: list[str]) -> None:
    done = subprocess.run(
        [*micropython, "-X", "heapsize=128k", "-c", "bytearray(200_000)"],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert "MemoryError" in done.stderr


def test_the_interpreter_of_this_machine_keeps_time_as_a_board_does() -> None:
    found = find_interpreter()
    if found.bits != 32:
        pytest.skip(f"the interpreter is {found.origin}")
    done = subprocess.run(
        [*found.command, "-c", "import time; print(time.ticks_add(0, -1))"],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.stdout.strip() == str(2**30 - 1)
