"""The whole node in the real interpreter, on a pty: what a gateway can rely on."""

import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from axwire import cose, down
from axwire.codes import (
    COMMAND_BURST,
    COMMAND_HELLO,
    COMMAND_IDENTIFY,
    COMMAND_PERIOD,
    COMMAND_PROVE,
    COMMAND_REBOOT,
    COMMAND_SELF_TEST,
    DONE,
    EVENT_BOARD_TESTED,
    EVENT_CHIP_TESTED,
    EVENT_COMMAND_DONE,
    EVENT_LINK_BACK,
    EVENT_LINK_SILENT,
    EVENT_PROOF,
    EVENT_STATUS,
    FAILED,
    NO_ANSWER,
    OK,
    RESET_CAUSES,
)
from axwire.parse import Event, Health, Hello, Pong, Readings
from axwire.places import parse_place
from node_bench import BOARD_HEAP_BYTES, FIRMWARE, KEY, MISSING, NAME, NodeBench

from hil.bench_firmware import bench_firmware
from hil.firmware_build import tree_sha256
from hil.node_files import encode, write_copies
from hil.station.proof import Expected, check_proof, nonce_words

Start = Callable[..., NodeBench]
PROOF_BYTES = 1024
"""By how much the heap may differ after a proof: outbox and garbage are not the same each time."""

ROOM_SHARE = 0.3
"""What is free differs a little with the layout of the heap, which follows from the lengths of
paths."""


@pytest.fixture
def bench(tmp_path: Path, micropython: list[str]) -> Iterator[Callable[..., NodeBench]]:
    """Makes nodes that are not switched on yet."""
    made: list[NodeBench] = []

    def make(windings: int = 2, *, busiest: bool = False) -> NodeBench:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(NodeBench(folder, micropython, windings, busiest=busiest))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_it_tells_first_what_it_measures(bench: Start) -> None:
    node = bench()
    node.start()
    node.until(lambda: len(node.messages) > 3, "messages")
    hello = node.messages[0]
    assert isinstance(hello, Hello)
    assert (hello.sequence, hello.revision, hello.pieces) == (0, 0, 1)
    assert hello.board == "pico"
    assert RESET_CAUSES[hello.reset_cause] == "power_on"
    currents, windings = hello.groups
    assert (currents.number, currents.first, currents.period_ms) == (0, 0, 10)
    assert (windings.number, windings.first, windings.period_ms) == (1, 6, 1000)
    assert [channel.place for channel in currents.channels] == [
        parse_place(f"motor {at + 1}") for at in range(6)
    ]
    assert currents.channels[0].fields()[2:] == (97_656_250, -375_000_000_000, 0)


def test_readings_are_what_the_sensors_see(bench: Start) -> None:
    node = bench()
    node.windings_milliohm = [107_790, 138_510]
    node.start()
    node.until(lambda: len(node.rows(1)) >= 2, "temperatures")
    expected = [loop * 120 * 32768 / 4.096e9 for loop in node.loops_na]
    rows = node.rows(0)
    assert len(rows) > 50
    for _, row in rows:
        for value, code in zip(row, expected, strict=True):
            assert value == MISSING or abs(value - code) <= 1
    for _, row in node.rows(1):
        assert abs(row[0] - 2000) <= 3
        assert abs(row[1] - 10_000) <= 3
    assert all((t_ms - rows[0][0]) % 10 == 0 for t_ms, _ in rows)
    assert all(later > earlier for (earlier, _), (later, _) in pairwise(rows))


def test_a_changing_signal_is_seen_at_the_time_it_is_stamped_with(bench: Start) -> None:
    node = bench()
    node.start()
    node.until(lambda: len(node.rows(0)) > 20, "readings")
    begin_na, end_na, duration_s = 6_000_000, 18_000_000, 2.0
    node.ramp(0, begin_na, end_na, duration_s)
    node.for_seconds(duration_s)
    code_a_ms = (end_na - begin_na) * 120 * 32768 / 4.096e9 / (duration_s * 1000)
    on_ramp = [(t, row[0]) for t, row in node.rows(0) if 6000 < row[0] < 17_000]
    assert len(on_ramp) > 50
    zero = [t_ms - value / code_a_ms for t_ms, value in on_ramp]
    assert max(zero) - min(zero) < 25, "within a period of its row, and that row within one"


