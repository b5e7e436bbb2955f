"""What keeps a node alive, and what a second of it costs on the line."""

import asyncio

from axnode.node import Node
from axnode.outbox import Outbox
from axnode.reports import Reports
from axnode.serial_link import SerialLink
from axnode.ticks import BootClock
from axwire.codes import COMMAND_IDENTIFY, DONE
from axwire.cose import UP, MacKey, seal
from axwire.framing import frame

from lockstep import Rig

NAME = "motors-a"
KEY = MacKey(bytes(range(32)))
GOAL_BYTES = 2.2


class Uart:
    """A line on which nothing comes."""

    def write(self, data):
        return len(data)


class Row:
    block = None


class Parts:
    name = NAME
    key = bytes(range(32))
    board = "pico"
    configuration = 1
    outbox_bytes = 8192
    spill_bytes = 65_536
    thin_rows = 0
    flush_ms = 100
    groups = []
    led = None
    vitals = None
    rows = [Row]
    scans = []


class Provision:
    """What the files of a node said."""

    parts = Parts
    notes = []
    copies_repaired = 0
    copy = 0
    proving = None


START = (1, 0, False)
"""A power-on."""


class Watchdog:
    fed = 0

    def feed(self):
        Watchdog.fed += 1


class StopError(Exception):
    pass


def node_of(provision=Provision):
    """A node with a link on which nothing comes."""
    clock = BootClock()
    return Node(START, provision, clock, [SerialLink(Uart(), clock)], Watchdog())


async def _nothing():
    while True:
        await asyncio.sleep_ms(50)


def _run(change, beats=4):
    """Tend a node whose parts were changed, for some beats; how often the watchdog was fed."""
    Watchdog.fed = 0
    node = node_of()
    node.sampler.run = node.session.transmit = node.session.listen = _nothing
    left = [beats]

    def wake():
        left[0] -= 1
        if not left[0]:
            raise StopError
        change(node)

    node.session.wake = wake
    node.reports.hello = lambda about: None
    try:
        asyncio.run(node.run())
    except StopError:
        return Watchdog.fed
    raise AssertionError("went on after a crash")


def test_the_watchdog_is_fed_while_sampling_link_and_outbox_get_on():
    def all_of_them(node):
        node.sampler.passes += 1
        node.session.turns += 1
        node.outbox.sequence += 1

    assert _run(all_of_them) >= 2


def test_the_watchdog_is_not_fed_when_one_of_them_hangs():
    def sampling_hangs(node):
        node.session.turns += 1
        node.outbox.sequence += 1

    def link_hangs(node):
        node.sampler.passes += 1
        node.outbox.sequence += 1

    def outbox_hangs(node):
        node.sampler.passes += 1
        node.session.turns += 1

    assert [_run(each) for each in (sampling_hangs, link_hangs, outbox_hangs)] == [0, 0, 0]


def test_asked_which_one_it_is_it_blinks_as_long_as_asked_and_stays_dark():
    levels = []
    answers = []

    def ask_once(node):
        if not answers:
            answers.append(node.obey(COMMAND_IDENTIFY, [1]))

    Parts.led = levels.append
    try:
        _run(ask_once, 9)
    finally:
        Parts.led = None
    assert answers == [DONE]
    assert levels == [0, 1, 0, 1, 0], levels


def test_a_task_that_crashes_ends_the_node():
    """As `_run` relies on; here by the sampling loop."""
    node = node_of()

    async def crash():
        await asyncio.sleep_ms(1)
        raise StopError

    node.sampler.run = crash
    node.session.transmit = node.session.listen = _nothing
    node.reports.hello = lambda about: None
    try:
        asyncio.run(node.run())
    except StopError:
        return
    raise AssertionError("went on after a crash")


def test_six_channels_at_100_hz_cost_2_2_bytes_a_sample_on_the_line():
    """30 s of currents of a starting train, with a HEALTH each 5 s and a PONG each second."""
    rig = Rig()
    outbox = Outbox(12_288)
    rig.sampler.rows.pop()
    del rig.sampler.scans[2:]
    reports = Reports(NAME, 0xC0FFEE01, rig.clock, outbox, [])
    rig.sampler._sink = reports
    rig.sampler._blocks.pop()
    signal = rig.board.hardware.signals[0]
    line_bytes = samples = 0
    now_ms = 0
    while now_ms < 30_000:
        run = 4_000_000 + 12_000_000 * min(now_ms, 20_000) // 20_000
        signal.hold(run + (now_ms // 10 * 7919 % 21 - 10) * 2000)
        rig.run_ms(10)
        now_ms += 10
        if now_ms % 5000 == 0:
            reports.health([50_000] * 17 + [now_ms * 6 // 10])
        if now_ms % 1000 == 0:
            line_bytes += len(frame(seal(KEY, NAME, UP, bytes(22))))
        payload = outbox.next(rig.ticks.now)
        while payload is not None:
            line_bytes += len(frame(seal(KEY, NAME, UP, payload)))
            outbox.acknowledge(outbox.sequence, [])
            payload = outbox.next(rig.ticks.now)
    samples = outbox.samples
    print(line_bytes / samples)
    assert samples > 6 * 2990
    assert line_bytes / samples <= GOAL_BYTES, line_bytes / samples
