"""What lies in flash, against a model of a gateway; the supply is cut at every file operation."""

import builtins
import os

import axnode.spill
from axnode.spill import SEGMENT_BYTES
from axwire.cbor import decode
from axwire.up import EVENT, HELLO

from spill_rig import ABOUT, SAMPLES, SECOND, Board, Gateway


class CutError(BaseException):
    """The supply failed."""


class Flash:
    """Counts file operations of the firmware, and cuts the supply in the one that is asked for.

    A write that is cut leaves a part of its bytes, an `open` for writing an empty file.
    """

    def __init__(self, cut_at):
        self.left = cut_at
        self.done = 0

    def step(self):
        self.done += 1
        self.left -= 1
        return self.left == 0

    def open(self, path, mode):
        file = File(self, builtins.open(path, mode))
        if self.step():
            file.file.close()
            raise CutError
        return file

    def remove(self, path):
        if self.step():
            raise CutError
        os.remove(path)
        if self.step():
            raise CutError

    mkdir = staticmethod(os.mkdir)
    listdir = staticmethod(os.listdir)


class File:
    def __init__(self, flash, file):
        self.flash = flash
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def write(self, data):
        if self.flash.step():
            self.file.write(bytes(data)[: self.flash.done * 7 % (len(data) + 1)])
            self.file.close()
            raise CutError
        self.file.write(data)

    def read(self, *count):
        if self.flash.step():
            self.file.close()
            raise CutError
        return self.file.read(*count)

    def seek(self, at):
        self.file.seek(at)

    def close(self):
        self.file.close()


def _empty():
    axnode.spill.open = builtins.open
    axnode.spill.os = os
    try:
        for name in os.listdir("spill"):
            os.remove("spill/" + name)
    except OSError:
        pass


def _cut_at(number):
    """From now on, the supply fails in that file operation of the spill; 0: never."""
    flash = Flash(number)
    axnode.spill.open = flash.open
    axnode.spill.os = flash
    return flash


def test_an_outage_beyond_ram_is_delivered_whole_and_each_part_in_order():
    _empty()
    board = Board(0xA)
    gateway = Gateway()
    board.send(gateway)
    board.put(600)
    taken = board.outbox.sequence
    assert board.spill.segments > 10 and board.outbox.dropped_messages() == 0
    assert board.outbox.oldest() == 1
    board.send(gateway, 60)
    assert gateway.sequences(0xA) == list(range(taken))
    assert board.spill.segments == 0 and board.outbox.oldest() == board.outbox.sequence
    assert os.listdir("spill") == []
    numbers = [sequence for _, sequence in gateway.order][1:]
    first = numbers.index(1)
    backlog = [each for each in numbers[first:] if each < numbers[0]]
    assert numbers[:first] == sorted(numbers[:first]) and backlog == sorted(backlog)
    assert gateway.repeated == 1, "the channel table, with the first segment"


def test_segments_are_whole_blocks():
    _empty()
    board = Board(0xA)
    board.put(600)
    for name in os.listdir("spill"):
        size = os.stat("spill/" + name)[6]
        assert SEGMENT_BYTES - 150 <= size <= SEGMENT_BYTES, size
    assert len(os.listdir("spill")) == board.spill.segments == board.spill.written


def test_what_an_earlier_boot_left_is_sent_under_its_name_with_its_table_and_time():
    _empty()
    old = Board(0xA)
    old.spill.board_ms, old.spill.utc_ms = 5000, 1_763_755_200_000
    old.put(300)
    while old.spill.write(ABOUT):
        pass
    board = Board(0xB)
    assert board.spill.segments == old.spill.segments
    board.put(20)
    gateway = Gateway()
    board.send(gateway, 60)
    assert gateway.sequences(0xA) == list(range(old.outbox.sequence))
    assert gateway.told[0xA] == [0xA, 0, 5000, 1_763_755_200_000]
    assert gateway.sequences(0xB) == list(range(board.outbox.sequence))
    assert gateway.order[:21] == [(0xB, number) for number in range(21)], "live data goes first"
    rest = [sequence for boot, sequence in gateway.order if boot == 0xA]
    assert rest == sorted(rest)
    assert board.spill.segments == 0 and board.outbox.oldest() == board.outbox.sequence


