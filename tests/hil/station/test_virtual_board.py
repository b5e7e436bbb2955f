"""The virtual board is what a host's tools know a board by: mpremote itself works against it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mpremote.transport import TransportExecError
from mpremote.transport_serial import SerialTransport
from station_boards import lay_out, link_of, plugged

from hil.interpreter import find_interpreter
from hil.virtual_board import ESP32, VirtualBoard

_BANNER = b"raw REPL; CTRL-B to exit\r\n"
_WINDOW = b"""
import gc
from time import sleep_ms
import machine
print("window")
sleep_ms(60000)
w = machine.WDT(timeout=1000)
print("armed")
while True:
    gc.collect()
    sleep_ms(0)
"""


@pytest.fixture
def board(tmp_path: Path) -> Iterator[VirtualBoard]:
    with plugged(tmp_path) as board:
        yield board


@pytest.fixture
def prompt(board: VirtualBoard) -> Iterator[SerialTransport]:
    transport = SerialTransport(str(board.link), timeout=10)
    transport.read_until(1, b">>> ")
    transport.enter_raw_repl(soft_reset=False)
    yield transport
    transport.close()


def mpremote(board: VirtualBoard, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", str(board.link), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_mpremotes_command_copies_lists_hashes_and_runs(board: VirtualBoard, tmp_path: Path):
    source = tmp_path / "a.py"
    source.write_text("print('from a')\n")
    mpremote(board, "mkdir", ":lib", "+", "cp", str(source), ":lib/a.py")
    assert mpremote(board, "fs", "ls", ":lib").split()[-2:] == ["16", "a.py"]
    assert "from a" in mpremote(board, "exec", "import a")
    assert "5" in mpremote(board, "soft-reset", "eval", "2+3")


def test_code_runs_in_raw_paste_mode_and_in_the_plain_raw_mode(prompt: SerialTransport):
    long = "x = 0\n" + "x += 1\n" * 400 + "print(x)"
    assert prompt.use_raw_paste
    assert prompt.exec(long).split() == [b"400"]
    assert prompt.use_raw_paste
    prompt.use_raw_paste = False
    assert prompt.exec("print(x + 1)").split() == [b"401"]


def test_an_exception_comes_as_a_traceback_and_the_prompt_is_back(prompt: SerialTransport):
    with pytest.raises(TransportExecError, match="ZeroDivisionError"):
        prompt.exec("print('before')\n1/0")
    with pytest.raises(TransportExecError, match="SyntaxError"):
        prompt.exec("a b c")
    assert prompt.eval("6 * 7") == 42


def test_it_says_what_board_it_is(board: VirtualBoard, prompt: SerialTransport):
    assert prompt.eval("__import__('machine').unique_id().hex()") == "e6614103e7174a2f"
    prompt.exec("import sys")
    assert prompt.eval("sys.implementation._machine") == "Raspberry Pi Pico with RP2040"
    assert prompt.eval("sys.implementation.version[:3]") == (1, 28, 0)


def test_a_soft_reset_forgets_what_ran_and_does_not_run_main_at_the_raw_prompt(
    prompt: SerialTransport,
):
    prompt.exec("f = open('main.py', 'w')\nf.write('print(\"main ran\")')\nf.close()\nx = 1")
    prompt.enter_raw_repl(soft_reset=True)
    with pytest.raises(TransportExecError, match="NameError"):
        prompt.exec("x")
    prompt.exit_raw_repl()
    prompt.read_until(1, b">>> ", timeout=10)
    prompt.serial.write(b"\x04")
    assert b"main ran" in prompt.read_until(1, b">>> ", timeout=10).partition(b"soft reboot")[2]


def test_files_outlast_the_power(board: VirtualBoard, tmp_path: Path):
    mpremote(board, "exec", "f = open('kept', 'w'); f.write('this'); f.close()")
    board.unplug()
    assert not board.link.exists()
    assert board.files(tmp_path / "files") == {"kept": b"this"}
    board.plug()
    assert "this" in mpremote(board, "exec", "print(open('kept').read())")


def test_ctrl_c_ends_main_in_its_window(tmp_path: Path):
    files = lay_out(tmp_path / "files", {"main.py": _WINDOW})
    with plugged(tmp_path, files=files) as board:
        transport = SerialTransport(str(board.link), timeout=10)
        transport.read_until(1, b"window")
        transport.serial.write(b"\x03")
        heard = transport.read_until(1, b">>> ", timeout=10)
        assert b"KeyboardInterrupt" in heard
        transport.serial.write(b"\x01")
        assert transport.read_until(1, _BANNER, timeout=10).endswith(_BANNER)
        # main.py's names are there, as on a board; its watchdog was not armed yet.
        assert transport.exec("print('w' in globals(), machine)").startswith(b"False")
        transport.close()


def test_a_watchdog_goes_on_after_ctrl_c_and_resets_the_board(tmp_path: Path):
    program = _WINDOW.replace(b"60000", b"0")
    files = lay_out(tmp_path / "files", {"main.py": program})
    with plugged(tmp_path, files=files, kind=ESP32) as board:
        transport = SerialTransport(str(board.link), timeout=10)
        for _ in range(3):
            heard = transport.read_until(1, b"armed", timeout=20)
            assert heard.endswith(b"armed")
            transport.serial.write(b"\x03")
        transport.close()
        assert board.resets["watchdog"] >= 2


def test_ctrl_c_is_a_byte_where_the_program_takes_it_for_one(tmp_path: Path):
    program = b"""
