"""A spool with alarms from before rules had conditions: a gateway takes them up as they were."""

import hashlib
from pathlib import Path

import pytest
from board_peer import Board
from collecting import Collecting
from manual_clock import ManualClock

from gateway.alarms.record import read_record
from gateway.forward.lines import LineWriter
from gateway.spool import Kind, read_records
from gateway.spool.inspection import inspect_spool
from gateway.state import Alarm

from .folders import copy
from .make_spools import SPOOL_ALARMS

SUM = "cf941158137cf6408776a777cf8c496525b77967f680fbeed1fcb734137a032c"
HOUR_US = 3_600_000_000

DEPOT_LESS = 'off = ["axlebox-hot"]\n'


def alarms_after(folder: Path, away_us: int, rules: str = "") -> dict[str, Alarm]:
    """What a gateway shows that starts so long after, on another boot of its machine."""
    folder.mkdir()
    copy(SPOOL_ALARMS, folder / "spool")
    (folder / "rules.toml").write_text(rules, encoding="utf-8")
    clock = ManualClock()
    clock.reboot(away_us, clock.utc_us() + away_us)
    clock.trust(True)
    collecting = Collecting(folder, [Board()], clock, rules=folder / "rules.toml")
    assert collecting.gateway.recovery.problems == ()
    assert collecting.gateway.unreadable_records == 0
    collecting.gateway.tick()
    shown = collecting.gateway.registry.state().alarms
    collecting.close()
    return {alarm.id: alarm for alarm in shown}


def test_the_files_are_the_ones_that_were_checked_in() -> None:
    digest = hashlib.sha256()
    for path in sorted(SPOOL_ALARMS.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    assert digest.hexdigest() == SUM
    assert all(report.sound for report in inspect_spool(SPOOL_ALARMS))


def test_each_alarm_is_in_the_state_in_which_it_was_left(tmp_path: Path) -> None:
    alarms = alarms_after(tmp_path / "gateway", 600_000_000)
    assert {name: alarm.state for name, alarm in alarms.items()} == {
        "winding-hot@motor 1": "unacknowledged",
        "axlebox-hot@axle 2 left": "acknowledged",
        "winding-warm@motor 3": "shelved",
        "sensor-fault@motor.current motor 4": "returned",
    }
    box = alarms["axlebox-hot@axle 2 left"]
    assert (box.acknowledged_by, box.priority, box.code) == ("cab 1", "high", "B01")
    assert (box.limit, box.unit, box.verified, box.conditions) == (70, "°C", True, ())
    assert box.age_ms // 1000 == 600 - 10


@pytest.mark.parametrize(
    ("away_us", "state"), [(HOUR_US // 2, "shelved"), (2 * HOUR_US, "unacknowledged")]
)
def test_what_was_shelved_comes_back_when_its_hour_is_over(
    away_us: int, state: str, tmp_path: Path
) -> None:
    alarms = alarms_after(tmp_path / "gateway", away_us)
    assert alarms["winding-warm@motor 3"].state == state


def test_an_alarm_whose_rule_is_switched_off_is_over(tmp_path: Path) -> None:
    alarms = alarms_after(tmp_path / "gateway", 600_000_000, DEPOT_LESS)
    assert "axlebox-hot@axle 2 left" not in alarms


def test_each_transition_is_read_and_is_a_line_for_the_server() -> None:
    stored = [record for record in read_records(SPOOL_ALARMS) if record.kind == Kind.ALARM]
    records = [read_record(one.body) for one in stored]
    raised = 5
    assert [
        (one.action, one.by) for one in records if one.action not in ("raised", "grouped")
    ] == [
        ("acknowledged", "cab 1"),
        ("shelved", "cab 2"),
        ("silenced", "cab 1"),
        ("returned", ""),
        ("returned", ""),
        ("acknowledged", "cab 1"),
    ]
    assert sum(one.action == "raised" for one in records) == raised
    writer = LineWriter("TE33A-0001")
    for one, record in zip(stored, records, strict=True):
        text = writer.alarm(record, one.received_us).text
        assert text.startswith(f"axlebox_alarm,action={record.action},")
