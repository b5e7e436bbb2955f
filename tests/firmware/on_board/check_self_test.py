"""The self-test: chips asked between their conversions, in lock-step; flash; what is told."""

import os

import axnode.self_test
import drivers.nau7802
from axnode.outbox import Outbox
from axnode.reports import Reports
from axnode.self_test import SelfTest
from axwire.cbor import decode
from axwire.codes import (
    DONE,
    EVENT_BOARD_TESTED,
    EVENT_CHIP_TESTED,
    FAILED,
    NO_ANSWER,
    OK,
    UNKNOWN,
)

from lockstep import Rig, Sink
from sensor_rig import SensorRig

MISSING = -0x8000


class Told(Sink):
    """Hands what the sampler finds to the test."""

    test = None

    def chip_tested(self, scan, status):
        self.test.chip(scan, status, self.clock.tick())


def _begin(rig):
    """A self-test on a rig; the outbox has what it tells."""
    outbox = Outbox(8192)
    rig.sampler._sink = rig.sink = Told(rig.clock)
    for number, scan in enumerate(rig.sampler.scans):
        scan.number = number
    rig.sink.test = SelfTest(9, rig.sampler.scans, Reports("a", 1, rig.clock, outbox, []))
    return rig.sink.test, outbox


def _events(outbox):
    events = []
    payload = outbox.next(0)
    while payload is not None:
        events.append(tuple(decode(payload)[4:]))
        payload = outbox.next(0)
    return events


def test_every_chip_is_asked_and_no_sample_is_lost():
    rig = Rig()
    rig.run_ms(1003)
    before = len(rig.sink.blocks)
    test, outbox = _begin(rig)
    assert not test.is_board_next(True)
    rig.run_ms(80)
    assert test.is_board_next(True)
    assert sorted(_events(outbox)) == [
        (EVENT_CHIP_TESTED, [0, 0, OK]),
        (EVENT_CHIP_TESTED, [1, 3, OK]),
        (EVENT_CHIP_TESTED, [2, 6, OK]),
        (EVENT_CHIP_TESTED, [3, 7, OK]),
    ]
    rig.run_ms(2000)
    assert before and rig.sampler.missed == rig.sampler.errors == 0
    for _, _, rows, statuses in rig.sink.blocks:
        assert set(statuses) == {OK}
        for row in rows:
            assert MISSING not in row


def test_a_chip_that_does_not_answer_is_named_and_no_other_is_disturbed():
    rig = Rig()
    rig.run_ms(1003)
    rig.fault("adc1", "nack")
    test, outbox = _begin(rig)
    rig.run_ms(1000)
    assert test.is_board_next(True)
    assert sorted(_events(outbox)) == [
        (EVENT_CHIP_TESTED, [0, 0, OK]),
        (EVENT_CHIP_TESTED, [1, 3, NO_ANSWER]),
        (EVENT_CHIP_TESTED, [2, 6, OK]),
        (EVENT_CHIP_TESTED, [3, 7, OK]),
    ]
    assert test.board(None, None, rig.clock.tick()) == FAILED
    for row in rig.rows(0):
        assert MISSING not in row[:3], row


def test_a_failing_chip_that_is_well_again_is_found_so():
    rig = Rig()
    rig.fault("rtd0", "nack")
    rig.run_ms(3003)
    rig.fault("rtd0", "nack", clear=True)
    test, outbox = _begin(rig)
    rig.run_ms(10)
    assert (EVENT_CHIP_TESTED, [2, 6, OK]) in _events(outbox)
    rig.run_ms(2000)
    assert rig.rows(1)[-1][0] != MISSING
    assert test.board(None, None, rig.clock.tick()) == DONE


def test_the_board_tells_memory_and_what_it_measures():
    rig = Rig()
    for temperature, supply, expected in (
        (None, None, [UNKNOWN, UNKNOWN]),
        (-512, 4987, [-512, 4987]),
    ):
        test, outbox = _begin(rig)
        assert test.board(temperature, supply, rig.clock.tick()) == DONE
        ((code, found),) = _events(outbox)
        assert code == EVENT_BOARD_TESTED
        assert found[0] == 0 and found[1] > 1000 and found[2:] == expected, found
    assert "self-test" not in os.listdir()


def test_flash_is_written_when_no_bytes_arrive_or_after_five_seconds():
    rig = Rig()
    test, _ = _begin(rig)
    rig.run_ms(1000)
    assert [test.is_board_next(False) for _ in range(26)] == [False] * 25 + [True]
    assert _begin(rig)[0].is_board_next(False) is False
    rig.run_ms(1000)
    assert rig.sink.test.is_board_next(True) is True


def test_a_flash_that_keeps_nothing_has_failed():
    class Broken:
        def __init__(self, *_):
            raise OSError(28)

    rig = Rig()
    axnode.self_test.open = Broken
    try:
        test, outbox = _begin(rig)
        assert test.board(None, None, rig.clock.tick()) == FAILED
    finally:
        del axnode.self_test.open
    ((_, found),) = _events(outbox)
    assert found[0] == 1


def test_a_chip_that_converts_on_and_on_loses_nothing_by_it():
    """Its `check` would reset and calibrate it anew, which takes the better part of a second."""
    settings = {"i2c": 0, "gain": 128, "rate": 80, "avdd_millivolt": 3000}
    settings.update(lowest=-8_000_000, highest=8_000_000)
    rig = SensorRig(
        drivers.nau7802,
        settings,
        "i2c",
        {"kind": "nau7802", "address": 42, "signal": "bridge"},
        [{"name": "bridge", "unit": "nV", "initial": 1_000_000}],
    )
    rig.run_ms(3000)
    errors = rig.sampler.errors
    _, outbox = _begin(rig)
    rig.run_ms(1000)
    assert (EVENT_CHIP_TESTED, [1, 3, OK]) in _events(outbox)
    assert rig.sampler.errors == errors
    rows = [row for number, _, rows, _ in rig.sink.blocks if number == 1 for row in rows]
    assert len(rows) >= 9 and [row for row in rows if row[0] in (MISSING, -0x80000000)] == []
