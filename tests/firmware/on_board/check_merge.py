"""Thinning in flash: against a model of the gateway's account, with the supply cut everywhere.

The model knows of THINNED what docs/wire.md says of it, and nothing of how it is made.
"""

import gc
import os
import sys
from struct import pack_into

from axnode.outbox import Outbox
from axnode.reports import Reports
from axnode.spill import SEGMENT_BYTES, Spill
from axnode.ticks import BootClock
from axwire.cbor import INT16, Writer
from axwire.codes import EVENT_EARLIER_BOOT, EVENT_STATUS
from axwire.parse import Event, Health, Hello, Readings, Thinned, Waveform, parse_up
from axwire.up import block, block_of_differences, health, readings, waveform
from simulators.board.flash import BLOCK_BYTES

from lockstep import Ticks
from power_rig import Chip, CutError, Supply
from spill_rig import ABOUT, GROUPS, NAME, SECOND

CHANNELS = 6
ROWS = 10
SAMPLES = CHANNELS * ROWS


class Board:
    """One boot of a node with one group of six channels each 10 ms; never an open row."""

    def __init__(self, boot, most=12, rows=6400):
        self.boot = boot
        self.ticks = Ticks()
        self.outbox = Outbox(8192)
        self.reports = Reports(NAME, boot, BootClock(self.ticks), self.outbox, GROUPS)
        self.spill = Spill("spill", most, boot, self.outbox, self.reports, rows)
        self.writer = Writer(1024)
        self.reports.hello(ABOUT)
        self.t_ms = 0
        self.taken = {}
        self.others = 0

    def put(self, count, thin=8):
        """Messages of a tenth of a second, and what a node does beside: spill, thin, report."""
        for _ in range(count):
            sequence = self.outbox.sequence
            if sequence % 53 == 9:
                self.reports.event(EVENT_STATUS, (0, 0, 1), self.ticks())
            elif sequence % 47 == 20:
                oldest = self.outbox.oldest()
                health(self.writer, self.boot, sequence, self.t_ms, oldest, [1, 2, None])
                self.outbox.put_health(self.writer.written())
                self.others += 1
            elif sequence % 61 == 33:
                data = memoryview(bytes(300))
                waveform(self.writer, self.boot, sequence, 0, 0, 1, 0, 1, 5, 37_000, INT16, data)
                self.outbox.put_readings(self.writer.written(), 0)
                self.others += 1
            else:
                self._put_readings(sequence)
            if self.outbox.is_crowded():
                self.spill.write(ABOUT)
            for _ in range(thin):
                if not self.spill.thin():
                    break

    def _put_readings(self, sequence):
        base = sequence * 13 % 4000 - 2000
        first = bytearray(2 * CHANNELS)
        for column in range(CHANNELS):
            pack_into("<h", first, 2 * column, base + column)
        samples = SAMPLES
        readings(self.writer, self.boot, sequence, 0, 1)
        if sequence % 5:
            steps = memoryview(bytes([(sequence + at) % 3 for at in range(SAMPLES - CHANNELS)]))
            block_of_differences(self.writer, 0, self.t_ms, INT16, memoryview(first), steps, None)
        else:
            pack_into("<h", first, 2, -0x8000)
            samples -= ROWS
            block(self.writer, 0, self.t_ms, INT16, memoryview(bytes(first) * ROWS), None)
        self.t_ms += 10 * ROWS
        self.taken[sequence] = samples
        self.outbox.put_readings(self.writer.written(), samples)

    def talk(self, gateway, seconds=1, loses=0):
        """The gateway answers; with its acks each second."""
        self.spill.rewind()
        self.outbox.rewind()
        for _ in range(seconds):
            if not self.outbox.messages() and not self.spill.segments:
                return
            self.ticks.advance(SECOND)
            while True:
                now = self.ticks()
                payload = self.outbox.next(now)
                if payload is None:
                    payload = self.spill.next(now)
                if payload is None:
                    break
                gateway.take(bytes(payload))
            gateway.acknowledge(self)

    def probe(self, gateway, answers=False):
        """What a node sends into the silence: it may arrive, but no ack comes back."""
        payload = self.outbox.oldest_payload(self.ticks())
        if payload is not None and answers:
            gateway.take(bytes(payload))


