"""The simulated hardware laid over the real MicroPython, in the heap of a board."""

import json
import os
import select
import subprocess
import sys
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from board_parts import BOARD, TICKS_PERIOD, await_bytes

from simulators.board import descriptors_host, power
from simulators.board.control_frames import (
    ASK,
    CUT,
    FAULT,
    TAKEN,
    FrameReader,
    frame,
    json_frame,
    stretch_frame,
)
from simulators.board.heap import NAMES_BYTES
from simulators.board.layout import HEAP_EXTRA_BYTES, lay_out
from simulators.board.signals import STEADY

BOARD_HEAP = 128 * 1024
HERE = Path(__file__).parent


class Overlay:
    """Starts scripts on a simulated board."""

    def __init__(self, interpreter: list[str], folder: Path) -> None:
        self.interpreter = interpreter
        self.folder = folder
        self.wiring = json.loads(json.dumps(BOARD))
        self._started: list[subprocess.Popen[str]] = []
        lay_out(folder / "sim")

    def start(
        self,
        script: str,
        *,
        heap: int = BOARD_HEAP,
        path: str = "sim:.frozen",
        pass_fds: tuple[int, ...] = (),
        **environ: str,
    ) -> "subprocess.Popen[str]":
        (self.folder / "wiring.json").write_text(json.dumps(self.wiring), encoding="utf-8")
        (self.folder / "main.py").write_text(script, encoding="utf-8")
        process = subprocess.Popen(
            [*self.interpreter, "-X", f"heapsize={heap}", "main.py"],
            cwd=self.folder,
            env={
                **os.environ,
                "MICROPYPATH": path,
                "AXSIM_WIRING": "wiring.json",
                **environ,
            },
            pass_fds=pass_fds,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(process)
        return process

    def run(self, script: str, **keys: Any) -> tuple[int, str]:
        """Exit code and what was printed."""
        return ended(self.start(script, **keys))

    def stop(self) -> None:
        """End what is still running."""
        for process in self._started:
            process.kill()
            process.communicate()


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Exit code and what was printed, once the process has ended by itself."""
    output, _ = process.communicate(timeout=60)
    return process.returncode, output


def next_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


class Channel:
    """The host's end of a control channel; give `fds` to the process and call `started`."""

    def __init__(self) -> None:
        in_fd, self._to_board = os.pipe()
        self._from_board, out_fd = os.pipe()
        os.set_blocking(self._from_board, False)
        self.fds = (in_fd, out_fd)
        self._reader = FrameReader()

    @property
    def setting(self) -> str:
        return ",".join(str(fd) for fd in self.fds)

    def started(self) -> None:
        for fd in self.fds:
            os.close(fd)

    def send(self, data: bytes) -> None:
        assert os.write(self._to_board, data) == len(data)

    def account(self) -> dict[str, Any]:
        """The next TAKEN that the board sends."""
        poller = select.poll()
        poller.register(self._from_board, select.POLLIN)
        while not self._reader.next():
            assert poller.poll(30_000), "the board says nothing"
            count = self._reader.fill(
                lambda buffer, limit: descriptors_host.read_into(self._from_board, buffer, limit)
            )
            assert count >= 0, "the board has closed the channel"
        assert self._reader.kind == TAKEN
        account = json.loads(bytes(self._reader.payload))
        assert isinstance(account, dict)
        return account

    def hang_up(self) -> None:
        for fd in (self._to_board, self._from_board):
            os.close(fd)
        self._to_board = -1

    def close(self) -> None:
        if self._to_board >= 0:
            self.hang_up()


class Cable:
    """A pseudo-terminal whose far end stays open, as a host keeps it."""

    def __init__(self) -> None:
        self.host, self._far = os.openpty()
        tty.setraw(self._far)
        self.path = os.ttyname(self._far)

    def read(self, count: int) -> bytes:
        await_bytes(self.host, count)
        return os.read(self.host, count + 1)

    def unplug(self) -> None:
        os.close(self._far)
        os.close(self.host)


@pytest.fixture
def overlay(micropython: list[str], tmp_path: Path) -> Iterator[Overlay]:
    overlay = Overlay(micropython, tmp_path)
    yield overlay
    overlay.stop()


@pytest.fixture
def channel() -> Iterator[Channel]:
    channel = Channel()
    yield channel
    channel.close()


READ_CHIPS = """
import time
from machine import ADC, I2C, SPI, Pin, freq, reset_cause, unique_id

i2c = I2C(0, scl=Pin(5), sda=Pin(4), freq=400_000)
print(i2c.scan())
i2c.writeto_mem(0x48, 1, bytes([0xC5, 0xE3]))
begun = time.ticks_us()
state = bytearray(2)
while not state[0] & 0x80:
    i2c.readfrom_mem_into(0x48, 1, state)
print(time.ticks_diff(time.ticks_us(), begun) > 1186)
print(int.from_bytes(i2c.readfrom_mem(0x48, 0, 2), "big"))
try:
    i2c.readfrom(0x20, 1)
except OSError as error:
    print("OSError", error.errno)

select = Pin(17, Pin.OUT, value=1)
ready = Pin(20, Pin.IN)
spi = SPI(0, 1_000_000, polarity=0, phase=1)
def frame(data):
    buffer = bytearray(data)
    select(0)
    spi.write_readinto(buffer, buffer)
    select(1)
    return buffer
frame([0x80, 0x91])
time.sleep_ms(2)
frame([0x80, 0xB1])
begun = time.ticks_us()
while ready():
    pass
print(time.ticks_diff(time.ticks_us(), begun) > 62400)
got = frame([1, 0, 0])
print((got[1] << 8 | got[2]) >> 1)
print(ADC(29).read_u16(), unique_id().hex(), reset_cause(), freq())
"""


def test_chips_are_read_in_the_heap_of_a_board(overlay: Overlay) -> None:
    assert overlay.run(READ_CHIPS, AXSIM_RESET_CAUSE="watchdog") == (
        0,
        "[72, 73]\nTrue\n19200\nOSError 5\nTrue\n10555\n32767 e66038b7132a5b2f 3 125000000\n",
    )


def test_both_interpreters_run_the_models_alike(overlay: Overlay) -> None:
    """Half a million microseconds of chip life, faults and noise in it, by the same clock."""
    script = (HERE / "run_transcript.py").read_text(encoding="utf-8")
    code, on_the_board = overlay.run(script, heap=BOARD_HEAP + HEAP_EXTRA_BYTES)
    here = subprocess.run(
        [sys.executable, str(HERE / "run_transcript.py")],
        cwd=HERE.parent.parent,
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    assert code == 0, on_the_board
    assert on_the_board.splitlines() == here.stdout.splitlines()
    assert len(here.stdout.splitlines()) > 1000


FOLLOW = """
import time
from machine import I2C

i2c = I2C(0)
def sample(number):
    i2c.writeto_mem(0x48, 1, bytes([0xC5 | number << 4, 0xE3]))
    while not i2c.readfrom_mem(0x48, 1, 2)[0] & 0x80:
        pass
    return int.from_bytes(i2c.readfrom_mem(0x48, 0, 2), "big")
taken = 0
try:
    while True:
        code = sample(0)
        taken += 1
except OSError:
    print(taken, code)
while True:
    i2c.scan()
"""


def test_the_host_feeds_signals_and_gets_an_exact_account(
    overlay: Overlay, channel: Channel
) -> None:
    before_us = time.monotonic_ns() // 1000  # noqa: TID251
    process = overlay.start(FOLLOW, pass_fds=channel.fds, AXSIM_CONTROL=channel.setting)
    channel.started()
    first = channel.account()
    after_us = time.monotonic_ns() // 1000  # noqa: TID251
    # The board's ticks are the host's monotonic clock.
    age_us = (first["ticks_us"] - before_us) % TICKS_PERIOD
    assert age_us <= after_us - before_us
    assert first["taken"]["adc0/0"] == 0
    channel.send(stretch_frame(0, STEADY, first["ticks_us"], 1000, [20_000_000]))
    channel.send(json_frame(FAULT, {"chip": "adc0", "word": "open", "input": 1}))
    channel.send(json_frame(FAULT, {"chip": "adc7", "word": "nack"}))
    taken = [0]
    while taken[-1] < taken[min(1, len(taken) - 1)] + 2:
        channel.send(frame(ASK))
        taken.append(channel.account()["taken"]["adc0/0"])
    assert taken == sorted(taken)
    channel.send(frame(CUT) + frame(ASK))
    last = channel.account()
    assert last["refusals"] == ["no chip 'adc7'"]
    assert last["faults"] == ["adc0/1 open"]
    assert last["cut"] is True
    assert next_line(process).split() == [str(last["taken"]["adc0/0"]), "32000"]
    channel.send(frame(ASK))
    assert channel.account()["taken"] == last["taken"]


def test_a_board_loses_its_supply_with_its_host(overlay: Overlay, channel: Channel) -> None:
    script = """
from machine import I2C
i2c = I2C(0)
print("up")
while True:
    i2c.scan()
"""
    process = overlay.start(script, pass_fds=channel.fds, AXSIM_CONTROL=channel.setting)
    channel.started()
    assert channel.account()["feeds"] == 0
    channel.hang_up()
    assert ended(process) == (power.EXIT_POWER_CUT, "up\n")


ECHO = """
import asyncio
from machine import UART

uart = UART(0, baudrate=115200, timeout=0)
print("open")
async def echo():
    stream = asyncio.StreamReader(uart)
    writer = asyncio.StreamWriter(uart, {})
    got = b""
    while len(got) < 256:
        part = await stream.read(64)
        got += part
        writer.write(part)
        await writer.drain()
asyncio.run(echo())
print("echoed")
"""


def test_bytes_travel_both_ways_through_asyncio(overlay: Overlay) -> None:
    cable = Cable()
    overlay.wiring["uart"] = {"0": {"path": cable.path}}
    process = overlay.start(ECHO)
    assert next_line(process) == "open\n"
    every = bytes(range(256))
    os.write(cable.host, every)
    assert cable.read(256) == every
    assert ended(process) == (0, "echoed\n")
    cable.unplug()


IDLE = """
import asyncio, time
from machine import UART
from simulators.board.board import current

uart = UART(0)
line = current().hardware.uart["0"]
reads = 0
def counted(*args):
    global reads
    reads += 1
    return plain(*args)
plain = line.read_into
line.read_into = counted

async def listen():
    stream = asyncio.StreamReader(uart)
    while True:
        print(await stream.read(16))

async def main():
    asyncio.create_task(listen())
    await asyncio.sleep_ms(0)
    print("listening")
    while not line.dropped:
        uart.write(b"?")
        await asyncio.sleep_ms(10)
    before = reads
    await asyncio.sleep_ms(300)
    print("gone", reads - before < 20)
    sent = line.sent
    while line.sent == sent:
        uart.write(b"hello")
        await asyncio.sleep_ms(10)
    print("back")
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_an_unplugged_line_spins_no_core_and_comes_back(overlay: Overlay, tmp_path: Path) -> None:
    """Poll would report the end of the line for ever; it must not wake the board's loop."""
    cable = Cable()
    (tmp_path / "tty").symlink_to(cable.path)
    overlay.wiring["uart"] = {"0": {"path": "tty"}}
    process = overlay.start(IDLE)
    assert next_line(process) == "listening\n"
    cable.unplug()
    (tmp_path / "tty").unlink()
    assert next_line(process) == "gone True\n"
    again = Cable()
    (tmp_path / "tty").symlink_to(again.path)
    assert next_line(process) == "back\n"
    assert again.read(5) == b"hello"
    os.write(again.host, b"welcome")
    assert next_line(process) == "b'welcome'\n"
    again.unplug()


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("machine.reset()", power.EXIT_RESET),
        ("machine.soft_reset()", power.EXIT_SOFT_RESET),
        ("machine.WDT(timeout=50)\nwhile True: pass", power.EXIT_WATCHDOG),
        ("w = machine.WDT(timeout=50)\nw.feed()\nwhile True: machine.idle()", power.EXIT_WATCHDOG),
        (
            "w = machine.WDT(timeout=1000)\nfor _ in range(110):\n"
            "    w.feed()\n    machine.lightsleep(10)\nmachine.reset()",
            power.EXIT_RESET,
        ),
    ],
    ids=["reset", "soft reset", "a loop that hangs", "a loop that does not feed", "a fed one"],
)
def test_the_exit_code_says_why_the_board_ended(overlay: Overlay, script: str, code: int) -> None:
    guarded = f"import machine\ntry:\n    {script.replace(chr(10), chr(10) + '    ')}\n"
    guarded += "except BaseException as error:\n    print('caught', error)\n"
    guarded += "finally:\n    print('tidied up')\n"
    assert overlay.run(guarded) == (code, "")