def test_every_sample_taken_arrives_once_whatever_is_withheld(bench: Start) -> None:
    node = bench()
    node.start()
    node.until(lambda: len(node.rows(0)) > 100, "readings")
    node.for_seconds(5.0, acknowledge=False)
    events = [event.code for event in node.of(Event)]
    node.until(lambda: EVENT_LINK_SILENT in [e.code for e in node.of(Event)], "silence told")
    assert EVENT_LINK_SILENT not in events
    taken = node.taken()
    node.until(lambda: node.samples() == taken, f"{taken} samples")
    node.until(lambda: EVENT_LINK_BACK in [e.code for e in node.of(Event)], "return told")
    newest = max(node.sequences())
    node.until(lambda: set(range(newest)) <= node.sequences(), "whole sequence")
    node.until(lambda: (node.health()["outbox_messages"] or 0) <= 1, "empty outbox")
    assert node.health()["dropped_messages"] == 0
    assert (node.health()["resent_messages"] or 0) > 0
    assert node.samples() == taken


def test_old_foreign_and_damaged_messages_change_nothing(bench: Start) -> None:
    node = bench()
    node.start()
    node.until(lambda: len(node.of(Readings)) > 2, "readings", acknowledge=False)
    boot = node.boot
    reboot: tuple[Any, ...] = (down.command, COMMAND_REBOOT, [])
    old = node.say(down.ping, None)
    node.until(lambda: any(isinstance(m, Pong) for m in node.messages), "pong")
    pongs = sum(isinstance(m, Pong) for m in node.messages)
    node.send(old)
    node.say(*reboot, key=cose.MacKey(bytes(32)))
    node.say(*reboot, boot=boot ^ 1)
    node.say(*reboot, sequence=1)
    node.send(bytes(range(1, 256)) * 20 + b"\0")
    damaged = bytearray(old)
    damaged[20] ^= 0x40
    node.send(bytes(damaged))
    node.until(
        lambda: (
            bool(node.of(Health))
            and (node.health()["messages_refused"], node.health()["frames_refused"]) == (4, 2)
        ),
        "refusals counted",
    )
    assert (node.exit_code, node.boot) == (None, boot)
    assert sum(isinstance(m, Pong) for m in node.messages) == pongs
    assert not node.of(Event)


def test_a_ping_is_answered_with_a_time_that_goes_on(bench: Start) -> None:
    node = bench()
    node.start()
    node.until(lambda: bool(node.rows(0)), "readings")
    for count in (1, 2, 3):
        node.say(down.ping, 1_763_755_200_000)
        node.until_more(node.of, Pong, count, "pong")
        node.until_more(node.rows, 0, len(node.rows(0)) + 20, "readings")
    stamps = [pong.t_us for pong in node.of(Pong)]
    assert stamps == sorted(stamps)
    assert 150 <= (stamps[2] - stamps[1]) / 1000 <= 5000
    assert abs(stamps[2] / 1000 - node.rows(0)[-1][0]) < 5000


def test_commands(bench: Start) -> None:
    node = bench()
    node.start()
    node.until(lambda: bool(node.of(Hello)), "hello")
    for code, arguments, result in (
        (COMMAND_HELLO, [], 0),
        (COMMAND_IDENTIFY, [5], 0),
        (COMMAND_IDENTIFY, [], 2),
        (COMMAND_BURST, [0], 2),
        (COMMAND_PERIOD, [2, 20], 2),
        (COMMAND_PERIOD, [0, 8], 2),
        (COMMAND_PERIOD, [0, 10], 0),
        (77, [], 1),
    ):
        done = len(node.of(Event))
        node.say(down.command, code, arguments)
        node.until_more(node.of, Event, done + 1, "answer")
        event = node.of(Event)[-1]
        assert (event.code, event.arguments[1:]) == (EVENT_COMMAND_DONE, [code, result])
    first, second = node.of(Hello)
    assert second.sequence > first.sequence == 0
    assert [g.channels for g in second.groups] == [g.channels for g in first.groups]