class Gateway:
    """Takes each (boot, sequence) once, and keeps the account of docs/wire.md."""

    def __init__(self):
        self.messages = {}
        self.known = {}
        self.thinned = {}
        self.repeated = 0
        self.given_up = {}
        self.heard = set()
        self.again = set()

    def take(self, payload):
        up = parse_up(payload)
        self.heard.add(up.boot)
        known = self.known.setdefault(up.boot, set())
        if up.sequence in known:
            self.repeated += 1
            self.again.add((up.boot, up.sequence))
            return
        if isinstance(up, Event) and up.code == EVENT_EARLIER_BOOT:
            self.given_up[up.arguments[0]] = up.arguments[1]
        known.add(up.sequence)
        self.messages[up.boot, up.sequence] = up
        if isinstance(up, Thinned):
            samples = 0
            for each in up.blocks:
                taken = each.taken
                samples += taken * CHANNELS if isinstance(taken, int) else sum(taken)
            for offset, doubted in up.in_doubt:
                if up.sequence + offset in known:
                    samples -= doubted
            known.update(range(up.sequence, up.last + 1))
            self.thinned[up.boot] = self.thinned.get(up.boot, 0) + samples

    def acknowledge(self, board):
        for boot in self.heard:
            upto = self.given_up.get(boot, 0)
            known = self.known[boot]
            while upto in known:
                upto += 1
            told = [each for each in known if each > upto]
            singles = [
                each
                for each in told
                if (boot, each) in self.messages or (boot, each) in self.again
            ]
            if boot == board.boot:
                board.outbox.acknowledge(upto, singles)
            board.spill.acknowledge(boot, upto, singles)
        self.heard.clear()

    def of(self, boot, kind):
        found = [
            each
            for (of, _), each in self.messages.items()
            if of == boot and isinstance(each, kind)
        ]
        return sorted(found, key=lambda each: each.sequence)

    def stored(self, boot, board):
        return sum([board.taken[each.sequence] for each in self.of(boot, Readings)])


def _empty():
    try:
        for name in os.listdir("spill"):
            os.remove("spill/" + name)
    except OSError:
        pass


def _balance(board, gateway, boot):
    """Every sample taken is stored, thinned or in a message that never came."""
    known = gateway.known[boot]
    lost = sum([count for each, count in board.taken.items() if each not in known])
    taken = sum(board.taken.values())
    assert gateway.stored(boot, board) + gateway.thinned.get(boot, 0) + lost == taken
    return lost


def test_a_store_far_too_small_keeps_the_whole_outage_in_short():
    _empty()
    board = Board(0xA, most=12)
    gateway = Gateway()
    board.put(3000)
    assert board.spill.segments <= 12
    assert board.outbox.dropped_samples() == 0, "nothing was dropped but thinned"
    assert board.spill.thinned_messages > 2000
    assert board.spill.thinned_samples < sum(board.taken.values())
    board.talk(gateway, 200)
    assert board.spill.segments == 0 and board.spill.damaged == 0
    assert os.listdir("spill") == []
    assert _balance(board, gateway, 0xA) == 0
    assert len(gateway.of(0xA, Thinned)) > 10
    events = [each for each in range(3000) if each % 53 == 9]
    got = [each.sequence for each in gateway.of(0xA, Event) if each.code == EVENT_STATUS]
    assert got == events, "no event is ever thinned away"
    assert 5 < len(gateway.of(0xA, Health)) < 3000 // 47
    waves = len(gateway.of(0xA, Waveform))
    assert 0 < waves < 3000 // 61
    left = waves + len(gateway.of(0xA, Health))
    assert board.outbox.dropped_messages() == board.others - left


def test_the_newest_and_the_one_being_sent_stay_whole():
    _empty()
    board = Board(0xA, most=12)
    gateway = Gateway()
    board.put(60)
    oldest = "spill/" + min(os.listdir("spill"))
    with open(oldest, "rb") as file:
        data = file.read()
    board.put(900)
    assert board.spill.thinned_messages > 0
    with open(oldest, "rb") as file:
        assert file.read() == data
    board.talk(gateway, 200)
    first = gateway.of(0xA, Thinned)[0].sequence
    last = gateway.of(0xA, Thinned)[-1].last
    whole = [each.sequence for each in gateway.of(0xA, Readings)]
    assert len([each for each in whole if each < first]) > 20
    assert len([each for each in whole if each > last]) > 60


