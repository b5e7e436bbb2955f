"""A board in lock-step: the real interpreter, with time that the test grants."""

import subprocess
from pathlib import Path

import pytest
from lockstep_boards import Scripted, scripted

from hil.errors import BenchError
from hil.lockstep import START_US
from simulators.board.heap import NAMES_BYTES
from simulators.board.ticks import PERIOD

SECOND = 1_000_000
MINUTE = 60 * SECOND
BYTE_US = 10e6 / 921_600


def numbers(board: Scripted) -> list[list[int]]:
    return [[int(word) for word in line.split()] for line in board.printed()]


WAITS = """
import asyncio, time
print(time.ticks_us(), time.ticks_ms())
time.sleep_us(1500)
print(time.ticks_us(), time.ticks_ms())
time.sleep_ms(20)
print(time.ticks_us(), time.ticks_ms())
time.sleep(0.25)
print(time.ticks_us(), time.ticks_ms())
async def main():
    await asyncio.sleep_ms(3)
    print(time.ticks_us(), time.ticks_ms())
    await asyncio.sleep(2)
    print(time.ticks_us(), time.ticks_ms())
asyncio.run(main())
"""


def test_waits_take_their_time_and_code_takes_none(tmp_path: Path) -> None:
    with scripted(tmp_path, WAITS) as board:
        board.run_until(10 * SECOND)
    assert numbers(board) == [
        [0, 0],
        [1_500, 1],
        [21_500, 21],
        [271_500, 271],
        [274_000, 274],  # asyncio wakes on the edge of a millisecond, as on the boards
        [2_274_000, 2_274],
    ]


def test_a_wait_costs_what_a_wake_up_is_set_to_cost(tmp_path: Path) -> None:
    with scripted(tmp_path, WAITS, wake_up_us=400) as board:
        board.run_until(10 * SECOND)
    assert [us for us, _ in numbers(board)][:3] == [0, 1_900 + 400, 22_700]


EACH_MINUTE = """
import asyncio, time
async def main():
    while True:
        print(time.ticks_us(), time.ticks_ms())
        await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.mark.parametrize("begun_us", [0, PERIOD - 1, 1000 * PERIOD - 1_000_001])
def test_both_counters_wrap_as_on_the_boards(tmp_path: Path, begun_us: int) -> None:
    """An hour: the microseconds wrap three times, the milliseconds where they are about to."""
    with scripted(tmp_path, EACH_MINUTE, start_us=begun_us) as board:
        board.run_until(begun_us + 60 * MINUTE)
        assert board.target.now_us == begun_us + 60 * MINUTE
    moments = [begun_us] + [begun_us // 1000 * 1000 + at * MINUTE for at in range(1, 60)]
    told = numbers(board)[:60]
    assert told == [[us % PERIOD, us // 1000 % PERIOD] for us in moments]


LONG_WAITS = """
import asyncio, time
time.sleep(3600)
print(time.ticks_ms())
async def main():
    await asyncio.sleep(7200)
asyncio.run(main())
print(time.ticks_ms())
"""


def test_waits_may_be_longer_than_the_counters_reach(tmp_path: Path) -> None:
    with scripted(tmp_path, LONG_WAITS) as board:
        board.run_until(4 * 60 * MINUTE)
    assert numbers(board) == [[3_600_000], [3_600_000 + 7_200_000]]


TASKS = """
import asyncio
told = []
def tell(*what):
    told.append(" ".join([str(each) for each in what]))

async def ticker(name, count, ms):
    for at in range(count):
        await asyncio.sleep_ms(ms)
        tell(name, at)
    return name

async def fails():
    await asyncio.sleep_ms(15)
    raise ValueError("as it should")

async def waits(event, name):
    await event.wait()
    tell(name, "woke")

async def idle():
    await asyncio.sleep(10)

async def locked(lock, name):
    async with lock:
        tell(name, "in")
        await asyncio.sleep_ms(20)
        tell(name, "out")

async def endless():
    try:
        while True:
            await asyncio.sleep_ms(30)
    finally:
        tell("endless ended")

async def main():
    event = asyncio.Event()
    lock = asyncio.Lock()
    for name in ("one", "two", "three"):
        asyncio.create_task(waits(event, name))
    running = asyncio.create_task(endless())
    tell(await asyncio.gather(ticker("a", 3, 20), ticker("b", 2, 50), ticker("c", 4, 0)))
    tell(await asyncio.gather(fails(), ticker("d", 1, 40), return_exceptions=True))
    await asyncio.gather(*[locked(lock, name) for name in "xyz"])
    event.set()
    await asyncio.sleep_ms(0)
    tell(running.done(), running.cancel())
    try:
        await running
    except asyncio.CancelledError:
        tell("cancelled", running.done(), running.cancel())
    try:
        await asyncio.wait_for(idle(), 0.06)
    except asyncio.TimeoutError:
        tell("too long")
    tell(await asyncio.wait_for(ticker("e", 1, 30), 1))
    try:
        asyncio.current_task().cancel()
    except RuntimeError as error:
        tell(error)
    again = asyncio.create_task(ticker("f", 1, 10))
    tell(await again)
    tell(again.done())
    try:
        await again
    except StopIteration:
        pass
    waiter = asyncio.create_task(waits(asyncio.Event(), "never"))
    outer = asyncio.create_task(asyncio.wait_for(waiter, 100))
    await asyncio.sleep_ms(5)
    tell(outer.cancel())
    await asyncio.sleep_ms(5)
    tell(outer.done(), waiter.done())
