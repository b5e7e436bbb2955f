"""No row gets a wrong UTC silently, whatever the gateway's own clock does."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axwire.codes import EVENT_EARLIER_BOOT
from manual_clock import ManualClock

from gateway.ledger import Ledger
from gateway.spool import Kind
from gateway.walltime import SURE_US

from .journey import SECOND_US, STEP_S, Journey
from .node_double import UTC_US

HOUR_S = 3600
MINUTE_S = 60
YEAR_US = 365 * 86_400 * SECOND_US
WRONG_US = 1_500_000_000_000_000
"""What a Pi without a time source believes: when it was last switched off, say."""

Begin = Callable[..., Journey]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    begun = []

    def make(*, unset: bool = True, wait_s: int = 2 * HOUR_S, server: bool = True) -> Journey:
        clock = ManualClock(UTC_US)
        if unset:
            clock.step_wall_us(WRONG_US - UTC_US)
            clock.trust(False)
        begun.append(Journey(tmp_path, clock, wait_s, server))
        return begun[-1]

    yield make
    for journey in begun:
        journey.stop_gateway()


def rows_in(seconds: float) -> int:
    return 2 * round(seconds / STEP_S)


@pytest.mark.parametrize("server", [True, False], ids=["server there", "server away till then"])
def test_a_time_source_after_an_hour_gives_all_rows_their_time(begin: Begin, server: bool) -> None:
    journey = begin(server=server)
    journey.run(HOUR_S)
    assert journey.rows() == {}
    journey.server_there = True
    journey.clock.set_wall()
    journey.run(5 * MINUTE_S)
    assert journey.check() == (rows_in(HOUR_S + 5 * MINUTE_S), 0)


def test_a_server_that_answers_gets_estimates_after_the_wait_and_says_why_before(
    begin: Begin,
) -> None:
    journey = begin(wait_s=20 * MINUTE_S)
    journey.run(10 * MINUTE_S)
    assert journey.rows() == {}
    assert "clock is not set" in (journey.forwarder.state().error or "")
    journey.run(12 * MINUTE_S)
    sure, estimated = journey.check()
    assert sure == 0
    assert estimated >= rows_in(21 * MINUTE_S)
    assert journey.forwarder.state().error is None


def test_what_went_as_an_estimate_stays_marked_and_what_follows_is_sure(begin: Begin) -> None:
    journey = begin(wait_s=10 * MINUTE_S)
    journey.run(30 * MINUTE_S)
    _, estimated = journey.check()
    journey.clock.set_wall()
    journey.run(10 * MINUTE_S)
    assert journey.check() == (rows_in(40 * MINUTE_S) - estimated, estimated)
    assert estimated >= rows_in(29 * MINUTE_S)


def test_the_wait_does_not_run_while_the_server_is_away(begin: Begin) -> None:
    """Server and time source come over the same network, the server a little earlier."""
    journey = begin(wait_s=10 * MINUTE_S, server=False)
    journey.run(2 * HOUR_S)
    journey.server_there = True
    journey.run(MINUTE_S)
    journey.clock.set_wall()
    journey.run(MINUTE_S)
    assert journey.check() == (rows_in(2 * HOUR_S + 2 * MINUTE_S), 0)


def test_a_server_that_goes_away_meanwhile_waits_anew(begin: Begin) -> None:
    journey = begin(wait_s=10 * MINUTE_S)
    journey.run(5 * MINUTE_S)
    journey.server_there = False
    journey.run(HOUR_S / 2)
    journey.server_there = True
    journey.run(MINUTE_S)
    journey.clock.set_wall()
    journey.run(MINUTE_S)
    assert journey.check() == (rows_in(37 * MINUTE_S), 0)


def test_a_snapshot_carries_the_times_and_silences(begin: Begin) -> None:
    """The rest of the log is read from it on: at a start, or where segments were removed."""
    journey = begin()
    journey.run(MINUTE_S)
    journey.stop_gateway()
    journey.run(HOUR_S / 2, gateway_there=False)
    journey.start_gateway()
    journey.run(2 * MINUTE_S)
    journey.clock.set_wall()
    journey.run(MINUTE_S)
    ledger, again = journey.collecting.gateway.ledger, Ledger()
    again.replay(Kind.STATE, ledger.snapshot())
    assert again.times.all() == ledger.times.all() != []
    assert again.times.base == ledger.times.base
    for node in journey.nodes:
        known, told = (each.find(node.board.name, node.board.boot) for each in (ledger, again))
        assert known is not None
        assert told is not None
        assert known.silence is not None
        assert (told.silence, told.clocks) == (known.silence, known.clocks)


def test_a_kill_after_estimates_leaves_nothing_wrong_unmarked(begin: Begin) -> None:
    journey = begin(wait_s=5 * MINUTE_S)
    journey.run(20 * MINUTE_S)
    journey.stop_gateway(forwarded=False)
    journey.clock.set_wall()
    journey.start_gateway()
    journey.run(5 * MINUTE_S)
    sure, estimated = journey.check()
    assert sure + estimated == rows_in(25 * MINUTE_S)


@pytest.mark.parametrize("step_us", [-40 * YEAR_US, -7200 * SECOND_US, 7200 * SECOND_US, YEAR_US])
def test_a_clock_set_by_hand_moves_no_row(begin: Begin, step_us: int) -> None:
    """Setting the clock by hand takes the kernel's trust away: the time before is carried on."""
    journey = begin(unset=False)
    journey.run(10 * MINUTE_S)
    journey.clock.trust(False)
    journey.clock.step_wall_us(step_us)
    journey.run(20 * MINUTE_S)
    journey.clock.set_wall()
    journey.run(10 * MINUTE_S)
    assert journey.check() == (rows_in(40 * MINUTE_S), 0)