def test_each_level_is_thinner_until_the_configured_rows_and_then_the_oldest_is_dropped():
    for most, rows, drops in ((6, 200, True), (12, 6400, False)):
        _empty()
        board = Board(0xA, most, rows)
        gateway = Gateway()
        board.put(5000)
        board.talk(gateway, 100)
        lost = _balance(board, gateway, 0xA)
        assert (lost > 0) == drops, (rows, lost)
        assert board.outbox.dropped_samples() == lost
        spans = [each.span_ms for message in gateway.of(0xA, Thinned) for each in message.blocks]
        assert max(spans) < 10 * rows
        assert max(spans) > 10 * min(rows, 800) // 2, max(spans)


def test_without_rows_the_oldest_is_dropped():
    _empty()
    board = Board(0xA, most=6, rows=0)
    gateway = Gateway()
    board.put(900)
    board.talk(gateway, 100)
    assert gateway.of(0xA, Thinned) == [] and board.spill.thinned_messages == 0
    assert _balance(board, gateway, 0xA) == board.outbox.dropped_samples() > 0


def test_probes_that_arrived_are_not_counted_twice():
    for answers in (False, True):
        _empty()
        board = Board(0xA, most=12)
        gateway = Gateway()
        for second in range(300):
            board.put(10)
            board.probe(gateway, answers and second % 3 > 0)
        doubted = 0
        board.talk(gateway, 200)
        for each in gateway.of(0xA, Thinned):
            doubted += len(each.in_doubt)
        assert doubted > 30
        assert _balance(board, gateway, 0xA) == 0


def test_a_gateway_that_comes_and_goes_gets_everything_once():
    _empty()
    board = Board(0xA, most=10)
    gateway = Gateway()
    for number in range(60):
        board.put(60)
        if number % 4 == 3:
            board.talk(gateway, number % 3 + 1)
        board.probe(gateway, number % 2)
    board.talk(gateway, 300)
    assert board.spill.segments == 0
    assert _balance(board, gateway, 0xA) == 0
    assert board.spill.thinned_messages > 500


def test_what_earlier_boots_left_is_thinned_too_and_each_boot_for_itself():
    _empty()
    first = Board(0xA, most=12)
    first.put(300)
    first.spill.write_all(ABOUT, lambda: None)
    second = Board(0xB, most=12)
    second.put(1200)
    gateway = Gateway()
    second.talk(gateway, 300)
    assert second.spill.segments == 0
    assert _balance(first, gateway, 0xA) == 0 and _balance(second, gateway, 0xB) == 0
    assert gateway.thinned[0xA] > 0 and gateway.thinned[0xB] > 0
    hellos = [each.boot for each in gateway.of(0xA, Hello)]
    assert hellos == [0xA], "its table comes with it"


def test_damaged_segments_are_in_no_merge_and_no_one_is_taken_for_thinned():
    _empty()
    board = Board(0xA, most=40)
    board.put(1100)
    names = sorted(os.listdir("spill"))
    assert len(names) > 20 and board.spill.thinned_messages == 0
    for at, where in ((5, 2000), (9, 35), (14, 39)):
        with open("spill/" + names[at], "rb") as file:
            data = bytearray(file.read())
        data[where] ^= 0x40
        with open("spill/" + names[at], "wb") as file:
            file.write(data)
    again = Board(0xB, most=24)
    gateway = Gateway()
    again.put(600)
    assert again.spill.thinned_messages > 300
    again.talk(gateway, 300)
    assert again.spill.damaged == 3
    lost = sum([count for each, count in board.taken.items() if each not in gateway.known[0xA]])
    assert lost < SAMPLES * (3 * 40 + board.outbox.messages())
    assert gateway.stored(0xA, board) + gateway.thinned[0xA] + lost == sum(board.taken.values())
    assert _balance(again, gateway, 0xB) == again.outbox.dropped_samples() < 20 * SAMPLES