def test_a_self_test_finds_the_chip_that_is_not_there(bench: Start) -> None:
    node = bench()
    node.start()
    node.until(lambda: bool(node.rows(0)), "readings")
    for fault, result, found in ((None, DONE, OK), ("nack", FAILED, NO_ANSWER)):
        if fault:
            node.inject("adc1", fault)
            node.until(lambda: node.blocks(0)[-1].statuses is not None, "fault")
        done = len(answers(node))
        node.say(down.command, COMMAND_SELF_TEST, [])
        node.until(lambda so_far=done: len(answers(node)) > so_far, "answer")
        assert answers(node)[-1][1:] == [COMMAND_SELF_TEST, result]
        chips = [e.arguments for e in node.of(Event) if e.code == EVENT_CHIP_TESTED][-4:]
        assert sorted(chips) == [[0, 0, OK], [1, 3, found], [2, 6, OK], [3, 7, OK]]
        board = [e.arguments for e in node.of(Event) if e.code == EVENT_BOARD_TESTED][-1]
        assert board[0] == 0
        assert board[1] > 10_000
    assert not (node.folder / "self-test").exists()


def test_another_period_comes_with_another_table_and_nothing_is_lost(bench: Start) -> None:
    node = bench()
    node.start()
    node.until(lambda: len(node.rows(0)) > 20, "readings")
    node.say(down.command, COMMAND_PERIOD, [0, 25])
    node.until(lambda: len(answers(node)) == 1, "answer")
    assert answers(node)[0][1:] == [COMMAND_PERIOD, DONE]
    first, second = node.of(Hello)
    assert [(h.revision, [g.period_ms for g in h.groups]) for h in (first, second)] == [
        (0, [10, 1000]),
        (1, [25, 1000]),
    ]
    node.until(lambda: node.of(Readings)[-1].sequence > second.sequence + 10, "readings")
    blocks = [(r.revision, b) for r in node.of(Readings) for b in r.blocks if b.group == 0]
    assert all((r.sequence > second.sequence) == r.revision for r in node.of(Readings))
    ends: dict[int, list[tuple[int, int]]] = {0: [], 1: []}
    for revision, block in blocks:
        ends[revision].append((block.t_ms, block.rows(6)))
    t_ms, rows = ends[0][-1]
    assert ends[1][0][0] - (t_ms + 10 * (rows - 1)) in (10, 25)
    for (t_ms, rows), (following, _) in pairwise(ends[1]):
        assert following - t_ms == 25 * rows
    taken = node.taken()
    node.until(lambda: node.samples() == taken, f"{taken} samples")


def answers(node: NodeBench) -> list[list[int]]:
    """What it answered to commands, in order."""
    return [event.arguments for event in node.of(Event) if event.code == EVENT_COMMAND_DONE]


def test_a_reboot_is_a_new_boot_with_its_cause(bench: Start) -> None:
    node = bench()
    node.start()
    node.until(lambda: bool(node.rows(0)), "readings")
    boot = node.boot
    node.say(down.command, COMMAND_REBOOT, [])
    node.until(lambda: node.exit_code is not None, "reset")
    assert node.exit_code == 70
    node.start(cause="hard")
    node.until(lambda: node.boot != boot, "new boot")
    node.until(
        lambda: any(isinstance(m, Hello) and m.boot != boot for m in node.messages), "hello"
    )
    hello = next(m for m in node.messages if isinstance(m, Hello) and m.boot != boot)
    assert hello.sequence == 0
    assert RESET_CAUSES[hello.reset_cause] == "hard"
    node.until(lambda: bool(node.rows(0)) and node.boot != boot, "readings")


def test_a_chip_that_falls_silent_costs_no_other_a_sample(bench: Start) -> None:
    node = bench()
    node.start()
    node.until(lambda: len(node.rows(0)) > 20, "readings")
    node.inject("adc1", "nack")
    node.until(
        lambda: node.blocks(0)[-1].statuses == bytes([OK] * 3 + [NO_ANSWER] * 3), "statuses"
    )
    changes = [e.arguments for e in node.of(Event) if e.code == EVENT_STATUS]
    assert sorted(changes) == [[channel, OK, NO_ANSWER] for channel in (3, 4, 5)]
    node.until(lambda: len(node.rows(1)) >= 3, "temperatures")
    assert all(row[3:] == [MISSING] * 3 for _, row in values_of_last(node))
    node.inject("adc1", "nack", clear=True)
    node.until(lambda: node.blocks(0)[-1].statuses is None, "recovery")
    taken = node.taken()
    node.until(lambda: node.samples() == taken, f"{taken} samples")


def values_of_last(node: NodeBench) -> list[tuple[int, list[int]]]:
    """The rows of the newest block of currents."""
    last = node.blocks(0)[-1].t_ms
    return [(t_ms, row) for t_ms, row in node.rows(0) if t_ms >= last]


