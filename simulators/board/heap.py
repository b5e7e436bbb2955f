"""Keeps the simulated hardware out of the heap that the firmware is measured in.

The process gets a heap larger than the board's by AXSIM_HEAP_EXTRA bytes. What the simulated
hardware has not used of them once it is powered up is filled with ballast, so that the firmware
finds as much free, to within 1 KiB, as on a heap of the board's size with nothing else in it.
"""

import gc

from simulators.board.errors import BoardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    mem_alloc: Callable[[], int]
else:
    mem_alloc = getattr(gc, "mem_alloc", None)

_SMALLEST = 64
_GIVEN_BACK = 512
"""What importing `machine` still holds when the ballast is taken and frees when it is over, about:
the collector sees old pointers on the stack."""


def ballast(extra_bytes: int, before_bytes: int) -> "list[bytearray]":
    """What to keep for good, given what was allocated before the simulated hardware was loaded.

    Raises BoardError, naming the figure, when the simulated hardware takes more than the extra.
    """
    gc.collect()
    # Of each 131 bytes of heap the collector keeps 3 for its tables.
    target = before_bytes + extra_bytes * 128 // 131 + _GIVEN_BACK
    used = mem_alloc() - before_bytes
    if mem_alloc() > target:
        raise BoardError("the simulated hardware takes %d bytes of heap" % used)
    held: "list[bytearray]" = []
    size = target - mem_alloc()
    while size >= _SMALLEST and mem_alloc() < target - _SMALLEST:
        try:
            held.append(bytearray(min(size, target - mem_alloc() - 2 * _SMALLEST)))
        except MemoryError:
            size >>= 1
    return held
