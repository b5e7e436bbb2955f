"""Each fault word, as the host sends it and as it shows at the registers."""

import copy
import json
from typing import Any

import pytest
from board_parts import BOARD, Ticks, frame, read_register, samples, write_register

from simulators.board import faults
from simulators.board.ads1115 import Ads1115
from simulators.board.control_frames import CUT, FAULT, STRETCH
from simulators.board.errors import FaultError
from simulators.board.hardware import Hardware
from simulators.board.host import Host
from simulators.board.inputs import Noise
from simulators.board.max31865 import Max31865

SINGLE_SHOT_128 = 0x8000 | 4 << 12 | 2 << 9 | 0x0100 | 4 << 5 | 3
NOMINAL_US = 7_812 + 25
MILLIAMPERE = 1_000_000
CODES_A_MILLIAMPERE = 1600


class Bench:
    """A board's hardware and the host's hand on it."""

    def __init__(self) -> None:
        self.ticks = Ticks()
        wiring = copy.deepcopy(BOARD)
        self.hardware = Hardware(wiring, self.ticks, None)  # type: ignore[arg-type]
        self.host = Host(self.hardware, self.ticks, None)
        adc, rtd = self.hardware.chips["adc0"], self.hardware.chips["rtd0"]
        assert isinstance(adc, Ads1115)
        assert isinstance(rtd, Max31865)
        self.adc, self.rtd = adc, rtd

    def fault(self, chip: str, word: str, **keys: Any) -> None:
        self.host.inject({"chip": chip, "word": word, **keys})

    def convert(self, number: int = 0, wait_us: int = NOMINAL_US) -> int:
        """The code of an input after the usual time, whether or not the conversion is over."""
        write_register(self.adc, 1, SINGLE_SHOT_128 | number << 12)
        self.ticks.advance(wait_us)
        code = read_register(self.adc, 0)
        return code - 0x10000 if code & 0x8000 else code

    def resistance_code(self) -> int:
        frame(self.rtd, b"\x80\x91")
        self.ticks.advance(10_000)
        frame(self.rtd, b"\x80\xb1")
        self.ticks.advance(62_500)
        _, high, low = frame(self.rtd, b"\x01\x00\x00")
        return (high << 8 | low) >> 1


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    assert bench.convert() == 12 * CODES_A_MILLIAMPERE
    return bench


def test_every_word_is_tested_here() -> None:
    """A word without a test of its own name would be a promise nobody checks."""
    tested = " ".join(name for name in globals() if name.startswith("test_"))
    assert [word for word in faults.WORDS if f"test_{word}" not in tested] == []


def test_nack_on_i2c_and_its_end(bench: Bench) -> None:
    bench.fault("adc0", "nack")
    assert bench.adc.silent
    bench.fault("adc0", "nack", clear=True)
    assert not bench.adc.silent


def test_bus_stuck_holds_the_whole_bus_until_the_last_chip_lets_go(bench: Bench) -> None:
    bus = bench.hardware.i2c["0"]
    bench.fault("adc0", "bus_stuck")
    bench.fault("adc1", "bus_stuck")
    assert bus.held
    bench.fault("adc0", "bus_stuck", clear=True)
    assert bus.held
    bench.fault("adc1", "bus_stuck", clear=True)
    assert not bus.held


def test_bus_stuck_is_no_fault_of_a_chip_on_spi(bench: Bench) -> None:
    with pytest.raises(FaultError, match="rtd0 is not on an I2C bus"):
        bench.fault("rtd0", "bus_stuck")


def test_wrong_id_needs_a_chip_with_an_id(bench: Bench) -> None:
    with pytest.raises(FaultError, match="adc0 has no id"):
        bench.fault("adc0", "wrong_id", args={"id": 3})


def test_calibration_error_needs_a_chip_that_calibrates_itself(bench: Bench) -> None:
    with pytest.raises(FaultError, match="adc0 does not calibrate itself"):
        bench.fault("adc0", "calibration_error")


def test_frozen_conversions_never_end(bench: Bench) -> None:
    bench.fault("adc0", "frozen")
    bench.convert(wait_us=100_000_000)
    assert not read_register(bench.adc, 1) & 0x8000
    assert bench.adc.inputs[0].taken == 1
    bench.fault("adc0", "frozen", clear=True)
    assert read_register(bench.adc, 1) & 0x8000


def test_frozen_max31865_keeps_its_one_shot_bit_and_its_old_result(bench: Bench) -> None:
    before = bench.resistance_code()
    bench.fault("rtd0", "frozen")
    assert bench.resistance_code() == before
    assert frame(bench.rtd, b"\x00\x00")[1] & 0x20
    assert bench.rtd.inputs[0].taken == 1


