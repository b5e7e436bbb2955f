"""The line as a fitter has it: plug in, scan, wait, read PASS or one thing to do, take out."""

import pytest
from line_in_memory import UNIQUE_ID, TestLine

from gateway.errors import SealError
from hil.station.errors import ContactError, StationError
from hil.station.line import GONE_S, HELD_S, SETTLES_S

PLACE = "TE33A-0123/motors-a"
OTHER = "TE33A-0123/motors-b"


@pytest.fixture
def line() -> TestLine:
    return TestLine()


def fail() -> StationError:
    return StationError("it is another kind", "Plug in a Pico", code="wrong_board")


def gone() -> ContactError:
    return ContactError("the board was pulled", "Plug it in and begin again")


def test_a_board_asks_for_its_place_and_passes_until_it_is_taken_out(line: TestLine) -> None:
    assert line.line.state().cards == ()
    line.plug("0:1")
    card = line.card("0:1")
    assert card is not None
    assert (card.number, card.name, card.phase, card.next) == (1, "0:1", "asks", True)
    assert line.scan(PLACE) == "scan.given"
    assert line.phase("0:1") == "queued"
    line.run()
    card = line.card("0:1")
    assert card is not None
    assert (card.phase, card.place, card.unique_id, card.share) == ("pass", PLACE, UNIQUE_ID, 1)
    line.wait(24 * 3600 / 100)
    assert line.phase("0:1") == "pass"
    line.unplug("0:1")
    assert line.phase("0:1") == "pass"
    line.wait(GONE_S + 0.2)
    assert line.phase("0:1") == "empty"
    assert (line.line.state().passed, line.line.state().failed) == (1, 0)


def test_a_failure_stays_with_one_thing_to_do_until_the_board_is_out(line: TestLine) -> None:
    line.plug("0:1")
    line.scan(PLACE)
    line.run(fail())
    card = line.card("0:1")
    assert card is not None
    assert (card.phase, card.code, card.what_to_do) == ("fail", "wrong_board", "Plug in a Pico")
    assert line.scan(OTHER) == "scan.nobody_asks"
    line.wait(600)
    assert line.phase("0:1") == "fail"
    line.unplug("0:1", then_s=GONE_S + 0.4)
    assert line.phase("0:1") == "empty"


def test_a_scan_goes_to_the_board_that_waits_longest(line: TestLine) -> None:
    for slot in ("0:3", "0:1", "0:2"):
        line.plug(slot)
    line.scan(PLACE)
    assert [line.phase(slot) for slot in ("0:3", "0:1", "0:2")] == ["queued", "asks", "asks"]
    line.unplug("0:1", then_s=GONE_S + 0.4)
    line.plug("0:1")
    line.scan(OTHER)
    assert line.phase("0:2") == "queued"
    assert line.phase("0:1") == "asks"


@pytest.mark.parametrize(
    "call",
    ["3", "slot:3", "slot:0:2", "slot:pci-0000:00:14.0-usb-0:2", "SLOT:PCI-0000:00:14.0-USB-0:2"],
)
def test_a_slot_that_is_named_gets_the_next_place(line: TestLine, call: str) -> None:
    for slot in ("0:3", "0:1", "0:2"):
        line.plug(slot)
    assert line.scan(call) == "scan.slot_named"
    assert [card.next for card in line.line.state().cards] == [False, False, True]
    line.scan(PLACE)
    assert line.phase("0:2") == "queued"
    line.scan(OTHER)
    assert line.phase("0:3") == "queued"


def test_naming_no_slot_takes_the_naming_back(line: TestLine) -> None:
    line.plug("0:1")
    line.plug("0:2")
    line.scan("2")
    assert line.scan("") == "scan.none_named"
    line.scan(PLACE)
    assert line.phase("0:1") == "queued"


def test_a_named_board_that_goes_away_is_not_waited_for(line: TestLine) -> None:
    line.plug("0:1")
    line.plug("0:2")
    line.scan("2")
    line.unplug("0:2", then_s=GONE_S + 0.4)
    line.scan(PLACE)
    assert line.phase("0:1") == "queued"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("rubbish", "scan.unknown"),
        ("TE33A-0123/motors-z", "scan.no_place"),
        (PLACE, "scan.nobody_asks"),
        ("7", "scan.no_slot"),
    ],
)
def test_a_scan_that_does_nothing_says_why(line: TestLine, text: str, key: str) -> None:
    assert line.scan(text) == key
    notice = line.line.state().notice
    assert notice is not None
    assert not notice.good
    assert not line.jobs


def test_two_boards_at_the_line_never_get_one_place(line: TestLine) -> None:
    line.plug("0:1")
    line.plug("0:2")
    line.scan(PLACE)
    assert line.scan(PLACE) == "scan.place_taken"
    line.run()
    assert line.scan(PLACE.lower()) == "scan.place_taken"
    assert line.phase("0:2") == "asks"


