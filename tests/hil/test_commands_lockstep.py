"""Commands in simulated time: real firmware and the gateway's core, to the sample."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from axwire.codes import COMMAND_PROVE, DONE, EVENT_COMMAND_DONE, EVENT_PROOF, OK
from axwire.cose import split
from axwire.parse import Event, parse_up

from gateway.commands import Answer, Request
from gateway.errors import CommandError
from gateway.profiles import load_profile
from gateway.spool import Kind, read_records
from hil.account import Store, read_store, settle
from hil.bench_firmware import bench_firmware
from hil.cable import LineNoise
from hil.firmware_build import tree_sha256
from hil.interpreter import find_interpreter
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan
from simulators.board.ticks import PERIOD
from simulators.locomotive import Locomotive

pytestmark = pytest.mark.timeout(600)

NODE = "motors-a"
ROW = 6 + 6
"""Samples in the two rows that a reset may find half done."""


class Asked:
    """A locomotive's busiest node, what is asked of it and what it answered."""

    def __init__(self, rig: LockstepRig) -> None:
        self.rig = rig
        self.answers: list[Answer] = []

    def ask(self, command: str, *arguments: int) -> None:
        request = Request(node=NODE, command=command, arguments=list(arguments))
        self.rig.gateway.core.commands.ask(request, "test", self.answers.append)

    def results(self) -> list[tuple[str, str]]:
        return [(answer.command, answer.result) for answer in self.answers]


@contextmanager
def running(folder: Path, seed: int, flash_blocks: int = 352) -> Iterator[Asked]:
    """Started, and heard; its tick counters wrap ten seconds later."""
    print(f"seed {seed}")
    folder.mkdir(exist_ok=True)
    profile = load_profile("te33a")
    locomotive = Locomotive(profile, seed)
    fits = tuple((node, locomotive, False) for node in profile.nodes if node.name == NODE)
    plan = RigPlan(profile, "TE33A-0001", fits, folder, seed)
    start_us = PERIOD - 20_000_000
    rig = LockstepRig(plan, find_interpreter(), start_us=start_us, flash_blocks=flash_blocks)
    try:
        rig.start()
        rig.run_for(10)
        yield Asked(rig)
    finally:
        rig.stop()


def stored(rig: LockstepRig) -> Store:
    """What is stored now, while the sensors still give something."""
    rig.gateway.core.writer.commit()
    return read_store(rig.spool)


def test_every_period_of_a_group_is_stored_on_its_grid_and_nothing_is_lost(tmp_path: Path) -> None:
    periods = (25, 9, 400, 10, 60_000, 12)
    with running(tmp_path, 71) as asked:
        rig = asked.rig
        for at, period_ms in enumerate(periods):
            rig.run_for(3 + 0.137 * at)
            asked.ask("period", 0, period_ms)
            rig.run_for(2)
        rig.run_for(4)
        asked.ask("period", 1, 200)
        rig.run_for(4)
        store = stored(rig)
        account = rig.settle()
    assert asked.results() == [("period", "done")] * (len(periods) + 1)
    assert all(answer.took_ms < 1200 for answer in asked.answers), "at the next row"
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0), account
    assert not any(block.rows.missing.any() for block in store.blocks)
    blocks = sorted(store.blocks, key=lambda block: block.sequence)
    for group, periods_ms in ((0, [10, *periods]), (1, [500, 200])):
        rows = [b.rows for b in blocks if b.rows.group.number == group]
        runs: list[list[np.ndarray]] = []
        seen: list[int] = []
        for row in rows:
            if not seen or seen[-1] != row.group.period_ms:
                seen.append(row.group.period_ms)
                runs.append([])
            times = row.t_ms + np.arange(len(row.raw)) * row.group.period_ms
            runs[-1].append(times)
        assert seen == periods_ms
        whole = [np.concatenate(run) for run in runs]
        for period_ms, times in zip(periods_ms, whole, strict=True):
            assert set(np.diff(times)) <= {period_ms}, (group, period_ms)
        for number in range(1, len(whole)):
            gap = int(whole[number][0] - whole[number - 1][-1])
            before, after = periods_ms[number - 1], periods_ms[number]
            assert gap == before or (gap % after == 0 and gap < before), (gap, before, after)