def test_nothing_of_an_earlier_boot_is_sent_before_the_gateway_knows_of_it():
    _empty()
    old = Board(0xA)
    old.put(100)
    while old.spill.write(ABOUT):
        pass
    board = Board(0xB)
    now = board.ticks()
    sent = []
    for _ in range(10):
        payload = board.outbox.next(now) or board.spill.next(now)
        if payload is not None:
            sent.append(decode(bytes(payload)))
    assert [(items[0], items[1]) for items in sent] == [(HELLO, 0xB), (EVENT, 0xB)], sent
    board.outbox.acknowledge(board.outbox.sequence, [])
    assert decode(board.spill.next(now))[:3] == [HELLO, 0xA, 0]


def test_acks_free_only_what_was_sent_of_that_boot():
    _empty()
    old = Board(0xA)
    old.put(100)
    while old.spill.write(ABOUT):
        pass
    board = Board(0xB)
    board.send(Gateway(), 2)
    held = board.spill.segments
    board.spill.acknowledge(0xA, 1 << 31, [])
    board.spill.acknowledge(0xB, 1 << 31, [])
    assert board.spill.segments == held > 0
    assert board.spill.next(board.ticks()) is not None
    board.spill.acknowledge(0xB, 1 << 31, [])
    board.spill.acknowledge(0xA, 1 << 31, [])
    assert board.spill.segments == held
    gateway = Gateway()
    board.spill.rewind()
    board.send(gateway, 20)
    assert gateway.sequences(0xA)[-1] == old.outbox.sequence - 1


def test_a_lost_ack_brings_a_segment_again_and_nothing_else():
    _empty()
    board = Board(0xA)
    board.put(120)
    now = board.ticks()
    while board.outbox.next(now) is not None:
        board.outbox.acknowledge(1 << 31, [])
    first = []
    payload = board.spill.next(now)
    while payload is not None:
        first.append(payload)
        payload = board.spill.next(now)
    assert len(first) > 20
    board.ticks.advance(2 * SECOND)
    assert board.spill.next(board.ticks()) is None
    board.ticks.advance(SECOND)
    assert board.spill.next(board.ticks()) is None
    again = board.spill.next(board.ticks())
    assert again == first[0]


def test_a_full_flash_drops_its_oldest_segment_and_counts_to_the_sample():
    _empty()
    board = Board(0xA, most=4)
    board.put(600)
    dropped = board.outbox.dropped_messages()
    assert board.spill.segments == 4 and dropped > 300
    assert board.outbox.dropped_samples() == SAMPLES * (dropped - 1), "HELLO has none"
    assert board.outbox.oldest() == dropped
    gateway = Gateway()
    board.send(gateway, 20)
    held = [each for each in gateway.sequences(0xA) if each]
    assert held == list(range(dropped, board.outbox.sequence))


def test_a_full_flash_counts_what_an_earlier_boot_loses():
    _empty()
    old = Board(0xA, most=4)
    old.put(110)
    while old.spill.write(ABOUT):
        pass
    left = old.outbox.sequence
    board = Board(0xB, most=4)
    board.put(120)
    gateway = Gateway()
    board.send(gateway, 30)
    kept = [each for each in gateway.sequences(0xA) if each]
    lost = board.spill.dropped_messages
    assert 0 < lost < left and board.outbox.dropped_messages() == 0
    assert kept == list(range(lost, left))
    assert board.spill.dropped_samples == SAMPLES * (lost - 1)
    assert gateway.given_up[0xA] == lost
    assert gateway.sequences(0xB) == list(range(board.outbox.sequence))
    assert gateway.over == [[0xA, left, SAMPLES * 110, 0]]


def test_what_earlier_boots_had_put_into_messages_is_told_when_nothing_of_them_is_left():
    """Also where a full flash dropped the last of it before it was ever told of."""
    _empty()
    for boot in (0xA, 0xB):
        old = Board(boot, most=8)
        old.put(110)
        while old.spill.write(ABOUT):
            pass
        left = old.outbox.sequence
    board = Board(0xC, most=8)
    board.put(400)
    assert board.spill.dropped_messages > left
    gateway = Gateway()
    board.send(gateway, 30)
    assert gateway.over == [[boot, left, SAMPLES * 110, 0] for boot in (0xA, 0xB)]


