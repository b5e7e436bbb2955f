"""A trend says what the samples say, and what is not known to be good stays visible in it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from axwire.codes import NO_ANSWER, OUT_OF_RANGE, STUCK
from board_peer import MISSING, Board, group_of
from collecting import Collecting

from gateway.history.indexer import Indexer
from gateway.history.rows import STATUS_WORDS, SelectedRows
from gateway.history.selection import Selection, SelectionError
from gateway.history.trend import Trend, Trends
from gateway.ledger import account_of
from gateway.spool import FileStorage, Limits, Thinner, make_room

from .recorded import PERIOD_MS, ROWS, board, finish, indexer_of, record, thinned_message

Collect = Callable[..., Collecting]
MINUTE_US = 60_000_000


@pytest.fixture
def recorded(collect: Collect) -> Collecting:
    """Ten minutes of a node, and some of another, in the segment that is being written."""
    peer, other = board(), board("motors-b", 7)
    collecting = collect(peer, other, segment_mb=1)
    record(collecting, other, 4, seed=1)
    record(collecting, peer, 120, seed=2)
    return collecting


def times(collecting: Collecting) -> tuple[int, int]:
    """From the first row of motors-a to now."""
    rows = SelectedRows(collecting.gateway.writer.folder, Selection("motors-a"))
    return min(s.times_us[0] for s in rows), collecting.clock.utc_us()


def expected(collecting: Collecting, number: str, trend: Trend) -> dict[str, list[float]]:
    """The same from the exported rows, one by one; a bucket belongs where it begins."""
    found: dict[str, list[float]] = {
        name: [0] * len(trend.mean) for name in ("sound", "suspect", "missing")
    }
    low = [float("nan")] * len(trend.mean)
    high, total = list(low), [0.0] * len(trend.mean)
    folder = collecting.gateway.writer.folder
    clock = collecting.gateway.ledger.boot("motors-a", 0x9F3A01C2).clock
    assert clock is not None
    for samples in SelectedRows(folder, Selection("motors-a", number)):
        for at, (value,), (status,) in zip(
            samples.times_us.tolist(), samples.values.tolist(), samples.statuses.tolist(),
            strict=True,
        ):  # fmt: skip
            board_us = clock.board_us + at - clock.utc_us
            bucket_us = clock.utc_at(board_us // 2_000_000 * 2_000_000)
            k = (bucket_us - trend.start_us) // trend.step_us
            if not 0 <= k < len(trend.mean):
                continue
            word = STATUS_WORDS[status]
            if value != value:
                found["missing"][k] += 1
            elif word != "ok":
                found["suspect"][k] += 1
            else:
                found["sound"][k] += 1
                total[k] += value
                low[k] = min(value, low[k]) if low[k] == low[k] else value
                high[k] = max(value, high[k]) if high[k] == high[k] else value
    mean = [t / n if n else float("nan") for t, n in zip(total, found["sound"], strict=True)]
    return found | {"low": low, "high": high, "mean": mean}


def assert_same(left: Trend, right: Trend) -> None:
    for name in ("low", "mean", "high", "sound", "suspect", "missing", "status", "estimated"):
        np.testing.assert_allclose(getattr(left, name), getattr(right, name), rtol=0, atol=1e-4)


@pytest.mark.parametrize("number", ["0", "1"])
@pytest.mark.parametrize("points", [1, 7, 100, 10_000])
def test_a_trend_is_what_the_rows_say(recorded: Collecting, number: str, points: int) -> None:
    begin_us, end_us = times(recorded)
    trends = Trends(recorded.gateway.writer.folder, indexer=indexer_of(recorded))
    trend = trends.query("motors-a", number, begin_us - MINUTE_US, end_us, points)
    truth = expected(recorded, number, trend)
    assert len(trend.mean) <= points
    assert sum(truth["sound"]) > 8000
    for name in ("sound", "suspect", "missing"):
        assert getattr(trend, name).tolist() == truth[name]
    np.testing.assert_allclose(trend.low, truth["low"], atol=1e-9)
    np.testing.assert_allclose(trend.high, truth["high"], atol=1e-9)
    np.testing.assert_allclose(trend.mean, truth["mean"], atol=0.001 / 16)
    assert not trend.estimated.any()
    assert trend.segments_without_index == 0


def test_files_memory_and_the_log_itself_give_the_same_trend(
    recorded: Collecting, collect: Collect
) -> None:
    begin_us, end_us = times(recorded)
    folder = recorded.gateway.writer.folder
    question = ("motors-a", "motor.current at motor 2", begin_us, end_us, 50)
    from_log = Trends(folder).query(*question)
    followed = indexer_of(recorded)
    assert_same(Trends(folder, indexer=followed).query(*question), from_log)
    assert_same(Trends(folder).query(*question), from_log)
    for path in folder.glob("*.idx"):
        path.unlink()
    late = Indexer(FileStorage(), folder, lambda: recorded.gateway.writer.committed)
    finish(late)
    assert_same(Trends(folder, indexer=late).query(*question), from_log)


def test_what_is_not_sound_shows_and_is_in_no_mean(collect: Collect) -> None:
    peer = board()
    collecting = collect(peer)
    collecting.receive(peer.hello())
    collecting.answer_pings(peer, collecting.clock.monotonic_us())
    begin_us = collecting.clock.utc_us()
    steps = [
        ([[1000, 1000]] * 40, None),
        ([[1000, 9000]] * 40, (0, STUCK)),
        ([[1000, MISSING]] * 40, None),
        ([[1000, MISSING]] * 40, (0, NO_ANSWER)),
        ([[1000, 1000]] * 20 + [[1000, MISSING]] * 20, None),
    ]
    for k, (rows, statuses) in enumerate(steps):
        collecting.receive(peer.readings(rows, t_ms=2000 * k, statuses=statuses))
    far = group_of("motor.current", 2, period_ms=PERIOD_MS)
    far.channels[1].scale *= 10_000
    peer.groups, peer.revision = [far], 1
    collecting.receive(peer.hello(), peer.readings([[1000, 1000]] * 40, t_ms=12_000))
    collecting.commit()
    trends = Trends(collecting.gateway.writer.folder, indexer=indexer_of(collecting))
    trend = trends.query("motors-a", "1", begin_us, begin_us + 16_000_000, 8)
    nan = float("nan")
    np.testing.assert_equal(trend.mean, [1, nan, nan, nan, 1, nan, nan, nan])
    assert trend.sound.tolist() == [40, 0, 0, 0, 20, 0, 0, 0]
    assert trend.suspect.tolist() == [0, 40, 0, 0, 0, 0, 40, 0]
    assert trend.missing.tolist() == [0, 0, 40, 40, 20, 0, 0, 0]
    assert trend.status.tolist() == [0, STUCK, 0, NO_ANSWER, 0, 0, OUT_OF_RANGE, 0]


def test_what_a_node_thinned_itself_fills_the_time_that_it_stands_for(collect: Collect) -> None:
    peer = board()
    collecting = collect(peer)
    collecting.receive(peer.hello())
    collecting.answer_pings(peer, collecting.clock.monotonic_us())
    begin_us = collecting.clock.utc_us()
    message = thinned_message(peer, [[100, 1], [200, 2], [300, 3]], 6000, 41, t_ms=2000)
    assert collecting.receive(message) == [True]
    collecting.commit()
    trends = Trends(collecting.gateway.writer.folder, indexer=indexer_of(collecting))
    trend = trends.query("motors-a", "0", begin_us, begin_us + 12_000_000, 6)
    assert trend.sound.tolist() == [0, 10, 10, 10, 11, 0]
    np.testing.assert_allclose(trend.low[1:5], 0.1)
    np.testing.assert_allclose(trend.mean[1:5], 0.2)
    np.testing.assert_allclose(trend.high[1:5], 0.3)


def test_a_boot_without_a_clock_is_placed_by_its_arrival_and_marked(collect: Collect) -> None:
    peer = board()
    collecting = collect(peer)
    collecting.receive(peer.hello(), peer.readings([[1000, 1000]] * 40, t_ms=500_000))
    collecting.commit()
    now_us = collecting.clock.utc_us()
    trends = Trends(collecting.gateway.writer.folder, indexer=indexer_of(collecting))
    trend = trends.query("motors-a", "0", now_us - 10_000_000, now_us + 10_000_000, 10)
    (k,) = np.flatnonzero(trend.sound)
    assert abs(trend.start_us + k * trend.step_us - now_us) <= 4_000_000
    assert trend.estimated.tolist() == [k == n for n in range(10)]


def test_a_clock_that_came_later_moves_rows_that_were_indexed_before(collect: Collect) -> None:
    peer = board()
    collecting = collect(peer, segment_mb=1)
    collecting.clock.trust(False)
    record(collecting, peer, 40, seed=3)
    truth_us = collecting.clock.utc_us() - 40 * ROWS * PERIOD_MS * 1000 + 3_600_000_000
    collecting.clock.step_wall_us(3_600_000_000)
    collecting.clock.trust(True)
    collecting.answer_pings(peer, 5_000_000)
    collecting.clock.advance_us(2_000_000)
    collecting.answer_pings(peer, 5_000_000)
    collecting.commit()
    trends = Trends(collecting.gateway.writer.folder, indexer=indexer_of(collecting))
    trend = trends.query("motors-a", "0", truth_us, truth_us + 200_000_000, 100)
    assert trend.sound.sum() > 3000
    assert not trend.estimated.any()
    with pytest.raises(SelectionError, match="nothing of channel"):
        trends.query("motors-a", "9", truth_us, truth_us + 1, 1)


def test_boots_follow_each_other_and_a_number_means_what_it_measured_last(
    collect: Collect,
) -> None:
    peer = board()
    collecting = collect(peer)
    begin_us = collecting.clock.utc_us()
    record(collecting, peer, 10, seed=4)
    peer.reset(0x1234)
    record(collecting, peer, 10, seed=5)
    peer.reset(0x1235)
    peer.groups = [group_of("motor.voltage", 1), group_of("motor.current", 2, number=1, first=1)]
    collecting.receive(peer.hello(), peer.readings([[5000]] * 20, t_ms=0))
    collecting.commit()
    trends = Trends(collecting.gateway.writer.folder, indexer=indexer_of(collecting))
    now_us = collecting.clock.utc_us() + MINUTE_US
    by_name = trends.query("motors-a", "motor.current at motor 1", begin_us, now_us, 20)
    assert by_name.sound.sum() > 1500
    by_number = trends.query("motors-a", "0", begin_us, now_us, 20)
    assert by_number.channel.quantity == "motor.voltage"
    assert by_number.sound.sum() == 20


def test_a_quantity_that_is_measured_twice_is_asked_for_by_number(collect: Collect) -> None:
    twice = [group_of("motor.current", 1), group_of("motor.current", 1, number=1, first=1)]
    peer = Board(groups=twice)
    collecting = collect(peer)
    collecting.receive(peer.hello(), peer.readings([[1]]), peer.readings([[2]], group=1))
    collecting.commit()
    trends = Trends(collecting.gateway.writer.folder, indexer=indexer_of(collecting))
    now_us = collecting.clock.utc_us()
    with pytest.raises(SelectionError, match="measured twice: ask for channel 0 or 1"):
        trends.query(
            "motors-a", "motor.current at motor 1", now_us - MINUTE_US, now_us + MINUTE_US, 5
        )


def test_a_trend_outlives_the_readings_that_were_thinned(recorded: Collecting) -> None:
    begin_us, end_us = times(recorded)
    core = recorded.gateway
    folder = core.writer.folder
    indexer = indexer_of(recorded)
    question = ("motors-a", "1", begin_us, end_us, 50)
    before = Trends(folder, indexer=indexer).query(*question)
    overfill(recorded)
    finish(indexer)
    thinner = Thinner(core.writer.storage, folder, account_of)
    make_room(core.writer, Limits(core.writer.total_bytes, 0), None, thinner=thinner)
    assert core.writer.metrics.messages_thinned > 20
    assert_same(Trends(folder, indexer=indexer).query(*question), before)


def overfill(collecting: Collecting) -> None:
    """Other readings, until two more segments are closed."""
    other = collecting.boards[1]
    segment = collecting.gateway.writer.committed.segment
    n = 10_000
    while collecting.gateway.writer.committed.segment < segment + 2:
        for _ in range(100):
            n += 1
            collecting.receive(other.readings([[n % 7, 1]] * 400, t_ms=n * 20_000))
        collecting.commit()


def test_the_index_goes_with_its_segment(recorded: Collecting) -> None:
    core = recorded.gateway
    overfill(recorded)
    finish(indexer_of(recorded))
    numbers = {path.stem for path in core.writer.folder.glob("*.seg")}
    closed = numbers - {max(numbers)}
    assert {path.stem for path in core.writer.folder.glob("*.idx")} == closed
    make_room(core.writer, Limits(1_500_000, 0), None)
    left = {path.stem for path in core.writer.folder.glob("*.seg")}
    assert left < numbers
    assert {path.stem for path in core.writer.folder.glob("*.idx")} == left - {max(left)}


@pytest.mark.parametrize("at", [0, 20, 40, 90, -1])
def test_a_damaged_index_is_noticed_and_made_anew_from_the_log(
    recorded: Collecting, at: int
) -> None:
    begin_us, end_us = times(recorded)
    overfill(recorded)
    folder = recorded.gateway.writer.folder
    indexer = indexer_of(recorded)
    question = ("motors-a", "1", begin_us, end_us, 50)
    sound = Trends(folder, indexer=indexer).query(*question)
    path = folder / "0000000001.idx"
    content = bytearray(path.read_bytes())
    content[at] ^= 8
    path.write_bytes(content)
    assert_same(Trends(folder).query(*question), sound)
    trends = Trends(folder, indexer=indexer)
    with pytest.raises(SelectionError, match="segments without an index: 1"):
        trends.query(*question)
    finish(indexer)
    assert_same(trends.query(*question), sound)
    assert path.read_bytes() != content


def test_an_index_of_another_segment_is_not_believed(
    recorded: Collecting, collect: Collect
) -> None:
    """Not that of another number, nor one of this number in another spool."""
    begin_us, end_us = times(recorded)
    overfill(recorded)
    folder = recorded.gateway.writer.folder
    question = ("motors-a", "1", begin_us, end_us, 50)
    indexer_of(recorded)
    sound = Trends(folder).query(*question)
    stranger = collect(*recorded.boards, segment_mb=1)
    stranger.receive(recorded.boards[1].hello())
    overfill(stranger)
    indexer_of(stranger)
    first = (stranger.gateway.writer.folder / "0000000001.idx").read_bytes()
    for name in ("0000000001.idx", "0000000002.idx"):
        (folder / name).write_bytes(first)
    assert_same(Trends(folder).query(*question), sound)


@pytest.mark.parametrize(
    ("begin", "end", "points", "words"),
    [(5, 5, 10, "begin before its end"), (0, 5, 0, "1 to 100000"), (0, 5, 100_001, "1 to 100000")],
)
def test_a_question_without_sense_is_refused(
    tmp_path: Path, begin: int, end: int, points: int, words: str
) -> None:
    with pytest.raises(SelectionError, match=words):
        Trends(tmp_path).query("motors-a", "0", begin, end, points)
