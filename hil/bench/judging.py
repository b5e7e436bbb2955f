"""Holds what was seen in a scenario against what was expected of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gateway.state import Channel, State
from hil.account import Account, Store
from hil.bench.alarm_judging import judge_alarm, judge_no_alarm
from hil.bench.expectations import (
    AlarmRaised,
    Answers,
    Apart,
    Backlog,
    Between,
    Changes,
    Counted,
    Expectation,
    InServer,
    LostAtMost,
    NoAlarm,
    OthersOk,
    Shown,
    Tracks,
)
from hil.bench.record import Check
from hil.bench.stored import samples_of
from hil.bench.witness import Witness
from hil.server_points import Points, compare

__all__ = ["PROMISES", "Seen", "judge"]

PROMISES = {
    "1": "promise 1, an acknowledged reading is never lost and never stored twice",
    "2": "promise 2, unknown is never shown as good",
    "3": "promise 3, nothing that arrives from outside can harm it",
    "4": "promise 4, it only advises",
    "5": "promise 5, the board runs the same files on the bench and on the locomotive",
    "back": "EN 50155 criterion C, it restarts by itself and loses no significant data",
    "time": "no stored row gets a wrong time silently",
    "heap": "the firmware gives back what it takes of its heap",
    "data": "what the machine does is in the data",
}
"""What a check can break, by the short word that a scenario's file has for it."""

_NOISE_WINDOW_S = 0.05


@dataclass(frozen=True)
class Seen:
    """All that a scenario left: `pictures` of the page, the store, the account, counters; what of
    samples the store tells a server, and what it has."""

    pictures: list[tuple[float, State | None]]
    store: Store
    account: Account
    source: Witness
    utc_start_us: int
    counters: dict[str, int]
    told: Points = field(default_factory=Points)
    served: Points = field(default_factory=Points)


def judge(expected: Expectation, seen: Seen) -> Check:
    """Whether it was so, with what was measured."""
    text, passed, measured, limit, at_s = _JUDGES[type(expected)](expected, seen)
    promise = PROMISES.get(expected.promise, expected.promise)
    return Check(
        text=text, passed=passed, measured=measured, limit=limit, at_s=at_s, promise=promise
    )


Judged = tuple[str, bool, str, str, float | None]


def _shown(expected: Shown, seen: Seen) -> Judged:
    name = f"{expected.quantity} {expected.place}"
    until = "" if expected.until_s is None else f" until {expected.until_s:g} s"
    text = f"the page shows {name} as {expected.quality}{until}"
    limit = f"{expected.within_s:g} s after {expected.after_s:g} s"
    begin_s: float | None = None
    for t_s, channel in _shown_of(seen, expected.quantity, expected.place):
        if t_s < expected.after_s:
            continue
        quality = "nothing" if channel is None else channel.quality
        if quality == expected.quality:
            begin_s = t_s if begin_s is None else begin_s
        elif begin_s is not None and expected.until_s is not None and t_s < expected.until_s:
            return text, False, f"{quality} at {t_s:.1f} s", limit, t_s
        elif begin_s is None and t_s > expected.after_s + expected.within_s:
            return text, False, f"still {quality} at {t_s:.1f} s", limit, t_s
        if begin_s is not None and expected.until_s is None:
            break
    if begin_s is None:
        return text, False, "never", limit, expected.after_s
    delay_s = begin_s - expected.after_s
    passed = delay_s <= expected.within_s + 1e-6
    return text, passed, f"after {delay_s:.1f} s", limit, begin_s


def _others_ok(expected: OthersOk, seen: Seen) -> Judged:
    text = f"no other channel of {expected.node} leaves ok"
    limit = f"{expected.from_s:g} to {expected.to_s:g} s"
    looked = 0
    for t_s, picture in seen.pictures:
        if picture is None or not expected.from_s <= t_s <= expected.to_s:
            continue
        for channel in picture.channels:
            name = f"{channel.quantity} {channel.place}"
            if channel.node != expected.node or name in expected.besides:
                continue
            looked += 1
            if channel.quality != "ok":
                return text, False, f"{name} is {channel.quality} at {t_s:.1f} s", limit, t_s
    return text, looked > 0, f"{looked} looks", limit, None


def _answers(expected: Answers, seen: Seen) -> Judged:
    text = f"the page shows {expected.node} as {expected.status}"
    limit = f"{expected.within_s:g} s after {expected.after_s:g} s"
    for t_s, picture in seen.pictures:
        if t_s < expected.after_s or picture is None:
            continue
        node = next(node for node in picture.nodes if node.name == expected.node)
        if node.status == expected.status:
            delay_s = t_s - expected.after_s
            passed = delay_s <= expected.within_s + 1e-6
            return text, passed, f"after {delay_s:.1f} s", limit, t_s
    return text, False, "never", limit, expected.after_s + expected.within_s


def _tracks(expected: Tracks, seen: Seen) -> Judged:
    name = f"{expected.quantity} {expected.place}"
    text = f"what is stored of {name} is what its sensor saw, {_span(expected)}"
    limit = f"{expected.tolerance:g}"
    t_s, values = _within(expected, seen)
    if not t_s.size:
        return text, False, "nothing is stored", limit, expected.from_s
    around = [
        seen.source.truth(expected.quantity, expected.place, t_s + shift)
        for shift in (-_NOISE_WINDOW_S, 0.0, _NOISE_WINDOW_S)
    ]
    low, high = np.min(around, axis=0), np.max(around, axis=0)
    errors = np.maximum(0.0, np.maximum(low - values, values - high))
    worst = int(errors.argmax())
    passed = bool(errors[worst] <= expected.tolerance)
    measured = f"{t_s.size} samples, at most {errors[worst]:.3g} off"
    return text, passed, measured, limit, float(t_s[worst])


