"""What a reset is told from, and how resets in a row are counted."""

import os

import machine
from axnode import boot

RUN = 1 << 16
POR = 1 << 8
DEBUGGER = 1 << 20
REASON = 0x40058008
CHIP_RESET = 0x40064008


def test_an_rp2040_tells_its_watchdog_from_a_reset_that_was_asked_for():
    """CHIP_RESET holds what the supply or the RUN pin did before: REASON is the newer one."""
    for reason, flags, expected in (
        (1, POR, ("watchdog", True)),
        (2, POR, ("hard", True)),
        (1, RUN, ("watchdog", True)),
        (0, POR, ("power_on", False)),
        (0, RUN, ("hard", False)),
        (0, DEBUGGER, ("hard", False)),
        (0, 0, ("unknown", True)),
    ):
        found = boot.rp2040_cause({REASON: reason, CHIP_RESET: flags})
        assert found == expected, (reason, flags, found)


class Port:
    """A `machine` with the names of some port."""

    PWRON_RESET = 1
    WDT_RESET = 3
    BROWN_OUT_RESET = 6

    def __init__(self, cause):
        self.reset_cause = lambda: cause


def test_others_are_asked_by_the_names_they_have():
    assert boot.named_cause(Port(1)) == ("power_on", False)
    assert boot.named_cause(Port(3)) == ("watchdog", True)
    assert boot.named_cause(Port(6)) == ("brown_out", False)
    assert boot.named_cause(Port(0)) == ("unknown", True)


def _boots(cause, times):
    """The row as so many boots by that cause find it."""
    machine.reset_cause = lambda: cause
    return [boot.begin() for _ in range(times)]


def test_resets_in_a_row_are_counted_to_safe_mode_and_no_further():
    assert _boots(machine.PWRON_RESET, 1) == [(1, 0, False)]
    assert "resets" not in os.listdir()
    assert _boots(machine.WDT_RESET, 2) == [(3, 1, False), (3, 2, False)]
    assert _boots(machine.HARD_RESET, 3) == [(2, 3, False), (2, 4, True), (2, 4, True)]
    assert _boots(machine.PWRON_RESET, 2) == [(1, 0, False)] * 2
    assert "resets" not in os.listdir()


def test_a_count_that_cannot_be_read_or_written_stops_no_boot():
    for content in ("", "many", "\xff\xfe"):
        with open("resets", "w") as file:
            file.write(content)
        assert _boots(machine.WDT_RESET, 1) == [(3, 1, False)], content
    os.remove("resets")
    os.mkdir("resets")
    assert _boots(machine.WDT_RESET, 1) == [(3, 1, False)]
    assert _boots(machine.PWRON_RESET, 1) == [(1, 0, False)]
