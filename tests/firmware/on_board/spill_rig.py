"""A node's outbox and spill without sensors, and a model of the gateway that they speak to."""

from axnode.outbox import Outbox
from axnode.reports import Reports
from axnode.spill import Spill
from axnode.ticks import BootClock
from axwire.cbor import Writer, decode
from axwire.codes import EVENT_EARLIER_BOOT, EVENT_EARLIER_OVER
from axwire.table import Channel, Group
from axwire.up import EVENT, HELLO, READINGS, About, readings

from lockstep import Ticks

NAME = "motors-a"
ABOUT = About("0.1.0", "pico", 1, 7)
GROUPS = [Group(0, 0, 10, [Channel(1, 1028 + 4 * at, 3, -7, 0) for at in range(6)])]
SECOND = 1_000_000
SAMPLES = 60


class Board:
    """One boot of a node that has no sensors: `put` keeps readings as the sampler would."""

    def __init__(self, boot, most=64, ram=12_288):
        self.boot = boot
        self.ticks = Ticks()
        self.outbox = Outbox(ram)
        self.reports = Reports(NAME, boot, BootClock(self.ticks), self.outbox, GROUPS)
        self.spill = Spill("spill", most, boot, self.outbox, self.reports)
        self.writer = Writer(1024)
        self.reports.hello(ABOUT)

    def put(self, count, length=100):
        for _ in range(count):
            readings(self.writer, self.boot, self.outbox.sequence, 0, 1)
            self.writer.data(bytes(length))
            self.outbox.put_readings(self.writer.written(), SAMPLES)
            if self.outbox.is_crowded():
                self.spill.write(ABOUT)

    def send(self, gateway, seconds=1):
        """Let the gateway have all that can be sent in that time, with its acks each second."""
        for _ in range(seconds):
            is_empty = not self.outbox.messages() and not self.spill.segments
            self.ticks.advance(SECOND)
            while True:
                now = self.ticks()
                payload = self.outbox.next(now)
                if payload is None:
                    payload = self.spill.next(now)
                if payload is None:
                    break
                gateway.take(bytes(payload))
                is_empty = False
            if is_empty and not self.outbox.messages():
                return
            if gateway.asks_for_table:
                gateway.asks_for_table = False
                self.reports.hello(ABOUT)
            for boot in gateway.heard:
                upto = 0
                sequences = gateway.boots[boot]
                while upto in sequences or upto < gateway.given_up.get(boot, 0):
                    upto += 1
                singles = [each for each in sequences if each > upto]
                if boot == self.boot:
                    self.outbox.acknowledge(upto, singles)
                if boot in (self.boot, self.spill.boot):
                    self.spill.acknowledge(boot, upto, singles)
            gateway.heard.clear()


class Gateway:
    """Keeps each payload by boot and sequence, once, and the order in which they came.

    One payload in `loses` gets lost on its way; with 0, none.
    """

    def __init__(self, loses=0):
        self.loses = loses
        self.arrived = 0
        self.boots = {}
        self.order = []
        self.heard = set()
        self.repeated = 0
        self.told = {}
        self.over = []
        self.given_up = {}
        self.asks_for_table = False

    def take(self, payload):
        self.arrived += 1
        if self.loses and self.arrived % self.loses == 0:
            return
        items = decode(payload)
        kind, boot, sequence = items[:3]
        known = self.boots.setdefault(boot, {})
        self.heard.add(boot)
        if kind == READINGS and not any([each[1] == HELLO for each in known.values()]):
            self.asks_for_table = True
            return
        if kind == EVENT and items[4] == EVENT_EARLIER_BOOT:
            self.told[items[5][0]] = items[5]
            self.given_up[items[5][0]] = items[5][1]
        if kind == EVENT and items[4] == EVENT_EARLIER_OVER:
            self.over.append(items[5])
        if sequence in known:
            assert known[sequence] == payload, "one sequence, two contents"
            self.repeated += 1
        else:
            known[sequence] = payload
            self.order.append((boot, sequence))

    def copy(self):
        """Another that has heard the same."""
        copy = Gateway(self.loses)
        copy.arrived = self.arrived
        copy.boots = {boot: dict(known) for boot, known in self.boots.items()}
        copy.order = list(self.order)
        copy.told = dict(self.told)
        copy.given_up = dict(self.given_up)
        return copy

    def sequences(self, boot):
        return sorted(self.boots.get(boot, {}))
