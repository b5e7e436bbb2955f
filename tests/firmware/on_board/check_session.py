"""The conversation with the gateway, over a link in memory, under a clock that the test owns."""

import asyncio

from axnode.outbox import Outbox
from axnode.reports import Reports
from axnode.session import Session
from axnode.spill import Spill
from axnode.ticks import BootClock
from axwire import down
from axwire.cbor import Writer, decode
from axwire.codes import (
    COMMAND_SELF_TEST,
    DONE,
    EVENT_COMMAND_DONE,
    EVENT_LINK_BACK,
    EVENT_LINK_SILENT,
    EVENT_OUTBOX_DROPPED,
    FAILED,
    NOT_SUPPORTED,
)
from axwire.cose import DOWN, ROOM, UP, MacKey, seal, split
from axwire.up import EVENT, HEALTH, PONG, READINGS, readings

from lockstep import Ticks

NAME = "motors-a"
KEY = MacKey(bytes(range(32)))
BOOT = 0xC0FFEE01


class Link:
    """What the node sends lies in `sent`, opened; `deliver` gives it a message."""

    def __init__(self, clock):
        self.clock = clock
        self.arrived = 0
        self.sent = []
        self.works = True
        self.takes_us = 0
        self._waiting = []
        self._event = asyncio.Event()

    async def send(self, sealed):
        if self.works:
            envelope = split(bytes(sealed.view[ROOM : sealed.end]))
            envelope.check(KEY, UP)
            assert envelope.name == NAME
            self.sent.append(decode(envelope.payload))
        return self.works

    async def receive(self):
        await self._event.wait()
        self._event.clear()
        self.arrived = self.clock.tick()
        self.clock._ticks.advance(self.takes_us)
        waiting = self._waiting
        self._waiting = []
        return waiting

    def deliver(self, message):
        self._waiting.append(message)
        self._event.set()


class Talk:
    """A session with its tasks; `turn` lets them do all they can do now."""

    def __init__(self):
        self.ticks = Ticks((1 << 30) - 10_000_000)
        self.clock = BootClock(self.ticks)
        self.link = Link(self.clock)
        self.second = Link(self.clock)
        self.outbox = Outbox(8192)
        self.reports = Reports(NAME, BOOT, self.clock, self.outbox, [])
        self.orders = []
        self.spill = Spill("spill", 8, BOOT, self.outbox, self.reports)
        self.session = Session(
            self.links(),
            NAME,
            KEY,
            BOOT,
            self.clock,
            self.outbox,
            self.spill,
            self.reports,
            self._obey,
        )
        self.writer = Writer(1024)
        self.sequence = 0

    def links(self):
        return [self.link]

    def _obey(self, code, arguments):
        self.orders.append((code, arguments))
        if code == COMMAND_SELF_TEST:
            return None
        return DONE if code < 3 else NOT_SUPPORTED

    async def turn(self, seconds=0.0):
        """Time passes, and the link is woken five times a second."""
        for _ in range(max(1, round(seconds * 5))):
            if seconds:
                self.ticks.advance(200_000)
            self.session.wake()
            for _ in range(200):
                await asyncio.sleep_ms(0)

    def put_readings(self):
        sequence = self.outbox.sequence
        readings(self.writer, BOOT, sequence, 0, 1)
        self.writer.array(0)
        self.outbox.put_readings(self.writer.written(), 60)

    def say(self, write, *fields, key=KEY, name=NAME, direction=DOWN, boot=BOOT, sequence=None):
        """Deliver a message of the gateway; returns it."""
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        write(self.writer, boot, sequence, *fields)
        message = seal(key, name, direction, bytes(self.writer.written()))
        self.link.deliver(message)
        return message

    def take(self, kind=None):
        """What was sent since the last time, or of it the messages of a kind."""
        sent = self.link.sent
        self.link.sent = []
        return [items for items in sent if kind is None or items[0] == kind]

    def sequences(self):
        return [items[2] for items in self.take() if items[0] != PONG]


def _talk(scenario, kind=Talk):
    async def run():
        talk = kind()
        tasks = [
            asyncio.create_task(talk.session.transmit()),
            asyncio.create_task(talk.session.listen()),
        ]
        talk.say(down.ping, None)
        await talk.turn()
        talk.take()
        await scenario(talk)
        for task in tasks:
            task.cancel()

    asyncio.run(run())


def test_messages_go_out_and_are_freed_when_acknowledged():
    async def scenario(talk):
        for _ in range(5):
            talk.put_readings()
        await talk.turn(0.2)
        assert talk.sequences() == [0, 1, 2, 3, 4]
        talk.say(down.ack, 3, [4])
        await talk.turn(0.2)
        assert talk.outbox.messages() == 1 and talk.outbox.oldest() == 3
        sent = talk.take()
        assert sent == [], sent

    _talk(scenario)


