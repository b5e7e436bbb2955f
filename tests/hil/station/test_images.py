"""Each mistake in the folder of images is told with one thing to do: at the terminal, in the docs,
and on the line's page in three languages."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from board_line import BoardLine
from crew_page.chromium import open_chromium
from line_served import ServedLine
from playwright.sync_api import Browser, expect
from station_boards import list_images, pico_image, plugged
from typer.testing import CliRunner

from hil.station.cli import app
from hil.station.errors import StationError
from hil.station.images import LIST
from hil.station.line_terminal import what_to_do
from hil.station.line_texts import LANGUAGES, text
from hil.virtual_board import VirtualBoard

PLACE = "TE33A-0123/brakes-a"
DOCUMENT = Path(__file__).parents[3] / "docs" / "station.md"


def changed(**change: object) -> Callable[[Path], object]:
    return lambda folder: list_images(folder, {**pico_image(), **change})


def listing(old: str, new: str) -> Callable[[Path], object]:
    """A right folder, in whose list the first such words are others."""

    def make(folder: Path) -> None:
        path = list_images(folder, pico_image()) / LIST
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))

    return make


def without_file(folder: Path) -> None:
    list_images(folder, pico_image())
    (folder / pico_image()["file"]).unlink()


MISTAKES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "no folder": (lambda folder: folder.rmdir(), "images_folder", "there is no list of images"),
    "no list": (lambda folder: None, "images_folder", "there is no list of images"),
    "no TOML": (listing("[[image]]", "[[image"), "images_list", "Correct the list of images"),
    "a key too many": (listing("chip", "chips"), "images_list", "Correct the list of images"),
    "no version": (listing('1.28.0"\ns', '1.28-x"\ns'), "images_list", "micropython is a version"),
    "no sum": (changed(sha256="9c0f..."), "images_list", "sha256 is not 64 hex digits"),
    "chip of the list": (changed(chip="ESP32"), "images_list", "is for ESP32, but"),
    "no image for it": (changed(board="pico_w"), "no_image", "has no image for"),
    "no file": (without_file, "image_missing", "lists it"),
    "another file": (changed(sha256="00" * 32), "image_differs", "its SHA-256 differs"),
    "cut short": (changed(content=pico_image()["content"][:-512]), "wrong_image", "no image that"),
    "chip of the file": (
        changed(content=pico_image(family=0xE48BFF59)["content"]),
        "wrong_image",
        "is an image for",
    ),
}


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    path = os.environ.get("AXLEBOX_CHROMIUM") or request.getfixturevalue("chromium")
    with open_chromium(path) as browser:
        yield browser


@pytest.fixture(scope="module")
def depot(tmp_path_factory: pytest.TempPathFactory) -> BoardLine:
    folder = tmp_path_factory.mktemp("depot")
    return BoardLine(folder, folder / "images")


@pytest.fixture(scope="module")
def board(depot: BoardLine) -> Iterator[VirtualBoard]:
    with plugged(depot.folder, version="1.20.0") as made:
        yield made


@pytest.fixture
def images(depot: BoardLine) -> Path:
    folder = depot.folder / "images"
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    return folder


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_folder_is_told_in_every_language_and_no_board_is_touched(
    depot: BoardLine, board: VirtualBoard, images: Path, browser: Browser, name: str
) -> None:
    make, code, words = MISTAKES[name]
    make(images)
    with pytest.raises(StationError) as told:
        CliRunner().invoke(
            app,
            ["flash", "--slot", str(board.link), "--images", str(images)],
            catch_exceptions=False,
        )
    assert words in str(told.value)
    assert str(images) in str(told.value)
    assert told.value.what_to_do
    depot.forget()
    card = depot.through(PLACE)
    assert (card.phase, card.code) == ("fail", code), card.text
    served = ServedLine(depot)
    try:
        tab = browser.new_page(locale="en-GB")
        tab.goto(served.url)
        expect(tab.locator("#cover")).to_be_hidden()
        for language in ("en", "kk", "ru"):
            expect(tab.locator("html")).to_have_attribute("lang", language)
            expect(tab.locator(".card .do")).to_have_text(text(f"error.{code}", language))
            expect(tab.locator(".card .more")).to_have_text(str(told.value))
            tab.keyboard.press("F2")
        tab.close()
    finally:
        served.stop()
    shown = [what_to_do(card, language) for language in LANGUAGES]
    assert shown == [text(f"error.{code}", language) for language in LANGUAGES]
    assert len({*shown, text("error.other", "en")}) == 4
    assert not board.resets
    assert board.version == "1.20.0"


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_folder_is_in_the_docs(name: str) -> None:
    _, code, words = MISTAKES[name]
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if words in line]
    assert [row for row in rows if text(f"error.{code}", "en") in row], (words, code)


@pytest.mark.parametrize("name", ["no folder", "no list", "no TOML"])
def test_the_line_does_not_begin_without_a_list(images: Path, name: str) -> None:
    MISTAKES[name][0](images)
    with pytest.raises(StationError, match=LIST):
        CliRunner().invoke(app, ["run", "--usb", "--images", str(images)], catch_exceptions=False)
