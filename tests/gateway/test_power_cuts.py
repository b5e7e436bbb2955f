"""Promise 1 under power cuts: a gateway's real run, cut at every operation on its files.

AXLEBOX_CRASH_SEED and AXLEBOX_CRASH_SEEDS: another run, and more chances for the models that have
chance in them. docs/reliability.md has the figures of a larger sweep.
"""

import os
import re
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from unittest import mock

import pytest
from power_cuts.sweep import LYING, Result, Sweep

from gateway.forward import CursorFile
from gateway.ledger import Ledger
from gateway.spool import FileStorage, Kind, SpoolWriter, gap_of, read_records
from gateway.spool.format import HEADER_BYTES
from gateway.spool.segment_log import SegmentLog

pytestmark = pytest.mark.timeout(900)

SEED = int(os.environ.get("AXLEBOX_CRASH_SEED", "1"))
SEEDS = int(os.environ.get("AXLEBOX_CRASH_SEEDS", "2"))


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return Sweep(tmp_path_factory.mktemp("power-cuts"), SEED)


def report(sweep: Sweep, model: str, result: Result) -> None:
    print(f"seed {sweep.seed}, {len(sweep.operations)} operations, {model}: {result}")


def test_the_run_has_all_that_happens_to_a_disk(sweep: Sweep) -> None:
    names = Counter(operation.name for operation in sweep.operations)
    assert {"create", "write", "truncate", "sync", "sync_folder"} <= names.keys()
    assert {"link", "rename", "unlink", "make_folder", "rot"} <= names.keys()
    assert sum(names.values()) > 600
    renamed = {o.path.split(".", 1)[-1] for o in sweep.operations if o.name == "rename"}
    assert renamed >= {"seg", "tmp", "thin.tmp", "idx.tmp"}
    assert any(o.path == "spool/reserve" for o in sweep.operations)
    assert names["sync"] > 150
    failed = {operation.name for operation in sweep.operations if operation.failed}
    assert failed == {"sync", "sync_folder"}
    run = sweep.run
    assert run.kills == 4
    assert run.failures > 10
    assert len(run.nodes.acknowledged) > 300
    assert len({start.segment for start, _ in run.places.values()}) > 8
    assert len({position for _, position in run.forwarded}) > 20
    gaps = [gap_of(r) for r in read_records(run.spool) if r.kind == Kind.GAP]
    assert {gap.reason for gap in gaps} >= {"damaged"}
    assert run.removed_unsent > 0


@pytest.mark.parametrize("model", ["synced", "prefix", "torn"])
def test_a_cut_anywhere_loses_and_doubles_nothing_acknowledged(sweep: Sweep, model: str) -> None:
    result = sweep.result(model, SEEDS)
    report(sweep, model, result)
    assert result.cuts > len(sweep.operations)
    assert result.acknowledged > 100 * result.cuts
    assert (result.lost, result.twice, result.faults) == (0, 0, 0), result.first_faults


@pytest.fixture(scope="module")
def lied_to(sweep: Sweep) -> Result:
    result = sweep.result(LYING, SEEDS)
    report(sweep, LYING, result)
    return result


def test_where_a_third_of_the_syncs_lie_only_what_was_in_flight_is_lost(lied_to: Result) -> None:
    assert lied_to.lost > 0
    assert lied_to.beyond == 0
    assert (lied_to.twice, lied_to.faults) == (0, 0), lied_to.first_faults


def test_where_syncs_lie_every_loss_is_told(lied_to: Result) -> None:
    assert lied_to.unsaid == 0


def no_folder_sync() -> AbstractContextManager[object]:
    return mock.patch.object(FileStorage, "sync_folder", return_value=None)


def folder_name_not_synced() -> AbstractContextManager[object]:
    real = FileStorage.sync_folder

    def sync(self: FileStorage, folder: Path) -> None:
        if folder.name == "spool":
            real(self, folder)

    return mock.patch.object(FileStorage, "sync_folder", sync)


def acknowledged_before_the_sync() -> AbstractContextManager[object]:
    return mock.patch.object(SegmentLog, "_sync", return_value=None)


def failed_sync_tried_again() -> AbstractContextManager[object]:
    def sync(self: FileStorage, fd: int) -> None:
        try:
            os.fdatasync(fd)
        except OSError:
            os.fdatasync(fd)

    return mock.patch.object(FileStorage, "datasync", sync)


def sync_unless(excused: Callable[[int], bool]) -> AbstractContextManager[object]:
    def sync(self: FileStorage, fd: int) -> None:
        if not excused(fd):
            os.fdatasync(fd)

    return mock.patch.object(FileStorage, "datasync", sync)


def no_header_sync() -> AbstractContextManager[object]:
    return sync_unless(lambda fd: os.fstat(fd).st_size == HEADER_BYTES)


def renamed_before_its_sync(stem: str) -> AbstractContextManager[object]:
    def is_new(fd: int) -> bool:
        name = Path(os.readlink(f"/proc/self/fd/{fd}")).name
        return name.startswith(stem) and name.endswith(".tmp")

    return sync_unless(is_new)


def segment_renamed_before_its_sync() -> AbstractContextManager[object]:
    return renamed_before_its_sync("0")


def cursor_renamed_before_its_sync() -> AbstractContextManager[object]:
    return renamed_before_its_sync("forward")


def loss_not_recorded() -> AbstractContextManager[object]:
    return mock.patch.object(SpoolWriter, "note_gap", return_value=0)


def nothing_remembered_of_the_log() -> AbstractContextManager[object]:
    return mock.patch.object(Ledger, "_mark", return_value=None)


def cursor_ahead_of_the_log() -> AbstractContextManager[object]:
    return mock.patch.object(CursorFile, "hold_back", return_value=None)


def end_of_a_segment_not_believed() -> AbstractContextManager[object]:
    """The one before it ends where its file does."""
    both = ExitStack()
    for module in ("segments", "inspection"):
        both.enter_context(mock.patch(f"gateway.spool.{module}.segment_end", return_value=None))
    return both


LOST = "lost at the cut|did not survive a second cut"


@pytest.mark.parametrize(
    ("fault", "model", "found"),
    [
        (no_folder_sync, "synced", LOST),
        (folder_name_not_synced, "synced", LOST),
        (acknowledged_before_the_sync, "synced", LOST),
        (failed_sync_tried_again, "synced", LOST),
        (no_header_sync, "torn", "is told to be damaged"),
        (segment_renamed_before_its_sync, "synced", LOST),
        (cursor_renamed_before_its_sync, "synced", "is damaged"),
        (loss_not_recorded, "synced", LOST),
        (nothing_remembered_of_the_log, "synced", "would be stored again"),
        (cursor_ahead_of_the_log, LYING, "never sent to the server"),
        (end_of_a_segment_not_believed, LYING, "untold"),
    ],
)
def test_the_simulator_finds(
    tmp_path: Path, fault: Callable[[], AbstractContextManager[object]], model: str, found: str
) -> None:
    """Each of these is planted in the gateway, in its run and in what starts after the cuts."""
    with fault():
        result = Sweep(tmp_path, SEED).result(model, 4, until_broken=True)
    broken = result.first_faults + ["lost at the cut"] * bool(result.lost)
    assert any(re.search(found, words) for words in broken), result
