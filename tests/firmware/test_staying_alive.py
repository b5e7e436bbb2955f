"""A board that always comes back: watchdog, safe mode, maintenance, unprovisioned."""

from pathlib import Path

import pytest
from axwire import down
from axwire.codes import (
    COMMAND_BURST,
    COMMAND_MAINTENANCE,
    COMMAND_REBOOT,
    EVENT_COMMAND_DONE,
    EVENT_EARLIER_BOOT,
    EVENT_SAFE_MODE,
    RESET_CAUSES,
)
from axwire.parse import Health, Hello, Readings
from stepped_node import WINDOW_S, SteppedNode, stepped

from hil.lockstep import START_US

START_S = START_US / 1e6 + WINDOW_S
WATCHDOG_S = 8.0
HANG_AFTER_MS = 20_000

HANGS = {
    "sampler": """
from axnode.node import Sampler
idle_ms = Sampler.idle_ms
Sampler.idle_ms = lambda self, now: 10_000_000 if hangs() else idle_ms(self, now)
""",
    "link": """
import asyncio
from axnode.serial_link import SerialLink
send = SerialLink.send
async def stuck(self, message):
    if hangs():
        await asyncio.Event().wait()
    return await send(self, message)
SerialLink.send = stuck
""",
    "outbox": """
from axnode.node import Outbox
for name in ("put_readings", "put_health", "put_report"):
    def make(put):
        return lambda self, *more: None if hangs() else put(self, *more)
    setattr(Outbox, name, make(getattr(Outbox, name)))
""",
}
"""What makes one task hang on its own, 20 s after the first start of the board."""

ONCE = f"""
import os
from time import ticks_ms, ticks_diff
began = ticks_ms()
def hangs():
    return ticks_diff(ticks_ms(), began) >= {HANG_AFTER_MS}
try:
    os.remove("hang")
except OSError:
    def hangs():
        return False
"""


def cause(node: SteppedNode, boot: int) -> str:
    """Why a boot began, as it said."""
    return RESET_CAUSES[node.of(Hello, boot)[0].reset_cause]


@pytest.mark.parametrize("what", HANGS)
def test_a_task_that_hangs_alone_is_a_reset_by_the_watchdog(tmp_path: Path, what: str) -> None:
    """And the node comes back, and delivers what flash kept."""
    with stepped(tmp_path) as node:
        (node.files / "hang").touch()
        node.patch_main(ONCE + HANGS[what])
        node.target.start()
        node.run_for(START_S + 2)
        first = node.boot
        assert cause(node, first) == "power_on"
        node.answers = False
        node.run_for(HANG_AFTER_MS / 1000 - WINDOW_S - 3)
        spill = node.files / "spill"
        kept = len(list(spill.glob("0*")))
        assert kept >= 1
        assert not node.target.resets
        node.run_for(3 + WATCHDOG_S + 1)
        assert node.target.resets == {"watchdog": 1}
        node.answers = True
        node.until(lambda: node.boot != first and bool(node.of(Readings)), "readings")
        second = node.boot
        assert cause(node, second) == "watchdog"
        node.until(lambda: not list(spill.glob("0*")), "delivery")
        assert node.events(EVENT_EARLIER_BOOT, boot=second)[0][0] == first
        node.run_for(60)
        assert node.target.resets == {"watchdog": 1}, "and goes on"
        assert not (node.files / "resets").exists(), "a minute ends the row"


def test_a_healthy_node_is_never_reset(tmp_path: Path) -> None:
    """Neither with a gateway nor without one, for longer than anything in it waits."""
    with stepped(tmp_path) as node:
        node.target.start()
        node.run_for(300)
        node.answers = False
        node.run_for(300)
        assert not node.target.resets
        feeds = node.target.account()["feeds"]
    assert feeds > 600 * 4


CRASHES = """
import os
if "crash" in os.listdir():
    from axnode.node import Sampler
    def step(self, now):
        raise ValueError("as the test wants it")
    Sampler.step = step
"""


def crashing(folder: Path) -> SteppedNode:
    """A node that cannot measure while there is a file `crash`."""
    node = SteppedNode(folder)
    (node.files / "crash").touch()
    node.patch_main(CRASHES)
    node.target.start()
    return node


def test_resets_in_a_row_end_in_safe_mode_which_speaks_and_obeys(tmp_path: Path) -> None:
    node = crashing(tmp_path)
    try:
        node.until(lambda: bool(node.messages) and bool(node.of(Health)), "safe mode")
        assert node.target.resets == {"hard": 4}
        hello = node.of(Hello)[0]
        assert len(hello.groups[0].channels) == 2, "what it would measure is still known"
        assert node.events(EVENT_SAFE_MODE) == [[4]]
        assert (node.health()["safe_mode"], node.health()["early_resets"]) == (1, 4)
        node.run_for(120)
        assert not node.of(Readings)
        assert node.target.taken() == 0, "no chip is touched"
        assert node.target.resets == {"hard": 4}
        node.say(down.command, COMMAND_BURST, [0])
        (node.files / "crash").unlink()
        node.say(down.command, COMMAND_REBOOT, [])
        node.run_for(1)
        results = [arguments[1:] for arguments in node.events(EVENT_COMMAND_DONE)]
        assert results == [[COMMAND_BURST, 2], [COMMAND_REBOOT, 0]]
        node.until(lambda: bool(node.of(Readings)) and bool(node.of(Health)), "readings")
        assert node.target.resets == {"hard": 5}
        assert (node.health()["safe_mode"], node.health()["early_resets"]) == (0, 1)
        node.run_for(60)
        assert not (node.files / "resets").exists()
    finally:
        node.target.stop()


