"""What the board runs after start-up: a node, again and again, whatever goes wrong.

Of the two copies of the node's code it runs the one that `slots` names; both files stay as they
are when that code is updated over the link.

First of all a person may take the board over. Ctrl-C within WINDOW_MS gives a prompt that nothing
ends; the file `maintenance`, left by the gateway or a person, makes that MAINTENANCE_MS, once.
Then the watchdog is armed, so that from here on every way leads to a node or to a reset. But for
one: a damaged main.py. MicroPython then stays at its prompt.
"""

import gc

# Loading leaves garbage between what stays; collected often, it leaves the rest of the heap whole.
gc.threshold(4096)

import micropython  # noqa: E402

# No line numbers: a traceback still names the functions, and they cost some KB of the heap.
micropython.opt_level(3)

import os  # noqa: E402
import sys  # noqa: E402
from time import sleep_ms  # noqa: E402

import machine  # noqa: E402

WINDOW_MS = 1500
MAINTENANCE_MS = 15 * 60 * 1000
WATCHDOG_MS = 8000
"""An RP2040 can count 8388 ms."""

CRASH_PAUSE_MS = 5000

pause_ms = WINDOW_MS
try:
    # Removed first: the next start works, come what may.
    os.remove("maintenance")
    pause_ms = MAINTENANCE_MS
    print("MAINTENANCE: Ctrl-C gives a prompt. The node begins in 15 minutes or when reset.")
except OSError:
    pass
sleep_ms(pause_ms)

try:
    watchdog = machine.WDT(timeout=WATCHDOG_MS)
    import slots

    watchdog = slots.choose(watchdog)  # type: ignore[assignment]
    if slots.chosen[1] == slots.KEPT:
        del sys.modules["slots"]
    del slots
    from axnode.boot import begin

    start = begin()
    del begin
    watchdog.feed()
    from axnode.node import main

    watchdog.feed()
    main(start, watchdog)
except Exception as error:
    sys.print_exception(error)
    if "slots" in sys.modules:
        sys.modules["slots"].crashed()
# A reset, too, where this takes longer than the watchdog waits.
sleep_ms(CRASH_PAUSE_MS)
machine.reset()
