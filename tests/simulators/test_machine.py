"""`machine` as the firmware sees it, on a board whose clock the test owns."""

import copy
import os
import tty
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from board_parts import BOARD, Ticks, await_bytes, fill

from simulators.board import descriptors_host, machine, power
from simulators.board.board import Board, current, install, power_up
from simulators.board.errors import BoardError, WiringError

SINGLE_SHOT = bytes([0xC5, 0xE3])
"""Input 0, 2.048 V, 860 per second."""


class System:
    """The operating system below the board: lines are real, its end is written down."""

    def __init__(self) -> None:
        self.exits: list[int] = []
        self.alarms_us: list[int] = []
        self.open_idle = descriptors_host.open_idle
        self.open_line = descriptors_host.open_line
        self.replace = descriptors_host.replace
        self.close = descriptors_host.close
        self.waiting = descriptors_host.waiting
        self.writable = descriptors_host.writable
        self.read_into = descriptors_host.read_into
        self.write_from = descriptors_host.write_from

    def exit_now(self, code: int) -> None:
        self.exits.append(code)

    def exit_after(self, duration_us: int) -> None:
        self.alarms_us.append(duration_us)


class Bench(SimpleNamespace):
    board: Board
    ticks: Ticks
    system: System
    host: int


@pytest.fixture
def bench() -> Iterator[Bench]:
    ticks, system = Ticks(), System()
    host, far = os.openpty()
    tty.setraw(far)
    wiring: dict[str, Any] = copy.deepcopy(BOARD)
    wiring["uart"] = {"0": {"path": os.ttyname(far)}}
    board = Board(wiring, ticks, system=system)  # type: ignore[arg-type]
    install(board)
    yield Bench(board=board, ticks=ticks, system=system, host=host)
    board.hardware.uart["0"].close()
    os.close(host)
    os.close(far)


class TestI2C:
    """The bus, and what the ports raise when nobody answers."""

    def test_a_conversion_by_registers(self, bench: Bench) -> None:
        i2c = machine.I2C(0, scl=machine.Pin(5), sda=machine.Pin(4), freq=400_000)
        assert i2c.scan() == [0x48, 0x49]
        i2c.writeto_mem(0x48, 1, SINGLE_SHOT)
        assert i2c.readfrom_mem(0x48, 1, 2) == b"\x45\xe3"
        bench.ticks.advance(1_187)
        assert i2c.readfrom_mem(0x48, 1, 2) == SINGLE_SHOT
        result = bytearray(2)
        i2c.readfrom_mem_into(0x48, 0, result)
        assert result == (19_200).to_bytes(2, "big")
        assert bench.board.host.account()["taken"]["adc0/0"] == 1

    def test_a_conversion_by_plain_writes_and_reads(self, bench: Bench) -> None:
        i2c = machine.I2C(0)
        assert i2c.writeto(0x48, b"\x01" + SINGLE_SHOT) == 3
        bench.ticks.advance(1_187)
        assert i2c.writevto(0x48, [b"\x00"]) == 1
        buffer = bytearray(2)
        i2c.readfrom_into(0x48, buffer)
        assert buffer == i2c.readfrom(0x48, 2) == (19_200).to_bytes(2, "big")

    def test_the_general_call_reaches_every_chip(self, bench: Bench) -> None:
        i2c = machine.I2C(0)
        for address in (0x48, 0x49):
            i2c.writeto_mem(address, 2, b"\x12\x34")
        i2c.writeto(0, b"\x06")
        assert [i2c.readfrom_mem(address, 2, 2) for address in (0x48, 0x49)] == [b"\x80\0"] * 2

    def test_an_address_nobody_has_is_not_acknowledged(self, bench: Bench) -> None:
        i2c = machine.I2C(0)
        for touch in (
            lambda: i2c.writeto(0x20, b""),
            lambda: i2c.readfrom_mem(0x20, 0, 2),
            lambda: machine.I2C(1).readfrom(0x48, 1),
            lambda: machine.I2C(1).writeto(0, b"\x06"),
        ):
            with pytest.raises(OSError, match="5"):
                touch()

    def test_the_error_is_the_one_of_the_port_that_is_simulated(self, bench: Bench) -> None:
        bench.board.hardware.i2c["0"].nack_errno = 19
        with pytest.raises(OSError, match="19"):
            machine.I2C(0).readfrom(0x20, 1)

    def test_a_silent_chip_is_not_acknowledged_and_the_others_are(self, bench: Bench) -> None:
        bench.board.host.inject({"chip": "adc0", "word": "nack"})
        i2c = machine.I2C(0)
        assert i2c.scan() == [0x49]
        with pytest.raises(OSError, match="5"):
            i2c.readfrom(0x48, 2)
        assert i2c.readfrom_mem(0x49, 1, 2) == b"\x85\x83"

    def test_a_stuck_bus_times_out(self, bench: Bench) -> None:
        bench.board.host.inject({"chip": "adc0", "word": "bus_stuck"})
        i2c = machine.I2C(0, timeout=100)
        assert i2c.scan() == []
        for touch in (lambda: i2c.readfrom(0x49, 2), lambda: i2c.writeto(0x49, b"\0")):
            with pytest.raises(OSError, match="110"):
                touch()

    def test_a_bus_that_the_board_does_not_have(self, bench: Bench) -> None:
        with pytest.raises(ValueError, match=r"I2C\(2\) doesn't exist"):
            machine.I2C(2)


