"""A disk that stalls for half a minute under real firmware, in simulated time: nothing is lost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from errno import EIO
from pathlib import Path

import pytest

from gateway.profiles import load_profile
from hil.account import Account
from hil.interpreter import find_interpreter
from hil.lockstep_gateway import UnsyncedStorage
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan
from simulators.locomotive import Locomotive

pytestmark = pytest.mark.timeout(300)

NODES = ("axles-a", "brakes-a")
STALL_S = 30


class StallingStorage(UnsyncedStorage):
    """A disk whose syncs meet `stall` while there is one."""

    def __init__(self) -> None:
        self.stall: Callable[[], None] | None = None
        self.stalled = 0

    def datasync(self, fd: int) -> None:
        if self.stall is not None:
            self.stalled += 1
            self.stall()


@contextmanager
def running(folder: Path, seed: int) -> Iterator[tuple[LockstepRig, StallingStorage]]:
    print(f"seed {seed}")
    profile = load_profile("te33a")
    fits = tuple(
        (fit, Locomotive(profile, seed), False) for fit in profile.nodes if fit.name in NODES
    )
    storage = StallingStorage()
    plan = RigPlan(profile, "TE33A-0001", fits, folder, seed)
    rig = LockstepRig(plan, find_interpreter(), flash_blocks=352, storage=storage)
    try:
        rig.start()
        rig.run_for(10)
        yield rig, storage
    finally:
        rig.stop()


def hang(rig: LockstepRig, storage: StallingStorage) -> None:
    """One sync does not return for STALL_S; the rest of the gateway goes on meanwhile."""
    end_us = rig.clock.monotonic_us() + STALL_S * 1_000_000

    def wait() -> None:
        storage.stall = None
        rig.schedule.run_until(end_us)

    storage.stall = wait


def refuse(rig: LockstepRig, storage: StallingStorage) -> None:
    """Each sync fails for STALL_S."""
    end_us = rig.clock.monotonic_us() + STALL_S * 1_000_000

    def fail() -> None:
        if rig.clock.monotonic_us() < end_us:
            raise OSError(EIO, "Input/output error")
        storage.stall = None

    storage.stall = fail


@pytest.mark.parametrize("stall", [hang, refuse])
@pytest.mark.parametrize("buffer_bytes", [16 << 20, 6 << 10])
def test_a_disk_that_stalls_for_half_a_minute_costs_nothing(
    tmp_path: Path, stall: Callable[[LockstepRig, StallingStorage], None], buffer_bytes: int
) -> None:
    """A buffer as it is set up holds all of it, and the nodes hold it too; with one of 6 KB the
    ports are not read any more, and the nodes alone hold it."""
    with running(tmp_path, 71) as (rig, storage):
        core = rig.gateway.core
        core.writer.settings = replace(core.writer.settings, buffer_bytes=buffer_bytes)
        acknowledged: list[int] = []
        buffered: list[int] = []
        begun_us = rig.clock.monotonic_us()

        def look() -> None:
            """When the stall has begun, and just before it ends."""
            acknowledged.append(core.ingest.acknowledged)
            buffered.append(core.writer.buffered_bytes)

        rig.schedule.at(begun_us + 3_000_000, look)
        rig.schedule.at(begun_us + STALL_S * 1_000_000 - 1, look)
        stall(rig, storage)
        rig.run_for(STALL_S + 20)
        health = core.registry.health()
        account = rig.settle()
        refused = core.writer.metrics.refused_full + sum(core.ingest.held_back.values())
        resets = [target.resets for target in rig.targets.values()]
    print(account, buffered, acknowledged, refused, storage.stalled)
    assert storage.stalled, "the disk stalled"
    assert acknowledged[0] == acknowledged[1], "nothing is acknowledged that is not on the disk"
    assert 0 < max(buffered) <= buffer_bytes
    assert (refused > 0) == (buffer_bytes == 6 << 10)
    assert_nothing_is_lost(account)
    for name in NODES:
        assert health[name]["dropped_messages"] == health[name]["thinned_messages"] == 0
    assert resets == [{}, {}]


def assert_nothing_is_lost(account: Account) -> None:
    assert account.balanced, account
    assert (account.lost, account.thinned, account.duplicated) == (0, 0, 0)
    assert account.taken == account.stored > 0
