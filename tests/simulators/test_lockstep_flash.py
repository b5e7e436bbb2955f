"""The simulated flash: what it can do, how it tears, and LittleFS on it under power cuts."""

from pathlib import Path

import pytest
from lockstep_boards import Scripted, scripted

from hil.errors import BenchError
from hil.flash_image import read_image
from hil.interpreter import find_interpreter
from hil.lockstep import START_US
from simulators.board import descriptors_host
from simulators.board.errors import BoardError
from simulators.board.flash import BLOCK_BYTES, PAGE_BYTES, NorFlash

SECOND = 1_000_000
BLOCKS = 4
PICO_BLOCKS = 352
"""Of 4 KiB: what MicroPython leaves for files in the 2 MiB of a Pico."""


class Chip:
    """A flash of BLOCKS, with what it did to the board."""

    def __init__(self, path: Path, seed: int = 1) -> None:
        self.path = path
        self.held_us: list[int] = []
        self.failures = 0
        if not path.exists():
            path.write_bytes(b"\xff" * (BLOCKS * BLOCK_BYTES))
        self.flash = NorFlash(descriptors_host, seed, str(path), BLOCKS)  # type: ignore[arg-type]
        self.flash.connect(self.held_us.append, self._fail)

    def content(self, block: int) -> bytes:
        return self.path.read_bytes()[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES]

    def _fail(self) -> None:
        self.failures += 1
        raise PowerError


class PowerError(Exception):
    """The board is off."""


@pytest.fixture
def chip(tmp_path: Path) -> Chip:
    return Chip(tmp_path / "flash.img")


def test_programming_clears_bits_and_erasing_sets_them(chip: Chip) -> None:
    chip.flash.writeblocks(1, b"\xf0" * 10, 100)
    chip.flash.writeblocks(1, b"\x3c" * 5, 105)
    assert chip.content(1)[98:112] == b"\xff\xff" + b"\xf0" * 5 + b"\x30" * 5 + b"\xff\xff"
    assert chip.flash.account()["spoiled"] == 5
    chip.flash.ioctl(6, 1)
    assert chip.content(1) == b"\xff" * BLOCK_BYTES
    chip.flash.writeblocks(2, bytes(2 * BLOCK_BYTES))
    assert chip.flash.account() == {
        "programmed": 15 + 2 * BLOCK_BYTES,
        "erased": 3,
        "spoiled": 5,
        "worn_most": 1,
    }
    assert chip.flash.worn == [0, 1, 1, 1]


def test_it_reads_what_was_written_and_says_how_large_it_is(chip: Chip) -> None:
    chip.flash.writeblocks(3, b"hello", 7)
    buffer = bytearray(5)
    chip.flash.readblocks(3, buffer, 7)
    assert buffer == b"hello"
    assert (chip.flash.ioctl(4, 0), chip.flash.ioctl(5, 0)) == (BLOCKS, BLOCK_BYTES)


def test_each_page_and_each_block_takes_its_time(chip: Chip) -> None:
    chip.flash.writeblocks(0, bytes(PAGE_BYTES + 2), PAGE_BYTES - 1)
    chip.flash.ioctl(6, 0)
    assert chip.held_us == [400, 400, 400, 45_000]


@pytest.mark.parametrize("operation", [1, 2, 3])
def test_a_page_is_torn_where_power_fails(tmp_path: Path, operation: int) -> None:
    """What lies before is whole, what lies behind untouched, in between one byte is anything."""
    torn = set()
    for seed in range(20):
        chip = Chip(tmp_path / f"{seed}.img", seed)
        chip.flash.fail_after(operation)
        with pytest.raises(PowerError):
            chip.flash.writeblocks(0, bytes(3 * PAGE_BYTES), 0)
        content = chip.content(0)
        whole = len(content) - len(content.lstrip(b"\0"))
        assert (operation - 1) * PAGE_BYTES <= whole <= operation * PAGE_BYTES
        assert set(content[whole + 1 :]) == {0xFF}
        torn.add(whole)
    assert len(torn) > 10