import micropython, sys
micropython.kbd_intr(-1)
print("bytes")
print(sys.stdin.buffer.read(3))
"""
    files = lay_out(tmp_path / "files", {"main.py": program})
    with plugged(tmp_path, files=files) as board:
        transport = SerialTransport(str(board.link), timeout=10)
        transport.read_until(1, b"bytes")
        transport.serial.write(b"\x03\x00\x03")
        assert b"b'\\x03\\x00\\x03'" in transport.read_until(1, b">>> ", timeout=10)
        transport.close()


def test_ctrl_c_in_the_middle_of_a_write_leaves_the_file_system_whole(board: VirtualBoard):
    transport = SerialTransport(str(board.link), timeout=10)
    transport.read_until(1, b">>> ")
    for number in range(6):
        transport.enter_raw_repl(soft_reset=False)
        transport.exec_raw_no_follow(
            "import time\nprint('go')\nn = 0\nwhile True:\n time.sleep_ms(0)\n"
            f" f = open('f{number}', 'wb')\n"
            " f.write(bytes(5000))\n f.close()\n n += 1"
        )
        transport.read_until(1, b"go")
        transport.serial.write(b"\x03")
        _, error = transport.follow(20)
        assert b"KeyboardInterrupt" in error
        assert transport.exec(
            "import os\ng = open('good', 'wb'); g.write(b'g' * 999); g.close()\n"
            "print(len(open('good', 'rb').read()))"
        ).split() == [b"999"]
    transport.close()
    assert not board.resets


def test_the_port_goes_and_comes_with_a_reset_where_it_is_the_chips_own(board: VirtualBoard):
    transport = SerialTransport(str(board.link), timeout=10)
    transport.read_until(1, b">>> ")
    transport.enter_raw_repl(soft_reset=False)
    transport.serial.write(b"import machine; machine.reset()\x04")
    with pytest.raises((OSError, TypeError)):
        transport.read_until(1, b"never", timeout=20)
    transport.serial.close()
    assert board.resets["hard"] == 1
    again = SerialTransport(str(board.link), timeout=10)
    assert again.read_until(1, b">>> ", timeout=10).endswith(b">>> ")
    again.close()


def test_nothing_is_left_running(tmp_path: Path):
    board = VirtualBoard(tmp_path / "board", link_of(tmp_path), find_interpreter())
    board.plug()
    assert board.runs
    board.close()
    assert not board.runs
    assert not board.link.exists()
