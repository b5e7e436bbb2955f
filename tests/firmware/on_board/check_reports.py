"""Messages as the gateway's parser reads them, however much there is to say."""

from axnode.block import Block
from axnode.outbox import Outbox
from axnode.reports import Reports, payload_cap, rows_cap
from axnode.ticks import BootClock
from axwire import MESSAGE_CAP
from axwire.cose import UP, MacKey, seal
from axwire.parse import Event, Health, Hello, Readings, parse_up
from axwire.table import CHANNEL_CAP, GROUP_CAP, Channel, Group
from axwire.up import About

from lockstep import Ticks

NAME = "a" * 23
KEY = MacKey(bytes(32))
BOOT = 0xFFFFFFFE


def _reports(groups):
    ticks = Ticks()
    clock = BootClock(ticks)
    outbox = Outbox(65_536)
    return Reports(NAME, BOOT, clock, outbox, groups), outbox, ticks


def _sent(outbox):
    """All messages, opened; each of them may be sent."""
    messages = []
    payload = outbox.next(0)
    while payload is not None:
        assert len(seal(KEY, NAME, UP, payload)) <= MESSAGE_CAP
        messages.append(parse_up(bytes(payload)))
        outbox.acknowledge(outbox.sequence, [])
        payload = outbox.next(0)
    return messages


def _groups(count, channels):
    table = [Channel(1, 0, -(1 << 62), 1 << 62, 0xFFFFFFFF) for _ in range(channels)]
    return [Group(at, channels * at, 60_000, table) for at in range(count)]


def test_the_longest_table_comes_in_pieces():
    groups = _groups(GROUP_CAP, CHANNEL_CAP)
    reports, outbox, _ = _reports(groups)
    reports.hello(About("v" * 23, "b" * 23, 6, 0xFFFFFFFF))
    hellos = _sent(outbox)
    assert [type(each) for each in hellos] == [Hello] * len(hellos)
    assert [(each.piece, each.pieces) for each in hellos] == [
        (at, len(hellos)) for at in range(len(hellos))
    ]
    assert [group.number for each in hellos for group in each.groups] == list(range(GROUP_CAP))
    assert [each.sequence for each in hellos] == list(range(len(hellos)))


def test_blocks_share_messages_as_far_as_they_fit():
    for count, channels, rows, wide in ((2, 6, 10, False), (9, 6, 12, False), (4, 28, 4, True)):
        groups = _groups(count, channels)
        reports, outbox, ticks = _reports(groups)
        blocks = [Block(group, wide, rows) for group in groups]
        for at, block in enumerate(blocks):
            for turn in range(rows):
                for column in range(channels):
                    block.row[column] = (turn * 7919 + column) % 30_000
                if at != 1:
                    block.append(ticks())
        reports.flush(blocks)
        messages = _sent(outbox)
        assert [type(each) for each in messages] == [Readings] * len(messages)
        expected = [at for at in range(count) if at != 1]
        assert [block.group for each in messages for block in each.blocks] == expected
        for message in messages:
            for block in message.blocks:
                assert block.rows(channels) == rows
        assert (len(messages) == 1) == (count == 2)
        assert outbox.samples == rows * channels * (count - 1)
        reports.flush(blocks)
        assert _sent(outbox) == []


def test_a_full_block_of_any_shape_fits_a_message_of_its_own():
    for channels in (1, 2, 6, CHANNEL_CAP):
        for wide in (False, True):
            group = _groups(1, channels)[0]
            rows = rows_cap(NAME, channels, 4 if wide else 2)
            assert rows >= 4
            reports, outbox, ticks = _reports([group])
            block = Block(group, wide, rows)
            for turn in range(rows):
                block.row[0] = turn % 2 * 20_000
                block.row_statuses[0] = 7
                block.append(ticks())
            reports.flush([block])
            assert _sent(outbox)[0].blocks[0].rows(channels) == rows


def test_events_and_health():
    reports, outbox, ticks = _reports([])
    reports.event(1, (3, 0, 5), ticks())
    reports.health([1, None, 3])
    event, health = _sent(outbox)
    assert (type(event), event.code, event.arguments) == (Event, 1, [3, 0, 5])
    assert (type(health), health.values, health.oldest) == (Health, [1, None, 3], 0)


def test_no_payload_may_be_longer_than_what_can_be_sent():
    longest = payload_cap(NAME)
    assert len(seal(KEY, NAME, UP, bytes(longest))) == MESSAGE_CAP