def test_what_a_boot_dropped_itself_is_told_with_its_end():
    _empty()
    old = Board(0xA, most=3)
    old.put(300)
    while old.spill.write(ABOUT):
        pass
    dropped = old.outbox.dropped_samples()
    gateway = Gateway()
    Board(0xB, most=3).send(gateway, 30)
    assert gateway.over == [[0xA, old.outbox.sequence, SAMPLES * 300, dropped]]
    assert dropped


def test_damaged_and_foreign_files_cost_nothing_else():
    _empty()
    board = Board(0xA)
    board.put(300)
    names = sorted(os.listdir("spill"))
    sizes = {}
    for at, name in enumerate(names):
        with open("spill/" + name, "rb") as file:
            sizes[name] = data = file.read()
        if at == 1:
            data = data[:900]
        elif at == 2:
            data = data[:700] + bytes([data[700] ^ 4]) + data[701:]
        elif at == 3:
            data = b""
        with open("spill/" + name, "wb") as file:
            file.write(data)
    with open("spill/notes.txt", "wb") as file:
        file.write(b"by a person")
    again = Board(0xB)
    gateway = Gateway()
    again.send(gateway, 60)
    assert again.spill.damaged == 3
    assert again.spill.segments == 0 and os.listdir("spill") == ["notes.txt"]
    got = gateway.sequences(0xA)
    assert len(got) > 0 and 0 in got
    os.remove("spill/notes.txt")


def test_a_file_system_that_fails_is_counted_and_left_alone_for_a_while():
    _empty()
    tried = []

    def refuse(path, mode):
        tried.append(path)
        raise OSError(5)

    axnode.spill.open = refuse
    board = Board(0xA)
    board.put(200)
    assert board.spill.errors == len(tried) < 8
    assert board.outbox.dropped_messages() > 0


def test_the_supply_is_cut_at_every_file_operation_of_an_outage_and_of_the_recovery():
    """What was in flash by then is delivered once; only a segment being written goes."""
    cuts = 0
    torn = 0
    while True:
        cuts += 1
        _empty()
        gateway = Gateway()
        flash = _cut_at(0)
        first = Board(0xA)
        first.put(40)
        first.spill.write(ABOUT)
        promised = {0xA: first.outbox.oldest_in_ram()}
        flash = _cut_at(cuts)
        second = Board(0xB)
        cut = False
        try:
            second.put(100)
            second.send(gateway, 12)
        except CutError:
            cut = True
        in_ram = second.outbox.oldest_in_ram()
        _cut_at(0)
        third = Board(0xC)
        third.send(gateway, 60)
        assert third.spill.segments == 0 and os.listdir("spill") == []
        assert gateway.sequences(0xA) == list(range(promised[0xA]))
        assert third.spill.damaged <= 1 and third.spill.errors == 0
        torn += third.spill.damaged
        got = gateway.sequences(0xB)
        assert got[:in_ram] == list(range(in_ram)) or not in_ram, (cuts, in_ram, got)
        assert gateway.sequences(0xC) == list(range(third.outbox.sequence))
        if not cut:
            break
    print(cuts, torn, flash.done)
    assert cuts > 300 and torn > 30


def test_files_of_others_cost_no_time_and_stay():
    """Whatever they are called; the numbers between two are not tried one by one."""
    _empty()
    Board(0x9)
    names = ["5", "0005", "-0000005", "99999990", "1.txt"]
    for name in names:
        with open("spill/" + name, "wb") as file:
            file.write(b"by a person")
    os.mkdir("spill/00000003")
    board = Board(0xA)
    board.put(200)
    gateway = Gateway()
    board.send(gateway, 30)
    assert gateway.sequences(0xA) == list(range(board.outbox.sequence))
    assert board.spill.damaged == 2, "those that are named like a segment"
    assert board.spill.segments == 0
    names.remove("99999990")
    assert sorted(os.listdir("spill")) == sorted(["00000003"] + names)
    os.rmdir("spill/00000003")
