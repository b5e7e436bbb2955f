"""Blocks as the gateway's parser reads them."""

from axnode.block import MISSING_32, Block
from axwire.cbor import Writer, decode
from axwire.codes import OK, OPEN
from axwire.parse import Block as Parsed
from axwire.table import Channel, Group

MISSING = -0x8000


def _block(channels=3, wide=False, capacity=12):
    table = [Channel(1, 0, 1, 0, 0) for _ in range(channels)]
    return Block(Group(2, 5, 10, table), wide, capacity)


def _append(block, values, statuses=None, tick=0):
    for column, value in enumerate(values):
        block.row[column] = value
        block.row_statuses[column] = statuses[column] if statuses else OK
    block.append(tick)


def _read(block):
    """What is on the wire: the block as it was parsed, and its rows."""
    writer = Writer(1024)
    block.write(writer, 123_456_789_012)
    assert writer.length <= block.size(123_456_789_012)
    parsed = Parsed(decode(bytes(writer.written())))
    assert (parsed.group, parsed.t_ms) == (2, 123_456_789_012)
    count = parsed.rows(block.channels)
    width = parsed.width
    values = [
        _signed(parsed.samples[at : at + width]) for at in range(0, len(parsed.samples), width)
    ]
    if parsed.differences is not None:
        for step in parsed.differences:
            values.append(values[-block.channels] + (step - 256 if step > 127 else step))
    rows = [values[at : at + block.channels] for at in range(0, len(values), block.channels)]
    assert len(rows) == count
    return parsed, rows


def _signed(data):
    value = int.from_bytes(data, "little")
    return value - (1 << 8 * len(data)) if data[-1] & 0x80 else value


def test_rows_that_change_little_travel_as_steps():
    block = _block()
    rows = [[100 * at, -127 * at, 5 + 127 * at] for at in range(10)]
    for row in rows:
        _append(block, row)
    parsed, read = _read(block)
    assert read == rows and len(parsed.differences) == 27 and parsed.statuses is None
    assert block.present == 30


def test_one_step_too_wide_and_all_travel_as_they_are():
    for step in (128, -129, 4000):
        block = _block()
        rows = [[0, 0, 0], [0, step, 0], [1, step, 1]]
        for row in rows:
            _append(block, row)
        parsed, read = _read(block)
        assert read == rows and parsed.differences is None
    for step in (127, -128):
        block = _block()
        _append(block, [0, 0, 0])
        _append(block, [0, step, 0])
        assert _read(block)[0].differences is not None


def test_a_wide_jump_before_the_first_row_costs_nothing():
    block = _block()
    _append(block, [30_000, 30_000, 30_000])
    block.clear()
    for at in range(3):
        _append(block, [-30_000 + at, 0, 1])
    parsed, read = _read(block)
    assert parsed.differences is not None and read[2] == [-29_998, 0, 1]


def test_missing_samples_stay_missing_and_are_not_counted():
    block = _block()
    _append(block, [1, 2, 3])
    _append(block, [1, MISSING, 3])
    _append(block, [MISSING, MISSING, 3])
    _, read = _read(block)
    assert read == [[1, 2, 3], [1, MISSING, 3], [MISSING, MISSING, 3]]
    assert block.present == 6


def test_a_row_starts_without_values():
    block = _block()
    _append(block, [1, 2, 3])
    assert list(block.row) == [MISSING] * 3


def test_extremes_of_both_widths():
    for wide, least, most in ((False, -0x8000, 0x7FFF), (True, MISSING_32, (1 << 31) - 1)):
        block = _block(wide=wide)
        rows = [[least, most, 0], [most, least, -1], [0, 0, 1]]
        for row in rows:
            _append(block, row)
        parsed, read = _read(block)
        assert read == rows and parsed.width == (4 if wide else 2)


def test_a_status_holds_for_all_rows_of_a_block():
    block = _block()
    _append(block, [1, 2, 3], [OK, OPEN, OK])
    assert not block.changed()
    _append(block, [1, 2, 3], [OK, OPEN, OK])
    assert list(_read(block)[0].statuses) == [OK, OPEN, OK]
    block.row_statuses[1] = OK
    assert block.changed()
    block.clear()
    _append(block, [1, 2, 3])
    assert _read(block)[0].statuses is None


def test_appending_allocates_nothing():
    import gc

    for wide in (False, True):
        block = _block(channels=6, wide=wide)
        values = [20_000, -3, 4, 5, 6, 7]

        def rows(block, values):
            for _ in range(10):
                for column in range(6):
                    block.row[column] = values[column]
                block.append(0)
            block.clear()

        rows(block, values)
        before = gc.mem_alloc()
        rows(block, values)
        assert gc.mem_alloc() == before, wide
