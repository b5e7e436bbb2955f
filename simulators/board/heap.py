"""Keeps the simulated hardware out of the heap that the firmware is measured in.

The process gets a heap larger than the board's by AXSIM_HEAP_EXTRA bytes. Before the simulated
hardware is loaded a placeholder takes what the firmware is to find free, so that the hardware
comes to lie behind it; then ballast fills what is left there, and the placeholder goes. So the
firmware finds as much free, to within 1 KiB, as on a heap of the board's size with nothing else
in it, and in one piece. MicroPython looks for room from the low end on, and never gets as far as
the simulated hardware: with that at the low end it took a quarter of the time.
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
                self._placeholder = bytearray(boards - before_bytes - _GIVEN_BACK)
            except MemoryError:
                raise self._too_small() from None

    def __enter__(self) -> None:
        """Collect garbage often: loading is to leave the rest of the heap whole."""
        self._threshold = gc.threshold()  # type: ignore[attr-defined]
        gc.threshold(_LOADING)  # type: ignore[attr-defined]

    def __exit__(self, kind: "Any", error: "Any", trace: "Any") -> None:
        gc.threshold(self._threshold)  # type: ignore[attr-defined]
        if self._extra and kind is None:
            _fill()
        self._placeholder = bytearray()
        gc.collect()
        if self._extra and kind is MemoryError:
            raise self._too_small()

    def _too_small(self) -> BoardError:
        return BoardError("the simulated hardware takes more than %d bytes" % self._extra)


_ballast: "list[Any]" = [None]


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
