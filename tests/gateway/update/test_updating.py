"""Updates of nodes as a gateway sees them: refused with the reason, sent, gone on with, ended."""

import pytest
from axwire import down
from axwire.codes import EVENT_FIRMWARE_KEPT, EVENT_FIRMWARE_UNDONE, EVENT_UPDATE
from update_depot import FILES, FREE, GOOD, Depot, bundle, made, switching

from gateway.errors import CommandError
from gateway.update.bundle import pack, sign
from gateway.update.conversation import PIECE_BYTES


def refused(depot: Depot, data: bytes, *nodes: str, vouched: bool = False) -> CommandError:
    with pytest.raises(CommandError) as error:
        depot.updating.ask(data, nodes, "test", vouched=vouched)
    depot.run_for(5)
    assert not any(node.heard for node in depot.nodes.values()), "nothing was sent"
    assert not (depot.folder / "update" / "job.json").exists()
    return error.value


def test_a_node_gets_every_byte_is_started_again_and_has_to_prove_itself(depot: Depot) -> None:
    depot.updating.ask(GOOD, ["axles-a"], "test")
    depot.run_for(10)
    node = depot.nodes["axles-a"]
    assert node.held == bundle().content
    pieces = [told.fields for told in node.heard if told.kind == down.UPDATE]
    assert all(len(part) <= PIECE_BYTES for _, part in pieces)  # type: ignore[misc, arg-type]
    assert node.boot == 2
    assert depot.step("axles-a") == "trying"
    depot.prove("axles-a")
    depot.run_for(1)
    assert depot.ends() == {"axles-a": ("done", "")}
    assert not any(depot.nodes[name].heard for name in ("brakes-a", "motors-a"))
    assert depot.updating.ended == {"done": 1}


def test_no_piece_lies_across_the_end_of_a_file(depot: Depot) -> None:
    depot.updating.ask(GOOD, ["axles-a"], "test")
    depot.run_for(10)
    cuts = [bundle().manifest_bytes, *(file.offset + file.size for file in bundle().files)]
    for told in depot.nodes["axles-a"].heard:
        if told.kind == down.UPDATE:
            offset, part = told.fields
            end = offset + len(part)  # type: ignore[operator, arg-type]
            assert not [cut for cut in cuts if offset < cut < end]  # type: ignore[operator]


def test_never_more_than_one_node_at_a_time(depot: Depot) -> None:
    depot.updating.ask(GOOD, [], "test")
    for name in ("axles-a", "brakes-a", "motors-a"):
        depot.run_for(10)
        assert depot.updating.node == name
        heard = [each for each, node in depot.nodes.items() if node.heard]
        assert heard == list(depot.nodes)[: len(heard)]
        assert heard[-1] == name
        with pytest.raises(CommandError, match=rf"node {name} takes firmware 0\.2\.0"):
            depot.updating.ask(GOOD, ["motors-a"], "another")
        depot.prove(name)
    depot.run_for(1)
    assert {step for step, _ in depot.ends().values()} == {"done"}


def test_a_node_that_does_not_prove_itself_ends_it_for_those_behind(depot: Depot) -> None:
    depot.updating.ask(GOOD, [], "test")
    depot.run_for(10)
    depot.nodes["axles-a"].say(EVENT_FIRMWARE_UNDONE, 2, 1)
    depot.run_for(20)
    ends = depot.ends()
    assert ends["axles-a"] == ("undone", "it crashed: the node's console says where")
    assert ends["brakes-a"][0] == ends["motors-a"][0] == "left_out"
    assert not depot.nodes["brakes-a"].heard
    assert depot.updating.ended == {"undone": 1, "left_out": 2}


def test_what_is_forged_cut_short_older_or_for_another_board_is_refused(depot: Depot) -> None:
    forged = sign(pack("pico", "0.2.0", 2, 1, FILES), bytes(32))
    assert "does not trust" in str(refused(depot, forged, "axles-a"))
    assert "cut short" in str(refused(depot, GOOD[:-1000], "axles-a"))
    older = made(1, "0.0.9")
    error = refused(depot, older, "axles-a")
    assert (error.reason, str(error)) == (
        "older",
        "node axles-a runs firmware 0.1.0, the bundle is older: 0.0.9; only a newer one is taken",
    )
    depot.nodes["axles-a"].board = "esp32_devkitc"
    assert str(refused(depot, GOOD, "axles-a")) == (
        "node axles-a is a esp32_devkitc, the bundle is for pico"
    )
    for node in depot.nodes.values():
        node.board = "esp32_devkitc"
    assert str(refused(depot, GOOD)) == "no node said that it is a pico"