def test_an_erase_is_torn_where_power_fails(tmp_path: Path) -> None:
    """From one end pages are erased, one is anything, the others as they were, 0 or anything."""
    was, erased, zero = (bytes([value]) * PAGE_BYTES for value in (0x5A, 0xFF, 0))
    ends, rests = set(), set()
    for seed in range(40):
        chip = Chip(tmp_path / f"{seed}.img", seed)
        chip.flash.writeblocks(1, was * (BLOCK_BYTES // PAGE_BYTES), 0)
        chip.flash.fail_after(1)
        with pytest.raises(PowerError):
            chip.flash.ioctl(6, 1)
        assert chip.flash.torn == 1
        content = chip.content(1)
        pages = [content[at : at + PAGE_BYTES] for at in range(0, BLOCK_BYTES, PAGE_BYTES)]
        kinds = [{was: "was", erased: "erased", zero: "0"}.get(page, "anything") for page in pages]
        count = kinds.count("erased")
        end = "first" if kinds[:count] == ["erased"] * count else "last"
        if count and end == "last":
            kinds.reverse()
        assert kinds[:count] == ["erased"] * count
        rest = set(kinds[count:])
        assert len(rest - {"anything"}) <= 1
        ends.add((end, count))
        rests |= rest
    assert rests == {"was", "0", "anything"}
    assert {end for end, _ in ends} == {"first", "last"}
    assert len(ends) > 10


def test_the_same_seed_tears_alike(tmp_path: Path) -> None:
    contents = []
    for name, seed in (("one", 5), ("again", 5), ("other", 6)):
        chip = Chip(tmp_path / name, seed)
        chip.flash.writeblocks(0, bytes(100), 0)
        chip.flash.fail_after(2)
        with pytest.raises(PowerError):
            chip.flash.writeblocks(1, bytes(BLOCK_BYTES))
        contents.append(chip.path.read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_an_image_that_is_not_there_is_named() -> None:
    with pytest.raises(BoardError, match=r"the flash image nowhere\.img cannot be opened"):
        NorFlash(descriptors_host, 1, "nowhere.img", 4)  # type: ignore[arg-type]


def files_in(board: Scripted, folder: Path) -> dict[str, bytes]:
    """What is in the board's flash, by name."""
    read_image(board.target.image, folder, find_interpreter(), board.folder / "sim")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_an_image_holds_the_files_it_was_made_of(tmp_path: Path) -> None:
    with scripted(tmp_path / "board", "pass", flash_blocks=PICO_BLOCKS) as board:
        found = files_in(board, tmp_path / "found")
    source = tmp_path / "board" / "flash"
    assert found == {
        str(path.relative_to(source)): path.read_bytes()
        for path in source.rglob("*")
        if path.is_file()
    }
    assert "axnode/node.mpy" in found


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="OSError: 28"):
        Scripted(tmp_path, "pass", 1, flash_blocks=8)


def test_what_is_no_file_system_is_refused(tmp_path: Path) -> None:
    board = Scripted(tmp_path / "board", "pass", 1)
    image = tmp_path / "rubbish.img"
    image.write_bytes(bytes(range(256)) * 16 * 8)
    with pytest.raises(BenchError, match="OSError"):
        read_image(image, tmp_path / "found", find_interpreter(), board.folder / "sim")


ROOT = """
import os, sys
print(sorted(name for name in os.listdir("/") if name != "sim"), os.getcwd())
import rp2, select
print(os.statvfs("/")[2])
with open("kept", "w") as file:
    file.write("across a reset")
print(open("/kept").read())
import machine
if machine.reset_cause() == machine.PWRON_RESET:
    machine.reset()
"""


def test_the_flash_is_the_boards_file_system_from_the_start(tmp_path: Path) -> None:
    with scripted(tmp_path / "board", ROOT, flash_blocks=PICO_BLOCKS) as board:
        board.run_until(2 * SECOND + START_US)
        assert board.target.resets == {"hard": 1}
        assert board.target.account()["flash"]["spoiled"] == 0
        found = files_in(board, tmp_path / "found")
    told = board.printed()
    assert told[0] == f"{sorted({name.split('/')[0] for name in found} - {'kept'})} /"
    assert told[1:3] == [str(PICO_BLOCKS), "across a reset"]
    assert "'kept'" in told[3]
    assert "main.py" in found
    assert found["kept"] == b"across a reset"


BUSY = """
import machine, os, time
from machine import UART
uart = UART(0, 921600, timeout=0, rxbuf=1024)
time.sleep_ms(500)
begun = time.ticks_us()
with open("log", "w") as file:
    file.write("x" * 5000)
print(time.ticks_diff(time.ticks_us(), begun) // 1000)
time.sleep_ms(500)
print(uart.any())
"""


def test_writing_stops_the_board_and_bytes_that_come_meanwhile_are_lost(tmp_path: Path) -> None:
    with scripted(tmp_path / "board", BUSY, flash_blocks=PICO_BLOCKS) as board:
        board.run_until(SECOND // 2)
        board.target.send(bytes(1000), SECOND // 2)
        board.run_until(3 * SECOND)
        account = board.target.account()
    took_ms, received = [int(line) for line in board.printed()]
    operations = account["flash"]["erased"] * 45 + account["flash"]["programmed"] / 256 * 0.4
    assert account["flash"]["erased"] >= 2
    assert took_ms == pytest.approx(operations, rel=0.1)
    dropped = account["uart"]["0"][2]
    assert received + dropped == 1000
    assert dropped > 900, "an erase takes as long as 4147 bytes on the line"


SAVE = """
import os
try:
    version = int(open("saved").read().split()[0])
except OSError:
    version = 0
print("found", version, open("kept").read())
with open("saved.new", "w") as file:
    file.write("%d " % (version + 1) * 1000)
os.rename("saved.new", "saved")
print("saved", version + 1)
"""


def test_littlefs_survives_a_cut_at_every_operation_of_writing_a_small_file(
    tmp_path: Path,
) -> None:
    files = {"saved": "7 " * 1000, "kept": "what it must not lose"}
    board = Scripted(tmp_path / "board", SAVE, 1, files, flash_blocks=PICO_BLOCKS)
    fresh = board.target.image.read_bytes()
    outcomes = []
    for operation in range(1, 60):
        board.target.image.write_bytes(fresh)
        before, resets = len(board.printed()), board.target.resets.total()
        board.target.fail_power_in(operation)
        board.target.start()
        board.run_until(board.target.now_us + 4 * SECOND)
        assert board.target.account()["flash"]["spoiled"] == 0
        found = files_in(board, tmp_path / str(operation))
        board.target.stop()
        told = board.printed()[before:]
        assert told[0] == "found 7 what it must not lose"
        if board.target.resets.total() == resets:
            assert told[1:] == ["saved 8"]
            break
        *_, again, last = told
        version = int(again.split()[1])
        outcomes.append(version)
        assert again == f"found {version} what it must not lose"
        assert last == f"saved {version + 1}"
        assert found["saved"] == b"%d " % (version + 1) * 1000
    print(f"{len(outcomes)} operations; versions found after the cut: {outcomes}")
    assert len(outcomes) > 10
    assert outcomes == sorted(outcomes)
    assert set(outcomes) <= {7, 8}
