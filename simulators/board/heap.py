"""Keeps the simulated hardware out of the heap that the firmware is measured in.

The process gets a heap larger than the board's by AXSIM_HEAP_EXTRA bytes. Before the simulated
hardware is loaded a placeholder takes what the firmware is to find free, so that the hardware
comes to lie behind it; then ballast fills what is left there, and the placeholder goes. So the
firmware finds as much free, to within 1 KiB, as on a heap of the board's size with nothing else
in it, and in one piece. MicroPython looks for room from the low end on, and never gets as far as
the simulated hardware: with that at the low end it took a quarter of the time.

MicroPython keeps the names of a program in pools, each twice as large as the one before. Those of
the simulated hardware would make the firmware pay for a pool that a board does not need, so one
that has room for all its names is opened beforehand, and what a board's own pools take, with up to
620 names, is counted as used.
"""

import gc
import os

from simulators.board.errors import BoardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    mem_alloc: Callable[[], int]
    mem_free: Callable[[], int]
else:
    mem_alloc = getattr(gc, "mem_alloc", None)
    mem_free = getattr(gc, "mem_free", None)

_SMALLEST = 64
_LOADING = 4096
_GIVEN_BACK = 512
"""What loading still holds when it is over and frees later, about: the collector sees old pointers
on the stack."""

_POOL_BYTES = 4096
"""Less than any pool that the simulated hardware's names lead to takes."""

NAMES_BYTES = 620 * 7 + 5 * 32
"""Pools of 20, 40, 80, 160 and 320 names, each with 4 bytes of address, 2 of hash and 1 of length
(py/qstr.c of MicroPython 1.25, on the boards as here)."""


class Heap:
    """`with Heap(bytes allocated before this module was loaded):` load the simulated hardware;
    what is free afterwards is the firmware's. Without AXSIM_HEAP_EXTRA it does nothing.

    Raises BoardError where the simulated hardware takes more than the extra.
    """

    def __init__(self, before_bytes: int) -> None:
        self._placeholder = bytearray()
        self._extra = int(os.getenv("AXSIM_HEAP_EXTRA") or "0")
        if self._extra:
            gc.collect()
            # Of each 131 bytes of heap the collector keeps 3 for its tables.
            boards = mem_alloc() + mem_free() - self._extra * 128 // 131
            try:
                self._placeholder = bytearray(boards - before_bytes - _GIVEN_BACK - NAMES_BYTES)
            except MemoryError:
                raise self._too_small() from None

    def __enter__(self) -> None:
        """Collect garbage often: loading is to leave the rest of the heap whole."""
        self._threshold = gc.threshold()  # type: ignore[attr-defined]
        gc.threshold(_LOADING)  # type: ignore[attr-defined]

    def __exit__(self, kind: "Any", error: "Any", trace: "Any") -> None:
        gc.threshold(self._threshold)  # type: ignore[attr-defined]
        if self._extra and kind is None:
            _open_pool()
            _fill()
        self._placeholder = bytearray()
        gc.collect()
        if self._extra and kind is MemoryError:
            raise self._too_small()

    def _too_small(self) -> BoardError:
        return BoardError("the simulated hardware takes more than %d bytes" % self._extra)


_ballast: "list[Any]" = [None]


def _open_pool() -> None:
    """Add names until MicroPython opens a pool for as many again as there are."""
    number = 0
    opened = False
    while not opened:
        name = "spare%d" % number
        before = mem_alloc()
        getattr(gc, name, None)
        opened = mem_alloc() - before >= _POOL_BYTES
        number += 1


def _fill() -> None:
    """Leave nothing free behind the placeholder."""
    gc.collect()
    size = mem_free()
    while size >= _SMALLEST:
        try:
            _ballast[0] = (bytearray(size), _ballast[0])
        except MemoryError:
            size >>= 1
    try:
        while True:
            _ballast[0] = (None, _ballast[0])
    except MemoryError:
        return
