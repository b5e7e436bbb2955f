"""The flash that the board's file system lies in: a NOR chip, its content a file of the host's.

Erasing sets a block of 4 KiB to FF; programming can only clear bits, a page of 256 bytes at a
time. Each page programmed and each block erased is one operation. When power fails in one, it is
torn: a page is programmed up to some byte and bit; of a block some pages are erased, the first or
the last, the page there reads as anything, and the others are as they were or, as a chip clears
all bits before it sets them, 0 or anything. Which is drawn from the seed and from where in the
flash's life power fails.

Times are those of a W25Q16JV, typical: 0.4 ms a page, 45 ms a block (unverified). The board does
nothing else meanwhile, as on RP2, where code runs from the same chip.
"""

from simulators.board.errors import BoardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

BLOCK_BYTES = 4096
PAGE_BYTES = 256
_PAGES = BLOCK_BYTES // PAGE_BYTES
_BLOCK_COUNT, _BLOCK_SIZE, _BLOCK_ERASE = 4, 5, 6
_ERASED = b"\xff" * PAGE_BYTES
_ERASED_VIEW = memoryview(_ERASED)
_CLEARED = bytes(PAGE_BYTES)
_EIO = 5


class NorFlash:
    """A block device for `vfs`, in `path`, which must be there and `blocks` long.

    `programmed` counts bytes, `erased` blocks, `spoiled` bytes that were programmed without having
    been erased, `worn` how often each block was erased; all since the process began. `torn` is the
    block in whose erase power failed, or -1: its bits may read otherwise each time.
    """

    def __init__(
        self,
        system: "ModuleType",
        seed: int,
        path: str,
        blocks: int,
        page_us: int = 400,
        erase_us: int = 45_000,
    ) -> None:
        self.programmed = 0
        self.erased = 0
        self.spoiled = 0
        self.torn = -1
        self.worn = [0] * blocks
        self._os = system
        self._blocks = blocks
        self._page_us = page_us
        self._erase_us = erase_us
        self._draw = seed % 30268 + 1
        self._left = 0
        self._page = bytearray(PAGE_BYTES)
        self._hold: "Callable[[int], None] | None" = None
        self._fail: "Callable[[], None] | None" = None
        self._fd = system.open_file(path)
        if self._fd < 0:
            raise BoardError("the flash image " + path + " cannot be opened")

    def connect(self, hold: "Callable[[int], None]", fail: "Callable[[], None]") -> None:
        """`hold(us)` lets the time of an operation pass, `fail()` ends the board's life."""
        self._hold = hold
        self._fail = fail

    def fail_after(self, count: int) -> None:
        """Power fails in the so manyth operation from now on; with 0, in none."""
        self._left = count

    def readblocks(self, block: int, buffer: "bytearray | memoryview", offset: int = 0) -> None:
        self._read(block * BLOCK_BYTES + offset, buffer, len(buffer))

    def writeblocks(
        self, block: int, buffer: "bytes | bytearray | memoryview", offset: "int | None" = None
    ) -> None:
        """Program; without an offset, erase the blocks first."""
        if offset is None:
            for number in range(len(buffer) // BLOCK_BYTES):
                self._erase(block + number)
            offset = 0
        data = memoryview(buffer)
        at = block * BLOCK_BYTES + offset
        done = 0
        while done < len(data):
            count = min(PAGE_BYTES - at % PAGE_BYTES, len(data) - done)
            self._program(at, data[done : done + count])
            at += count
            done += count

    def ioctl(self, request: int, argument: int) -> int:
        if request == _BLOCK_COUNT:
            return self._blocks
        if request == _BLOCK_SIZE:
            return BLOCK_BYTES
        if request == _BLOCK_ERASE:
            self._erase(argument)
        return 0

    def account(self) -> "dict[str, int]":
        """What the host is told."""
        return {
            "programmed": self.programmed,
            "erased": self.erased,
            "spoiled": self.spoiled,
            "worn_most": max(self.worn),
        }

    def _program(self, at: int, data: "memoryview") -> None:
        """A page or a part of one: only zeros can be added."""
        count = len(data)
        page = memoryview(self._page)[:count]
        self._read(at, page, count)
        fails = self._begins(self._page_us)
        if fails:
            count = self._random(count + 1)
        if page[:count] == _ERASED_VIEW[:count]:
            page[:count] = data[:count]
        else:
            for index in range(count):
                if page[index] != 0xFF:
                    self.spoiled += 1
                page[index] &= data[index]
        if fails and count < len(data):
            page[count] &= data[count] | self._random(256)
            count += 1
        self._write(at, page, count)
        self.programmed += count
        self._ends(fails)

    def _erase(self, block: int) -> None:
        fails = self._begins(self._erase_us)
        at = block * BLOCK_BYTES
        if fails:
            self.torn = block
            self._tear(at)
        else:
            for number in range(_PAGES):
                self._write(at + number * PAGE_BYTES, _ERASED, PAGE_BYTES)
        self.worn[block] += 1
        self.erased += 1
        self._ends(fails)

    def _tear(self, at: int) -> None:
        """Erase a part of the block there."""
        page = self._page
        erased = self._random(_PAGES + 1)
        first = self._random(2)
        others = self._random(3)
        for number in range(_PAGES):
            place = number if first else _PAGES - 1 - number
            if number < erased:
                page[:] = _ERASED
            elif number == erased or others == 2:
                for index in range(PAGE_BYTES):
                    page[index] = self._random(256)
            elif others:
                page[:] = _CLEARED
            else:
                continue
            self._write(at + place * PAGE_BYTES, page, PAGE_BYTES)

    def _begins(self, duration_us: int) -> bool:
        """An operation begins; whether power fails in it."""
        if self._hold is not None:
            self._hold(duration_us)
        if not self._left:
            return False
        self._left -= 1
        if self._left:
            return False
        self._draw = (self._draw + self.programmed + 31 * self.erased) % 30268 + 1
        for _ in range(3):
            self._random(1)
        return True

    def _ends(self, fails: bool) -> None:
        if fails and self._fail is not None:
            self._fail()

    def _random(self, below: int) -> int:
        """0 to below - 1, below at most 256 (one of the generators of inputs.Noise)."""
        self._draw = self._draw * 171 % 30269
        return self._draw * below // 30269

    def _read(self, at: int, buffer: "bytearray | memoryview", count: int) -> None:
        if self._os.read_at(self._fd, buffer, count, at) != count:
            raise OSError(_EIO)

    def _write(self, at: int, data: "bytes | bytearray | memoryview", count: int) -> None:
        if self._os.write_at(self._fd, data, count, at) != count:
            raise OSError(_EIO)
