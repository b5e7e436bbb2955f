"""Another period of a group while the sampling goes on, in lock-step."""

from time import ticks_add, ticks_diff

from axnode.retiming import ask_period
from axnode.sampler import Row, Scan
from axwire.codes import COMMAND_PERIOD, DONE, NOT_POSSIBLE, OK
from axwire.table import Channel, Group

from lockstep import Rig, Sink

MISSING = -0x8000
SEQUENCE = 77
PERIODS = (50, 10, 500, 9, 123, 10, 2000, 12)


class Retimed(Sink):
    """Keeps the rows of each period with their times, and the changes."""

    def __init__(self, rig):
        super().__init__(rig.clock)
        self.rig = rig
        self.revision = self.table_sequence = 0
        self.periods = []
        self.times = {0: [], 1: []}

    def flush(self, blocks):
        first = len(self.blocks)
        periods = [block.group.period_ms for block in blocks]
        super().flush(blocks)
        for group, t_ms, rows, _ in self.blocks[first:]:
            self.times[group] += [t_ms + periods[group] * at for at in range(len(rows))]

    def hello(self, about):
        """In place of the node's reports."""
        for block in self.rig.sampler._blocks:
            assert not block.rows, "finished rows belong to the table before"
        assert self.revision == 1 + len(self.periods) and self.table_sequence == SEQUENCE + 1
        periods = [row.block.group.period_ms for row in self.rig.sampler.rows]
        self.periods.append(periods)


class Session:
    """Of the node: which command was heard last, and the answers given later."""

    down_sequence = SEQUENCE

    def __init__(self):
        self.answers = []

    def answer(self, sequence, code, result):
        self.answers.append((sequence, code, result))


class Outbox:
    """Of the node: the sequence of the next message."""

    sequence = SEQUENCE + 1


class Node:
    """What of a node the command needs."""

    about = None

    def __init__(self, sampler, reports):
        self.sampler = sampler
        self.reports = reports
        self.outbox = Outbox()
        self.session = Session()


class Sleeping(Rig):
    """The loop sleeps as it decided to, whatever is asked of it meanwhile."""

    idle_until = None

    def run_ms(self, duration_ms, late_us=150):
        end = ticks_add(self.ticks.now, duration_ms * 1000)
        while ticks_diff(end, self.ticks.now) > 0:
            if self.idle_until is not None:
                wait = min(
                    ticks_diff(self.idle_until, self.ticks.now), ticks_diff(end, self.ticks.now)
                )
                self.ticks.advance(max(wait, 0))
                if ticks_diff(self.idle_until, self.ticks.now) > 0:
                    return
            now = self.clock.tick()
            self.sampler.step(now)
            if ticks_diff(self.sampler.flush_at, now) <= 500:
                self.sampler.flush(now)
            idle_us = self.sampler.idle_ms(self.clock.tick()) * 1000 + late_us
            self.idle_until = ticks_add(self.ticks.now, idle_us)


def _rig():
    rig = Sleeping()
    rig.sampler._sink = rig.sink = Retimed(rig)
    rig.node = Node(rig.sampler, rig.sink)
    return rig


def _ask(rig, group, period_ms):
    return ask_period(rig.node, [group, period_ms])


def _steps(times):
    """Each distance between rows that follow one another, and how often in a row it came."""
    steps = []
    for at in range(1, len(times)):
        step = times[at] - times[at - 1]
        if steps and steps[-1][0] == step:
            steps[-1][1] += 1
        else:
            steps.append([step, 1])
    return steps


def _all_are_there(rig):
    """Nothing was missed, and what the chips gave is in the rows, to the sample."""
    assert rig.sampler.missed == rig.sampler.late == rig.sampler.errors == 0
    for group in (0, 1):
        for row in rig.rows(group):
            assert MISSING not in row, row
    rig.board.host.obey(3, memoryview(b""))
    rig.run_ms(1200)
    assert sum(rig.taken().values()) == rig.samples(), (rig.taken(), rig.samples())


def test_rows_before_and_after_lie_on_exact_grids_and_none_is_lost():
    for period_ms in (9, 11, 25, 40, 333, 1000):
        for offset_ms in (0, 3, 7):
            rig = _rig()
            rig.run_ms(1000 + offset_ms)
            assert _ask(rig, 0, period_ms) is None
            rig.run_ms(3000)
            assert rig.sink.periods == [[period_ms, 1000]]
            assert rig.node.session.answers == [(SEQUENCE, COMMAND_PERIOD, DONE)]
            before, after = _steps(rig.sink.times[0])[:1], _steps(rig.sink.times[0])[1:]
            assert before[0][0] == 10 and before[0][1] >= 98, before
            gap = [step for step in after if step[0] not in (10, period_ms)]
            assert not gap or (len(gap) == 1 and gap[0][0] % period_ms == 0), after
            assert after[-1][0] == period_ms, (period_ms, after)
            assert _steps(rig.sink.times[1]) in ([[1000, 2]], [[1000, 3]]), rig.sink.times[1]
            _all_are_there(rig)


