"""The rules on sensors, channels, nodes and links, and rules that are written wrong."""

from pathlib import Path

import pytest
from rule_bench import RuleBench, Series, constant, raised, shipped

from gateway.errors import ConfigError


def test_a_temperature_that_jumps_is_a_sensors_and_no_machines(tmp_path: Path) -> None:
    bench = shipped(tmp_path, "temperature-jump", "axlebox-hot")
    spike: Series = lambda at_s: 150.0 if 10 <= at_s < 15 else 30.0  # noqa: E731
    bench.run(30, {"axle.bearing_temperature axle 1 left": spike})
    assert raised(bench) == [(10.0, "temperature-jump@axle.bearing_temperature axle 1 left")]


def test_a_box_that_reads_far_below_its_siblings_is_a_sensors(tmp_path: Path) -> None:
    bench = shipped(tmp_path, "axlebox-disagrees", "axlebox-sides")
    boxes = {
        f"axle.bearing_temperature axle {n} {side}": constant(65.0)
        for n in (1, 2, 3)
        for side in ("left", "right")
    }
    bench.run(60, boxes | {"axle.bearing_temperature axle 2 left": constant(-20.0)})
    assert [alarm for _, alarm in raised(bench)] == [
        "axlebox-sides@axle 2 right",
        "axlebox-disagrees@axle.bearing_temperature axle 2 left",
    ]


def test_a_channel_without_values_is_told_only_while_its_node_speaks(tmp_path: Path) -> None:
    bench = shipped(tmp_path, "channel-silent")
    bench.silent_us["node-a"] = 0
    lost: Series = lambda at_s: None if at_s > 5 else 20.0  # noqa: E731
    bench.run(20, {"axle.bearing_temperature axle 1 left": lost})
    assert [alarm for _, alarm in raised(bench)] == [
        "channel-silent@axle.bearing_temperature axle 1 left"
    ]


def test_a_channel_that_did_not_come_back_with_its_node_is_told(tmp_path: Path) -> None:
    bench = shipped(tmp_path, "channel-silent")
    bench.silent_us["node-a"] = 0
    name = "axle.bearing_temperature axle 1 left"
    bench.run(5, {name: constant(20.0)})
    bench.speak.clear()
    bench.run(30, {name: lambda at_s: None if at_s > 8 else 20.0})
    assert bench.happened == [], "its node is silent"
    bench.speak.add("node-a")
    bench.silent_us["node-a"] = 0
    bench.run(10, {name: lambda at_s: None})
    assert raised(bench) == [(40.0, f"channel-silent@{name}")]


def test_a_link_is_silent_when_all_its_nodes_are(tmp_path: Path) -> None:
    bench = shipped(tmp_path, "link-silent", "node-silent")
    bench.silent_us |= {"motors-a": 0, "brakes-a": 0}
    bench.run(9, {})
    assert raised(bench) == [(8.1, "link-silent@mqtt")]
    bench.silent_us["motors-a"] = 0
    bench.run(3, {})
    assert [action for _, action, _ in bench.happened] == ["raised", "returned", "raised"]
    assert raised(bench)[-1][1] == "node-silent@brakes-a"


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('[[rules]]\nid = "pipe-broken"\nrules = ["pipe-fallin"]\n', "is pipe-falling meant"),
        ('[[rules]]\nid = "pipe-broken"\nrules = ["supply-low"]\n', "how near supply-low is"),
        ('[[rules]]\nid = "pipe-leak"\nvolume = "main_reservoir"\n', "names a figure in litres"),
        ('[[rules]]\nid = "winding-soon"\nto = "winding_max"\n', "neither a number nor a figure"),
    ],
)
def test_a_wrong_rule_is_refused_with_what_to_do(tmp_path: Path, toml: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        RuleBench(tmp_path, toml)


def test_a_rule_that_others_name_may_be_switched_off(tmp_path: Path) -> None:
    RuleBench(tmp_path, 'off = ["slowing"]\n')