class TestSPI:
    """Chip select, mode and what MISO reads when nobody drives it."""

    def pins(self) -> tuple[machine.Pin, machine.SPI]:
        select = machine.Pin(17, machine.Pin.OUT, value=1)
        return select, machine.SPI(0, 1_000_000, polarity=0, phase=1)

    def test_a_one_shot(self, bench: Bench) -> None:
        select, spi = self.pins()
        ready = machine.Pin(20, machine.Pin.IN)
        for byte in (0x91, 0xB1):
            select.off()
            spi.write(bytes([0x80, byte]))
            select.on()
            bench.ticks.advance(10_000)
        assert ready.value() == 1
        bench.ticks.advance(52_500)
        assert ready() == 0
        buffer = bytearray(b"\x01\0\0")
        select(0)
        spi.write_readinto(buffer, buffer)
        select(1)
        # 138.5055 ohm (100 °C) against 430 ohm.
        assert (buffer[1] << 8 | buffer[2]) >> 1 == 10_555
        assert bench.board.host.account()["taken"]["rtd0/0"] == 1

    def test_reads_without_chip_select_float(self, bench: Bench) -> None:
        select, spi = self.pins()
        assert spi.read(3, 0x00) == b"\xff\xff\xff"
        select.off()
        spi.write(b"\x03")
        assert spi.read(2) == b"\xff\xff"
        assert spi.read(2) == b"\x00\x00"

    def test_an_output_drives_low_at_first(self, bench: Bench) -> None:
        """The usual mistake: a pin made an output without a value selects the chip."""
        select = machine.Pin(17, machine.Pin.OUT)
        assert bench.board.hardware.wire(17).level(1) == 0
        spi = machine.SPI(0, phase=1)
        spi.write(b"\x03")
        assert spi.read(1) == b"\xff"
        select.init(machine.Pin.IN)
        assert spi.read(2) == b"\xff\xff"
        select.init(machine.Pin.OUT, value=0)
        spi.write(b"\x05")
        assert spi.read(1) == b"\x00"

    @pytest.mark.parametrize("keys", [{"phase": 0}, {"phase": 1, "bits": 16}])
    def test_a_wrong_mode_gets_no_answer(self, bench: Bench, keys: dict[str, int]) -> None:
        machine.Pin(17, machine.Pin.OUT, value=0)
        spi = machine.SPI(0, **keys)
        buffer = bytearray(b"\x05\0")
        spi.write_readinto(buffer, buffer)
        assert buffer == b"\xff\xff"

    def test_a_silent_chip_leaves_the_line_floating(self, bench: Bench) -> None:
        bench.board.host.inject({"chip": "rtd0", "word": "nack"})
        machine.Pin(17, machine.Pin.OUT, value=0)
        spi = machine.SPI(0, phase=1)
        spi.write(b"\x05")
        assert spi.read(2) == b"\xff\xff"

    def test_buffers_must_match(self, bench: Bench) -> None:
        with pytest.raises(ValueError, match="same length"):
            machine.SPI(0).write_readinto(b"12", bytearray(3))


