"""What is scanned or typed at the line, and what it means.

    TE33A-0123/motors-a                     the place that a board is to have
    axlebox:TE33A-0123/motors-a?id=...      the same, from the code of a board's label (label.py)
    2, slot:2, slot:0:2.1                   the slot that the next place is for
    (nothing)                               no slot in particular

A scanner is a keyboard: it types keys, and the machine takes them for letters of the layout that
is chosen. So what arrives in Cyrillic is read by the keys that were pressed.
"""

import re
from dataclasses import dataclass

__all__ = ["SCAN_CAP", "Place", "SlotCall", "read_scan"]

SCAN_CAP = 300
"""Characters; a label's code has about 90."""


@dataclass(frozen=True)
class Place:
    """A node of a locomotive."""

    locomotive: str
    node: str

    def __str__(self) -> str:
        return f"{self.locomotive}/{self.node}"


@dataclass(frozen=True)
class SlotCall:
    """A slot, by its number at this line or by an end of its name; empty: none."""

    slot: str


_PLACE = re.compile(
    r"(?:axlebox:)?(?P<locomotive>[a-z0-9._-]{1,40})/(?P<node>[a-z0-9][a-z0-9-]*)(?:\?.*)?",
    re.IGNORECASE,
)
_SLOT = re.compile(r"slot:(?P<named>[\w.:-]+)|(?P<number>\d{1,2})|", re.IGNORECASE)

_LATIN = """`qwertyuiop[]asdfghjkl;'zxcvbnm,.~QWERTYUIOP{}ASDFGHJKL:"ZXCVBNM<>"""
_LETTERS = "ёйцукенгшщзхъфывапролджэячсмитьбюЁЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮ"
_RUSSIAN = str.maketrans(_LETTERS + '.,"№;:?', _LATIN + "/?@#$^&")
_KAZAKH = str.maketrans(
    _LETTERS + '"әіңғ,.үұқөһ№?!ӘІҢҒ;:ҮҰҚӨҺ', _LATIN + "1234567890-=/?!@#$%^&*()_+"
)
"""By key: the Russian and the Kazakh layout, the American one (xkeyboard-config: symbols ru, kz,
us)."""

_CYRILLIC = re.compile("[А-Яа-яЁё]")
_ONLY_KAZAKH = re.compile("[ӘәІіҢңҒғҮүҰұҚқӨөҺһ]")


def read_scan(text: str) -> Place | SlotCall | None:
    """What it means; None: nothing. A locomotive is read in capitals and a node in small letters,
    whatever the keyboard's lock, so that no place has two names."""
    text = _as_keys(text[:SCAN_CAP].strip())
    found = _PLACE.fullmatch(text)
    if found:
        return Place(found["locomotive"].upper(), found["node"].lower())
    found = _SLOT.fullmatch(text)
    return SlotCall(found["named"] or found["number"] or "") if found else None


def _as_keys(text: str) -> str:
    if _ONLY_KAZAKH.search(text):
        return text.translate(_KAZAKH)
    return text.translate(_RUSSIAN) if _CYRILLIC.search(text) else text
