"""What can be measured of a page as it is drawn: sizes, contrast, overlaps (inspection.js), room
(room.js)."""

import itertools
import re
from pathlib import Path

import crew_page
import msgspec
from playwright.sync_api import Page

_FOLDER = Path(next(iter(crew_page.__path__)))
INSPECTION = (_FOLDER / "inspection.js").read_text()
ROOM = (_FOLDER / "room.js").read_text()


class Text(msgspec.Struct):
    """One piece of text as drawn; rectangles are left, top, right, bottom."""

    text: str
    part: str
    size: float
    colour: str
    ground: str
    rect: tuple[float, float, float, float]
    box: tuple[float, float, float, float]
    shortened: bool

    @property
    def ink(self) -> tuple[float, float, float, float]:
        """The rectangle that capitals and digits fill: lines may lie closer than their boxes."""
        left, top, right, bottom = self.rect
        middle = (top + bottom) / 2
        return left, middle - 0.34 * self.size, right, middle + 0.34 * self.size

    @property
    def contrast(self) -> float:
        return contrast(self.colour, self.ground)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2 of two colours as CSS computes them."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(part)) for part in re.findall(r"\d+", colour)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def inspect(tab: Page) -> list[Text]:
    found = msgspec.convert(tab.evaluate(INSPECTION), list[Text])
    assert found
    return found


def overlaps(one: Text, other: Text) -> bool:
    (a, b, c, d), (e, f, g, h) = one.ink, other.ink
    return min(c, g) - max(a, e) > 0.5 and min(d, h) - max(b, f) > 0.5


def faults_of_layout(texts: list[Text]) -> list[str]:
    found = [f"shortened: {text.text}" for text in texts if text.shortened]
    for text in texts:
        (left, top, right, bottom), box = text.ink, text.box
        inside = (
            left >= box[0] - 0.5
            and top >= box[1] - 0.5
            and right <= box[2] + 0.5
            and bottom <= box[3] + 0.5
        )
        if not inside:
            found.append(f"outside its box: {text.text} {text.ink} {text.box}")
    found += [
        f"overlap: {one.text} and {other.text}"
        for one, other in itertools.combinations(texts, 2)
        if overlaps(one, other)
    ]
    return found


class Room(msgspec.Struct):
    """How much room some parts have (room.js): px, and shares of a letter for `labels`."""

    header: list[tuple[float, str]]
    labels: list[tuple[float, float, float]]
    marked: list[float]
    strip: list[float]

    @property
    def header_lines(self) -> list[set[str]]:
        """What stands in each line of the bar, from above."""
        middles = sorted({round(middle / 4) for middle, _ in self.header})
        return [{id for at, id in self.header if round(at / 4) == middle} for middle in middles]


def room(tab: Page) -> Room:
    return msgspec.convert(tab.evaluate(ROOM), Room)


def scrolls(tab: Page) -> tuple[bool, bool]:
    across, down = tab.evaluate(
        "(({scrollWidth, scrollHeight}) => [scrollWidth - innerWidth, scrollHeight - innerHeight])"
        "(document.documentElement)"
    )
    return across > 0, down > 0
