"""What thinning makes of payloads, against a plain reference."""

from random import choice, getrandbits, randint, seed
from struct import pack

from axnode.thin import Thinner
from axwire import up
from axwire.cbor import INT8, INT16, INT32, Writer
from axwire.parse import Readings, Thinned, parse_up
from axwire.table import Channel, Group

BOOT = 0xB007
ROOM = 900
MISSING = {2: -0x8000, 4: -(1 << 31)}
ABOUT = up.About("0.1.0", "pico", 1, 7)
_writer = Writer(4096)


def groups_of(widths, period_ms=10):
    made = []
    first = 0
    for number, channels in enumerate(widths):
        row = [Channel(1, 1028, 3, -7, 0) for _ in range(channels)]
        made.append(Group(number, first, period_ms * (1 + 4 * number), row))
        first += channels
    return made


def hello(groups, revision=0):
    up.hello(_writer, BOOT, 0, ABOUT, revision, 0, [groups])
    return bytes(_writer.written())


def block_of(group, t_ms, rows, width=2, statuses=None):
    """As the node writes it: steps where they fit."""
    flat = [value for row in rows for value in row]
    channels = len(group.channels)
    codes = None if statuses is None else bytearray(statuses)
    tag = INT16 if width == 2 else INT32
    code = "h" if width == 2 else "i"
    steps = [flat[at] - flat[at - channels] for at in range(channels, len(flat))]
    if len(rows) > 1 and all([-128 <= step <= 127 for step in steps]):
        first = memoryview(pack("<%d%s" % (channels, code), *rows[0]))
        moves = memoryview(pack("<%db" % len(steps), *steps))
        up.block_of_differences(_writer, group.number, t_ms, tag, first, moves, codes)
    else:
        data = memoryview(pack("<%d%s" % (len(flat), code), *flat))
        up.block(_writer, group.number, t_ms, tag, data, codes)


def readings(sequence, blocks, revision=0):
    up.readings(_writer, BOOT, sequence, revision, len(blocks))
    for each in blocks:
        block_of(*each)
    return bytes(_writer.written())


def thinner_of(groups, rows):
    """A Thinner and the list of what it puts."""
    kept = []

    def put(payload, sequence, samples, sent):
        assert parse_up(payload).sequence == sequence
        kept.append((payload, sequence, samples, sent))

    thinner = Thinner(ROOM, put)
    thinner.begin(rows)
    thinner.learn(hello(groups))
    return thinner, kept


def is_readings(each):
    return parse_up(each[0]).kind == up.READINGS


def is_thinned(each):
    return parse_up(each[0]).kind == up.THINNED


def size_of(payloads):
    return sum([10 + len(each[0]) for each in payloads])