def test_unknown_silent_and_busy_nodes_are_refused(depot: Depot) -> None:
    assert "there are: axles-a, brakes-a, motors-a" in str(refused(depot, GOOD, "axles-b"))
    depot.busy = {"axles-a"}
    assert "has not answered a command" in str(refused(depot, GOOD, "axles-a"))
    depot.nodes["brakes-a"].status = "stale"
    assert "node brakes-a is silent" in str(refused(depot, GOOD, "brakes-a"))


def test_a_locomotive_that_moves_or_may_move_is_left_alone(depot: Depot) -> None:
    depot.stands = False
    assert refused(depot, GOOD, "axles-a").reason == "moves"
    assert refused(depot, GOOD, "axles-a", vouched=True).reason == "moves"
    depot.stands = None
    assert "--standing" in str(refused(depot, GOOD, "axles-a"))
    depot.updating.ask(GOOD, ["axles-a"], "test", vouched=True)
    depot.run_for(10)
    assert depot.step("axles-a") == "trying"


def test_it_waits_while_the_locomotive_moves_and_starts_no_node_again(depot: Depot) -> None:
    node = depot.nodes["axles-a"]
    depot.updating.ask(GOOD, ["axles-a"], "test", vouched=True)
    depot.stands = False
    depot.run_for(3600)
    assert not node.held
    state = depot.updating.state()
    assert state is not None
    assert state.nodes[0].reason == "waits: the locomotive moves"
    depot.stands = True
    while depot.step("axles-a") != "switching":
        depot.run_for(0.1)
    depot.stands = False
    depot.run_for(3600)
    assert node.boot == 1
    depot.stands = True
    depot.run_for(1)
    assert node.boot == 2


def test_a_node_that_starts_by_itself_while_the_locomotive_moves_tries_nothing(
    depot: Depot,
) -> None:
    node = depot.nodes["axles-a"]
    switching(depot, "axles-a")
    node.in_flash = node.held
    node.reset()
    sent = len(node.heard)
    depot.run_for(3600)
    assert depot.step("axles-a") == "asking"
    assert len(node.heard) == sent
    depot.stands = True
    depot.run_for(5)
    assert node.boot == 3, "asked what it has, and told to start again with it"
    assert not [told for told in node.heard[sent:] if told.kind == down.UPDATE]
    depot.prove("axles-a")
    depot.run_for(1)
    assert depot.ends() == {"axles-a": ("done", "")}


def test_a_node_that_let_go_while_the_locomotive_moved_is_asked_again(depot: Depot) -> None:
    node = depot.nodes["axles-a"]
    switching(depot, "axles-a")
    node.in_flash, node.takes = node.held, False
    depot.stands = True
    depot.run_for(5)
    assert node.boot == 2
    assert depot.step("axles-a") == "trying"


def test_a_speed_that_is_not_known_any_more_ends_it_after_a_minute(depot: Depot) -> None:
    depot.updating.ask(GOOD, ["axles-a"], "test")
    depot.stands = None
    depot.run_for(59)
    assert depot.updating.node == "axles-a"
    depot.run_for(2)
    assert depot.ends()["axles-a"] == (
        "refused",
        "the speed is not known any more; --standing vouches for it",
    )


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"knows_updates": False}, "firmware 0.1.0 cannot be updated over the link"),
        ({"release": 3, "firmware": "dev"}, "runs release 3, the bundle is release 2"),
        ({"release": 0}, "this needs 1 at least"),
        ({"free": 20_000}, "19 KiB of flash free"),
        ({"is_busy": True}, "at something else"),
    ],
)
def test_what_the_node_itself_says_refuses_it(
    depot: Depot, attributes: dict[str, object], words: str
) -> None:
    node = depot.nodes["axles-a"]
    for name, value in attributes.items():
        setattr(node, name, value)
    depot.updating.ask(GOOD, ["axles-a"], "test")
    depot.run_for(70)
    step, reason = depot.ends()["axles-a"]
    assert step == "refused"
    assert words in reason
    assert not node.held


@pytest.mark.parametrize(
    ("state", "words"), [(2, "another board"), (3, "newer"), (4, "worn"), (5, "full")]
)
def test_the_nodes_own_refusals_have_words(depot: Depot, state: int, words: str) -> None:
    depot.updating.ask(GOOD, ["axles-a"], "test")
    depot.run_for(0.2)
    depot.nodes["axles-a"].say(EVENT_UPDATE, state, 0, FREE, 1)
    depot.run_for(0.2)
    step, reason = depot.ends()["axles-a"]
    assert (step, words in reason) == ("refused", True)


