"""A node whose line is the board's own USB: the console of the interpreter, end to end."""

from pathlib import Path

import pytest
from rigs import running
from turns import Turns

pytestmark = pytest.mark.timeout(240)

NODE = "motors-a"
LIMIT_S = 120.0
USB = {"settings": {NODE: {"uart": {"id": "usb"}}}}


def test_every_sample_arrives_once_over_usb_also_after_it_was_pulled_out(tmp_path: Path) -> None:
    with running(tmp_path, 70, nodes=(NODE,), links={**USB, "measured": (NODE,)}) as rig:
        target = rig.targets[NODE]

        def take_more(seconds: int) -> None:
            wanted = target.taken() + 606 * seconds
            rig.until(lambda: target.taken() >= wanted, LIMIT_S)

        take_more(3)
        rig.cables[NODE].unplug()
        take_more(2)
        rig.cables[NODE].plug()
        take_more(3)
        turns = Turns(target)
        rig.until(lambda: turns.count() >= 1000, LIMIT_S)
        account = rig.settle(60)
        (state,) = rig.gateway.state()["nodes"]
        assert state["link"] == f"serial {NODE}"
        assert not target.resets
        assert not target.account()["uart"], "no UART was used"
    print(turns.told, turns.longest_us)
    assert turns.told["long"] == 0, turns.longest_us
    assert account.taken > 606 * 8
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)
