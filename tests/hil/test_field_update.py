"""New firmware for nodes in the field: real firmware, the gateway's core, simulated time."""

from pathlib import Path

import pytest
from field_update import NODE, STANDING_RPM, broken, field, made_bundle

from gateway.commands import Request
from gateway.errors import CommandError

pytestmark = pytest.mark.timeout(900)

START_S = 2.5 + 1.0
"""Of the board and of the window in which a person may take it over."""

MOST_ROWS_MISSED = 60
"""Samples whose time came while flash was written; they are counted as missed."""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """This firmware as the next release."""
    return made_bundle(tmp_path_factory.mktemp("good"))


def test_an_update_goes_through_and_no_reading_is_lost_over_it(
    tmp_path: Path, good: bytes
) -> None:
    with field(tmp_path, 31) as depot:
        assert depot.firmware() == "0.1.0"
        depot.ask(good)
        took_s = depot.until(lambda: depot.progress().step == "switching")
        health = depot.health()
        end = depot.end()
        depot.rig.run_for(5)
        assert (end.step, end.reason, end.bytes) == ("done", "", end.of_bytes)
        assert depot.firmware() == "0.2.0"
        assert depot.rig.targets[NODE].resets == {"hard": 1}
        account = depot.rig.settle()
        print(f"{end.of_bytes} bytes in {took_s} s; {health}; {account}")
        assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)
        assert (health["missed_deadlines"] or 0) <= MOST_ROWS_MISSED


def test_the_next_update_goes_into_the_slot_before_and_what_is_kept_stays(
    tmp_path: Path, good: bytes
) -> None:
    third = made_bundle(tmp_path / "third", release=3, version="0.3.0")
    with field(tmp_path / "rig", 32) as depot:
        for bundle, version in ((good, "0.2.0"), (third, "0.3.0")):
            depot.ask(bundle)
            assert depot.end().step == "done", depot.progress()
            depot.rig.targets[NODE].cut_power()
            depot.rig.run_for(START_S + 5)
            assert depot.firmware() == version


def test_firmware_that_crashes_is_undone_and_the_gateway_says_why(tmp_path: Path) -> None:
    bundle = made_bundle(
        tmp_path / "bundle",
        changes={"axnode/node.py": broken("class Node:", "raise OSError\n\n\nclass Node:")},
    )
    with field(tmp_path / "rig", 33) as depot:
        depot.ask(bundle)
        end = depot.end()
        assert (end.step, end.reason) == ("undone", "it crashed: the node's console says where")
        depot.rig.run_for(10)
        assert depot.firmware() == "0.1.0"
        samples = depot.health()["samples"] or 0
        depot.rig.run_for(10)
        assert (depot.health()["samples"] or 0) > samples, "it measures on"


def test_it_goes_on_after_the_gateway_the_link_and_the_node_were_away(
    tmp_path: Path, good: bytes
) -> None:
    with field(tmp_path, 34) as depot:
        rig = depot.rig
        depot.ask(good)
        depot.until(lambda: depot.progress().bytes > 20_000)
        rig.gateway.stop()
        rig.run_for(5)
        rig.gateway.start()
        depot.until(lambda: depot.progress().bytes > 20_000, 30)
        rig.cables[NODE].unplug()
        rig.run_for(20)
        assert 20_000 < depot.progress().bytes < 30_000
        rig.cables[NODE].plug()
        depot.until(lambda: depot.progress().bytes > 40_000)
        rig.targets[NODE].cut_power()
        depot.until(lambda: depot.progress().bytes > 60_000, 60)
        assert depot.end().step == "done", depot.progress()
        assert depot.firmware() == "0.2.0"


def test_one_that_is_stopped_costs_no_reading_and_the_next_goes_on_where_it_was(
    tmp_path: Path, good: bytes
) -> None:
    with field(tmp_path, 37) as depot:
        depot.ask(good)
        depot.until(lambda: depot.progress().bytes > 30_000)
        depot.updating.stop("test")
        assert (depot.progress().step, depot.progress().reason) == ("stopped", "by test")
        depot.rig.run_for(30)
        assert depot.firmware() == "0.1.0"
        depot.ask(good)
        depot.until(lambda: depot.progress().step == "sending")
        assert depot.progress().bytes > 10_000, "a cut costs the file under way"
        assert depot.end().step == "done", depot.progress()
        assert depot.firmware() == "0.2.0"
        assert depot.rig.targets[NODE].resets == {"hard": 1}
        account = depot.rig.settle()
        assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)


def test_nothing_is_sent_while_the_locomotive_moves(tmp_path: Path, good: bytes) -> None:
    with field(tmp_path, 35) as depot:
        depot.wheel.rpm = 200.0
        depot.rig.run_for(5)
        with pytest.raises(CommandError, match="the locomotive moves"):
            depot.ask(good, vouched=True)
        depot.wheel.rpm = STANDING_RPM
        depot.rig.run_for(5)
        depot.ask(good)
        depot.until(lambda: depot.progress().bytes > 10_000)
        with pytest.raises(CommandError, match="takes new firmware; wait for that first"):
            depot.rig.gateway.core.commands.ask(
                Request(node=NODE, command="reboot"), "test", lambda answer: None
            )
        depot.wheel.rpm = 200.0
        depot.rig.run_for(10)
        held = depot.progress().bytes
        depot.rig.run_for(30)
        assert depot.progress().bytes == held < depot.progress().of_bytes
        assert depot.progress().reason == "waits: the locomotive moves"
        depot.wheel.rpm = STANDING_RPM
        depot.until(lambda: depot.progress().bytes > held + 5000, 60)


def test_a_node_without_room_beside_its_readings_says_so_and_measures_on(
    tmp_path: Path, good: bytes
) -> None:
    """1 MB holds what runs and the readings of an outage, but no second copy."""
    with field(tmp_path, 36, flash_blocks=220) as depot:
        depot.ask(good)
        end = depot.end()
        assert end.step == "refused"
        assert "KiB of flash free beside what readings may take" in end.reason
        samples = depot.health()["samples"] or 0
        depot.rig.run_for(10)
        assert (depot.health()["samples"] or 0) > samples
        assert depot.firmware() == "0.1.0"
        assert not depot.rig.targets[NODE].resets
