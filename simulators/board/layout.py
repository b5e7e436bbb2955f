"""Lays the simulated hardware out as the folder that goes on MICROPYPATH before `.frozen`.

For the host; nothing here runs on the board.
"""

from pathlib import Path

HEAP_EXTRA_BYTES = 256 * 1024
"""By how much the heap is made larger than the board's for the simulated hardware, with up to 16
signals of the default size: `-X heapsize=` is the board's and this, AXSIM_HEAP_EXTRA is this."""

LOCKSTEP_HEAP_EXTRA_BYTES = 320 * 1024
"""The same in lock-step, where the simulated hardware is larger."""

_HOST_ONLY = ("layout.py", "descriptors_host.py")

_MACHINE = """\
import gc

gc.collect()
_before = gc.mem_alloc()
from simulators.board.heap import Heap

with Heap(_before):
    from simulators.board.board import power_up
    from simulators.board.machine import *
    {port}
    import select

    power_up()
"""

_MACHINE_POWERED = """\
from simulators.board.machine import *
{port}
"""

_BOOT = """\
import gc

gc.collect()
before = gc.mem_alloc()
from simulators.board.heap import Heap

with Heap(before):
    from simulators.board.boot import mount_file_system, run
    from simulators.board.lockstep import power_up_in_lockstep

    power_up_in_lockstep()
    mount_file_system()
    import machine

run()
"""

_POWER_UP = """\
from simulators.board.prompt import start

start()
"""
_TIME = """\
from utime import *
from simulators.board.interrupts import sleep, sleep_ms, sleep_us
"""
_SELECT = """\
from uselect import *
from simulators.board.interrupts import poll
"""
_WITH_PROMPT = {"power_up.py": _POWER_UP, "time.py": _TIME, "select.py": _SELECT}

_PORTS = {"rp2": "pass", "esp32": "from simulators.board.counter import Counter"}
_WEIGHED = """\
from simulators.board.turns import turns

turns.weigh()
"""
_RP2 = "from simulators.board.rp2 import *\n"
_MEASURED = {"select.py": "from simulators.board.turns import *\n"}
_IN_LOCKSTEP = {
    "boot.py": _BOOT,
    "time.py": "from utime import *\nfrom simulators.board.simulated_time import *\n",
    "select.py": "from simulators.board.simulated_select import *\n",
    "os.py": "from uos import *\nfrom simulators.board.randomness import urandom\n",
}


def lay_out(
    folder: Path,
    *,
    lockstep: bool = False,
    port: str = "rp2",
    measured: bool = False,
    prompt: bool = False,
) -> None:
    """Fill the folder: `machine.py`, of the package `simulators` what it needs, and what the port
    has besides: `rp2.py`, or the pulse counter of an "esp32". Raises ValueError for another port.

    In lock-step (lockstep.py) also what stands in for MicroPython's own `time`, `select` and `os`;
    the process then runs the module `boot`, which runs the firmware's main.py. `measured`: the
    account tells how long the firmware's turns are (turns.py). With a `prompt` (prompt.py) the
    process runs the module `power_up`.
    """
    if port not in _PORTS:
        raise ValueError(f"a port is rp2 or esp32, not {port!r}")
    package = folder / "simulators" / "board"
    package.mkdir(parents=True, exist_ok=True)
    (folder / "simulators" / "__init__.py").write_text("", encoding="utf-8")
    for source in sorted(Path(__file__).parent.glob("*.py")):
        if source.name not in _HOST_ONLY:
            (package / source.name).write_bytes(source.read_bytes())
    machine = _MACHINE_POWERED if lockstep or prompt else _MACHINE
    files = {"machine.py": machine.format(port=_PORTS[port])}
    if lockstep:
        files |= _IN_LOCKSTEP
    if prompt:
        files |= _WITH_PROMPT
    if measured:
        files |= _MEASURED
        files["machine.py"] += _WEIGHED
    if port == "rp2":
        files["rp2.py"] = _RP2
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
