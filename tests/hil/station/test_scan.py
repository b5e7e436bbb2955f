"""What a scanner types is read as it was meant."""

import pytest

from hil.station.label import Label
from hil.station.scan import Place, SlotCall, read_scan

PLACE = Place("TE33A-0123", "motors-a")


@pytest.mark.parametrize(
    "text",
    [
        "TE33A-0123/motors-a",
        "  te33a-0123/MOTORS-A\n",
        "axlebox:TE33A-0123/motors-a?id=e6614103e7174a2f&fw=0.1.0&on=2026-11-29",
        "ЕУ33Ф-0123.ьщещкы-ф",
        'ЕУііФөқ"әі№ьщещкыөф',
    ],
)
def test_a_place_is_read_whatever_the_keyboard_is_set_to(text: str) -> None:
    assert read_scan(text) == PLACE


def test_the_code_of_a_label_is_a_place() -> None:
    label = Label("TE33A-0123", "motors-a", "motor 1-3", "e6614103e7174a2f", "0.1.0", "2026-11-29")
    assert read_scan(label.code) == PLACE


@pytest.mark.parametrize(
    ("text", "slot"),
    [("2", "2"), ("12", "12"), ("slot:2", "2"), ("slot:0:2.1", "0:2.1"), ("", ""), (" \n", "")],
)
def test_a_slot_is_named(text: str, slot: str) -> None:
    assert read_scan(text) == SlotCall(slot)


@pytest.mark.parametrize(
    "text", ["hello", "TE33A-0123", "a/b/c", "https://example.org/", "123", "TE33A 0123/m", "/m"]
)
def test_anything_else_means_nothing(text: str) -> None:
    assert read_scan(text) is None
