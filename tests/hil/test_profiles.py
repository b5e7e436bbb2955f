"""The nodes of every class on the real interpreter, all at once, as the gateway stores them."""

from pathlib import Path

import numpy as np
import pytest
from axwire.codes import OK
from axwire.quantities import BY_NAME
from numpy.typing import NDArray

from gateway.profiles import load_profile, profile_names
from hil.account import read_store
from hil.interpreter import find_interpreter
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan

SEED = 62
SECONDS = 8.0
SETTLED_MS = 4_000

CLASSES = [name for name in profile_names() if load_profile(name).variant_of is None]
"""A variant's nodes are those of its class."""


class Healthy:
    """Every quantity as it may well be."""

    def values(self, quantity: str, place: str, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        level = {"axle.load": 22.0, "compressor.running": 1.0, "axle.acceleration": 20.0}
        high = BY_NAME[quantity].high
        return np.full(len(t_s), level.get(quantity, min(high / 3, 400.0)))


@pytest.mark.parametrize("name", CLASSES)
def test_every_node_of_a_class_measures_all_it_is_fitted_for(tmp_path: Path, name: str) -> None:
    print(f"seed {SEED}")
    profile = load_profile(name)
    fits = tuple((node, Healthy(), False) for node in profile.all_nodes)
    rig = LockstepRig(RigPlan(profile, "L-0001", fits, tmp_path, SEED), find_interpreter())
    try:
        rig.start()
        rig.run_for(SECONDS)
        states = {node["name"]: node["status"] for node in rig.state()["nodes"]}
        rig.gateway.core.writer.commit()
        blocks = read_store(rig.spool).blocks
        account = rig.settle()
        health = rig.gateway.core.registry.health()
        resets = {node: dict(target.resets) for node, target in rig.targets.items()}
    finally:
        rig.stop()
    assert states == {node.name: "live" for node in profile.all_nodes}
    assert resets == {node.name: {} for node in profile.all_nodes}
    assert account.balanced, account
    assert (account.lost, account.duplicated) == (0, 0)
    told: dict[tuple[str, str, str], set[int]] = {}
    for block in blocks:
        group = block.rows.group
        for quantity, place, status in zip(
            group.quantities, group.places, block.rows.statuses, strict=True
        ):
            statuses = told.setdefault((block.node, quantity.name, place), set())
            if block.rows.t_ms >= SETTLED_MS:
                statuses.add(status)
    for node in profile.all_nodes:
        free = health[node.name]["heap_low_water_bytes"]
        print(f"{node.name}: at least {free} bytes of its heap were free")
        assert health[node.name]["missed_deadlines"] == 0
        for one in node.groups:
            for place in one.places:
                assert told[node.name, one.quantity, place] == {OK}, (one.quantity, place)