class TestPins:
    """Levels, resistors and drive."""

    def test_an_output_remembers_and_toggles(self, bench: Bench) -> None:
        pin = machine.Pin("LED", machine.Pin.OUT)
        seen = [pin.value()]
        for step in (pin.on, pin.toggle, pin.high, pin.low):
            step()
            seen.append(pin.value())
        assert seen == [0, 1, 0, 1, 0]

    def test_an_input_reads_its_resistor(self, bench: Bench) -> None:
        assert machine.Pin(2, machine.Pin.IN, machine.Pin.PULL_UP).value() == 1
        assert machine.Pin(3, machine.Pin.IN, machine.Pin.PULL_DOWN).value() == 0

    def test_open_drain_only_pulls_down(self, bench: Bench) -> None:
        pin = machine.Pin(4, machine.Pin.OPEN_DRAIN, machine.Pin.PULL_UP, value=0)
        assert pin.value() == 0
        pin.value(1)
        assert pin.value() == 1
        assert not bench.board.hardware.wire(4).driven

    def test_without_interrupts_no_time_passes_on_the_wires(self, bench: Bench) -> None:
        hardware = bench.board.hardware
        before = hardware.line_us()
        state = machine.disable_irq()
        bench.ticks.advance(1_000)
        assert hardware.line_us() == before
        machine.enable_irq(state)
        assert hardware.line_us() == bench.ticks()

    def test_irq_is_accepted(self, bench: Bench) -> None:
        pin = machine.Pin(5, machine.Pin.IN)
        assert pin.irq(lambda _: None, machine.Pin.IRQ_FALLING) is pin

    def test_the_boards_own_converter(self, bench: Bench) -> None:
        assert machine.ADC(machine.Pin(29)).read_u16() == 32_767
        assert machine.ADC(29).read_uv() == pytest.approx(1_650_000, abs=51)
        assert machine.ADC(26).read_u16() == 0


class TestUART:
    """Bytes, and the answers of a port that has none."""

    def test_reads_what_has_come(self, bench: Bench) -> None:
        uart = machine.UART(0, baudrate=115_200, bits=8, parity=None, stop=1, rxbuf=512)
        assert uart.any() == 0
        assert uart.read() is None
        assert uart.read(3) is None
        assert uart.readinto(bytearray(4)) is None
        os.write(bench.host, b"one\ntwo and more")
        await_bytes(uart.ioctl(10, 0), 16)
        assert uart.any() == 16
        assert uart.readline() == b"one\n"
        assert uart.read(3) == b"two"
        buffer = bytearray(8)
        assert uart.readinto(buffer, 4) == 4
        assert uart.read() == b" more"
        assert uart.readline() is None
        assert buffer == b" and\0\0\0\0"

    def test_writes_and_may_take_none(self, bench: Bench) -> None:
        uart = machine.UART(0)
        assert uart.write(memoryview(b"hello")[1:]) == 4
        await_bytes(bench.host, 4)
        assert os.read(bench.host, 10) == b"ello"
        fill(uart.ioctl(10, 0), uart.write)
        assert uart.write(b"more") is None
        assert uart.ioctl(3, 5) == 0
        while uart.ioctl(3, 5) != 4:
            await_bytes(bench.host, 1)
            os.read(bench.host, 100_000)
        os.write(bench.host, b"x")
        await_bytes(uart.ioctl(10, 0), 1)
        assert uart.ioctl(3, 5) == 5
        assert uart.txdone()

    def test_its_descriptor_can_be_polled(self, bench: Bench) -> None:
        assert machine.UART(0).ioctl(10, 0) == bench.board.hardware.uart["0"].fileno()

    def test_a_port_without_a_line_sends_into_the_air(self, bench: Bench) -> None:
        uart = machine.UART(1)
        assert uart.write(b"hello") == 5
        assert uart.any() == 0
        assert uart.read(5) is None
        assert uart.ioctl(10, 0) == -22
        assert uart.ioctl(3, 5) == 4


