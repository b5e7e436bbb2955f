"""What a crew is told of each alarm: one entry a shipped rule, in every language.

A title has about 28 characters on the panel; a code is what is said on the radio.
"""

from gateway.alarms.rules import Words
from gateway.alarms.texts import air, running_gear, sensors

__all__ = ["ALARM_WORDS", "TITLE_CHARACTERS"]

TITLE_CHARACTERS = 28

ALARM_WORDS: dict[str, Words] = sensors.WORDS | running_gear.WORDS | air.WORDS
"""By the rule's id."""