def test_timers_call_back_from_the_scheduler(overlay: Overlay) -> None:
    script = """
import machine
calls = []
machine.Timer(period=5, callback=lambda timer: calls.append(timer.missed))
while len(calls) < 10:
    machine.idle()
print("called")
"""
    assert overlay.run(script) == (0, "called\n")


def test_a_reset_leaves_a_last_account(overlay: Overlay, channel: Channel) -> None:
    script = READ_CHIPS + "\nimport machine\nmachine.reset()\n"
    process = overlay.start(script, pass_fds=channel.fds, AXSIM_CONTROL=channel.setting)
    channel.started()
    assert channel.account()["taken"]["adc0/0"] == 0
    account = channel.account()
    assert ended(process)[0] == power.EXIT_RESET
    assert account["taken"]["adc0/0"] == 1
    assert account["taken"]["rtd0/0"] == 1


def test_a_wrong_wiring_file_is_named_and_ends_the_start(overlay: Overlay) -> None:
    overlay.wiring["i2c"]["0"]["chips"][0]["adress"] = 1
    code, output = overlay.run("import machine")
    assert code == 1
    assert "WiringError: i2c.0.chips[0]: unknown key 'adress'; known: address, inputs" in output


LOCKED = """
import micropython, time
from machine import I2C, SPI, UART, WDT, Pin

i2c = I2C(0)
select = Pin(17, Pin.OUT, value=1)
spi = SPI(0, phase=1)
uart = UART(0)
watchdog = WDT(timeout=8000)
start = bytes([0xC5, 0xE3])
shot = bytes([0x80, 0xB1])
word = bytearray(2)
ask = bytes(3)
got = bytearray(3)

def a_pass():
    i2c.writeto_mem(0x48, 1, start)
    i2c.readfrom_mem_into(0x48, 1, word)
    i2c.readfrom_mem_into(0x48, 0, word)
    select(0)
    spi.write_readinto(ask, got)
    select(1)
    uart.any()
    uart.readinto(word)
    watchdog.feed()

def passes(count, micropython=micropython, time=time):
    end = time.ticks_add(time.ticks_ms(), count)
    micropython.heap_lock()
    try:
        while time.ticks_diff(end, time.ticks_ms()) > 0:
            a_pass()
    finally:
        micropython.heap_unlock()

select(0)
spi.write(shot)
select(1)
passes(300)
print("nothing allocated")
"""


