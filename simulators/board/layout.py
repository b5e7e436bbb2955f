"""Lays the simulated hardware out as the folder that goes on MICROPYPATH before `.frozen`.

For the host; nothing here runs on the board.
"""

from pathlib import Path

HEAP_EXTRA_BYTES = 128 * 1024
"""By how much the heap is made larger than the board's for the simulated hardware, with up to 16
signals of the default size: `-X heapsize=` is the board's and this, AXSIM_HEAP_EXTRA is this."""

_HOST_ONLY = ("layout.py", "descriptors_host.py")

_MACHINE = """\
import gc

gc.collect()
_before = gc.mem_alloc()

from simulators.board.board import power_up
from simulators.board.machine import *

power_up(_before)
"""


def lay_out(folder: Path) -> None:
    """Fill the folder: `machine.py`, and the package `simulators` as far as the board needs it."""
    package = folder / "simulators" / "board"
    package.mkdir(parents=True, exist_ok=True)
    (folder / "simulators" / "__init__.py").write_text("", encoding="utf-8")
    for source in sorted(Path(__file__).parent.glob("*.py")):
        if source.name not in _HOST_ONLY:
            (package / source.name).write_bytes(source.read_bytes())
    (folder / "machine.py").write_text(_MACHINE, encoding="utf-8")