class Course:
    """Payloads of a node with random rows, statuses, holes and gaps; by seed."""

    def __init__(self, number, widths=(6, 6, 3), messages=120):
        seed(number)
        self.groups = groups_of(widths)
        self.payloads = []
        self.rows = {}
        self.samples = {}
        t_ms = [7 for _ in self.groups]
        value = [[randint(-3000, 3000) for _ in g.channels] for g in self.groups]
        statuses = [None for _ in self.groups]
        for sequence in range(5, 5 + messages):
            blocks = []
            count = 0
            for group in self.groups:
                at = group.number
                if randint(0, 9) < 3 * at:
                    continue
                if not randint(0, 30):
                    t_ms[at] += group.period_ms * randint(1, 50)
                if not randint(0, 40):
                    statuses[at] = [randint(0, 7) for _ in group.channels]
                elif not randint(0, 10):
                    statuses[at] = None
                rows = []
                width = 4 if at == 2 else 2
                for _ in range(randint(1, 10)):
                    for column in range(len(value[at])):
                        value[at][column] += randint(-40, 40)
                        value[at][column] = max(-32767, min(32767, value[at][column]))
                    row = [MISSING[width] if not randint(0, 25) else each for each in value[at]]
                    rows.append(row)
                blocks.append((group, t_ms[at], rows, width, statuses[at]))
                for row in rows:
                    told = tuple(statuses[at] or [0] * len(row))
                    self.rows.setdefault(at, []).append((t_ms[at], sequence, row, told, width))
                    t_ms[at] += group.period_ms
                    count += sum([each != MISSING[width] for each in row])
            if blocks:
                self.payloads.append((readings(sequence, blocks), sequence, count))
                self.samples[sequence] = count

    def thin(self, rows, doubtful=0):
        thinner, kept = thinner_of(self.groups, rows)
        for payload, sequence, samples in self.payloads:
            sent = bool(doubtful) and sequence % doubtful == 0
            thinner.add(payload, sequence, samples, sent)
        thinner.close()
        left = len([each for each in kept if is_readings(each)])
        assert thinner.messages + left == len(self.payloads)
        return kept, thinner

    def check(self, kept, rows, factor=1):
        """Every block is what a plain sum over the rows in its time comes to, each row in one."""
        seen = dict.fromkeys(self.rows, 0)
        covered = set()
        for payload, first, samples, _ in kept:
            message = parse_up(payload)
            if isinstance(message, Readings):
                covered.add(first)
                for block in message.blocks:
                    seen[block.group] += block.rows(len(self.groups[block.group].channels))
                continue
            assert isinstance(message, Thinned) and len(payload) <= ROOM
            assert message.boot == BOOT and message.revision == 0
            inside = [s for s in self.samples if first <= s <= message.last]
            assert message.messages == len(inside) and not covered & set(inside)
            covered |= set(inside)
            assert samples == sum([self.samples[each] for each in inside])
            counted = 0
            for block in message.blocks:
                group = self.groups[block.group]
                channels = len(group.channels)
                assert block.rows(channels) == 3
                until = block.t_ms + block.span_ms
                mine = [each for each in self.rows[block.group] if block.t_ms <= each[0] <= until]
                seen[block.group] += len(mine)
                assert mine[0][0] == block.t_ms and mine[-1][0] == until
                assert len(mine) <= rows * factor or len(mine) <= 10
                assert all([first <= each[1] <= message.last for each in mine])
                told = tuple(block.statuses or bytes(channels))
                assert all([each[3] == told for each in mine]), "a status was mixed"
                missing = MISSING[mine[0][4]]
                assert block.width == mine[0][4]
                expected, taken = reference([each[2] for each in mine], missing)
                got = values_of(block, channels)
                assert got[0] == expected[0] and got[2] == expected[2]
                for column in range(channels):
                    assert abs(got[1][column] - expected[1][column]) < factor, block.group
                counts = block.taken
                if isinstance(counts, int):
                    counts = [counts] * channels
                assert counts == taken
                counted += sum(taken)
            assert counted == samples
        assert covered == set(self.samples)
        assert seen == {at: len(self.rows[at]) for at in self.rows}


def reference(rows, missing):
    """Minimum, mean (a half upwards) and maximum of each column; samples of each."""
    low, mean, high, taken = [], [], [], []
    for column in range(len(rows[0])):
        values = [row[column] for row in rows if row[column] != missing]
        taken.append(len(values))
        if not values:
            for each in (low, mean, high):
                each.append(missing)
            continue
        low.append(min(values))
        high.append(max(values))
        whole, rest = divmod(sum(values), len(values))
        mean.append(whole + (2 * rest >= len(values)))
    return (low, mean, high), taken


def values_of(block, channels):
    flat = [
        int.from_bytes(block.samples[at : at + block.width], "little")
        for at in range(0, len(block.samples), block.width)
    ]
    half = 1 << (8 * block.width - 1)
    flat = [each - 2 * half if each >= half else each for each in flat]
    for at, step in enumerate(block.differences or b""):
        flat.append(flat[at] + (step - 256 if step > 127 else step))
    return [flat[at : at + channels] for at in range(0, len(flat), channels)]


def test_blocks_are_what_a_plain_reference_makes_of_the_rows():
    for number in range(25):
        course = Course(number)
        for rows in (10, 40, 1000):
            kept, _ = course.thin(rows)
            course.check(kept, rows)


def test_a_message_that_may_have_arrived_is_left_or_counted_as_in_doubt():
    for number in range(12):
        course = Course(100 + number)
        every = choice((2, 3, 7, 31))
        kept, _ = course.thin(100, every)
        course.check(kept, 100)
        doubtful = {s for s in course.samples if s % every == 0}
        accounted = set()
        for payload, first, samples, sent in kept:
            message = parse_up(payload)
            if isinstance(message, Readings):
                assert sent and first in doubtful and samples == course.samples[first]
                accounted.add(first)
                continue
            assert not sent and first not in doubtful, "its number was never sent"
            for offset, doubted in message.in_doubt:
                assert doubted == course.samples[first + offset]
                accounted.add(first + offset)
        assert accounted == doubtful