def test_where_nothing_gets_smaller_segments_do_not_get_larger():
    """Each row of another status: a block for each row before and after."""
    _empty()
    board = Board(0xA, most=6)
    gateway = Gateway()
    rows = memoryview(bytes(2 * CHANNELS))
    for sequence in range(1, 700):
        readings(board.writer, 0xA, sequence, 0, 1)
        block(board.writer, 0, 10 * sequence, INT16, rows, bytearray([sequence % 8] * CHANNELS))
        board.outbox.put_readings(board.writer.written(), CHANNELS)
        board.taken[sequence] = CHANNELS
        if board.outbox.is_crowded():
            board.spill.write(ABOUT)
        for _ in range(8):
            board.spill.thin()
    names = os.listdir("spill")
    assert len(names) == board.spill.segments <= 6
    assert max([os.stat("spill/" + name)[6] for name in names]) <= SEGMENT_BYTES
    board.talk(gateway, 100)
    assert _balance(board, gateway, 0xA) == board.outbox.dropped_samples() > 0


def test_the_code_goes_when_the_gateway_is_back():
    _empty()
    board = Board(0xA, most=12)
    board.put(900)
    assert "axnode.merge" in sys.modules and "axnode.thin" in sys.modules
    board.talk(Gateway(), 1)
    for name in ("axnode.merge", "axnode.thin", "axwire.thinned"):
        assert name not in sys.modules or name == "axwire.thinned"
    assert os.listdir("spill").count("thinner") == 0


def test_segments_stay_whole_blocks():
    _empty()
    board = Board(0xA, most=12)
    board.put(3000)
    names = [name for name in os.listdir("spill") if name != "thinner"]
    assert len(names) == board.spill.segments
    sizes = [os.stat("spill/" + name)[6] for name in names]
    assert max(sizes) <= SEGMENT_BYTES


def course(board, gateway):
    """Fill the store, thin, and let the gateway have some."""
    board.put(420, thin=60)
    board.talk(gateway, 3)
    board.put(60, thin=60)


def boot_on(chip, number, what, gateway, cut_at=0, most=8):
    """A boot until the end of `what` or the cut: board, what it leaves, was it cut, operations."""
    board = None
    supply = Supply(chip, number, cut_at)
    try:
        supply.mount()
        board = Board(number, most=most)
        what(board, gateway)
    except CutError:
        pass
    left = supply.off()
    assert supply.spoiled == 0
    return board, left, supply.cut, supply.done


def finish(board, gateway):
    """The outage goes on, so that the rest of the boot before is thinned; then it is over."""
    board.put(200, thin=60)
    board.talk(gateway, 200)


def sweep(share):
    """Cut the course in every fourth operation, from `share` on.

    What lay in flash is delivered after it, and no sample of it counts in two places.
    """
    supply = Supply(Chip(bytearray(b"\xff" * (20 * BLOCK_BYTES))), 1)
    supply.format()
    supply.mount()
    chip = supply.off()
    cut = True
    cut_at = share
    thinned = torn = 0
    while cut:
        gc.collect()
        gateway = Gateway()
        board, left, cut, done = boot_on(chip.copy(), 0xA, course, gateway, cut_at)
        last, _, again, _ = boot_on(left, 0xB, finish, gateway)
        assert not again and last.spill.segments == 0
        assert _balance(last, gateway, 0xB) == 0 and last.spill.dropped_samples == 0
        torn += last.spill.damaged
        if board is not None:
            thinned += board.spill.thinned_messages > 0
            in_flash = board.outbox.oldest_in_ram()
            known = gateway.known.get(0xA, set())
            lost = [each for each in board.taken if each < in_flash and each not in known]
            assert not lost, (cut_at, lost)
            came = sum([count for each, count in board.taken.items() if each in known])
            assert gateway.stored(0xA, board) + gateway.thinned.get(0xA, 0) == came, cut_at
        cut_at += 4
    print(done, "operations,", thinned, "cuts with something thinned,", torn, "torn")
    assert done > 200 and thinned > 10


def test_a_cut_while_thinning_neither_loses_nor_doubles_anything():
    sweep(1)


def test_nor_does_one_in_the_next_operation():
    sweep(2)


def test_nor_does_one_in_the_operation_behind_that():
    sweep(3)


def test_nor_does_one_in_the_fourth():
    sweep(4)
