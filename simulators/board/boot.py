"""What a board does between power-up and the firmware: find its file system, run main.py.

As MicroPython's own start on RP2 does, a file system that cannot be mounted is made anew, empty.
What ends main.py leaves the board at its prompt, where nothing happens but what the watchdog does.

With a flash in the wiring its file system is "/", and the simulated hardware, which must lie in
the folder `sim` beside the one that the process was started in, is seen as "/sim".
"""

import sys

from simulators.board.board import current
from simulators.board.ticks import sleep_us

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    execfile: Any
    modules: "dict[str, Any]"
    vfs: Any
else:
    from sys import modules

    import vfs

PROGRAM_BYTES = 256
"""What the file system writes at a time, as on RP2."""

_SIM = "/proc/self/cwd/../sim"
"""As long in every run: a path lies in the heap of the firmware."""

_PROMPT_US = 60_000_000


def run() -> None:
    """Run main.py; never returns."""
    try:
        execfile("main.py", {"__name__": "__main__"})  # noqa: F821 MicroPython's
    except Exception as error:
        sys.print_exception(error)  # type: ignore[attr-defined]
    while True:
        sleep_us(_PROMPT_US)


def mount_file_system() -> None:
    """A flash becomes "/"; the machine below cannot be seen any more but for "/sim"."""
    flash = current().hardware.flash
    if flash is None:
        return
    try:
        files = vfs.VfsLfs2(flash, progsize=PROGRAM_BYTES)
    except OSError:
        vfs.VfsLfs2.mkfs(flash, progsize=PROGRAM_BYTES)
        files = vfs.VfsLfs2(flash, progsize=PROGRAM_BYTES)
    hardware = vfs.VfsPosix(_SIM)
    vfs.umount("/")
    vfs.mount(hardware, "/sim", readonly=True)
    vfs.mount(files, "/")
    sys.path[:] = ["/sim", "", ".frozen", "/lib"]
    for name in ("simulators", "simulators.board"):
        modules[name].__path__ = "/sim/" + name.replace(".", "/")