def test_what_was_thinned_is_thinned_again_as_if_it_had_not_been():
    for number in range(12):
        course = Course(200 + number)
        kept, _ = course.thin(20, 9)
        thinner, again = thinner_of(course.groups, 400)
        for payload, sequence, samples, sent in kept:
            thinner.add(payload, sequence, samples, sent)
        thinner.close()
        newly = len([e for e in kept if is_readings(e)]) - len(
            [e for e in again if is_readings(e)]
        )
        assert thinner.messages == newly
        course.check(again, 400, 2)
        assert len(again) < len(kept)


def test_equal_payloads_give_equal_bytes():
    first, _ = Course(7).thin(100, 5)
    second, _ = Course(7).thin(100, 5)
    assert first == second and len(first) > 1


def test_what_is_left_is_a_fraction():
    for number in range(10):
        course = Course(300 + number)
        kept, _ = course.thin(100)
        before, after = size_of(course.payloads), size_of(kept)
        print(number, before, after)
        assert after * 8 < before


def test_events_tables_and_one_health_stay_and_waveforms_go():
    group = groups_of((6,))[0]
    thinner, kept = thinner_of([group], 100)
    expected = []
    for sequence in range(60):
        if sequence % 10 == 4:
            up.event(_writer, BOOT, sequence, 10, 1, (0, 0, 1))
        elif sequence % 10 == 5:
            up.health(_writer, BOOT, sequence, 10, 0, [1, 2, None])
        elif sequence % 10 == 6:
            data = memoryview(bytes(200))
            up.waveform(_writer, BOOT, sequence, 0, 0, 1, 0, 1, 5, 37_000, INT16, data)
        elif sequence == 37:
            up.hello(_writer, BOOT, sequence, ABOUT, 0, 0, [[group]])
        else:
            readings(sequence, [(group, 10 * sequence, [[sequence] * 6])])
            thinner.add(bytes(_writer.written()), sequence, 6, False)
            continue
        payload = bytes(_writer.written())
        thinner.add(payload, sequence, 0, False)
        if sequence % 10 == 4 or sequence in (5, 37):
            expected.append((payload, sequence, 0, False))
    thinner.close()
    assert [each for each in kept if not is_thinned(each)] == expected
    ranges = [parse_up(each[0]) for each in kept if is_thinned(each)]
    for message in ranges:
        for _, sequence, _, _ in expected:
            assert not message.sequence <= sequence <= message.last
    assert thinner.dropped == 6 + 5
    assert (
        thinner.messages
        == sum([message.messages for message in ranges])
        == 60 - len(expected) - 11
    )
    assert thinner.samples == 6 * thinner.messages


def test_readings_of_another_table_are_left_until_the_table_comes():
    group = groups_of((2,))[0]
    thinner, kept = thinner_of([group], 100)
    for sequence in range(9):
        if sequence == 6:
            up.hello(_writer, BOOT, 6, ABOUT, 1, 0, [[group]])
            thinner.add(bytes(_writer.written()), 6, 0, False)
        else:
            payload = readings(
                sequence, [(group, 10 * sequence, [[1, 2]])], 1 if sequence > 2 else 0
            )
            thinner.add(payload, sequence, 2, False)
    thinner.close()
    kinds = [parse_up(each[0]).kind for each in kept]
    assert kinds == [up.THINNED, up.READINGS, up.READINGS, up.READINGS, up.HELLO, up.THINNED]
    assert [parse_up(kept[at][0]).revision for at in (0, 1, 5)] == [0, 1, 1]


def test_a_table_too_wide_for_one_message_is_left_as_it_is():
    widths = [28] * 8
    groups = groups_of(widths)
    thinner, kept = thinner_of(groups, 100)
    expected = []
    for sequence in range(3):
        blocks = [(group, 10 * sequence, [[getrandbits(14)] * 28]) for group in groups]
        payload = readings(sequence, blocks)
        expected.append((payload, sequence, 224, False))
        thinner.add(payload, sequence, 224, False)
    thinner.close()
    assert kept == expected and thinner.messages == 0


def test_extremes_keep_their_signs_and_widths():
    group = groups_of((2,))[0]
    for width, low, high in ((2, -32767, 32767), (4, -(1 << 31) + 1, (1 << 31) - 1)):
        thinner, kept = thinner_of([group], 1000)
        for sequence in range(50):
            payload = readings(
                sequence, [(group, 10 * sequence, [[low, high], [high, high]], width)]
            )
            thinner.add(payload, sequence, 4, False)
        thinner.close()
        (message,) = [parse_up(each[0]) for each in kept]
        (block,) = message.blocks
        assert values_of(block, 2) == [[low, high], [0, high], [high, high]]
        assert block.taken == 100 and INT8 == 72