def test_a_place_whose_board_failed_is_free_again(line: TestLine) -> None:
    line.plug("0:1")
    line.plug("0:2")
    line.scan(PLACE)
    line.run(fail())
    assert line.scan(PLACE) == "scan.given"


def test_a_boards_own_resets_are_not_taken_for_pulling(line: TestLine) -> None:
    line.plug("0:1")
    line.scan(PLACE)

    def reset() -> None:
        line.unplug("0:1", then_s=3.0)
        line.plug("0:1")
        assert line.phase("0:1") == "works"

    line.work.during = reset
    line.run()
    assert line.phase("0:1") == "pass"


def test_the_reset_that_ends_a_failed_attempt_leaves_the_failure(line: TestLine) -> None:
    line.plug("0:1")
    line.scan(PLACE)
    line.run(fail())
    line.unplug("0:1", then_s=1.0)
    line.plug("0:1")
    assert line.phase("0:1") == "fail"


@pytest.mark.parametrize("error", [None, fail()])
def test_a_board_that_is_swapped_at_once_is_a_new_one(
    line: TestLine, error: StationError | None
) -> None:
    """Nobody may take the last board's PASS for that of the next."""
    line.plug("0:1")
    line.scan(PLACE)
    line.run(error)
    line.wait(SETTLES_S + 0.2)
    del line.slots[line.name("0:1")]
    line.plug("0:1")
    assert line.phase("0:1") == "asks"
    card = line.card("0:1")
    assert card is not None
    assert card.place == ""


def test_a_board_that_is_swapped_before_its_turn_asks_again(line: TestLine) -> None:
    line.plug("0:1")
    line.scan(PLACE)
    del line.slots[line.name("0:1")]
    line.plug("0:1")
    assert line.phase("0:1") == "asks"
    line.run()
    assert not line.work.asked
    assert line.phase("0:1") == "asks"


def test_a_board_that_is_pulled_while_it_is_worked_on_is_called_back(line: TestLine) -> None:
    line.plug("0:1")
    line.scan(PLACE)

    def pull() -> None:
        line.unplug("0:1", then_s=5.0)
        card = line.card("0:1")
        assert card is not None
        assert card.absent

    line.work.during = pull
    line.run(gone())
    line.wait(HELD_S - 1)
    card = line.card("0:1")
    assert card is not None
    assert (card.phase, card.code, card.absent) == ("fail", "contact", True)
    line.plug("0:1")
    assert line.phase("0:1") == "asks"
    assert line.scan(PLACE) == "scan.given"


def test_the_failure_of_a_pulled_board_goes_away_in_time(line: TestLine) -> None:
    line.plug("0:1")
    line.scan(PLACE)
    line.work.during = lambda: line.unplug("0:1")
    line.run(gone())
    line.wait(HELD_S + 1)
    assert line.phase("0:1") == "empty"


def test_a_board_that_is_out_before_its_turn_is_not_worked_on(line: TestLine) -> None:
    line.plug("0:1")
    line.scan(PLACE)
    line.unplug("0:1", then_s=GONE_S + 0.4)
    line.run()
    assert not line.work.asked
    assert line.phase("0:1") == "empty"


def test_a_mistake_of_the_program_fails_that_board_alone(line: TestLine) -> None:
    line.plug("0:1")
    line.plug("0:2")
    line.scan(PLACE)
    line.run(ZeroDivisionError("a secret may be in here"))
    card = line.card("0:1")
    assert card is not None
    assert (card.phase, card.code) == ("fail", "other")
    assert "secret" not in card.text
    line.scan(OTHER)
    line.run()
    assert line.phase("0:2") == "pass"


def test_what_is_wrong_with_the_station_itself_is_the_foremans(line: TestLine) -> None:
    line.plug("0:1")
    line.scan(PLACE)
    line.run(SealError("keys.sealed cannot be opened with that passphrase"))
    card = line.card("0:1")
    assert card is not None
    assert (card.phase, card.code) == ("fail", "station")
    assert card.text == "keys.sealed cannot be opened with that passphrase"


def test_a_slot_keeps_its_number(line: TestLine) -> None:
    line.plug("0:5")
    line.plug("0:1")
    line.unplug("0:5", then_s=GONE_S + 0.4)
    line.plug("0:7")
    line.plug("0:5")
    assert [(card.number, card.name) for card in line.line.state().cards] == [
        (1, "0:5"),
        (2, "0:1"),
        (3, "0:7"),
    ]


def test_the_version_rises_with_each_change_and_not_without(line: TestLine) -> None:
    heard: list[int] = []
    line.line.listen(lambda: heard.append(line.line.state().version))
    line.wait(2)
    assert heard == []
    line.plug("0:1")
    line.wait(2)
    line.scan(PLACE)
    line.run()
    assert heard == sorted(set(heard))
    assert len(heard) == 6
