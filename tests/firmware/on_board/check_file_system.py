"""The outbox over a file system that is full, read-only or gone: the node goes on and counts."""

import gc
import os

import axnode.spill
from simulators.board.flash import BLOCK_BYTES

from power_rig import Chip, Supply
from spill_rig import ABOUT, SAMPLES, Board, Gateway

SEED = 7
LOSES = 7


def _supply(blocks=24):
    supply = Supply(Chip(bytearray(b"\xff" * (blocks * BLOCK_BYTES))), SEED)
    supply.format()
    return supply


def _fill(leave):
    """Fill the file system with files of a block each, but for so many."""
    files = 0
    try:
        while True:
            with open("other%d" % files, "wb") as file:
                file.write(bytes(BLOCK_BYTES))
            files += 1
    except OSError:
        os.remove("other%d" % files)
    while leave:
        files -= 1
        leave -= 1
        os.remove("other%d" % files)


def _whole(board, gateway):
    """Let the gateway have everything; the sequences that it lacks must be those dropped."""
    board.send(gateway, 120)
    end = board.outbox.sequence
    readings = [each for each in gateway.sequences(board.boot) if each]
    lost = end - 1 - len(readings)
    assert readings == list(range(lost + 1, end))
    assert board.outbox.dropped_samples() == SAMPLES * lost
    assert 0 <= board.outbox.dropped_messages() - lost <= 1, "HELLO too, where it was in flash"


def test_a_full_file_system_costs_the_oldest_segments_and_nothing_in_ram():
    supply = _supply()
    supply.mount()
    _fill(5)
    board = Board(0xA)
    board.put(600)
    assert 1 < board.spill.segments < 6
    assert board.outbox.dropped_messages() > 300
    assert board.spill.errors == 0
    held = board.outbox.messages()
    assert held < 70, "RAM was drained at each write"
    _whole(board, Gateway(LOSES))
    supply.off()


def test_a_board_told_to_start_again_makes_room_for_what_it_has_in_ram():
    supply = _supply()
    supply.mount()
    _fill(5)
    old = Board(0xA)
    old.put(250)
    first = old.outbox.oldest()
    fed = []
    old.spill.write_all(ABOUT, lambda: fed.append(1))
    assert old.outbox.messages() == 0 and len(fed) == 2
    dropped = old.outbox.dropped_messages()
    assert dropped >= first
    board = Board(0xB)
    gateway = Gateway(LOSES)
    board.send(gateway, 120)
    got = [each for each in gateway.sequences(0xA) if each]
    assert got == list(range(dropped, old.outbox.sequence))
    supply.off()


def test_a_file_system_that_others_filled_is_an_error_and_used_again_once_there_is_room():
    supply = _supply()
    supply.mount()
    board = Board(0xA)
    _fill(0)
    board.put(100)
    assert (board.spill.segments, board.spill.written) == (0, 0)
    assert board.spill.errors == 1
    assert board.outbox.dropped_messages() > 0
    for name in ("other0", "other1", "other2"):
        os.remove(name)
    board.spill.write_all(ABOUT, gc.collect)
    assert board.outbox.messages() == 0 and board.spill.segments > 1
    _whole(board, Gateway(LOSES))
    supply.off()


def test_a_read_only_file_system_is_counted_and_what_lies_in_it_is_sent():
    supply = _supply()
    supply.mount()
    old = Board(0xA)
    old.put(80)
    promised = old.outbox.oldest_in_ram()
    chip = supply.off()
    supply = Supply(chip, SEED)
    supply.mount(readonly=True)
    board = Board(0xB)
    board.put(300)
    assert board.spill.segments == old.spill.segments and board.spill.written == 0
    assert board.spill.errors >= 2, "tried again after a pause"
    assert board.outbox.dropped_messages() > 0
    gateway = Gateway(LOSES)
    _whole(board, gateway)
    assert gateway.sequences(0xA) == list(range(promised))
    supply.off()


def test_without_a_file_system_readings_stay_in_ram():
    os.mkdir("gone")
    os.chdir("gone")
    os.rmdir("../gone")
    board = Board(0xA)
    assert board.spill.errors == 1 and board.spill.segments == 0
    board.put(300)
    assert board.spill.errors >= 3
    gateway = Gateway(LOSES)
    _whole(board, gateway)
    os.chdir("..")


def test_a_heap_too_full_to_write_a_segment_costs_the_node_nothing():
    board = Board(0xA)

    def no_memory(path, mode):
        raise MemoryError

    axnode.spill.open = no_memory
    board.put(150)
    assert board.spill.errors == 2 and board.outbox.dropped_messages() > 0
    del axnode.spill.open
    board.spill.write_all(ABOUT, gc.collect)
    assert board.outbox.messages() == 0
    _whole(board, Gateway(LOSES))
