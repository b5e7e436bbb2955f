"""The diagrams of docs/wiring.md are what the board files and the profile say now."""

import re
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from gateway.profiles import load_profile
from hil.boards import board_names, load_board
from hil.fitting import fit_node
from hil.wiring_diagram import PROFILE, diagram

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("board", board_names())
def test_the_diagram_in_the_documents_is_drawn_from_the_files_of_today(board: str) -> None:
    drawn = (DOCS / "wiring" / f"{board}.svg").read_text(encoding="utf-8")
    assert drawn == diagram(load_board(board), load_profile(PROFILE)), (
        "draw it again: python -m hil.wiring_diagram"
    )


@pytest.mark.parametrize("board", board_names())
def test_the_document_shows_every_board(board: str) -> None:
    text = (DOCS / "wiring.md").read_text(encoding="utf-8")
    assert f"](wiring/{board}.svg)" in text


def test_no_other_diagram_is_left() -> None:
    assert sorted(path.stem for path in (DOCS / "wiring").iterdir()) == board_names()


@pytest.mark.parametrize("name", board_names())
def test_a_diagram_shows_every_contact_chip_and_channel(name: str) -> None:
    board = load_board(name)
    root = ElementTree.fromstring(diagram(board, load_profile(PROFILE)))
    words = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
    for entry in (*board.header.left, *board.header.right):
        assert (board.name(entry) if isinstance(entry, int) else entry) in words
    for fit in load_profile(PROFILE).nodes:
        fitted = fit_node(msgspec.structs.replace(fit, board=name), "", 0).configuration
        for chip in fitted["chips"]:
            assert chip["name"] in words
            if "cs" in chip:
                assert f"SPI {chip['spi']}, CS to {board.name(chip['cs'])}" in words
        for group in fitted["groups"]:
            for channel in group["channels"]:
                what = channel["quantity"].rpartition(".")[2].replace("_", " ")
                assert any(one.endswith(f"{channel['place']}: {what}") for one in words)


@pytest.mark.parametrize("name", board_names())
def test_no_words_run_out_of_a_diagram(name: str) -> None:
    """At 0.62 of its size for a letter, which a bold sans-serif does not exceed on average."""
    root = ElementTree.fromstring(diagram(load_board(name), load_profile(PROFILE)))
    width = int(root.attrib["width"])
    for element in root.iter("{http://www.w3.org/2000/svg}text"):
        x, size = int(element.attrib["x"]), int(element.attrib["font-size"])
        run = 0.62 * size * len(element.text or "")
        begin = {"start": x, "middle": x - run / 2, "end": x - run}[element.attrib["text-anchor"]]
        assert begin >= 0, element.text
        assert begin + run <= width, element.text


def test_another_pin_changes_the_diagram() -> None:
    board = load_board("pico")
    moved = msgspec.structs.replace(
        board, wiring=msgspec.structs.replace(board.wiring, pulses=[3, 11, 12, 13, 14, 15])
    )
    before, after = (diagram(one, load_profile(PROFILE)) for one in (board, moved))
    assert re.findall(">free<", before) == re.findall(">free<", after)
    assert before != after