def test_slow_conversion_takes_longer_from_the_next_one_on(bench: Bench) -> None:
    bench.fault("adc0", "slow_conversion", args={"permille": 2000})
    write_register(bench.adc, 1, SINGLE_SHOT_128)
    bench.ticks.advance(2 * 7_812 + 24)
    assert not read_register(bench.adc, 1) & 0x8000
    bench.ticks.advance(1)
    assert read_register(bench.adc, 1) & 0x8000


def test_brown_out_puts_the_registers_back(bench: Bench) -> None:
    bench.fault("adc0", "brown_out")
    assert read_register(bench.adc, 1) == 0x8583
    assert read_register(bench.adc, 0) == 0
    frame(bench.rtd, b"\x80\x91")
    bench.fault("rtd0", "brown_out")
    assert frame(bench.rtd, b"\x00\x00")[1] == 0


def test_stuck_repeats_the_value_of_its_beginning(bench: Bench) -> None:
    bench.fault("adc0", "stuck", input=0)
    move(bench, 0, 20 * MILLIAMPERE)
    assert bench.convert() == 12 * CODES_A_MILLIAMPERE
    assert bench.adc.inputs[0].taken == 2
    bench.fault("adc0", "stuck", input=0, clear=True)
    assert bench.convert() == 20 * CODES_A_MILLIAMPERE


@pytest.mark.parametrize(("low", "code"), [(False, 0x7FFF), (True, -0x8000)])
def test_saturated_at_either_end(bench: Bench, low: bool, code: int) -> None:
    bench.fault("adc0/0", "saturated", args={"low": low})
    assert bench.convert(0) == code
    assert bench.convert(1) == 4 * CODES_A_MILLIAMPERE


def test_open_loop_carries_no_current(bench: Bench) -> None:
    bench.fault("adc0", "open", input=1)
    assert [bench.convert(0), bench.convert(1)] == [12 * CODES_A_MILLIAMPERE, 0]


def test_short_loop_is_driven_against_the_supply(bench: Bench) -> None:
    bench.fault("adc0", "short", input=0)
    assert bench.convert() == 0x7FFF


def test_open_and_short_of_a_resistance(bench: Bench) -> None:
    bench.fault("rtd0", "open")
    assert bench.resistance_code() == 0x7FFF
    bench.fault("rtd0", "open", clear=True)
    bench.fault("rtd0", "short")
    assert bench.resistance_code() == 2


