"""A person stops an update: nodes keep what they run, or it is too late and they decide."""

import pytest
from axwire import down
from axwire.codes import EVENT_FIRMWARE_UNDONE
from update_depot import GOOD, Depot, bundle, switching

from gateway.errors import CommandError


def test_one_that_is_stopped_leaves_every_node_what_it_runs_and_can_be_begun_again(
    depot: Depot,
) -> None:
    node = depot.nodes["axles-a"]
    depot.updating.ask(GOOD, ["axles-a", "brakes-a"], "test")
    depot.run_for(0.3)
    assert depot.step("axles-a") == "sending"
    node.in_flash = node.held[: bundle().manifest_bytes]
    depot.updating.stop("a person")
    assert not node.takes, "it is told to let go"
    assert depot.ends() == {
        "axles-a": ("stopped", "by a person"),
        "brakes-a": ("left_out", "the update was stopped by a person"),
    }
    assert depot.updating.ended == {"stopped": 1, "left_out": 1}
    sent = len(node.heard)
    depot.run_for(60)
    depot.restart()
    depot.run_for(60)
    assert depot.updating.state() is None, "nothing goes on with it"
    assert (len(node.heard), node.boot, depot.nodes["brakes-a"].heard) == (sent, 1, [])
    depot.updating.ask(GOOD, ["axles-a"], "test")
    depot.run_for(10)
    offsets = [told.fields[0] for told in node.heard[sent:] if told.kind == down.UPDATE]
    assert offsets[0] == bundle().manifest_bytes, "it goes on where the flash leaves off"
    assert depot.step("axles-a") == "trying"


def test_a_node_that_has_it_all_and_was_not_told_to_start_again_can_still_be_spared(
    depot: Depot,
) -> None:
    switching(depot, "axles-a")
    depot.updating.stop("a person")
    depot.stands = True
    depot.run_for(60)
    assert depot.ends() == {"axles-a": ("stopped", "by a person")}
    assert depot.nodes["axles-a"].boot == 1


def test_it_is_too_late_for_a_node_on_trial_which_ends_by_itself(depot: Depot) -> None:
    depot.updating.ask(GOOD, ["axles-a", "brakes-a"], "test")
    depot.run_for(10)
    assert depot.step("axles-a") == "trying"
    heard = len(depot.nodes["axles-a"].heard)
    depot.updating.stop("a person")
    state = depot.updating.state()
    assert state is not None
    assert not state.ended
    assert state.nodes[0].reason == (
        "too late to stop: it keeps the new firmware, or goes back by itself"
    )
    assert state.nodes[1].step == "left_out"
    depot.restart()
    depot.run_for(10)
    assert len(depot.nodes["axles-a"].heard) == heard
    assert depot.step("axles-a") == "trying"
    depot.nodes["axles-a"].say(EVENT_FIRMWARE_UNDONE, 2, 1)
    depot.run_for(60)
    assert depot.ends() == {"axles-a": ("undone", "it crashed: the node's console says where")}
    assert not depot.nodes["brakes-a"].heard


def test_a_node_that_the_word_to_start_again_did_not_reach_is_spared_after_all(
    depot: Depot,
) -> None:
    node = depot.nodes["axles-a"]
    depot.updating.ask(GOOD, ["axles-a"], "test")
    while not node.is_whole:
        depot.run_for(0.1)
    node.is_deaf = True
    depot.run_for(1)
    depot.updating.stop("a person")
    depot.run_for(20)
    assert depot.step("axles-a") == "switching"
    node.is_deaf = False
    depot.run_for(20)
    assert depot.ends() == {"axles-a": ("stopped", "by a person")}
    assert (node.boot, node.takes) == (1, False)


def test_there_must_be_something_to_stop(depot: Depot) -> None:
    with pytest.raises(CommandError, match="no update is under way: nothing was stopped"):
        depot.updating.stop("a person")