def test_a_proof_is_of_the_files_and_leaves_the_heap_as_it_was(
    bench: Start, micropython: list[str]
) -> None:
    """Asked of a node that has least room. Its code is loaded for it, and freed."""
    node = bench(windings=6, busiest=True)
    node.start()
    node.until(lambda: len(node.of(Health)) >= 2, "health")
    free = node.health()["heap_free_bytes"] or 0
    built = bench_firmware(tuple(micropython))
    shutil.copytree(built, node.folder, dirs_exist_ok=True)
    files = {
        path.relative_to(built).as_posix(): path.read_bytes()
        for path in built.rglob("*")
        if path.is_file()
    }
    nonce = bytes(range(16))
    expected = Expected(
        bytes.fromhex("e66038b7132a5b2f"),
        bytes.fromhex(tree_sha256(files)),
        encode(node.configuration),
    )
    for count in (1, 2, 3):
        node.say(down.command, COMMAND_PROVE, nonce_words(nonce))
        node.until_more(answers, node, count, "answer")
        assert answers(node)[-1][1:] == [COMMAND_PROVE, DONE]
    proofs = [e.arguments for e in node.of(Event) if e.code == EVENT_PROOF]
    assert len(proofs) == 3
    for words in proofs:
        check_proof(KEY, nonce, expected, words)
    told = len(node.of(Health))
    node.until(lambda: len(node.of(Health)) >= told + 2, "health")
    after = node.health()["heap_free_bytes"] or 0
    print(f"{free} bytes free before, {after} after three proofs")
    assert after > free - PROOF_BYTES


def test_three_tenths_of_the_heap_are_free_whatever_its_layout(bench: Start) -> None:
    node = bench(windings=6, busiest=True)
    node.start()
    node.until(lambda: len(node.of(Health)) >= 2, "health")
    low_water = node.health()["heap_low_water_bytes"]
    assert low_water is not None
    print(f"{low_water / BOARD_HEAP_BYTES:.1%} of the heap free at the low-water mark")
    assert low_water >= ROOM_SHARE * BOARD_HEAP_BYTES
    assert node.health()["chip_errors"] == 0


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "neither node.json nor node.key: the file system is new or was made anew"),
        ({"node.json": b"{}"}, "node.key is missing or damaged in both copies"),
        ({"node.key": KEY.hex().encode()}, "node.json is missing or damaged in both copies"),
        (
            {"node.json": b"{}", "node.key": KEY.hex()[:-2].encode()},
            "node.key: 64 hexadecimal digits are expected",
        ),
        (
            {"node.json": b'{"nodes": 1}', "node.key": KEY.hex().encode()},
            "node.json: unknown key 'nodes'",
        ),
    ],
)
def test_without_its_files_it_says_so_and_sends_nothing(
    bench: Start, files: dict[str, bytes], words: str
) -> None:
    node = bench()
    node.lay_out()
    for path in node.folder.glob("node.*"):
        path.unlink()
    for name, content in files.items():
        write_copies(node.folder, name, content)
    node.start()
    node.until(lambda: "UNPROVISIONED: " in node.console(), "complaint")
    assert words in node.console()
    node.for_seconds(1.0)
    assert (node.line_bytes, node.exit_code) == (0, None)


def test_ctrl_c_gives_a_prompt_before_the_node_begins(bench: Start) -> None:
    node = bench()
    node.lay_out()
    (node.folder / "maintenance").touch()
    node.start()
    node.until(lambda: "MAINTENANCE: " in node.console(), "maintenance")
    assert not (node.folder / "maintenance").exists()
    node.interrupt()
    node.until(lambda: node.exit_code is not None, "prompt")
    assert node.console().endswith("KeyboardInterrupt: \n")
    assert (node.exit_code, node.line_bytes) == (1, 0)


def test_a_crash_is_shown_and_ends_in_a_reset(bench: Start, tmp_path: Path) -> None:
    damaged = tmp_path / "firmware"
    shutil.copytree(FIRMWARE, damaged)
    session = damaged / "axnode" / "session.py"
    session.write_text(session.read_text(encoding="utf-8")[:3000], encoding="utf-8")
    node = bench()
    node.start(firmware=damaged)
    node.until(lambda: node.exit_code is not None, "reset")
    assert node.exit_code == 70
    assert "Traceback" in node.console()
    assert NAME not in node.console()