def test_drift_grows_with_time_and_ends_with_the_fault(bench: Bench) -> None:
    bench.fault("adc0", "drift", input=0, args={"per_s": MILLIAMPERE // 100})
    codes = []
    for _ in range(4):
        for _ in range(10):
            bench.ticks.advance(10_000_000)
            codes.append(bench.convert())
    expected = [round(12 * 1600 + 16 * 10 * (index + 1)) for index in range(40)]
    assert codes == pytest.approx(expected, abs=8)
    bench.fault("adc0", "drift", input=0, clear=True)
    assert bench.convert() == 12 * CODES_A_MILLIAMPERE


def test_spike_hits_every_so_many_conversions(bench: Bench) -> None:
    bench.fault("adc0", "spike", input=0, args={"size": 2 * MILLIAMPERE, "every": 3})
    spiked = [bench.convert() > 12 * CODES_A_MILLIAMPERE for _ in range(9)]
    assert spiked == [False, False, True] * 3


def test_noise_repeats_from_its_seed_and_has_the_deviation_asked_for(bench: Bench) -> None:
    bench.fault("adc0", "noise", input=0, args={"sigma": 100_000})
    other = Bench()
    other.convert()
    other.fault("adc0", "noise", input=0, args={"sigma": 100_000})
    codes = [bench.convert() for _ in range(400)]
    assert codes == [other.convert() for _ in range(400)]
    mean = sum(codes) / len(codes)
    deviation = (sum((each - mean) ** 2 for each in codes) / len(codes)) ** 0.5
    assert mean == pytest.approx(12 * CODES_A_MILLIAMPERE, abs=20)
    assert deviation == pytest.approx(160, rel=0.1)


def test_noise_generator_is_bounded_and_stays_in_small_integers() -> None:
    noise = Noise(2**29)
    drawn = [noise.sample(1000) for _ in range(20_000)]
    assert -3000 <= min(drawn) < -2500
    assert 2500 < max(drawn) <= 3000


def test_missing_tooth_and_bounce_need_an_input_that_sees_edges(bench: Bench) -> None:
    for word in ("bounce", "missing_tooth"):
        with pytest.raises(FaultError, match=f"adc0/1 cannot have the fault {word}"):
            bench.fault("adc0/1", word)


@pytest.mark.parametrize(
    ("word", "args"),
    [("bounce", {"edges": 0}), ("bounce", {"us": 0}), ("missing_tooth", {"every": 0})],
)
def test_bounce_and_missing_tooth_come_at_least_once(
    bench: Bench, word: str, args: dict[str, int]
) -> None:
    bench.adc.inputs[0].own_words = ("bounce", "missing_tooth")
    with pytest.raises(FaultError, match="must be 1 or more"):
        bench.fault("adc0/0", word, args=args)


def test_swapped_inputs_read_each_other_and_change_back(bench: Bench) -> None:
    bench.fault("adc0/0", "swapped", args={"with": "adc0/1"})
    assert [bench.convert(0), bench.convert(1)] == [6400, 19_200]
    assert bench.host.account()["faults"] == ["adc0/0 swapped", "adc0/1 swapped"]
    with pytest.raises(FaultError, match="adc0/1 is swapped"):
        bench.fault("adc0/1", "swapped", args={"with": "adc0/0"})
    bench.fault("adc0/1", "swapped", clear=True)
    assert [bench.convert(0), bench.convert(1)] == [19_200, 6400]
    assert bench.host.account()["faults"] == []


def test_a_fault_without_an_input_strikes_all_of_a_chip(bench: Bench) -> None:
    bench.fault("adc0", "open")
    assert [bench.convert(number) for number in range(4)] == [0, 0, 0, 0]
    assert bench.host.account()["faults"] == [f"adc0/{number} open" for number in range(4)]


def test_a_conversion_that_was_over_before_the_fault_keeps_its_value(bench: Bench) -> None:
    write_register(bench.adc, 1, SINGLE_SHOT_128 | 1 << 12)
    bench.ticks.advance(NOMINAL_US)
    bench.fault("adc0", "open")
    assert read_register(bench.adc, 0) == 6400


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"chip": "adc0", "word": "melted"}, "unknown fault word 'melted'"),
        ({"chip": "adc9", "word": "nack"}, "no chip 'adc9'"),
        ({"chip": "adc9", "word": "open"}, "no chip or input 'adc9'"),
        ({"chip": "adc0", "word": "open", "input": 4}, "adc0 has no input 4"),
        ({"chip": "adc0", "word": "open", "wire": 1}, "a fault has no 'wire'"),
        ({"chip": "adc0", "word": "drift", "args": {"rate": 1}}, "takes no argument 'rate'"),
        ({"chip": "adc0", "word": "drift", "args": {"per_s": "1"}}, "bad value for 'per_s'"),
        ({"chip": "adc0", "word": "spike", "args": {"every": 0}}, "every must be 1 or more"),
        (
            {"chip": "adc0", "word": "slow_conversion", "args": {"permille": 0}},
            "must be 1 or more",
        ),
        ({"chip": "adc0/0", "word": "swapped", "args": {"with": "adc0/0"}}, "cannot be swapped"),
        ({"chip": "adc0/0", "word": "swapped", "clear": True}, "adc0/0 is not swapped"),
        ([], "a fault is an object"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_the_reason(
    bench: Bench, fault: Any, reason: str
) -> None:
    with pytest.raises(FaultError, match=reason):
        bench.host.inject(fault)
    bench.host.obey(FAULT, memoryview(json.dumps(fault).encode()))
    account = bench.host.account()
    assert account["refused"] == 1
    assert reason in account["refusals"][0]
    assert account["faults"] == []


def test_rubbish_frames_are_counted_and_the_reasons_are_bounded(bench: Bench) -> None:
    for kind, payload in (
        (FAULT, b"{"),
        (FAULT, b'{"chip": "adc0", "word": "nack", "args": 3}'),
        (FAULT, b"\xff\xfe"),
        (STRETCH, b"\0"),
        (STRETCH, b"\xff\xff" + bytes(13)),
        (STRETCH, bytes(15)),
        (99, b""),
    ):
        bench.host.obey(kind, memoryview(payload))
    account = bench.host.account()
    assert account["refused"] == 7
    assert account["refusals"] == [
        "a stretch without its head",
        "no signal number 65535",
        "m1.current cannot take this stretch",
        "unknown kind of frame 99",
    ]


def test_after_the_cut_no_chip_answers_ever_again(bench: Bench) -> None:
    bench.host.obey(CUT, memoryview(b""))
    bench.fault("adc0", "nack", clear=True)
    assert bench.adc.silent
    assert bench.rtd.silent
    account = bench.host.account()
    assert account["cut"] is True
    assert account["faults"] == []
    assert account["taken"]["adc0/0"] == 1


def move(bench: Bench, number: int, value: int) -> None:
    """A new constant value of a signal, from now on."""
    fed = bench.hardware.signals[number].feed(
        bench.ticks(), 2, bench.ticks(), 1000, samples([value])
    )
    assert fed