class TestWatchdog:
    """It bites at the next access to the hardware, and by the operating system's own timer."""

    def test_it_bites_when_it_is_not_fed(self, bench: Bench) -> None:
        watchdog = machine.WDT(timeout=1_000)
        bench.ticks.advance(900_000)
        watchdog.feed()
        bench.ticks.advance(999_999)
        bench.board.touch()
        assert bench.system.exits == []
        bench.ticks.advance(5_001)
        bench.board.touch()
        assert bench.system.exits == [power.EXIT_WATCHDOG]
        assert bench.board.host.account()["feeds"] == 1

    def test_it_sets_an_alarm_for_a_program_that_hangs(self, bench: Bench) -> None:
        machine.WDT(timeout=2_000).feed()
        assert bench.system.alarms_us == [2_050_000, 2_050_000]

    @pytest.mark.parametrize("timeout", [0, 8_389])
    def test_a_time_out_that_the_chip_cannot_count(self, bench: Bench, timeout: int) -> None:
        with pytest.raises(ValueError, match="1 to 8388"):
            machine.WDT(timeout=timeout)


class TestTimers:
    """Callbacks, when the firmware touches the hardware."""

    def run(self, bench: Bench, duration_ms: int) -> None:
        for _ in range(duration_ms):
            bench.ticks.advance(1_000)
            bench.board.touch()

    def test_a_periodic_timer(self, bench: Bench) -> None:
        calls: list[machine.Timer] = []
        timer = machine.Timer(period=20, mode=machine.Timer.PERIODIC, callback=calls.append)
        self.run(bench, 105)
        assert calls == [timer] * 5
        timer.deinit()
        self.run(bench, 100)
        assert len(calls) == 5

    def test_a_one_shot_timer(self, bench: Bench) -> None:
        calls: list[machine.Timer] = []
        machine.Timer(-1, freq=100, mode=machine.Timer.ONE_SHOT, callback=calls.append)
        self.run(bench, 50)
        assert len(calls) == 1
        assert bench.board.timers == []

    def test_periods_that_went_by_are_counted_not_caught_up(self, bench: Bench) -> None:
        calls: list[machine.Timer] = []
        timer = machine.Timer(period=10, callback=calls.append)
        bench.ticks.advance(1_000_000)
        self.run(bench, 1)
        assert (len(calls), timer.missed) == (1, 99)

    def test_a_timer_without_a_period(self, bench: Bench) -> None:
        with pytest.raises(ValueError, match="needs a period"):
            machine.Timer(callback=print)


def test_identity_and_clock_of_the_board(bench: Bench) -> None:
    assert machine.unique_id() == bytes.fromhex("e66038b7132a5b2f")
    assert machine.freq() == 125_000_000
    assert machine.reset_cause() == machine.PWRON_RESET


def test_resets_leave_with_their_codes(bench: Bench) -> None:
    machine.reset()
    machine.soft_reset()
    assert bench.system.exits == [power.EXIT_RESET, power.EXIT_SOFT_RESET]
    causes = [power.CAUSES[power.CAUSE_OF_EXIT[code]] for code in bench.system.exits]
    assert causes == [machine.HARD_RESET, machine.SOFT_RESET]


def test_a_board_left_alone_for_half_the_clock_pumps_again(bench: Bench) -> None:
    bench.ticks.advance(600_000_000)
    os.write(bench.host, b"x")
    calls: list[machine.Timer] = []
    machine.Timer(period=10, callback=calls.append)
    bench.board.touch()
    bench.ticks.advance(20_000)
    bench.board.touch()
    assert len(calls) == 1


def test_an_environment_that_describes_no_board(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXSIM_RESET_CAUSE", "boredom")
    with pytest.raises(BoardError, match="AXSIM_RESET_CAUSE is one of deep_sleep, hard"):
        power_up()
    monkeypatch.setenv("AXSIM_RESET_CAUSE", "watchdog")
    monkeypatch.delenv("AXSIM_WIRING", raising=False)
    with pytest.raises(BoardError, match="AXSIM_WIRING does not name"):
        power_up()
    monkeypatch.setenv("AXSIM_WIRING", "/nowhere/wiring.json")
    with pytest.raises(WiringError, match=r"/nowhere/wiring.json cannot be read"):
        power_up()


def test_the_installed_board_is_the_one_machine_works_on(bench: Bench) -> None:
    assert current() is bench.board
