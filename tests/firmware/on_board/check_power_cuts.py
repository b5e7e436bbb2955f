"""The supply fails in each single flash operation of what a spill does, on LittleFS in NOR flash.

A course is what a boot does with its flash: fill RAM, spill, drop the oldest segments to make
room, send, have it acknowledged and deleted, spill again. It is run again and again, each time up
to one operation further. What later boots deliver is held against what the boot that was cut had
promised: what it had moved out of RAM lies in flash until the gateway has it or it is counted as
dropped. A later boot is cut as well.
"""

import gc
import os

from simulators.board.flash import BLOCK_BYTES

from power_rig import Chip, CutError, Supply
from spill_rig import Board, Gateway

FIRST, SECOND, THIRD, FOURTH = 0xA, 0xB, 0xC, 0xD
TOLD = (5000, 1_763_755_200_000)
IDENTITY = b"motors-a, a key, a calibration\n" * 40
LOSES = 7
ENOUGH_S = 120


class Made:
    """A chip with a file of the node's own and some segments, which hold the first `messages` of
    the first boot; boots may have `most`."""

    def __init__(self, seed, blocks=24, segments=4, most=4):
        self.seed = seed
        self.most = most
        supply = Supply(Chip(bytearray(b"\xff" * (blocks * BLOCK_BYTES))), seed)
        supply.format()
        supply.mount()
        with open("node.json", "wb") as file:
            file.write(IDENTITY)
        board = Board(FIRST, most=most)
        board.spill.board_ms, board.spill.utc_ms = TOLD
        while board.spill.segments < segments:
            board.put(1)
        self.messages = board.outbox.oldest_in_ram()
        self.chip = supply.off()

    def wear(self):
        """Make LittleFS rewrite the folder's records some times: two changes fill a block."""
        supply = Supply(self.chip, self.seed)
        supply.mount(program_bytes=BLOCK_BYTES // 2)
        name = "spill/" + min(os.listdir("spill"))
        for _ in range(2):
            os.rename(name, "spill/worn")
            os.rename("spill/worn", name)
        self.chip = supply.off()


class Boot:
    """A boot of the node, from its start until the supply is cut or it has done `what`."""

    def __init__(self, made, chip, number, what, gateway, cut_at=0):
        self.number = number
        self.gateway = gateway
        self.board = None
        self.files = None
        supply = Supply(chip, made.seed + number, cut_at)
        try:
            supply.mount()
            with open("node.json", "rb") as file:
                assert file.read() == IDENTITY
            self.board = Board(number, made.most)
            self.board.spill.board_ms, self.board.spill.utc_ms = TOLD
            what(self.board, gateway)
            self.files = os.listdir("spill")
        except CutError:
            pass
        self.left = supply.off()
        self.cut = supply.cut
        self.done = supply.done
        assert supply.spoiled == 0, "programmed what was not erased"

    def kept(self):
        """First and end of the sequences that must not be lost any more."""
        if self.board is None:
            return 0, 0
        outbox = self.board.outbox
        return outbox.dropped_messages(), outbox.oldest_in_ram()


def course(board, gateway):
    """All that a spill does."""
    board.put(260)
    board.send(gateway, ENOUGH_S)
    board.put(90)


def recovery(board, gateway):
    board.put(5)
    board.send(gateway, ENOUGH_S)


def sweep(made):
    """Cut the course in each operation, and the recovery from that in one that moves on from cut
    to cut. Returns the course as it is without a cut."""
    whole = Boot(made, made.chip.copy(), SECOND, course, Gateway(LOSES))
    assert not whole.cut
    torn = 0
    for cut_at in range(1, whole.done + 2):
        gc.collect()
        boot = Boot(made, made.chip.copy(), SECOND, course, Gateway(LOSES), cut_at)
        assert boot.cut == (cut_at <= whole.done), cut_at
        third = Boot(made, boot.left.copy(), THIRD, recovery, boot.gateway.copy())
        check(made, boot, third)
        torn += third.board.spill.damaged
        again_at = cut_at % (third.done + 1) + 1
        third = Boot(made, boot.left.copy(), THIRD, recovery, boot.gateway.copy(), again_at)
        if third.cut:
            check(made, boot, Boot(made, third.left, FOURTH, recovery, third.gateway))
    print("seed", made.seed, "-", whole.done, "operations,", torn, "segments torn")
    assert torn > 10
    return whole


def check(made, boot, last):
    """Hold what the gateway has, after the last boot has sent all it found, against what the boot
    that was cut had promised."""
    assert not last.cut and last.files == []
    gateway, spill = last.gateway, last.board.spill
    assert spill.segments == 0
    assert spill.errors == 0 and spill.damaged <= 2
    dropped, upto = 0, made.messages
    if boot.board is not None:
        dropped = boot.board.spill.dropped_messages
    got = gateway.sequences(FIRST)
    assert set(got) >= set(range(dropped, upto)), (dropped, upto, got)
    dropped, upto = boot.kept()
    got = gateway.sequences(SECOND)
    assert set(got) >= set(range(dropped, upto)), (dropped, upto, got)
    assert gateway.sequences(last.number) == list(range(last.board.outbox.sequence))
    for number in gateway.told:
        assert gateway.told[number][2:] == list(TOLD)


def test_a_cut_in_any_operation_of_a_spill_loses_nothing_that_was_promised():
    for seed in range(2):
        whole = sweep(Made(seed))
        spill, outbox = whole.board.spill, whole.board.outbox
        assert whole.done > 100 and spill.written > 6
        assert spill.dropped_messages > 100 and outbox.dropped_messages() > 0


def test_nor_does_one_where_the_file_system_moves_its_own_records():
    """It moves a folder to other blocks whenever its records were rewritten 100 times; the parent
    folder, which lies in the first two blocks, is changed then and at no other time."""
    made = Made(3)
    worn = 0
    while not moves_the_folder(made):
        made.wear()
        worn += 1
    print("worn", worn, "times")
    assert 10 < worn < 100
    sweep(made)


def moves_the_folder(made):
    parent = 2 * BLOCK_BYTES
    before = bytes(made.chip.data[:parent])
    whole = Boot(made, made.chip.copy(), SECOND, course, Gateway(LOSES))
    return whole.left.data[:parent] != before


def test_nor_does_one_where_the_file_system_is_full():
    whole = sweep(Made(4, blocks=9, segments=3, most=64))
    assert whole.board.spill.dropped_messages > 60
    assert whole.board.outbox.dropped_messages() > 0
