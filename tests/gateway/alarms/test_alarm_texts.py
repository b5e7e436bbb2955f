"""Every rule says in three languages what it is, what it means and what to do."""

import pytest

from gateway.alarms.rulebook import load_rules
from gateway.alarms.texts import ALARM_WORDS, TITLE_CHARACTERS
from gateway.profiles import load_profile, profile_names

LANGUAGES = ("kk", "ru", "en")
KAZAKH = set("әғқңөұүһі")


@pytest.mark.parametrize("rule", ALARM_WORDS)
def test_the_words_are_complete(rule: str) -> None:
    words = ALARM_WORDS[rule]
    for text in (words.title, words.meaning, words.action):
        said = [getattr(text, language).strip() for language in LANGUAGES]
        assert all(said), rule
        assert len(set(said)) == len(LANGUAGES), f"{rule}: one language repeats another"
        assert said[2].isascii(), said[2]
        assert not KAZAKH & set(said[1].lower()), f"{rule}: the Russian text is Kazakh"
    for language in LANGUAGES:
        title = getattr(words.title, language)
        assert len(title) <= TITLE_CHARACTERS, title
    for text in (words.meaning, words.action):
        assert all(getattr(text, language).endswith(".") for language in LANGUAGES), rule


def test_every_rule_of_every_class_has_words_and_no_words_are_left_over() -> None:
    used = {
        one.rule.id
        for name in profile_names()
        for one in load_rules(load_profile(name))
        if not one.rule.sign
    }
    assert used == set(ALARM_WORDS)


def test_no_code_is_used_twice() -> None:
    codes = [words.code for words in ALARM_WORDS.values()]
    assert len(set(codes)) == len(codes)