@pytest.mark.parametrize("step_us", [-7200 * SECOND_US, 7200 * SECOND_US, -YEAR_US, 40_000])
def test_a_wrong_start_that_steps_several_times_before_it_is_right(
    begin: Begin, step_us: int
) -> None:
    journey = begin()
    for _ in range(3):
        journey.run(5 * MINUTE_S)
        journey.clock.step_wall_us(step_us)
    journey.clock.set_wall()
    journey.run(5 * MINUTE_S)
    assert journey.check() == (rows_in(20 * MINUTE_S), 0)


def test_a_time_source_that_is_gone_for_hours_leaves_its_rows_marked(begin: Begin) -> None:
    journey = begin(unset=False, wait_s=MINUTE_S)
    journey.run(5 * MINUTE_S)
    journey.clock.trust(False)
    journey.run(MINUTE_S)
    journey.clock.advance_us(3 * HOUR_S * SECOND_US)
    journey.run(40 * MINUTE_S)
    sure, estimated = journey.check()
    assert sure + estimated == rows_in(46 * MINUTE_S)
    assert rows_in(30 * MINUTE_S) < sure < rows_in(36 * MINUTE_S)


def test_a_gateway_that_starts_again_goes_on_with_the_time_that_was_sure(begin: Begin) -> None:
    journey = begin(unset=False)
    journey.run(5 * MINUTE_S)
    journey.clock.trust(False)
    journey.clock.step_wall_us(-7200 * SECOND_US)
    journey.stop_gateway()
    journey.run(MINUTE_S, gateway_there=False)
    journey.start_gateway()
    journey.run(5 * MINUTE_S)
    assert journey.check() == (rows_in(11 * MINUTE_S), 0)


def test_nodes_that_run_through_tell_an_earlier_run_of_the_machine_its_time(begin: Begin) -> None:
    """Two runs without any time, the third gets one: all three are placed."""
    journey = begin()
    journey.run(10 * MINUTE_S)
    journey.reboot_machine(MINUTE_S, WRONG_US + 5 * SECOND_US)
    journey.run(10 * MINUTE_S)
    journey.reboot_machine(2 * MINUTE_S, WRONG_US)
    journey.run(10 * MINUTE_S)
    journey.clock.set_wall()
    journey.run(5 * MINUTE_S)
    sure, estimated = journey.check(within_us=20_000)
    assert (sure, estimated) == (rows_in(38 * MINUTE_S), 0)