def test_safe_mode_ends_by_itself_and_begins_again_while_the_fault_lasts(tmp_path: Path) -> None:
    node = crashing(tmp_path)
    try:
        node.until(lambda: bool(node.messages) and bool(node.of(Health)), "safe mode")
        first = node.boot
        node.answers = False
        node.run_for(29 * 60)
        assert node.boot == first
        node.run_for(2 * 60)
        assert node.target.resets == {"hard": 8}, "one asked for, then three more"
        assert node.boot != first
        assert node.health()["safe_mode"] == 1
        (node.files / "crash").unlink()
        node.run_for(30 * 60)
        assert node.of(Readings)
        assert node.target.resets == {"hard": 9}
    finally:
        node.target.stop()


def test_a_power_cycle_ends_safe_mode(tmp_path: Path) -> None:
    node = crashing(tmp_path)
    try:
        node.until(lambda: bool(node.messages) and bool(node.of(Health)), "safe mode")
        (node.files / "crash").unlink()
        node.target.cut_power(off_us=1_000_000)
        node.run_for(START_S + 6)
        assert cause(node, node.boot) == "power_on"
        assert node.of(Readings)
        assert node.health()["safe_mode"] == 0
    finally:
        node.target.stop()


def test_supply_dips_never_put_a_node_into_safe_mode(tmp_path: Path) -> None:
    """An engine that starts: supply comes and goes, ten times, each before a minute is over."""
    with stepped(tmp_path) as node:
        node.target.start()
        for _ in range(10):
            node.run_for(START_S + 3)
            node.target.cut_power(off_us=200_000)
        node.run_for(START_S + 6)
        assert len(node.boots) == 11
        assert node.health()["early_resets"] == node.health()["safe_mode"] == 0
        assert node.of(Readings)


DAMAGES = {
    "a module of the start": ("axnode/start.py", "what is this"),
    "a module of a link": ("axnode/serial_link.py", "\x00\x01"),
    "an import that fails": ("axnode/node.py", "import nothing_of_that_name"),
    "no memory": ("axnode/node.py", "x = bytearray(1 << 28)"),
    "a file system that fails": ("axnode/boot.py", "raise OSError(5)"),
    "a start that hangs": ("axnode/node.py", "while True:\n    __import__('time').sleep(1)"),
    "a hang in the count of resets": ("axnode/boot.py", "__import__('time').sleep(3600)"),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_no_damage_but_that_of_main_itself_leaves_a_board_dead(tmp_path: Path, what: str) -> None:
    name, content = DAMAGES[what]
    with stepped(tmp_path) as node:
        good = (node.files / name).with_suffix(".mpy")
        kept = good.rename(tmp_path / "kept")
        (node.files / name).write_text(content, encoding="utf-8")
        node.target.start()
        node.run_for(60)
        kind = "watchdog" if "hang" in what else "hard"
        assert set(node.target.resets) == {kind}
        assert node.target.resets.total() >= 4, "again and again"
        assert not node.messages
        (node.files / name).unlink()
        kept.rename(good)
        node.target.cut_power()
        node.run_for(START_S + 6)
        assert node.of(Readings)


def test_a_damaged_driver_leaves_a_node_that_speaks(tmp_path: Path) -> None:
    with stepped(tmp_path) as node:
        (node.files / "drivers" / "ads1115.mpy").write_text("what is this", encoding="utf-8")
        node.target.start()
        node.until(lambda: bool(node.messages) and bool(node.of(Health)), "safe mode", 120)
        assert node.health()["safe_mode"] == 1
        assert len(node.of(Hello)[0].groups[0].channels) == 2


def test_maintenance_waits_for_a_person_once(tmp_path: Path) -> None:
    with stepped(tmp_path) as node:
        node.target.start()
        node.run_for(START_S + 3)
        node.say(down.command, COMMAND_MAINTENANCE, [])
        node.run_for(2 + START_S + 1)
        assert node.events(EVENT_COMMAND_DONE)[0][1:] == [COMMAND_MAINTENANCE, 0]
        assert node.target.resets == {"hard": 1}
        assert "MAINTENANCE: Ctrl-C gives a prompt." in node.console()
        assert not (node.files / "maintenance").exists()
        heard = len(node.messages)
        node.run_for(14 * 60)
        assert len(node.messages) == heard, "no node runs, and no watchdog"
        assert node.target.resets == {"hard": 1}
        node.run_for(65)
        assert len(node.boots) == 2
        assert node.of(Readings)


def test_a_power_cycle_ends_maintenance(tmp_path: Path) -> None:
    with stepped(tmp_path) as node:
        (node.files / "maintenance").touch()
        node.target.start()
        node.run_for(60)
        assert not node.messages
        node.target.cut_power()
        node.run_for(START_S + 3)
        assert node.of(Readings)


def test_the_unprovisioned_blinks_is_fed_and_sends_nothing(tmp_path: Path) -> None:
    with stepped(tmp_path) as node:
        for path in node.files.glob("node.*"):
            path.unlink()
        node.target.start()
        node.run_for(120)
        account = node.target.account()
        assert account["feeds"] > 200
        assert node.target.taken() == 0
        assert not node.messages
        assert not node.target.resets
        assert node.console().count("UNPROVISIONED: neither node.json nor node.key") >= 10