asyncio.run(main())
for line in told:
    print(line)
"""


def test_tasks_behave_as_under_the_interpreters_own_asyncio(
    tmp_path: Path, micropython: list[str]
) -> None:
    own = subprocess.run(
        [*micropython, "-c", TASKS], env={}, capture_output=True, text=True, check=True
    )
    with scripted(tmp_path, TASKS) as board:
        board.run_until(MINUTE)
    assert board.printed() == own.stdout.splitlines()
    assert len(board.printed()) > 30


ECHO = """
import asyncio, time
from machine import UART
uart = UART(0, 921600, timeout=0, rxbuf=1024)
async def main():
    stream = asyncio.StreamReader(uart)
    while True:
        data = await stream.read(64)
        print(time.ticks_us(), data.decode())
        uart.write(data)
asyncio.run(main())
"""


def test_bytes_take_their_time_on_the_line(tmp_path: Path) -> None:
    with scripted(tmp_path, ECHO) as board:
        board.run_until(SECOND)
        board.target.send(b"0123456789", 2 * SECOND)
        sent = board.run_until(3 * SECOND)
    read = [line.split() for line in board.printed()]
    assert [text for _, text in read] == ["0123", "4567", "89"]
    times = [int(us) - 2 * SECOND for us, _ in read]
    assert times == pytest.approx([4 * BYTE_US, 8 * BYTE_US, 13.2 * BYTE_US], abs=1)
    assert b"".join(piece.data for piece in sent) == b"0123456789"
    ends = [piece.end_us - 2 * SECOND for piece in sent]
    assert ends == pytest.approx([8 * BYTE_US, 12 * BYTE_US, 15.2 * BYTE_US], abs=2)


ASKS = """
import asyncio, time
from machine import UART
uart = UART(0, 115200, timeout=0)
async def main():
    stream = asyncio.StreamReader(uart)
    for number in range(3):
        begun = time.ticks_us()
        uart.write(b"?")
        await stream.read(8)
        print(time.ticks_diff(time.ticks_us(), begun))
        await asyncio.sleep(1)
asyncio.run(main())
"""


def test_an_answer_is_never_late(tmp_path: Path) -> None:
    """One byte there and one back, and the pause that the receiver waits for."""
    with scripted(tmp_path, ASKS) as board:
        while board.target.now_us < 10 * SECOND:
            for piece in board.target.advance(10 * SECOND):
                assert piece.data == b"?"
                board.target.send(b"!", piece.end_us)
    byte_us = 10e6 / 115_200
    for (took_us,) in numbers(board):
        assert took_us == pytest.approx((1 + 1 + 3.2) * byte_us, abs=3)
    assert len(numbers(board)) == 3


def test_bytes_for_a_time_that_has_passed_are_refused(tmp_path: Path) -> None:
    with scripted(tmp_path, ECHO) as board:
        board.run_until(SECOND)
        with pytest.raises(BenchError, match="bench is past 999999 us"):
            board.target.send(b"late", SECOND - 1)


FULL = """
import asyncio, time
from machine import UART
uart = UART(0, 115200, timeout=0, txbuf=256)
async def main():
    writer = asyncio.StreamWriter(uart, {})
    print(uart.write(bytes(1000)), uart.write(b"more"), uart.txdone())
    writer.write(bytes(600))
    await writer.drain()
    print(time.ticks_us())
    uart.flush()
    print(time.ticks_us(), uart.txdone())
asyncio.run(main())
"""


def test_a_uart_takes_what_its_buffer_holds_and_goes_on_as_it_empties(tmp_path: Path) -> None:
    with scripted(tmp_path, FULL) as board:
        sent = board.run_until(SECOND)
    byte_us = 10e6 / 115_200
    took, drained, flushed = board.printed()
    assert took == "288 None False"
    assert int(drained) == pytest.approx(600 * byte_us, abs=200)
    assert int(flushed.split()[0]) == pytest.approx(888 * byte_us, abs=500)
    assert flushed.split()[1] == "True"
    assert sum(len(piece.data) for piece in sent) == 888
    assert sent[-1].end_us == pytest.approx(888 * byte_us, abs=600)


TORN = """
import machine, time
from machine import UART
uart = UART(0, 921600, timeout=0, txbuf=1024)
if machine.reset_cause() == machine.PWRON_RESET:
    uart.write(b"left")
    time.sleep_ms(5)
    uart.write(bytes(range(100)))
    uart.write(b"never")
    time.sleep_us(300)
    machine.reset()
