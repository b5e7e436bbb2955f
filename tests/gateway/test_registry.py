"""Promise 2: unknown is never shown as good. Every value has an age and a quality."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from axwire.codes import NOT_READY, OK, OPEN, STATUSES
from board_peer import MISSING, Board, currents, group_of
from collecting import Collecting

from gateway.alarms.picture import Latest
from gateway.live import NODE_SILENT_US
from gateway.state import Channel, Node

Collect = Callable[..., Collecting]
SECOND_US = 1_000_000


class Live:
    """A gateway that has just come to know a board, which began 100 s ago."""

    def __init__(self, gateway: Collecting, board: Board) -> None:
        self.gateway = gateway
        self.board = board
        self.clock = gateway.clock
        self.boot()

    def boot(self) -> None:
        self.booted_us = self.clock.monotonic_us() - 100 * SECOND_US
        self.gateway.receive(self.board.hello())
        self.answer_pings()

    def answer_pings(self) -> None:
        self.gateway.answer_pings(self.board, self.booted_us)

    def board_ms(self) -> int:
        return (self.clock.monotonic_us() - self.booted_us) // 1000

    def read(self, *rows: list[int], ago_ms: int = 0, statuses: list[int] | None = None) -> None:
        """Rows, the last of which was taken `ago_ms` ago."""
        group = self.board.groups[0]
        t_ms = self.board_ms() - ago_ms - (len(rows) - 1) * group.period_ms
        taken = self.gateway.receive(self.board.readings(rows, t_ms=t_ms, statuses=statuses))
        assert taken == [True]

    def keep_talking(self, seconds: float) -> None:
        """The node answers pings, and says nothing else."""
        for _ in range(round(seconds * 10)):
            self.clock.advance_us(SECOND_US // 10)
            self.answer_pings()

    def channels(self) -> tuple[Channel, ...]:
        return self.gateway.gateway.registry.state().channels

    def channel(self) -> Channel:
        return self.channels()[0]

    def node(self) -> Node:
        return self.gateway.gateway.registry.state().nodes[0]


@pytest.fixture
def live(collect: Collect, board: Board) -> Live:
    return Live(collect(board), board)


def test_a_node_that_was_never_heard_is_waited_for(collect: Collect, board: Board) -> None:
    state = collect(board).gateway.registry.state()
    assert [(node.name, node.status, node.age_ms) for node in state.nodes] == [
        (board.name, "waiting", None)
    ]
    assert state.channels == ()


def test_a_channel_without_a_reading_is_waited_for(live: Live) -> None:
    assert [(c.quality, c.value, c.age_ms) for c in live.channels()] == [
        ("waiting", None, None)
    ] * 2


def test_a_fresh_reading_is_shown_with_its_unit_and_age(live: Live) -> None:
    live.read([12_300, 0])
    live.clock.advance_us(90_000)
    channel = live.channel()
    assert (channel.id, channel.quantity, channel.place) == (
        "motors-a/0",
        "motor.current",
        "motor 1",
    )
    assert (channel.value, channel.unit, channel.age_ms) == (pytest.approx(12.3), "A", 90)
    assert (channel.quality, channel.decimals) == ("ok", 0)


def test_silence_of_two_and_a_half_seconds_makes_all_values_stale(live: Live) -> None:
    live.read([1, 2])
    live.clock.advance_us(NODE_SILENT_US)
    assert (live.node().status, live.channel().quality) == ("live", "ok")
    live.clock.advance_us(1)
    assert live.node().status == "stale"
    assert [(c.quality, c.value, c.age_ms) for c in live.channels()] == [("stale", None, 2500)] * 2


def test_a_fault_of_a_silent_node_is_stale_too(live: Live) -> None:
    live.read([MISSING, 2], statuses=[OPEN, OK])
    live.clock.advance_us(NODE_SILENT_US + 1)
    assert live.channel().quality == "stale"


def test_a_group_that_stops_is_stale_though_its_node_speaks(live: Live) -> None:
    live.read([1, 2])
    live.keep_talking(2.6)
    assert live.node().status == "live"
    assert (live.channel().quality, live.channel().value) == ("stale", None)


def test_a_slow_group_is_stale_after_ten_periods(collect: Collect) -> None:
    board = Board(groups=currents(period_ms=1000))
    live = Live(collect(board), board)
    live.read([1, 2])
    live.keep_talking(10)
    assert live.channel().quality == "ok"
    live.keep_talking(0.1)
    assert live.channel().quality == "stale"
    assert live.channel().stale_after_ms == 10_000


@pytest.mark.parametrize("status", range(1, len(STATUSES)))
def test_what_a_board_says_of_its_sensor_is_the_quality(live: Live, status: int) -> None:
    live.read([1, 2], statuses=[status, OK])
    assert [c.quality for c in live.channels()] == [STATUSES[status], "ok"]


def test_a_fault_without_a_sample_shows_no_earlier_number(live: Live) -> None:
    live.read([1000, 2000])
    live.clock.advance_us(300_000)
    live.read([MISSING, 2000], [MISSING, 2000], statuses=[OPEN, OK])
    channel = live.channel()
    assert (channel.quality, channel.value, channel.age_ms) == ("open", None, 0)


def test_a_sample_that_was_missed_leaves_the_one_before_with_its_age(live: Live) -> None:
    live.read([1000, 2000], [MISSING, 3000])
    assert [(c.value, c.age_ms, c.quality) for c in live.channels()] == [
        (pytest.approx(1.0), 100, "ok"),
        (pytest.approx(3.0), 0, "ok"),
    ]


@pytest.mark.parametrize(("raw", "quality"), [(3_000_000, "ok"), (3_000_001, "out_of_range")])
def test_an_impossible_value_is_marked_and_not_hidden(
    collect: Collect, raw: int, quality: str
) -> None:
    board = Board()
    live = Live(collect(board), board)
    message = board.readings([[raw, -raw]], t_ms=live.board_ms(), wide=True)
    assert live.gateway.receive(message) == [True]
    assert [c.quality for c in live.channels()] == [quality, quality]
    assert live.channel().value == pytest.approx(raw / 1000)


def test_older_rows_do_not_overwrite_newer_ones(live: Live) -> None:
    live.read([1000, 2000])
    live.read([5000, MISSING], ago_ms=400, statuses=[OPEN, NOT_READY])
    assert [(c.value, c.quality, c.age_ms) for c in live.channels()] == [
        (pytest.approx(1.0), "ok", 0),
        (pytest.approx(2.0), "ok", 0),
    ]


def test_older_rows_do_not_hide_a_newer_fault(live: Live) -> None:
    live.read([MISSING, 2000], statuses=[OPEN, OK])
    live.read([5000, 2000], ago_ms=400)
    assert (live.channel().quality, live.channel().value) == ("open", None)


def test_rows_of_a_backlog_have_their_true_age(live: Live) -> None:
    live.read([1000, 2000], ago_ms=1_700)
    assert live.channel().age_ms == 1_700
    live.read([1000, 2000], ago_ms=600)
    assert live.channel().age_ms == 600


def test_a_backlog_of_a_minute_is_not_shown_as_live(live: Live) -> None:
    live.read([1000, 2000], ago_ms=60_000)
    assert live.node().status == "live"
    assert (live.channel().quality, live.channel().value) == ("stale", None)
    assert live.channel().age_ms == 60_000


def test_a_value_of_unknown_age_is_waited_for(collect: Collect, board: Board) -> None:
    gateway = collect(board)
    gateway.receive(board.hello(), board.readings(t_ms=100))
    channel = gateway.gateway.registry.state().channels[0]
    assert (channel.quality, channel.value, channel.age_ms) == ("waiting", None, None)


def test_a_step_of_the_wall_clock_changes_no_age(live: Live) -> None:
    live.read([1000, 2000], ago_ms=200)
    live.clock.step_wall_us(-86_400 * SECOND_US)
    assert live.channel().age_ms == 200
    live.read([1000, 2000], ago_ms=100)
    assert live.channel().age_ms == 100


def test_a_new_boot_begins_without_values(live: Live) -> None:
    live.read([1000, 2000])
    live.board.reset(boot=2)
    live.gateway.receive(live.board.event())
    assert live.node().boot == "00000002"
    assert live.node().firmware is None
    assert [(c.quality, c.value) for c in live.channels()] == [("waiting", None)] * 2


def test_late_rows_of_an_older_boot_are_not_shown(live: Live) -> None:
    late = live.board.readings([[7000, 7000]], t_ms=live.board_ms())
    live.board.reset(boot=2)
    live.boot()
    live.read([1000, 2000])
    assert live.gateway.receive(late) == [True]
    assert live.channel().value == pytest.approx(1.0)


def test_a_table_told_again_blanks_nothing(live: Live) -> None:
    live.read([1000, 2000])
    live.gateway.receive(live.board.hello())
    assert live.channel().value == pytest.approx(1.0)


def test_a_new_revision_shows_its_own_channels_and_no_older_rows(live: Live) -> None:
    live.read([1000, 2000])
    old = live.board.readings([[3000, 4000]], t_ms=live.board_ms())
    live.board.revision = 1
    live.board.groups = [group_of("motor.voltage", 1)]
    live.gateway.receive(live.board.hello(), old)
    assert [(c.quantity, c.quality) for c in live.channels()] == [("motor.voltage", "waiting")]


def test_a_channel_that_is_only_read_at_another_period_keeps_its_value(live: Live) -> None:
    live.read([1000, 2000])
    live.board.revision = 1
    live.board.groups = currents(2, period_ms=5000)
    live.gateway.receive(live.board.hello())
    assert [(c.value, c.quality) for c in live.channels()] == [(1.0, "ok"), (2.0, "ok")]
    assert live.channel().stale_after_ms == 50_000
    live.clock.advance_us(SECOND_US)
    live.answer_pings()
    assert live.channel().age_ms == 1000
    live.read([3000, 4000])
    assert [c.value for c in live.channels()] == [3.0, 4.0]


def test_a_late_table_of_an_older_revision_is_not_shown(live: Live) -> None:
    late = live.board.hello()
    live.board.revision = 1
    live.board.groups = [group_of("motor.voltage", 1)]
    live.gateway.receive(live.board.hello(), late)
    assert [c.quantity for c in live.channels()] == ["motor.voltage"]


def test_a_node_tells_who_it_is_and_what_it_holds(live: Live) -> None:
    live.gateway.receive(live.board.health(outbox_messages=3))
    node = live.node()
    assert (node.firmware, node.board, node.reset_cause) == ("0.1.0", "sim", "power_on")
    assert (node.link, node.outbox_messages) == ("serial test", 3)
    assert node.clock_error_ms is not None


def test_older_health_does_not_overwrite_newer(live: Live) -> None:
    held = live.board.sequence
    older = live.board.health(outbox_messages=9, t_ms=1000)
    newer = live.board.health(oldest=held, outbox_messages=3, t_ms=2000)
    live.gateway.receive(newer, older)
    assert len(live.gateway.ingest.refused) == 0
    assert live.node().outbox_messages == 3


def test_what_a_node_lost_stays_counted_over_its_reset(live: Live) -> None:
    board = live.board
    board.readings([[1, 2]] * 5)
    live.gateway.receive(board.health(samples=10))
    assert live.node().lost_samples == 10
    board.reset(boot=2)
    board.readings([[1, 2]])
    live.gateway.receive(board.health(samples=2))
    assert live.node().lost_samples == 12
    assert live.gateway.gateway.registry.state().losses["samples_dropped_by_nodes"] == 12


def test_what_a_node_lost_stays_counted_over_many_resets(live: Live) -> None:
    board = live.board
    for boot in range(2, 102):
        board.reset(boot)
        board.next()
        live.gateway.receive(board.health(oldest=1, samples=2))
    assert live.node().lost_samples == 200


def test_a_restarted_gateway_shows_a_running_node_without_a_new_hello(
    live: Live, tmp_path: Path
) -> None:
    live.gateway.commit()
    again = live.gateway.after_power_cut(tmp_path / "again")
    again.receive(live.board.event())
    state = again.gateway.registry.state()
    assert state.nodes[0].firmware == "0.1.0"
    assert [c.quality for c in state.channels] == ["waiting"] * 2
    again.close()


def test_readers_are_woken_by_each_change(live: Live) -> None:
    registry = live.gateway.gateway.registry

    async def follow() -> tuple[int, int]:
        before = registry.version
        waiting = [asyncio.create_task(registry.changed(before)) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        live.read([1, 2])
        after = await asyncio.gather(*waiting)
        assert len(set(after)) == 1
        return before, after[0]

    before, after = asyncio.run(follow())
    assert after > before


def test_what_a_node_tells_of_its_link_and_its_losses_is_shown(
    collect: Collect, board: Board
) -> None:
    live = Live(collect(board), board)
    node = live.node()
    assert (node.frames_refused, node.link_errors, node.thinned_samples) == (None, None, None)
    live.gateway.receive(
        board.health(
            oldest=1, outbox_messages=3, frames_refused=2, resent_messages=7, link_errors=1,
            dropped_samples=20, thinned_samples=600,
        )
    )  # fmt: skip
    node = live.node()
    assert (node.outbox_messages, node.frames_refused, node.resent_messages) == (3, 2, 7)
    assert (node.link_errors, node.dropped_samples, node.thinned_samples) == (1, 20, 600)


def test_the_round_trip_of_the_latest_ping_is_shown(collect: Collect, board: Board) -> None:
    live = Live(collect(board), board)
    live.gateway.receive(board.hello())
    for trip_us in (9000, 4000):
        live.gateway.tick(2_000_000)
        (ping,) = live.gateway.line.pings()[-1:]
        live.clock.advance_us(trip_us)
        live.gateway.receive(board.pong(ping, 1_000_000))
        assert live.node().round_trip_ms == trip_us / 1000


@pytest.mark.parametrize("seed", range(8))
def test_what_is_told_anew_adds_up_to_the_whole(live: Live, seed: int) -> None:
    """The alarms are given changes alone, and see what the page shows: whatever comes, stops and
    grows old by time alone."""
    print(f"seed {seed}")
    random = Random(seed)
    registry = live.gateway.gateway.registry
    told: dict[str, Latest] = {}
    told_count = 0
    for step in range(400):
        live.clock.advance_us(random.choice((20_000, 100_000, 900_000)))
        act = random.random()
        if act < 0.25:
            live.read([random.choice((MISSING, 5000)), step], statuses=[OPEN, OK])
        elif act < 0.5:
            live.read([step, 2 * step])
        elif act < 0.7:
            live.answer_pings()
        elif act < 0.72:
            live.board.reset(step + 1)
            live.gateway.receive(live.board.hello())
            live.booted_us = live.clock.monotonic_us()
        elif act < 0.74:
            live.clock.advance_us(3_000_000)
        for one in registry.news():
            told[one.id] = one
            told_count += 1
        shown = {channel.id: channel for channel in live.channels()}
        assert {name: one.quality for name, one in told.items()} == {
            name: channel.quality for name, channel in shown.items()
        }
        for name, channel in shown.items():
            if channel.value is not None:
                assert told[name].value == channel.value
    assert told_count < 400 * 2 * 0.8