def test_steady_work_allocates_nothing(overlay: Overlay, channel: Channel) -> None:
    """So that what is counted in the sampling loop is the firmware's own."""
    cable = Cable()
    overlay.wiring["uart"] = {"0": {"path": cable.path}}
    process = overlay.start(LOCKED, pass_fds=channel.fds, AXSIM_CONTROL=channel.setting)
    channel.started()
    assert ended(process) == (0, "nothing allocated\n")
    cable.unplug()


def test_the_firmware_finds_the_heap_of_its_board_but_for_the_pools_of_its_names(
    overlay: Overlay,
) -> None:
    measure = "import gc\n{}gc.collect()\nprint(gc.mem_free())\n"
    _, bare = overlay.run(measure.format(""), path=".frozen")
    code, laid_over = overlay.run(
        measure.format("import machine\n"),
        heap=BOARD_HEAP + HEAP_EXTRA_BYTES,
        AXSIM_HEAP_EXTRA=str(HEAP_EXTRA_BYTES),
    )
    assert code == 0, laid_over
    assert int(laid_over) == pytest.approx(int(bare) - NAMES_BYTES, abs=1024)


def test_a_heap_that_is_too_small_for_the_hardware_says_what_it_takes(overlay: Overlay) -> None:
    code, output = overlay.run("import machine", AXSIM_HEAP_EXTRA="8192")
    assert code == 1
    assert "BoardError: the simulated hardware takes" in output
