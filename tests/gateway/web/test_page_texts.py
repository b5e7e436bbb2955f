"""The page speaks three languages, and none of them has a hole."""

import re
from importlib.resources import files
from typing import get_args

import pytest
from axwire.quantities import BY_NAME

from gateway.state import ForwardState, NodeStatus, Quality
from gateway.update.progress import Cause, NodeStep
from gateway.web.page import preferred_language
from gateway.web.texts import LANGUAGES, TEXTS, as_module, text

PLACEHOLDER = re.compile(r"\{[a-z]*\}")
LOOKUP = re.compile(r"""\bt\("([a-z.]+)"[,)]""")


def test_every_text_is_there_in_each_language() -> None:
    for key, entry in TEXTS.items():
        if key != "unit.1":
            assert all(part.strip() for part in entry), key
        assert len({tuple(PLACEHOLDER.findall(part)) for part in entry}) == 1, key


def test_russian_and_kazakh_are_not_left_in_english() -> None:
    latin = re.compile("[A-Za-z]{4,}")
    for key, entry in TEXTS.items():
        for part in (entry.kk, entry.ru):
            words = latin.findall(PLACEHOLDER.sub("", part))
            assert set(words) <= {"JavaScript"}, (key, part)


def test_every_quantity_unit_and_state_has_its_words() -> None:
    keys = {f"{form}.{name}" for form in ("short", "full") for name in BY_NAME}
    keys |= {f"unit.{quantity.unit}" for quantity in BY_NAME.values()}
    keys |= {f"node.{status}" for status in get_args(NodeStatus)}
    keys |= {f"forward.{state}" for state in get_args(ForwardState)}
    keys |= {f"update.{step}" for step in get_args(NodeStep)}
    keys |= {f"why.{cause}" for cause in get_args(Cause) if cause}
    keys |= {f"{form}.{word}" for form in ("quality", "long") for word in get_args(Quality)}
    assert keys - TEXTS.keys() == set()


def test_every_text_that_scripts_and_template_ask_for_exists() -> None:
    web = files("gateway.web")
    sources = [*web.joinpath("static").iterdir(), web.joinpath("templates/page.html")]
    asked = {key for file in sources for key in LOOKUP.findall(file.read_text())}
    assert {"banner.connecting", "link", "losses"} <= asked
    assert asked - TEXTS.keys() == set()


def test_a_quantity_without_words_keeps_its_name() -> None:
    assert text("short.gearbox.oil_level", "kk") == "gearbox.oil_level"


def test_the_browsers_module_holds_the_same_table() -> None:
    module = as_module().decode()
    assert module.startswith('export const LANGUAGES = ["kk", "ru", "en"];\n')
    assert '"link":["байланыс","связь","link"]' in module


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "kk"),
        ("de", "kk"),
        ("en-GB,en;q=0.9", "en"),
        ("de,en;q=0.4,ru;q=0.7", "ru"),
        ("ru;q=0,en;q=0.1", "en"),
        ("kk-KZ, ru", "kk"),
        ("ru;q=banana,en;q=0.2", "en"),
        (";;;,,,q=1", "kk"),
        ("ru;q=0.3," * 5000, "ru"),
    ],
)
def test_the_first_language_is_the_readers(accept: str, language: str) -> None:
    assert preferred_language(accept) == language
    assert language in LANGUAGES
