"""Holds the alarms that the page showed against what was expected of them, with the delay."""

from collections.abc import Iterator, Sequence

from gateway.state import Alarm, State
from hil.bench.expectations import AlarmRaised, NoAlarm

__all__ = ["judge_alarm", "judge_no_alarm"]

Pictures = Sequence[tuple[float, State | None]]
Judged = tuple[str, bool, str, str, float | None]


def judge_alarm(expected: AlarmRaised, pictures: Pictures) -> Judged:
    where = f" at {expected.place}" if expected.place else ""
    text = f"the alarm {expected.rule}{where} is raised"
    limit = f"{expected.within_s:g} s after {expected.after_s:g} s"
    limit += "" if expected.priority is None else f", {expected.priority}"
    limit += "" if expected.over_s is None else f", over {expected.over_s:g} s later"
    shown = [(t_s, alarm) for t_s, alarm in _alarms(pictures) if _is_meant(alarm, expected)]
    if not shown:
        return text, False, "never", limit, expected.after_s + expected.within_s
    raised_s, alarm = shown[0]
    delay_s = raised_s - expected.after_s
    measured = f"after {delay_s:.1f} s, {alarm.priority}"
    if alarm.value is not None:
        measured += f", {alarm.value:.4g} {alarm.unit}"
    passed = 0 <= delay_s <= expected.within_s + 1e-6
    passed = passed and expected.priority in (None, alarm.priority)
    if expected.over_s is not None:
        over_s = next((t_s for t_s, one in shown if one.returned_ms is not None), None)
        measured += ", never over" if over_s is None else f", over {over_s - raised_s:.1f} s later"
        passed = passed and over_s is not None and over_s - raised_s <= expected.over_s + 1e-6
    return text, passed, measured, limit, raised_s


def judge_no_alarm(expected: NoAlarm, pictures: Pictures) -> Judged:
    what = ", ".join(expected.rules) or f"any rule of priority {', '.join(expected.priorities)}"
    text = f"there is no alarm of {what}"
    text += f" besides {', '.join(expected.besides)}" if expected.besides else ""
    limit = f"{expected.from_s:g} to {expected.to_s:g} s"
    within = [
        (t_s, picture)
        for t_s, picture in pictures
        if picture is not None and expected.from_s <= t_s <= expected.to_s
    ]
    for t_s, alarm in _alarms(within):
        if alarm.rule in expected.besides or alarm.priority not in expected.priorities:
            continue
        if not expected.rules or alarm.rule in expected.rules:
            return text, False, f"{alarm.id} at {t_s:.1f} s", limit, t_s
    return text, len(within) > 0, f"{len(within)} looks", limit, None


def _is_meant(alarm: Alarm, expected: AlarmRaised) -> bool:
    return alarm.rule == expected.rule and expected.place in ("", alarm.place)


def _alarms(pictures: Pictures) -> Iterator[tuple[float, Alarm]]:
    for t_s, picture in pictures:
        for alarm in picture.alarms if picture is not None else ():
            yield t_s, alarm
