"""The doctor on what a gateway complains of."""

from typing import Any

import pytest
from crew_page.live_picture import alarm, te33a
from crew_page.served_page import WORDS

from gateway.doctor.complaints import look_at_complaints
from gateway.doctor.finding import Finding
from gateway.doctor.running import Running

from .conftest import told

FIRMWARE = (
    "give that node the firmware of this version; `axlebox spool cat --kind quarantine` shows "
    "which it is"
)
NOISE = "a few are normal; if they rise, look at cable, shield, ground and baud rate"


def looked(
    *reasons: str, said: tuple[Finding, ...] = (), **state: Any
) -> list[tuple[str, str, str]]:
    running = Running(te33a(**({"refused": {}} | state)), reasons, words=WORDS)
    return told(look_at_complaints(running, said))


def test_nothing_to_complain_of() -> None:
    assert looked() == []
    assert told(look_at_complaints(None, ())) == []


def test_an_alarm_of_the_system_is_told_in_the_words_of_its_rule() -> None:
    words = WORDS["link-silent"]
    assert looked(alarms=(alarm("link-silent", "motors-a"),)) == [
        (
            "wrong",
            f"alarm {words.code} at motors-a, unacknowledged: {words.title.en}",
            words.action.en,
        )
    ]
    over = alarm("link-silent", "motors-a", state="returned")
    assert looked(alarms=(over,))[0][0] == "note"


def test_alarms_that_others_tell_of_are_not_told_again() -> None:
    alarms = (alarm("node-silent", "motors-a"), alarm("axlebox-hot", "axle 2 left"))
    assert looked(alarms=alarms) == []


def test_alarms_of_sensors_are_counted() -> None:
    alarms = (alarm("sensor-fault", "axle 1"), alarm("sensor-frozen", "axle 2"))
    assert looked(alarms=alarms) == [
        ("note", "alarms about sensors: 2", "the crew page lists them, with what to do")
    ]


@pytest.mark.parametrize(
    ("reason", "level", "what", "advice"),
    [
        (
            "bad_mac",
            "wrong",
            "messages came with a seal that no key here fits",
            "compare the node's key file with what its board was provisioned with; else it is a "
            "stranger",
        ),
        (
            "unknown_node",
            "wrong",
            "messages came from a node without a key here",
            "add it to [[nodes]], or look who is on the line",
        ),
        (
            "message",
            "wrong",
            "messages of a node make no sense, as those of another wire protocol would",
            FIRMWARE,
        ),
        ("cbor", "wrong", "messages of a node cannot be decoded", FIRMWARE),
        (
            "internal_error",
            "wrong",
            "messages the gateway failed over",
            "this is a defect: send its log to whoever keeps axlebox",
        ),
        (
            "envelope",
            "note",
            "messages were none of this protocol",
            "look for another program on the line, or a board with other firmware",
        ),
        ("crc", "note", "frames came damaged", NOISE),
        ("cobs", "note", "frames came without their form", NOISE),
        ("too_long", "note", "frames were too long", NOISE),
    ],
)
def test_messages_that_were_refused(reason: str, level: str, what: str, advice: str) -> None:
    found = looked(refused={reason: 7, "repeated": 3})
    assert found == [(level, f"{what} since the gateway started: 7", advice)]


def test_what_no_other_check_told_of_is_told() -> None:
    said = (Finding(level="wrong", part="store", what="the disk is full", advice="free space"),)
    assert looked(
        "the disk is full: free space",
        "node motors-a is silent",
        "the clock is not set by any time source: times are estimates; look",
        "the socket for commands, /x, cannot be made: it is there; name another",
        said=said,
    ) == [
        (
            "wrong",
            "the socket for commands, /x, cannot be made: it is there",
            "name another",
        )
    ]
