"""LittleFS in a simulated flash chip whose supply can fail, within the test's own interpreter.

A board that lost its supply does nothing any more; an interpreter goes on after an exception. A
`with` that ends closes its file, and so does the garbage collector with the files of a boot that
is over, at any later time: both write. So what is left of a cut is a copy of the chip, made in the
moment of the cut, and what still writes afterwards writes to a chip that nobody looks at.
"""

import os

import vfs
from simulators.board.flash import BLOCK_BYTES, NorFlash

PROGRAM_BYTES = 256
"""What the file system writes at a time, as on RP2."""

ROOT = "/flash"


class CutError(BaseException):
    """The supply failed. No OSError: firmware that goes on after one would go on without power."""


class Chip:
    """The content of a flash, in place of NorFlash's file.

    A block in whose erase power failed has bits that read otherwise each time, until it is erased
    whole.
    """

    def __init__(self, data, unsettled=-1):
        self.data = data
        self.unsettled = unsettled
        self._draw = 1
        self._erased = 0

    def blocks(self):
        return len(self.data) // BLOCK_BYTES

    def copy(self):
        return Chip(bytearray(self.data), self.unsettled)

    def open_file(self, path):
        return 0

    def read_at(self, fd, buffer, count, at):
        memoryview(buffer)[:count] = memoryview(self.data)[at : at + count]
        if at // BLOCK_BYTES == self.unsettled:
            for index in range(0, count, 5):
                self._draw = self._draw * 171 % 30269
                buffer[index] ^= self._draw & 0x11
        return count

    def write_at(self, fd, data, count, at):
        memoryview(self.data)[at : at + count] = memoryview(data)[:count]
        if at // BLOCK_BYTES == self.unsettled:
            # An erase writes the pages of its block one after the other.
            self._erased = self._erased + count if at % BLOCK_BYTES else count
            if self._erased == BLOCK_BYTES:
                self.unsettled = -1
        return count


class Supply:
    """A board's supply and its flash: from power-up to the end, or to a cut in operation `cut_at`.

    `left` is the chip as the next boot finds it, `cut` whether the supply failed, `done` how many
    operations began until then, `spoiled` the bytes programmed without having been erased.
    """

    def __init__(self, chip, seed, cut_at=0):
        self.done = 0
        self.cut = False
        self.is_on = True
        self.left = chip
        self.spoiled = 0
        self._chip = chip
        self._flash = NorFlash(chip, seed, "", chip.blocks())
        self._flash.connect(self._count, self._fail)
        self._flash.fail_after(cut_at)

    def readblocks(self, block, buffer, offset=0):
        if not self.is_on:
            at = block * BLOCK_BYTES + offset
            for index in range(len(buffer)):
                buffer[index] = self._chip.data[at + index]
        else:
            self._flash.readblocks(block, buffer, offset)

    def writeblocks(self, block, buffer, offset=0):
        # A file that is collected is closed while nothing can be allocated.
        if not self.is_on:
            at = block * BLOCK_BYTES + offset
            for index in range(len(buffer)):
                self._chip.data[at + index] = buffer[index]
        else:
            self._flash.writeblocks(block, buffer, offset)

    def ioctl(self, request, argument):
        if self.is_on:
            return self._flash.ioctl(request, argument)
        return self._chip.blocks() if request == 4 else BLOCK_BYTES if request == 5 else 0

    def format(self):
        vfs.VfsLfs2.mkfs(self, progsize=PROGRAM_BYTES)

    def mount(self, readonly=False, program_bytes=PROGRAM_BYTES):
        """At ROOT, which is then the working folder. Raises OSError, and the start of an RP2 would
        format the flash."""
        vfs.mount(vfs.VfsLfs2(self, progsize=program_bytes), ROOT, readonly=readonly)
        os.chdir(ROOT)

    def off(self):
        """The end of this boot; returns the chip as it is left."""
        os.chdir("/")
        try:
            vfs.umount(ROOT)
        except OSError:  # it was cut in mounting
            pass
        if self.is_on:
            self._end()
        return self.left

    def _count(self, duration_us):
        self.done += 1

    def _fail(self):
        self.cut = True
        self._end()
        if self._flash.torn >= 0:
            self.left.unsettled = self._flash.torn
        raise CutError

    def _end(self):
        self.is_on = False
        self.spoiled = self._flash.spoiled
        self.left = self._chip.copy()