"""


def test_what_has_not_left_at_a_reset_is_lost(tmp_path: Path) -> None:
    with scripted(tmp_path, TORN) as board:
        sent = board.run_until(SECOND)
    whole = int(300 / BYTE_US)
    assert [piece.data for piece in sent] == [b"left", bytes(range(whole))]
    assert sent[-1].end_us == 5_300


HUNGRY = """
import machine, time
print(machine.reset_cause(), time.ticks_us())
watchdog = machine.WDT(timeout=8000)
for _ in range(3):
    time.sleep(5)
    watchdog.feed()
time.sleep(60)
"""


def test_the_watchdog_bites_at_its_exact_time_and_the_board_starts_again(tmp_path: Path) -> None:
    with scripted(tmp_path, HUNGRY) as board:
        board.run_until(23 * SECOND + START_US)
        assert board.target.resets == {"watchdog": 1}
        assert board.target.now_us == 23 * SECOND + START_US
        board.run_until(24 * SECOND + START_US)
    assert numbers(board) == [[1, 0], [3, 23 * SECOND + START_US]]


@pytest.mark.parametrize(
    ("before", "resets"), [("", {}), ("import machine; machine.WDT(timeout=500)", {"watchdog": 3})]
)
def test_what_ends_the_program_leaves_the_board_at_its_prompt(
    tmp_path: Path, before: str, resets: dict[str, int]
) -> None:
    with scripted(tmp_path, f"{before}\nraise ValueError('ouch')") as board:
        board.run_until(4 * SECOND)
        assert board.target.resets == resets
    assert board.printed()[-1] == "ValueError: ouch"


TIMER = """
import machine, time
called = []
machine.Timer(period=7, callback=lambda timer: called.append(time.ticks_ms()))
time.sleep_ms(50)
print(called)
"""


def test_timers_call_at_their_time_in_the_middle_of_a_wait(tmp_path: Path) -> None:
    with scripted(tmp_path, TIMER) as board:
        board.run_until(SECOND)
    assert board.printed() == ["[7, 14, 21, 28, 35, 42, 49]"]


LOOKS = """
import time
begun = time.ticks_ms()
while time.ticks_diff(time.ticks_ms(), begun) < 5:
    pass
print(time.ticks_us())
from machine import I2C
i2c = I2C(0)
i2c.writeto_mem(0x48, 1, bytes([0xC5, 0xE3]))
while not i2c.readfrom_mem(0x48, 1, 2)[0] & 0x80:
    pass
print(time.ticks_us())
"""


def test_code_that_waits_by_looking_gets_on(tmp_path: Path) -> None:
    """The first look at the clock after ten thousand takes a microsecond, as does each then."""
    with scripted(tmp_path, LOOKS) as board:
        board.run_until(SECOND)
    clock_us, chip_us = [us for (us,) in numbers(board)]
    assert clock_us == pytest.approx(5_000, abs=1)
    assert chip_us - clock_us == pytest.approx(1_187, abs=3)


CHANCE = """
import os, random
print(os.urandom(5).hex(), os.urandom(40).hex(), random.getrandbits(24), random.random())
import machine
machine.reset()
"""


def test_chance_repeats_from_the_seed_and_differs_from_boot_to_boot(tmp_path: Path) -> None:
    drawn = []
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        with scripted(tmp_path / name, CHANCE, seed) as board:
            board.run_until(4 * SECOND)
        drawn.append(board.printed()[:4])
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0]) | set(drawn[2])) == 8


FRUGAL = """
import asyncio, gc
async def main():
    await asyncio.sleep(3)
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(2000):
        await asyncio.sleep_ms(2)
    print(gc.mem_alloc() - before)
asyncio.run(main())
"""


def test_waiting_and_being_granted_time_allocates_nothing(tmp_path: Path) -> None:
    """So that what is counted in the sampling loop is the firmware's own."""
    with scripted(tmp_path, FRUGAL) as board:
        for second in range(1, 10):
            for part in range(10):
                board.run_until(second * SECOND + part * 100_000)
    assert board.printed() == ["0"]


def test_the_firmware_finds_the_heap_of_its_board_but_for_the_pools_of_its_names(
    tmp_path: Path, micropython: list[str]
) -> None:
    measure = "import gc\ngc.collect()\nprint(gc.mem_free())\n"
    bare = subprocess.run(
        [*micropython, "-X", "heapsize=128k", "-c", measure],
        env={"MICROPYPATH": ".frozen"},
        capture_output=True,
        text=True,
        check=True,
    )
    with scripted(tmp_path, measure) as board:
        board.run_until(SECOND)
    assert int(board.printed()[0]) == pytest.approx(int(bare.stdout) - NAMES_BYTES, abs=1536)


def test_a_board_that_ends_without_a_word_is_reported_with_its_console(tmp_path: Path) -> None:
    script = "print('so far')\nimport sys\nsys.exit(3)"
    with (
        scripted(tmp_path, script) as board,
        pytest.raises(BenchError, match=r"(?s)ended without a word after 0 us.*so far"),
    ):
        board.run_until(SECOND)
