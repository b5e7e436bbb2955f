"""The self-test: chips asked between their conversions, in lock-step; flash; what is told."""

import os

import drivers.nau7802
from axnode import self_test
from axnode.outbox import Outbox
from axnode.reports import Reports
from axnode.self_test import begin_test
from axwire.cbor import decode
from axwire.codes import (
    COMMAND_SELF_TEST,
    DONE,
    EVENT_BOARD_TESTED,
    EVENT_CHIP_TESTED,
    FAILED,
    NO_ANSWER,
    NOT_POSSIBLE,
    OK,
    UNKNOWN,
)

from lockstep import Rig
from sensor_rig import SensorRig

MISSING = -0x8000


class Session:
    """Of the node: which command was heard last, and the answers given later."""

    down_sequence = 9

    def __init__(self):
        self.answers = []

    def answer(self, sequence, code, result):
        assert sequence == 9 and code == COMMAND_SELF_TEST
        self.answers.append(result)


class Vitals:
    def __init__(self, temperature, supply):
        self.temperature = temperature
        self.supply = supply

    def temperature_centi_c(self):
        return self.temperature

    def supply_mv(self):
        return self.supply


class Node:
    """What of a node the self-test needs."""

    def __init__(self, rig, vitals):
        self.chore = None
        self.sampler = rig.sampler
        self.clock = rig.clock
        self.vitals = vitals
        self.outbox = Outbox(8192)
        self.reports = Reports("a", 1, rig.clock, self.outbox, [])
        self.session = Session()
        self.healths = 0

    def temperature(self):
        return None if self.vitals is None else self.vitals.temperature_centi_c()

    def report_health(self):
        self.healths += 1


def _begin(rig, vitals=None):
    node = Node(rig, vitals)
    assert begin_test(node) is None
    return node


def _events(node):
    events = []
    outbox = node.outbox
    payload = outbox.next(0)
    while payload is not None:
        events.append(tuple(decode(payload)[4:]))
        payload = outbox.next(0)
    return events


def test_every_chip_is_asked_and_no_sample_is_lost():
    rig = Rig()
    rig.run_ms(1003)
    node = _begin(rig)
    assert begin_test(node) == NOT_POSSIBLE
    node.chore.tend(True)
    assert node.session.answers == []
    rig.run_ms(80)
    assert sorted(_events(node)) == [
        (EVENT_CHIP_TESTED, [0, 0, OK]),
        (EVENT_CHIP_TESTED, [1, 3, OK]),
        (EVENT_CHIP_TESTED, [2, 6, OK]),
        (EVENT_CHIP_TESTED, [3, 7, OK]),
    ]
    assert rig.sampler.test is None
    rig.run_ms(2000)
    assert rig.sampler.missed == rig.sampler.errors == 0 and not rig.sink.changes
    for _, _, rows, statuses in rig.sink.blocks:
        assert set(statuses) == {OK}
        for row in rows:
            assert MISSING not in row
    node.chore.tend(True)
    assert (node.session.answers, node.healths, node.chore) == ([DONE], 1, None)


def test_a_chip_that_does_not_answer_is_named_and_no_other_is_disturbed():
    rig = Rig()
    rig.run_ms(1003)
    rig.fault("adc1", "nack")
    node = _begin(rig)
    rig.run_ms(1000)
    assert sorted(_events(node)) == [
        (EVENT_CHIP_TESTED, [0, 0, OK]),
        (EVENT_CHIP_TESTED, [1, 3, NO_ANSWER]),
        (EVENT_CHIP_TESTED, [2, 6, OK]),
        (EVENT_CHIP_TESTED, [3, 7, OK]),
    ]
    node.chore.tend(True)
    assert node.session.answers == [FAILED]
    for row in rig.rows(0):
        assert MISSING not in row[:3], row


def test_a_failing_chip_that_is_well_again_is_found_so():
    rig = Rig()
    rig.fault("rtd0", "nack")
    rig.run_ms(3003)
    rig.fault("rtd0", "nack", clear=True)
    node = _begin(rig)
    rig.run_ms(10)
    assert (EVENT_CHIP_TESTED, [2, 6, OK]) in _events(node)
    rig.run_ms(2000)
    assert rig.rows(1)[-1][0] != MISSING
    node.chore.tend(True)
    assert node.session.answers == [DONE]


def test_a_chip_that_lost_its_configuration_is_named_and_set_up_anew():
    rig = Rig()
    rig.run_ms(1503)
    rig.fault("rtd0", "brown_out")
    node = _begin(rig)
    rig.run_ms(10)
    _all_asked(node)
    rig.run_ms(3000)
    assert rig.rows(1)[-1][0] != MISSING and rig.sink.blocks[-1][3][0] == OK


def _all_asked(node):
    assert node.sampler.test is None
    assert len(_events(node)) == 4


def test_the_board_tells_memory_and_what_it_measures():
    rig = Rig()
    for vitals, expected in (
        (None, [UNKNOWN, UNKNOWN]),
        (Vitals(None, None), [UNKNOWN, UNKNOWN]),
        (Vitals(-512, 4987), [-512, 4987]),
    ):
        node = _begin(rig, vitals)
        rig.run_ms(200)
        node.chore.tend(True)
        assert node.session.answers == [DONE]
        code, found = _events(node)[-1]
        assert code == EVENT_BOARD_TESTED
        assert found[0] == 0 and found[1] > 1000 and found[2:] == expected, found
    assert "self-test" not in os.listdir()


def test_flash_is_written_when_no_bytes_arrive_or_after_five_seconds():
    rig = Rig()
    node = _begin(rig)
    rig.run_ms(1000)
    for _ in range(25):
        node.chore.tend(False)
        assert node.session.answers == []
    node.chore.tend(False)
    assert node.session.answers == [DONE]
    node = _begin(rig)
    rig.run_ms(1000)
    node.chore.tend(True)
    assert node.session.answers == [DONE]


def test_a_flash_that_keeps_nothing_has_failed():
    class Broken:
        def __init__(self, *_):
            raise OSError(28)

    rig = Rig()
    node = _begin(rig)
    rig.run_ms(1000)
    self_test.open = Broken
    try:
        node.chore.tend(True)
    finally:
        del self_test.open
    assert node.session.answers == [FAILED]
    assert _events(node)[-1][1][0] == 1


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
    del rig.sink.blocks[:]
    node = _begin(rig)
    rig.run_ms(1000)
    assert (EVENT_CHIP_TESTED, [1, 3, OK]) in _events(node)
    assert rig.sampler.errors == errors
    rows = [row for number, _, rows, _ in rig.sink.blocks if number == 1 for row in rows]
    assert len(rows) >= 9 and [row for row in rows if row[0] in (MISSING, -0x80000000)] == []