def _between(expected: Between, seen: Seen) -> Judged:
    name = f"{expected.quantity} {expected.place}"
    text = f"the mean of {name}, {_span(expected)}"
    limit = f"{expected.low:g} to {expected.high:g}"
    _, values = _within(expected, seen)
    if not values.size:
        return text, False, "nothing is stored", limit, expected.from_s
    mean = float(values.mean())
    passed = expected.low <= mean <= expected.high
    return text, passed, f"{mean:.4g}", limit, expected.from_s


def _apart(expected: Apart, seen: Seen) -> Judged:
    text = (
        f"{expected.quantity} {expected.place} against {expected.than}, in the mean, "
        f"{_span(expected)}"
    )
    limit = f"{'at least' if expected.least >= 0 else 'at most'} {expected.least:g}"
    _, one = _within(expected, seen)
    _, other = _within(expected, seen, expected.than)
    if not one.size or not other.size:
        return text, False, "nothing is stored", limit, expected.from_s
    apart = float(one.mean() - other.mean())
    passed = apart >= expected.least if expected.least >= 0 else apart <= expected.least
    return text, passed, f"{apart:.4g}", limit, expected.from_s


def _changes(expected: Changes, seen: Seen) -> Judged:
    text = f"{expected.quantity} {expected.place}, {_span(expected)} against before, in the mean"
    limit = f"{'at least' if expected.least >= 0 else 'at most'} {expected.least:g}"
    t_s, values = samples_of(seen.store, expected.quantity, expected.place, seen.utc_start_us)
    before = values[(t_s >= expected.before_from_s) & (t_s <= expected.before_to_s)]
    after = values[(t_s >= expected.from_s) & (t_s <= expected.to_s)]
    if not before.size or not after.size:
        return text, False, "nothing is stored", limit, expected.from_s
    change = float(after.mean() - before.mean())
    passed = change >= expected.least if expected.least >= 0 else change <= expected.least
    return text, passed, f"{change:.4g}", limit, expected.from_s


def _counted(expected: Counted, seen: Seen) -> Judged:
    value = seen.counters.get(expected.counter, 0)
    most = "" if expected.most is None else f", at most {expected.most}"
    passed = value >= expected.least and (expected.most is None or value <= expected.most)
    text = f"{expected.counter} counts it"
    return text, passed, str(value), f"at least {expected.least}{most}", None


def _lost(expected: LostAtMost, seen: Seen) -> Judged:
    lost = seen.account.lost
    passed = expected.least <= lost <= expected.most
    text = "samples lost, each in a named counter"
    return text, passed, str(lost), f"{expected.least} to {expected.most}", None


def _in_server(expected: InServer, seen: Seen) -> Judged:
    text = "each stored sample is on the server once, and nothing else"
    missing, extra = compare(seen.told, seen.served)
    untold = seen.account.stored - seen.told.values + seen.told.same_time
    passed = missing == expected.refused and not extra and not untold and seen.served.count > 0
    measured = f"{missing} of {seen.told.count} missing, {extra} too many"
    measured += f", {untold} have no line of their own" if untold else ""
    return text, passed, measured, f"{expected.refused} missing", None


def _backlog(expected: Backlog, seen: Seen) -> Judged:
    text = f"the page says of the server: {expected.state}"
    text += f", {expected.says}" if expected.says else ""
    limit = f"{expected.within_s:g} s after {expected.after_s:g} s"
    limit += f", at least {expected.least} messages" if expected.least else ""
    last = "nothing"
    for t_s, picture in seen.pictures:
        if picture is None or t_s < expected.after_s:
            continue
        if t_s > expected.after_s + expected.within_s + 1e-6:
            break
        forward = picture.forward
        last = f"{forward.state}, {forward.backlog_messages} messages, {forward.error or ''}"
        is_told = forward.state == expected.state and expected.says in (forward.error or "")
        if is_told and forward.backlog_messages >= expected.least:
            messages = f"{forward.backlog_messages} messages"
            return text, True, f"after {t_s - expected.after_s:.1f} s, {messages}", limit, t_s
    return text, False, last, limit, expected.after_s + expected.within_s


_JUDGES: dict[type, Callable[..., Judged]] = {
    Shown: _shown,
    OthersOk: _others_ok,
    Answers: _answers,
    Tracks: _tracks,
    Between: _between,
    Apart: _apart,
    Changes: _changes,
    Counted: _counted,
    LostAtMost: _lost,
    AlarmRaised: lambda expected, seen: judge_alarm(expected, seen.pictures),
    NoAlarm: lambda expected, seen: judge_no_alarm(expected, seen.pictures),
    InServer: _in_server,
    Backlog: _backlog,
}


def _span(expected: Tracks | Between | Apart | Changes) -> str:
    return f"{expected.from_s:g} to {expected.to_s:g} s"


def _within(
    expected: Tracks | Between | Apart, seen: Seen, place: str = ""
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    t_s, values = samples_of(
        seen.store, expected.quantity, place or expected.place, seen.utc_start_us
    )
    inside = (t_s >= expected.from_s) & (t_s <= expected.to_s)
    return t_s[inside], values[inside]


def _shown_of(seen: Seen, quantity: str, place: str) -> Iterator[tuple[float, Channel | None]]:
    for t_s, picture in seen.pictures:
        if picture is None:
            continue
        yield (
            t_s,
            next(
                (c for c in picture.channels if (c.quantity, c.place) == (quantity, place)), None
            ),
        )