def test_a_shorter_period_begins_before_the_next_row_of_the_longer_one():
    rig = _rig()
    rig.run_ms(2000)
    first = rig.sink.times[1][-1]
    rig.run_ms(310)
    assert _ask(rig, 1, 100) is None
    rig.run_ms(1100)
    assert rig.sink.periods == [[10, 100]]
    begun = [t_ms for t_ms in rig.sink.times[1] if t_ms > first]
    assert (begun[0] - first, begun[1] - begun[0]) == (1000, 500), (first, begun)
    assert _steps(begun[1:])[0][0] == 100
    _all_are_there(rig)


def test_from_long_to_short_and_back_again_many_times():
    rig = _rig()
    rig.run_ms(500)
    for period_ms in PERIODS:
        assert _ask(rig, 0, period_ms) is None
        rig.run_ms(2100)
    assert [fast_ms for fast_ms, _ in rig.sink.periods] == list(PERIODS)
    times = rig.sink.times[0]
    assert all([times[at] > times[at - 1] for at in range(1, len(times))])
    _all_are_there(rig)


def test_the_room_for_rows_grows_with_shorter_periods_up_to_a_message():
    rig = _rig()
    row = rig.sampler.rows[1]
    row.most = 20
    row.block.capacity = 2
    rig.run_ms(1000)
    assert _ask(rig, 1, 90) is None
    assert row.block.capacity == 3
    rig.run_ms(3000)
    assert _ask(rig, 1, 80) is None
    assert row.block.capacity == 3
    rig.run_ms(1000)
    rig.sampler.flush_us = 60_000_000
    assert _ask(rig, 1, 90) is None
    assert row.block.capacity == 20
    rig.run_ms(1000)
    assert _ask(rig, 1, 1000) is None
    assert row.block.capacity == 20


def test_what_cannot_be():
    rig = _rig()
    rig.run_ms(100)
    for arguments in ([], [0], [2, 10], [0, 0], [0, 60_001], [0, 8], [1, 77], [0, 10, 1]):
        answer = ask_period(rig.node, arguments)
        assert answer == NOT_POSSIBLE, arguments
    assert _ask(rig, 0, 10) == DONE
    assert _ask(rig, 0, 60_000) is None
    assert _ask(rig, 0, 20) == NOT_POSSIBLE, "one at a time"
    rig.run_ms(200)
    assert rig.sink.periods == [[60_000, 1000]]
    assert _ask(rig, 0, 20) is None
    rig.run_ms(200)
    assert rig.sink.periods[1:] == [[20, 1000]]
    rig.sink.revision = 0xFFFF
    assert _ask(rig, 0, 10) == NOT_POSSIBLE, "there is no further table"
    _all_are_there(rig)


def test_the_shortest_period_is_one_the_chips_keep():
    for group, shortest_ms in ((0, 9), (1, 78)):
        rig = _rig()
        rig.run_ms(1000)
        assert _ask(rig, group, shortest_ms - 1) == NOT_POSSIBLE
        assert _ask(rig, group, shortest_ms) is None
        rig.run_ms(3000, late_us=400)
        assert rig.sink.periods[0][group] == shortest_ms
        _all_are_there(rig)


class Driver:
    wide = False
    conversion_us = 9_000


class Block:
    capacity = 12
    row = row_statuses = None

    def __init__(self, period_ms, channels):
        self.group = Group(0, 0, period_ms, [Channel(1, 0, 1, 0, 0)] * channels)


class Reports:
    revision = 0


class Sampler:
    flush_us = 100_000
    flush_at = 0
    row_at = 0


def test_a_chip_of_two_groups_must_serve_both():
    """Three inputs each 100 ms and one each 50 ms, 10 ms each: together 50 ms in 100."""
    slow, fast = Row(Block(100, 3), [0, 1, 2]), Row(Block(50, 1), [3])
    sampler = Sampler()
    sampler.rows = [slow, fast]
    sampler.scans = [Scan(Driver(), slow.slots + fast.slots)]
    for group, period_ms, possible in (
        (0, 50, True),
        (0, 39, False),
        (1, 15, False),
        (1, 40, True),
        (1, 39, False),
    ):
        sampler.retiming = None
        answer = ask_period(Node(sampler, Reports()), [group, period_ms])
        assert (answer is None) == possible, (group, period_ms, answer)


def test_a_status_is_still_held_for_as_long():
    rig = _rig()
    rig.run_ms(1000)
    assert _ask(rig, 0, 100) is None
    rig.run_ms(1000)
    rig.fault("adc0", "open", input=0)
    rig.run_ms(200)
    rig.fault("adc0", "open", input=0, clear=True)
    rig.run_ms(400)
    assert rig.sink.blocks[-1][3][0] != OK
    rig.run_ms(500)
    assert rig.sink.changes[-1][3] == OK
