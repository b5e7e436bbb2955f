"""New firmware for nodes in the field: real firmware, the gateway's core, simulated time."""

from pathlib import Path

import pytest
from field_update import NODE, field, made_bundle

from hil.account import read_store, settle

pytestmark = pytest.mark.timeout(900)

def test_an_update_goes_through_and_no_reading_is_lost_over_it(tmp_path: Path) -> None:
    bundle = made_bundle(tmp_path / "bundle")
    with field(tmp_path / "rig", 31) as depot:
        assert depot.firmware() == "0.1.0"
        before = depot.health()
        depot.ask(bundle)
        took_s = depot.until(lambda: depot.progress().step == "switching")
        print("switching after", took_s, before, depot.health())
        end = depot.end()
        assert (end.step, end.reason) == ("done", "")
        print("end", depot.console())
        assert depot.firmware() == "0.2.0"
        depot.rig.run_for(5)
        print(depot.health())
        account = depot.rig.settle()
        print(account)
