"""What the board runs after start-up: a node, again and again. Ctrl-C gives a prompt."""

import gc

# Loading leaves garbage between what stays; collected often, it leaves the rest of the heap whole.
gc.threshold(4096)

import micropython  # noqa: E402

# No line numbers: a traceback still names the functions, and they cost some KB of the heap.
micropython.opt_level(3)

import sys  # noqa: E402
from time import sleep_ms  # noqa: E402

import machine  # noqa: E402

CRASH_PAUSE_MS = 5000

try:
    from axnode.node import main

    main()
except Exception as error:
    sys.print_exception(error)
sleep_ms(CRASH_PAUSE_MS)
machine.reset()