def test_a_ping_is_answered_at_once_with_the_time_it_came():
    async def scenario(talk):
        talk.ticks.advance(15_000_123)
        talk.link.takes_us = 77_000
        talk.say(down.ping, 1_763_755_200_000)
        arrived_us = talk.clock.us_at(talk.clock.tick())
        await talk.turn()
        assert talk.take(PONG) == [[PONG, BOOT, 2, arrived_us]], arrived_us

    _talk(scenario)


def test_what_is_not_from_our_gateway_for_this_boot_and_new_is_refused():
    async def scenario(talk):
        replayed = talk.say(down.ping, None)
        await talk.turn()
        talk.take()
        talk.put_readings()
        await talk.turn()
        talk.take()
        talk.link.deliver(replayed)
        talk.say(down.ack, 9, [], sequence=1)
        talk.say(down.ack, 9, [], boot=BOOT ^ 1)
        talk.say(down.ack, 9, [], key=MacKey(bytes(32)))
        talk.say(down.ack, 9, [], name="motors-b")
        talk.say(down.ack, 9, [], direction=UP)
        talk.link.deliver(b"")
        talk.link.deliver(bytes(range(100)))
        talk.link.deliver(seal(KEY, NAME, DOWN, b"\xff\xff"))
        talk.link.deliver(seal(KEY, NAME, DOWN, b"\x84\x10\x01\x02\x03"))
        await talk.turn()
        assert talk.session.refused == 10, talk.session.refused
        assert talk.take() == [] and talk.outbox.messages() == 1 and talk.orders == []
        assert talk.session.down_sequence == 2
        talk.say(down.ack, 1, [], sequence=1 << 40)
        await talk.turn()
        assert talk.outbox.messages() == 0 and talk.session.down_sequence == 1 << 40

    _talk(scenario)


def test_commands_are_obeyed_and_answered():
    async def scenario(talk):
        talk.say(down.command, 2, [10])
        talk.say(down.command, 4, [])
        talk.say(down.configure, 0, 1, 0, b"x")
        await talk.turn()
        assert talk.orders == [(2, [10]), (4, [])]
        answers = [items[5] for items in talk.take(EVENT) if items[4] == EVENT_COMMAND_DONE]
        assert answers == [[2, 2, DONE], [3, 4, NOT_SUPPORTED], [4, 0, NOT_SUPPORTED]], answers

    _talk(scenario)


def test_a_command_that_takes_its_time_is_answered_once_at_its_end():
    async def scenario(talk):
        talk.say(down.command, COMMAND_SELF_TEST, [])
        await talk.turn()
        assert talk.orders == [(COMMAND_SELF_TEST, [])]
        assert not talk.take(EVENT)
        talk.session.answer(2, COMMAND_SELF_TEST, FAILED)
        await talk.turn()
        ((code, answer),) = [(items[4], items[5]) for items in talk.take(EVENT)]
        assert (code, answer) == (EVENT_COMMAND_DONE, [2, COMMAND_SELF_TEST, FAILED])

    _talk(scenario)


def test_a_command_heard_twice_is_obeyed_once():
    """Its sequence is old then, in this boot; another boot refuses it by its own number."""

    async def scenario(talk):
        talk.say(down.command, 6, [], sequence=9)
        talk.say(down.command, 6, [], sequence=9)
        talk.say(down.command, 6, [], sequence=8)
        talk.say(down.command, 6, [], sequence=10, boot=BOOT ^ 1)
        await talk.turn()
        assert talk.orders == [(6, [])]
        assert talk.session.refused == 3

    _talk(scenario)


def test_a_lost_message_is_repeated_while_the_gateway_answers():
    async def scenario(talk):
        talk.put_readings()
        talk.put_readings()
        await talk.turn(0.2)
        assert talk.sequences() == [0, 1]
        for _ in range(3):
            talk.say(down.ack, 0, [1])
            await talk.turn(1)
        assert talk.sequences() == [0]
        assert talk.outbox.resent == 1

    _talk(scenario)


def test_another_run_of_the_gateway_gets_at_once_what_the_one_before_may_have_lost():
    async def scenario(talk):
        for _ in range(4):
            talk.put_readings()
        await talk.turn(0.2)
        talk.take()
        talk.sequence = 1 << down.RUN_BITS
        talk.say(down.ack, 1, [2])
        await talk.turn(0.2)
        assert talk.sequences() == [1, 3]
        talk.say(down.ack, 1, [2])
        await talk.turn(0.2)
        assert talk.sequences() == []

    _talk(scenario)