def test_one_node_that_ran_through_is_enough(begin: Begin) -> None:
    journey = begin()
    journey.run(10 * MINUTE_S)
    journey.reboot_machine(MINUTE_S, WRONG_US)
    journey.run(MINUTE_S)
    journey.reboot_node(journey.nodes[0], 0xB0)
    journey.run(10 * MINUTE_S)
    journey.clock.set_wall()
    journey.run(5 * MINUTE_S)
    assert journey.check(within_us=20_000) == (rows_in(27 * MINUTE_S), 0)


def test_a_run_that_nobody_can_place_is_marked_and_holds_nothing_up(begin: Begin) -> None:
    """All power is cut, and the run before had no time: no node knows how long that took."""
    journey = begin(server=False)
    journey.run(10 * MINUTE_S)
    journey.reboot_machine(0, WRONG_US)
    for node in journey.nodes:
        journey.reboot_node(node, node.board.boot + 0x10)
    journey.server_there = True
    journey.run(MINUTE_S)
    journey.clock.set_wall()
    journey.run(5 * MINUTE_S)
    assert journey.check() == (rows_in(6 * MINUTE_S), rows_in(10 * MINUTE_S))


def test_a_boot_of_a_node_that_ended_before_the_time_came_is_placed_too(begin: Begin) -> None:
    journey = begin()
    journey.run(10 * MINUTE_S)
    journey.reboot_node(journey.nodes[1], 0xB0)
    journey.run(10 * MINUTE_S)
    journey.clock.set_wall()
    journey.run(5 * MINUTE_S)
    assert journey.check() == (rows_in(25 * MINUTE_S), 0)


@pytest.mark.parametrize("reboot", [False, True], ids=["the gateway stopped", "the Pi was off"])
def test_rows_kept_through_hours_without_a_gateway_are_sure(begin: Begin, reboot: bool) -> None:
    """Boards get colder all the while; what is known before and after joins up."""
    journey = begin(unset=False)
    journey.run(10 * MINUTE_S)
    if reboot:
        journey.reboot_machine(3 * HOUR_S, WRONG_US)
        journey.clock.set_wall()
    else:
        journey.stop_gateway()
        for _ in range(6):
            for node in journey.nodes:
                node.change_drift(journey.clock.true_us, node.ppm - 1)
            journey.run(HOUR_S / 2, gateway_there=False)
        journey.start_gateway()
    journey.run(5 * MINUTE_S)
    assert journey.check(within_us=20_000) == (rows_in(3 * HOUR_S + 15 * MINUTE_S), 0)


def test_rows_kept_through_a_day_are_marked_where_the_drift_may_have_changed(begin: Begin) -> None:
    journey = begin(unset=False)
    journey.run(10 * MINUTE_S)
    journey.stop_gateway()
    for _ in range(2):
        for node in journey.nodes:
            node.change_drift(journey.clock.true_us, node.ppm - 15)
        journey.run(8 * HOUR_S, gateway_there=False)
    journey.start_gateway()
    journey.run(5 * MINUTE_S)
    sure, estimated = journey.check(within_us=SURE_US)
    assert sure + estimated == rows_in(16 * HOUR_S + 15 * MINUTE_S)
    assert estimated > rows_in(HOUR_S)


def test_the_rest_of_a_boot_known_only_by_what_the_node_was_told_is_marked(begin: Begin) -> None:
    journey = begin(unset=False)
    node = journey.nodes[0]
    told_ms = (journey.clock.true_us - 60 * SECOND_US) // 1000
    node.board.reset(0xA)
    rest = [node.board.hello(), node.board.readings([(30_000,)], t_ms=9_000)]
    journey.truth[node.board.name, 30_000] = told_ms * 1000 + 4_000_000
    journey.reboot_node(node, 0xB)
    journey.run(MINUTE_S)
    journey.collecting.receive(node.board.event(EVENT_EARLIER_BOOT, (0xA, 0, 5_000, told_ms)))
    journey.collecting.receive(*rest)
    journey.run(MINUTE_S)
    (row,) = journey.rows()[node.board.name, 30_000]
    assert row.estimated
    assert row.time_us == journey.truth[node.board.name, 30_000]
