"""From a board's message to an alarm in the picture, in the spool, and after a restart."""

from pathlib import Path

import pytest
from board_peer import Board, group_of
from collecting import Collecting
from manual_clock import ManualClock

from gateway.alarms.record import read_record
from gateway.forward.lines import LineWriter
from gateway.spool import Kind
from gateway.state import Alarm

HOT_RAW = 190_000
WARM_RAW = 175_000
COLD_RAW = 20_000
TICK_US = 100_000


class Locomotive:
    """Two windings, read each second; a raw step is a thousandth of a kelvin."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.board = Board(groups=[group_of("motor.winding_temperature", 2, period_ms=1000)])
        self.collecting = Collecting(folder, [self.board], self.clock)
        self.collecting.receive(self.board.hello())
        self.read_ms = 0

    def restart(self, folder: Path) -> None:
        self.collecting = self.collecting.after_power_cut(folder)

    def run(self, seconds: int, raw: int) -> None:
        for _ in range(seconds):
            self.read_ms = self.clock.monotonic_us() // 1000
            self.collecting.receive(
                self.board.readings([[raw, COLD_RAW]], t_ms=self.read_ms, wide=True)
            )
            for _ in range(10):
                self.collecting.answer_pings(self.board)
                self.collecting.gateway.tick()
                self.clock.advance_us(TICK_US)
        self.collecting.commit()

    def alarms(self) -> tuple[Alarm, ...]:
        return self.collecting.gateway.registry.state().alarms


@pytest.fixture
def locomotive(tmp_path: Path) -> Locomotive:
    return Locomotive(tmp_path / "before")


def test_a_hot_winding_is_in_the_picture_and_on_the_disk(
    locomotive: Locomotive, tmp_path: Path
) -> None:
    locomotive.run(5, WARM_RAW)
    assert locomotive.alarms() == ()
    version = locomotive.collecting.gateway.registry.version
    locomotive.run(5, HOT_RAW)
    (alarm,) = locomotive.alarms()
    assert (alarm.rule, alarm.place, alarm.state) == ("winding-hot", "motor 1", "unacknowledged")
    assert alarm.value == pytest.approx(190)
    assert locomotive.collecting.gateway.registry.version > version
    locomotive.collecting.gateway.alarms.acknowledge(alarm.id, "cab 1")
    locomotive.collecting.commit()
    records = [read_record(one.body) for one in locomotive.collecting.records(Kind.ALARM)]
    assert [(one.action, one.by) for one in records] == [("raised", ""), ("acknowledged", "cab 1")]
    locomotive.restart(tmp_path / "after")
    (after,) = locomotive.alarms()
    assert (after.id, after.state, after.acknowledged_by) == (alarm.id, "acknowledged", "cab 1")
    locomotive.collecting.close()


def test_alarms_are_in_the_snapshot_that_a_restart_reads(locomotive: Locomotive) -> None:
    locomotive.run(5, HOT_RAW)
    ledger = locomotive.collecting.gateway.ledger
    before = dict(ledger.alarms)
    assert before
    snapshot = ledger.snapshot()
    ledger.alarms.clear()
    ledger.replay(Kind.STATE, snapshot)
    assert ledger.alarms == before
    locomotive.collecting.close()


def test_a_transition_is_a_point_on_the_server(locomotive: Locomotive) -> None:
    locomotive.run(5, HOT_RAW)
    locomotive.collecting.commit()
    (stored,) = locomotive.collecting.records(Kind.ALARM)
    lines = LineWriter("TE33A-0001").alarm(read_record(stored.body), stored.received_us)
    assert lines.text == (
        "axlebox_alarm,action=raised,locomotive=TE33A-0001,place=motor\\ 1,priority=medium,"
        'rule=winding-hot id="winding-hot@motor 1",state="unacknowledged",open=true,'
        f"value=190.0,limit=180.0 {stored.received_us * 1000}\n"
    )
    locomotive.collecting.close()
