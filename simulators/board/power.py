"""How a run of the board begins and ends, as a supervisor sees it."""

EXIT_RESET = 70
EXIT_SOFT_RESET = 71
EXIT_POWER_CUT = 72
EXIT_BOOT_LOADER = 73
EXIT_WATCHDOG = 14
"""Exit codes of the process; a watchdog's is the number of SIGALRM, whose handler is `_exit`."""

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
"""Values of `machine.reset_cause()`, as on ESP32 and, for those it has, on RP2."""

CAUSES = {
    "power_on": PWRON_RESET,
    "hard": HARD_RESET,
    "watchdog": WDT_RESET,
    "deep_sleep": DEEPSLEEP_RESET,
    "soft": SOFT_RESET,
}
"""What AXSIM_RESET_CAUSE may say."""

CAUSE_OF_EXIT = {
    EXIT_RESET: "hard",
    EXIT_SOFT_RESET: "soft",
    EXIT_WATCHDOG: "watchdog",
    EXIT_POWER_CUT: "power_on",
}
"""What a supervisor hands to the next run."""