def test_a_silent_gateway_is_asked_once_a_second_and_gets_all_when_it_is_back():
    async def scenario(talk):
        for _ in range(20):
            talk.put_readings()
        await talk.turn(0.2)
        assert talk.sequences() == list(range(20))
        await talk.turn(3)
        events = talk.take()
        talk.reports.health([1, 2, 3])
        await talk.turn(6)
        probes = talk.take()
        assert 5 <= len(probes) <= 7, probes
        assert set([(items[0], items[2]) for items in probes]) == {(READINGS, 0), (HEALTH, 21)}
        for _ in range(10):
            talk.put_readings()
        talk.say(down.ping, None)
        await talk.turn(0.2)
        sent = talk.take()
        assert [items[0] for items in sent].count(PONG) == 1
        kept = [items for items in sent if items[0] != PONG]
        assert [items[2] for items in kept] == list(range(len(kept))), kept
        codes = [(items[4], items[5]) for items in kept if items[0] == EVENT]
        assert codes[0][0] == EVENT_LINK_SILENT and codes[0][1][0] >= 3000
        assert codes[1][0] == EVENT_LINK_BACK and codes[1][1][0] >= 9000, codes
        talk.say(down.ack, len(kept), [])
        await talk.turn()
        assert talk.outbox.messages() == 0 and events == []

    _talk(scenario)


def test_acks_of_an_earlier_boot_count_only_when_they_are_new():
    async def scenario(talk):
        spill = talk.spill
        freed = []
        spill.boot = 0xA
        spill.acknowledge = lambda boot, upto, singles: freed.append((boot, upto))
        refused = talk.session.refused
        talk.say(down.ack, 3, [], boot=0xA)
        await talk.turn()
        assert freed == [(0xA, 3)] and talk.session.refused == refused
        for sequence in (1, talk.sequence):
            talk.say(down.ack, 9, [], boot=0xA, sequence=sequence)
        talk.say(down.ack, 9, [], boot=0xB)
        talk.say(down.ping, None, boot=0xA)
        talk.say(down.command, 2, [10], boot=0xA)
        await talk.turn()
        assert freed == [(0xA, 3)] and talk.session.refused == refused + 5
        assert talk.orders == [] and talk.take(PONG) == []

    _talk(scenario)


def test_an_ack_of_an_earlier_boot_is_not_the_first_word_to_this_one():
    async def scenario(talk):
        freed = []
        talk.spill.boot = 0xA
        talk.spill.acknowledge = lambda boot, upto, singles: freed.append((boot, upto))
        talk.session.down_sequence = None
        talk.say(down.ack, 3, [], boot=0xA)
        await talk.turn()
        assert freed == [] and talk.session.down_sequence is None

    _talk(scenario)


def test_the_time_last_told_is_kept_for_what_goes_to_flash():
    async def scenario(talk):
        talk.say(down.ping, 1_763_755_200_000)
        talk.say(down.ping, None)
        await talk.turn()
        assert talk.spill.utc_ms == 1_763_755_200_000
        assert 0 <= talk.spill.board_ms <= talk.clock.ms_at(talk.clock.tick())

    _talk(scenario)


def test_with_nothing_to_say_nobody_is_silent():
    async def scenario(talk):
        talk.put_readings()
        await talk.turn(0.2)
        talk.say(down.ack, 1, [])
        await talk.turn(120)
        assert talk.take(EVENT) == []

    _talk(scenario)


def test_what_an_outage_cost_is_told_when_it_is_over():
    async def scenario(talk):
        for _ in range(2000):
            talk.put_readings()
        await talk.turn(4)
        talk.say(down.ping, None)
        await talk.turn(0.2)
        talk.say(down.ack, 48 + 1936, [])
        await talk.turn(0.2)
        dropped = talk.outbox.dropped_messages()
        totals = [items[5] for items in talk.take(EVENT) if items[4] == EVENT_OUTBOX_DROPPED]
        assert dropped > 1900 and totals == [[dropped, 60 * dropped]], (dropped, totals)

    _talk(scenario)


def test_a_link_that_takes_nothing_loses_nothing():
    async def scenario(talk):
        talk.link.works = False
        for _ in range(5):
            talk.put_readings()
        await talk.turn(30)
        turns = talk.session.turns
        talk.link.works = True
        await talk.turn(3)
        assert talk.session.turns > turns
        talk.take()
        talk.say(down.ping, None)
        await talk.turn(0.2)
        assert [items[2] for items in talk.take(READINGS)] == [0, 1, 2, 3, 4]

    _talk(scenario)


class TwoLinks(Talk):
    """The same with a second link beside the first."""

    def links(self):
        return [self.link, self.second]

    def sent(self):
        """How many messages went over each since the last time."""
        counts = len(self.link.sent), len(self.second.sent)
        self.link.sent = []
        self.second.sent = []
        return counts


def test_the_second_link_takes_over_when_the_first_is_silent_and_repeats_all():
    async def scenario(talk):
        for _ in range(4):
            talk.put_readings()
        await talk.turn(2.8)
        assert talk.sent() == (4, 0)
        await talk.turn(5)
        first, second = talk.sent()
        assert first >= 2 and second >= 2, "both are tried by turns"
        talk.link, talk.second = talk.second, talk.link
        talk.say(down.ping, None)
        talk.link, talk.second = talk.second, talk.link
        await talk.turn(0.2)
        said = [items[2] for items in talk.second.sent if items[0] == READINGS]
        assert said == [0, 1, 2, 3]
        assert [items[0] for items in talk.second.sent].count(PONG) == 1
        assert talk.link.sent == []

    _talk(scenario, TwoLinks)
