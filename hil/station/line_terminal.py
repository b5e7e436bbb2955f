"""The line in a terminal: a panel a slot, and a line for what is scanned.

A scanner is a keyboard that types and presses Enter, so what is typed is taken letter by letter
while the panels are drawn anew.
"""

import codecs
import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.text import Text

from hil.station.line import Line
from hil.station.line_state import ASKS, FAIL, PASS, QUEUED, WORKS, Card, LineState, Notice
from hil.station.line_texts import LANGUAGES, text
from hil.station.scan import SCAN_CAP

__all__ = ["Typing", "picture", "show_line"]

_LOOK_S = 0.2
_WIDTH = 38
_STYLES = {
    ASKS: "bold",
    QUEUED: "dim",
    WORKS: "cyan",
    PASS: "bold white on green",
    FAIL: "bold white on red",
}
_SIGNS = {ASKS: "○", QUEUED: "◆", WORKS: "■", PASS: "●", FAIL: "✖"}
_ERASE = "\x7f\b"


class Typing:
    """What is being typed, and in which language the line speaks."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.buffer = ""

    def take(self, typed: str) -> Iterator[str]:
        """The scans that these keys bring to their end."""
        for letter in typed:
            if letter in "\r\n":
                whole, self.buffer = self.buffer, ""
                if whole.strip().lower() in LANGUAGES:
                    self.language = whole.strip().lower()
                else:
                    yield whole
            elif letter in _ERASE:
                self.buffer = self.buffer[:-1]
            elif letter.isprintable():
                self.buffer = (self.buffer + letter)[:SCAN_CAP]


def show_line(line: Line, language: str, console: Console) -> None:
    """Show the line and take scans from this terminal, until Ctrl-C or its end."""
    typing = Typing(language)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    keys = sys.stdin.fileno()
    with _letter_by_letter(keys), Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(picture(line.state(), typing.language, typing.buffer), refresh=True)
            if not select.select([keys], [], [], _LOOK_S)[0]:
                continue
            data = os.read(keys, 1024)
            if not data:
                return
            for scanned in typing.take(decoder.decode(data)):
                line.scan(scanned)


def picture(state: LineState, language: str, typed: str) -> RenderableType:
    """The line as it is, with what is typed so far."""
    panels: list[RenderableType] = [_panel(card, language) for card in state.cards]
    if not panels:
        panels = [Panel(Text(text("empty", language), style="bold"), width=_WIDTH)]
    title = Text.assemble(
        (text("title", language), "bold"),
        ("   ● ", "green"),
        f"{state.passed} {text('phase.pass', language)}",
        ("   ✖ ", "red"),
        f"{state.failed} {text('phase.fail', language)}",
    )
    prompt = Text.assemble((f"{text('scan.ask', language)}: ", "bold"), typed, ("█", "blink"))
    keys = Text(text("keys", language), style="dim")
    return Group(title, Columns(panels), prompt, _notice(state.notice, language), keys)


def _notice(notice: Notice | None, language: str) -> Text:
    if notice is None:
        return Text()
    parts = [text(notice.key, language), notice.place]
    parts += [text("slot", language, notice.slot)] if notice.slot else []
    told = " · ".join(part for part in (*parts, notice.text) if part)
    return Text(told, style="green" if notice.good else "bold red")


def _panel(card: Card, language: str) -> Panel:
    said = Text(f"{_SIGNS[card.phase]} {text(f'phase.{card.phase}', language)}", style="bold")
    inside: list[RenderableType] = [said, Text(what_to_do(card, language))]
    if card.phase == WORKS:
        inside.append(ProgressBar(total=1, completed=card.share, width=_WIDTH - 4))
    if card.phase == FAIL:
        told = [part for part in (card.text, card.what_to_do) if part]
        inside.append(Text(". ".join(told), style="not bold"))
    return Panel(
        Group(*inside),
        title=f"{card.number} {card.place}".strip(),
        subtitle=card.name,
        style=_STYLES[card.phase],
        border_style="bold yellow" if card.next else "",
        width=_WIDTH,
    )


def what_to_do(card: Card, language: str) -> str:
    """The one thing that a card says to do, or what is being done."""
    if card.phase == WORKS and card.absent:
        return text("absent", language)
    if card.phase == WORKS:
        return text(f"step.{card.step}", language) if card.step else ""
    if card.phase == ASKS:
        return text("next", language) if card.next else ""
    if card.phase == PASS:
        return text("pass.do", language)
    if card.phase == FAIL:
        return text(f"error.{card.code}", language)
    return ""


@contextmanager
def _letter_by_letter(keys: int) -> Iterator[None]:
    """The terminal gives each key at once and does not show it; Ctrl-C still ends."""
    if not os.isatty(keys):
        yield
        return
    before = termios.tcgetattr(keys)
    tty.setcbreak(keys)
    try:
        yield
    finally:
        termios.tcsetattr(keys, termios.TCSADRAIN, before)
