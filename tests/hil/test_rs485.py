"""A node on an RS-485 pair, in simulated time: a collision costs a repeat, never a sample."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.profiles import load_profile
from hil.account import Account
from hil.boards import load_board
from hil.interpreter import find_interpreter
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan
from simulators.locomotive import Locomotive

pytestmark = pytest.mark.timeout(600)

BUSIEST = "motors-a"
SECONDS = 30
START_S = 1.6
"""The window in which a person may take the board over, and what loading takes."""


@contextmanager
def on_a_pair(folder: Path, seed: int, baud: int) -> Iterator[LockstepRig]:
    """The busiest node behind a driver."""
    print(f"seed {seed}")
    profile = load_profile("te33a")
    locomotive = Locomotive(profile, seed)
    fits = tuple((node, locomotive, False) for node in profile.nodes if node.name == BUSIEST)
    wiring = load_board("pico").wiring
    uart = {**wiring.uart, "baud": baud, "de": wiring.rs485_enable}
    plan = RigPlan(profile, "TE33A-0001", fits, folder, seed, settings={BUSIEST: {"uart": uart}})
    rig = LockstepRig(plan, find_interpreter(), flash_blocks=352)
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()


def lost_bytes(rig: LockstepRig) -> tuple[int, int]:
    """Sent by the node, and lost on the pair, both ways."""
    _, sent, dropped = rig.targets[BUSIEST].account()["uart"]["0"]
    return sent, dropped


@pytest.mark.parametrize("baud", [115_200, 460_800, 921_600])
def test_collisions_cost_repeats_and_no_sample(tmp_path: Path, baud: int) -> None:
    with on_a_pair(tmp_path, 60, baud) as rig:
        rig.run_for(SECONDS)
        account: Account = rig.settle()
        sent, lost = lost_bytes(rig)
        repeated = rig.gateway.core.registry.health()[BUSIEST].get("resent_messages")
    print(f"{baud} baud: {sent} bytes sent, {lost} lost; repeated: {repeated}")
    assert lost > 0, "nothing collided: nothing was tested"
    assert repeated is not None
    assert repeated < SECONDS * 10 // 2, "one in two is too many"
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)
    assert account.taken == pytest.approx((SECONDS - START_S) * 612, rel=0.02)