def test_a_self_test_costs_no_sample_but_what_writing_flash_costs(tmp_path: Path) -> None:
    """On a board whose flash stops all else for as long as it is written, and on one without."""
    with running(tmp_path / "flash", 75) as asked:
        asked.ask("self-test")
        asked.rig.run_for(6)
        assert asked.results() == [("self-test", "done")]
        missed = asked.rig.gateway.core.registry.health()[NODE]["missed_deadlines"] or 0
        assert 0 <= missed <= 5 * 6, "50 ms of six channels"
    with running(tmp_path / "no flash", 72, flash_blocks=0) as asked:
        rig = asked.rig
        for _ in range(3):
            asked.ask("self-test")
            rig.run_for(3.3)
        store = stored(rig)
        account = rig.settle()
    assert asked.results() == [("self-test", "done")] * 3
    for answer in asked.answers:
        assert [(test.chip, test.status) for test in answer.chips] == [
            (at, "ok") for at in range(8)
        ]
        assert answer.board is not None
        assert answer.board.flash == "ok"
        assert answer.board.temperature_c == pytest.approx(34, abs=0.6)
        assert answer.board.supply_v == pytest.approx(5.0, abs=0.01)
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0), account
    assert not any(block.rows.missing.any() for block in store.blocks)
    assert {status for block in store.blocks for status in block.rows.statuses} == {OK}


def test_a_reboot_costs_the_rows_that_were_being_taken_and_a_period_is_forgotten(
    tmp_path: Path,
) -> None:
    with running(tmp_path, 73) as asked:
        rig = asked.rig
        asked.ask("period", 0, 20)
        rig.run_for(3)
        before = rig.state()["nodes"][0]["boot"]
        asked.ask("reboot")
        rig.run_for(10)
        after = rig.state()["nodes"][0]["boot"]
        rig.settle()
        store = read_store(rig.spool)
        account = settle(rig.targets[NODE].taken(), store)
    assert asked.results() == [("period", "done"), ("reboot", "done")]
    assert asked.answers[-1].new_boot == after != before
    in_memory = account.taken - account.stored - account.lost
    assert 0 <= in_memory <= ROW, account
    assert account.duplicated == 0
    periods = {(f"{b.boot:08x}", b.rows.group.period_ms) for b in store.blocks}
    assert periods == {(before, 10), (before, 20), (before, 500), (after, 10), (after, 500)}


@pytest.mark.parametrize(("lost", "resets"), [("command", 0), ("answer", 1)])
def test_a_reboot_whose_words_are_lost_is_done_once_or_not_at_all(
    tmp_path: Path, lost: str, resets: int
) -> None:
    """The command arrives damaged, or the line is cut before its answer is out."""
    with running(tmp_path, 74) as asked:
        rig = asked.rig
        before = rig.state()["nodes"][0]["boot"]
        cable = rig.cables[NODE]
        if lost == "command":
            cable.disturb(LineNoise(share=1.0, seed=74))
        asked.ask("reboot")
        cable.disturb(None)
        rig.run_for(0.001)
        cable.unplug()
        rig.run_for(31)
        assert asked.results() == [("reboot", "no_answer")]
        cable.plug()
        rig.run_for(15)
        assert rig.targets[NODE].resets["hard"] == resets
        assert (rig.state()["nodes"][0]["boot"] != before) == resets
        assert rig.gateway.core.commands.answered["reboot", "late"] == resets
        again = Request(node=NODE, command="reboot", boot=before)
        if resets:
            with pytest.raises(CommandError, match=f"not {before}: nothing was sent"):
                rig.gateway.core.commands.ask(again, "test", asked.answers.append)
        else:
            rig.gateway.core.commands.ask(again, "test", asked.answers.append)
            rig.run_for(10)
            assert asked.results()[1:] == [("reboot", "done")]
        assert rig.targets[NODE].resets["hard"] == 1


def test_a_proof_costs_no_sample(tmp_path: Path) -> None:
    """All files of the firmware are read meanwhile, and hashed."""
    with running(tmp_path, 77, flash_blocks=0) as asked:
        rig = asked.rig
        for _ in range(2):
            assert rig.gateway.core.downlink.command(NODE, COMMAND_PROVE, [1, 2, 3, 4])
            rig.run_for(8)
        store = stored(rig)
        events = [
            up
            for record in read_records(rig.spool)
            if record.kind == Kind.MESSAGE
            and isinstance(up := parse_up(split(record.body).payload), Event)
        ]
        account = rig.settle()
    answers = [e.arguments[1:] for e in events if e.code == EVENT_COMMAND_DONE]
    assert answers == [[COMMAND_PROVE, DONE]] * 2
    first, second = (e.arguments for e in events if e.code == EVENT_PROOF)
    assert first == second
    folder = bench_firmware(find_interpreter().command, native=find_interpreter().fast)
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert b"".join(word.to_bytes(4, "big") for word in first[8:]).hex() == tree_sha256(files)
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0), account
    assert not any(block.rows.missing.any() for block in store.blocks)
