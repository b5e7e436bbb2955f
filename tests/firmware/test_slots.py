"""Two slots on a board: new firmware is tried, kept once it proved itself, and undone if not."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from axwire import down
from axwire.codes import (
    COMMAND_REBOOT,
    EVENT_FIRMWARE_KEPT,
    EVENT_FIRMWARE_UNDONE,
    EVENT_NOT_CONFIGURED,
)
from axwire.parse import Hello, Readings
from field_update import broken, unsigned_bundle
from stepped_node import WINDOW_S, SteppedNode, stepped

from gateway.update.bundle import Bundle, read_bundle, sign
from gateway.update.bundle import public_key as public
from hil.firmware_build import slot_mark
from hil.lockstep import START_US

START_S = START_US / 1e6 + WINDOW_S
TRIAL_S = 120
CRASHED, RESET, SILENT, MISFIT = 1, 2, 3, 4
KEPT, NEW = 0, 5
KEY = bytes(range(32, 64))

RUN = "    asyncio.run(_live(start, watchdog))"
DEAF = {"axwire/cose.py": broken('DOWN = b"down"', 'DOWN = b"dawn"')}
"""Nothing that the gateway says fits any more."""

CHANGES: dict[str, tuple[Mapping[str, Callable[[str], str]], int]] = {
    "raises when it is loaded": (
        {"axnode/node.py": broken("class Node:", "raise OSError\n\n\nclass Node:")},
        CRASHED,
    ),
    "raises when it starts": ({"axnode/node.py": broken(RUN, "    raise ValueError")}, CRASHED),
    "has no memory": ({"axnode/node.py": broken(RUN, "    bytearray(1 << 20)")}, CRASHED),
    "ends": ({"axnode/node.py": broken(RUN, "    pass")}, RESET),
    "hangs": (
        {
            "axnode/node.py": broken(
                RUN, "    from time import sleep_ms\n\n    while True:\n        sleep_ms(1000)"
            )
        },
        RESET,
    ),
    "does not reach the gateway": (DEAF, SILENT),
    "does not reach the gateway and forgets its limit": (
        DEAF
        | {
            "axnode/proving.py": broken("_TRIAL_BEATS = const(600)", "_TRIAL_BEATS = const(60000)")
        },
        SILENT,
    ),
    "takes no configuration": (
        {"axnode/config.py": broken('    "ads1115",\n', '    "ads1015",\n')},
        MISFIT,
    ),
}


def install(node: SteppedNode, data: bytes) -> Bundle:
    """What an update leaves in the slot that does not run."""
    bundle = read_bundle(sign(data, KEY), [public(KEY)])
    for file in bundle.files:
        path = node.files / "b" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bundle.content[file.offset : file.offset + file.size])
    mark(node, 1, 1, NEW, bundle.release)
    return bundle


def mark(
    node: SteppedNode, generation: int, *fields: int, copies: tuple[int, ...] = (0, 1)
) -> None:
    for copy in (0, 1):
        (node.files / f"slot.{copy}").write_bytes(slot_mark(generation, *fields))


def marked(node: SteppedNode) -> list[list[int]]:
    """Slot, mark and release of both copies."""
    return [
        [int(word) for word in (node.files / f"slot.{copy}").read_bytes().split()[1:4]]
        for copy in (0, 1)
    ]


def firmware(node: SteppedNode) -> str:
    return str(node.of(Hello)[0].firmware)


def test_it_is_tried_at_the_next_start_and_kept_once_the_gateway_has_acknowledged(
    tmp_path: Path,
) -> None:
    with stepped(tmp_path / "node") as node:
        install(node, unsigned_bundle(tmp_path / "new"))
        node.target.start()
        node.run_for(START_S + 1)
        assert firmware(node) == "0.2.0"
        assert marked(node) == [[1, RESET, 2]] * 2, "begun"
        assert not node.events(EVENT_FIRMWARE_KEPT)
        node.until(lambda: bool(node.events(EVENT_FIRMWARE_KEPT)), "kept firmware", 10)
        assert node.events(EVENT_FIRMWARE_KEPT) == [[2]]
        assert marked(node) == [[1, KEPT, 2]] * 2
        node.run_for(TRIAL_S + 60)
        assert not node.target.resets, "the loader's own limit ends with the trial"
        node.say(down.command, COMMAND_REBOOT, [])
        node.run_for(2 + START_S + 3)
        assert firmware(node) == "0.2.0"
        assert not node.events(EVENT_FIRMWARE_KEPT)
        assert node.of(Readings)


@pytest.mark.parametrize("what", CHANGES)
def test_firmware_that_does_not_prove_itself_gives_way_by_itself(
    tmp_path: Path, what: str
) -> None:
    changes, why = CHANGES[what]
    with stepped(tmp_path / "node") as node:
        install(node, unsigned_bundle(tmp_path / "new", changes=changes))
        node.target.start()
        node.until(lambda: node.target.resets.total() == 1, "reset", START_S + TRIAL_S + 20)
        node.run_for(START_S + 3)
        assert firmware(node) == "0.1.0", node.console()
        assert node.events(EVENT_FIRMWARE_UNDONE) == [[2, why]]
        assert not node.events(EVENT_NOT_CONFIGURED)
        node.run_for(5)
        assert node.of(Readings)
        assert marked(node) == [[0, KEPT, 2]] * 2, "and that was told"
        node.target.cut_power()
        node.run_for(START_S + 5)
        assert firmware(node) == "0.1.0"
        assert not node.events(EVENT_FIRMWARE_UNDONE), "once"


def test_a_reset_while_it_is_tried_undoes_it_and_that_is_told_until_it_was_heard(
    tmp_path: Path,
) -> None:
    with stepped(tmp_path / "node") as node:
        node.answers = False
        install(node, unsigned_bundle(tmp_path / "new"))
        node.target.start()
        node.run_for(START_S + 20)
        assert firmware(node) == "0.2.0"
        node.target.cut_power()
        for _ in range(2):
            node.run_for(START_S + 10)
            assert firmware(node) == "0.1.0"
            assert node.events(EVENT_FIRMWARE_UNDONE) == [[2, RESET]]
            node.target.cut_power()
        node.answers = True
        node.run_for(START_S + 10)
        assert node.events(EVENT_FIRMWARE_UNDONE) == [[2, RESET]]
        node.target.cut_power()
        node.run_for(START_S + 10)
        assert not node.events(EVENT_FIRMWARE_UNDONE)


@pytest.mark.parametrize("damaged", [0, 1])
def test_one_damaged_mark_changes_nothing(tmp_path: Path, damaged: int) -> None:
    with stepped(tmp_path / "node") as node:
        install(node, unsigned_bundle(tmp_path / "new"))
        mark(node, 7, 1, KEPT, 2)
        path = node.files / f"slot.{damaged}"
        content = bytearray(path.read_bytes())
        content[2] ^= 1
        path.write_bytes(bytes(content))
        node.target.start()
        node.run_for(START_S + 3)
        assert firmware(node) == "0.2.0"


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"9 1 0 2 00000000\n", b"x y z w v\n"])
def test_without_a_whole_mark_the_root_runs(tmp_path: Path, content: bytes) -> None:
    with stepped(tmp_path / "node") as node:
        install(node, unsigned_bundle(tmp_path / "new"))
        for copy in (0, 1):
            (node.files / f"slot.{copy}").write_bytes(content)
        node.target.start()
        node.run_for(START_S + 3)
        assert firmware(node) == "0.1.0"
        assert node.of(Readings)


def test_a_crash_of_firmware_that_was_kept_does_not_undo_it(tmp_path: Path) -> None:
    """Kept in this very boot: what it did later is no matter of its trial."""
    beat = "            beats += 1\n"
    changes = {"axnode/node.py": broken(beat, beat + "            1 // (beats - 100)\n")}
    with stepped(tmp_path / "node") as node:
        install(node, unsigned_bundle(tmp_path / "new", changes=changes))
        node.target.start()
        node.until(lambda: node.target.resets.total() == 1, "crash", START_S + 30)
        assert "ZeroDivisionError" in node.console()
        node.run_for(START_S + 3)
        assert firmware(node) == "0.2.0"
        assert not node.events(EVENT_FIRMWARE_UNDONE)
