"""The page's frame: what a browser gets before its first event, and all it gets without script."""

from collections.abc import Mapping
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from gateway.alarms.rules import Words
from gateway.state import Alarm, Channel, State
from gateway.web.assets import Assets
from gateway.web.events import Frame
from gateway.web.texts import LANGUAGES, TEXTS, text

__all__ = ["Page", "preferred_language"]


_DASH = "\u2013"
_BEFORE_PAINT = "mode.js"
"""A script and no module: it runs at once."""


class PlainRow(NamedTuple):
    """One channel in the table for browsers without script."""

    place: str
    quantity: str
    value: str
    quality: str
    ok: bool
    age: str


class PlainAlarm(NamedTuple):
    """One alarm above that table."""

    code: str
    title: str
    place: str
    action: str


class Page:
    """Renders the page once per picture and language; every other request gets the same bytes."""

    def __init__(self, assets: Assets, words: Mapping[str, Words]) -> None:
        environment = Environment(
            loader=PackageLoader("gateway.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._template = environment.get_template("page.html")
        self._digest = assets.digest
        self._modules = sorted(name for name in assets.bodies if name.endswith(".js"))
        self._modules.remove(_BEFORE_PAINT)
        self._words = words
        self._rendered: dict[str, tuple[Frame[State], bytes]] = {}

    def respond(self, frame: Frame[State], request: Request) -> Response:
        """The page for what this browser says its user reads."""
        language = preferred_language(request.headers.get("accept-language", ""))
        done = self._rendered.get(language)
        if done is None or done[0] is not frame:
            done = (frame, self._render(frame.state, language).encode())
            self._rendered[language] = done
        headers = {
            "content-type": "text/html; charset=utf-8",
            "content-language": language,
            "cache-control": "no-store",
            "vary": "accept-language",
        }
        return Response(done[1], headers=headers)

    def _render(self, state: State, language: str) -> str:
        seconds = state.now_ms // 1000 % 86_400
        time = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        if not state.clock_trusted:
            time = text("clock.unset", language)
        return self._template.render(
            state=state,
            language=language,
            assets=f"/static/{self._digest}",
            digest=self._digest,
            modules=self._modules,
            t=lambda key: text(key, language),
            time=time,
            alarms=[self._plain_alarm(alarm, language) for alarm in state.alarms],
            rows=[_plain_row(channel, language) for channel in state.channels],
            age=lambda age_ms: _age(age_ms, language),
        )

    def _plain_alarm(self, alarm: Alarm, language: str) -> PlainAlarm:
        words = self._words.get(alarm.rule)
        title = getattr(words.title, language) if words else alarm.rule
        action = getattr(words.action, language) if words else ""
        return PlainAlarm(alarm.code, title, _place(alarm.place, language), action)


def preferred_language(accept: str) -> str:
    """The supported language that an Accept-Language header likes best, else the first of ours."""
    best, best_weight = LANGUAGES[0], 0.0
    for item in accept.split(",")[:20]:
        tag, _, parameter = item.partition(";")
        name = tag.strip().lower().partition("-")[0]
        weight = _weight(parameter)
        if name in LANGUAGES and weight > best_weight:
            best, best_weight = name, weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return min(float(value), 1.0)
    except ValueError:
        return 0.0


def _plain_row(channel: Channel, language: str) -> PlainRow:
    ok = channel.quality == "ok" and channel.value is not None
    unit = text(f"unit.{channel.unit}", language)
    value = f"{channel.value:.{channel.decimals or 0}f} {unit}" if ok else _DASH
    return PlainRow(
        place=_place(channel.place, language),
        quantity=text(f"full.{channel.quantity}", language),
        value=value.replace("-", "\u2212").replace(".", "." if language == "en" else ","),
        quality=text(f"quality.{channel.quality}", language),
        ok=ok,
        age=_age(channel.age_ms, language),
    )


def _place(place: str, language: str) -> str:
    words = place.split()
    if not words or f"place.{words[0]}" not in TEXTS:
        return place
    number = words[1] if len(words) > 1 else ""
    sides = [text(f"place.{word}", language) for word in words[2:]]
    return " ".join([text(f"place.{words[0]}", language).format(n=number), *sides])


def _age(age_ms: int | None, language: str) -> str:
    if age_ms is None:
        return _DASH
    seconds = age_ms // 1000
    for key, unit_s, below_s in (("s", 1, 60), ("min", 60, 3600), ("h", 3600, 86_400)):
        if seconds < below_s:
            key = "now" if seconds < 1 else key
            return text(f"age.{key}", language).format(n=seconds // unit_s)
    return text("age.d", language).format(n=seconds // 86_400)