def test_a_node_that_has_it_is_left_alone(depot: Depot) -> None:
    depot.nodes["axles-a"].firmware = "0.2.0"
    depot.updating.ask(GOOD, ["axles-a"], "test")
    depot.run_for(1)
    assert depot.ends() == {"axles-a": ("done", "it runs this already")}
    assert not depot.nodes["axles-a"].heard


def test_lost_words_are_said_again(depot: Depot) -> None:
    node = depot.nodes["axles-a"]
    depot.updating.ask(GOOD, ["axles-a"], "test")
    for second in range(60):
        node.is_deaf = second % 4 < 3
        depot.run_for(1)
    assert node.boot == 2
    assert node.held == bundle().content


def test_a_node_that_was_reset_goes_on_where_its_flash_leaves_off(depot: Depot) -> None:
    node = depot.nodes["axles-a"]
    depot.updating.ask(GOOD, ["axles-a"], "test")
    depot.run_for(0.3)
    assert 0 < len(node.held) < len(bundle().content)
    node.in_flash = node.held[: bundle().manifest_bytes]
    sent = len(node.heard)
    node.reset()
    depot.run_for(10)
    offsets = [told.fields[0] for told in node.heard[sent:] if told.kind == down.UPDATE]
    assert offsets[0] == bundle().manifest_bytes
    assert node.held == bundle().content


def test_a_restart_of_the_gateway_goes_on_with_it(depot: Depot) -> None:
    node = depot.nodes["axles-a"]
    depot.updating.ask(GOOD, ["axles-a", "brakes-a"], "test")
    depot.run_for(0.3)
    node.in_flash = node.held
    depot.restart()
    sent = len(node.heard)
    depot.run_for(10)
    offsets = [told.fields[0] for told in node.heard[sent:] if told.kind == down.UPDATE]
    assert offsets[0] == len(node.in_flash) > 0
    assert depot.step("axles-a") == "trying"
    depot.restart()
    assert depot.step("axles-a") == "trying", "it is not sent all that again"
    depot.prove("axles-a")
    depot.run_for(10)
    depot.prove("brakes-a")
    depot.run_for(1)
    assert [step for step, _ in depot.ends().values()] == ["done", "done"]
    depot.restart()
    assert depot.updating.state() is None, "nothing is left to go on with"


def test_a_restart_does_not_go_on_with_what_is_not_trusted_any_more(depot: Depot) -> None:
    depot.updating.ask(GOOD, ["axles-a"], "test")
    path = depot.folder / "update" / "bundle.axu"
    path.write_bytes(GOOD[:-1] + bytes([GOOD[-1] ^ 1]))
    depot.restart()
    assert depot.updating.state() is None
    assert not path.exists()


def test_vouching_does_not_outlast_a_restart(depot: Depot) -> None:
    depot.stands = None
    depot.updating.ask(GOOD, ["axles-a"], "test", vouched=True)
    depot.restart()
    depot.run_for(62)
    assert depot.ends()["axles-a"][0] == "refused"


def test_a_silent_node_is_given_up_in_the_end(depot: Depot) -> None:
    depot.updating.ask(GOOD, ["axles-a"], "test")
    depot.nodes["axles-a"].is_deaf = True
    depot.run_for(601)
    assert depot.ends()["axles-a"][0] == "unanswered"


@pytest.mark.parametrize(("runs", "step"), [("0.2.0", "done"), ("0.1.0", "unanswered")])
def test_where_the_word_of_its_end_is_lost_the_version_tells(
    depot: Depot, runs: str, step: str
) -> None:
    depot.updating.ask(GOOD, ["axles-a"], "test")
    depot.run_for(10)
    depot.nodes["axles-a"].firmware = runs
    depot.run_for(210)
    assert depot.ends()["axles-a"][0] == step


def test_a_node_that_keeps_it_and_runs_another_is_not_done(depot: Depot) -> None:
    depot.updating.ask(GOOD, ["axles-a"], "test")
    depot.run_for(10)
    depot.nodes["axles-a"].say(EVENT_FIRMWARE_KEPT, 2)
    depot.run_for(1)
    assert depot.ends()["axles-a"] == ("unanswered", "the node runs 0.1.0, not this")
