"""The driver of a contact, with and without its inverse, beside loops."""

import drivers.contact
from axwire.codes import NO_ANSWER, NOT_READY, OK, OPEN, SHORT

from sensor_rig import SensorRig


def rig(initial=0, period_ms=100, inverse=False, **changed):
    wired = {"kind": "contact", "pin": 2, "signal": "level"}
    settings = {"pin": 2}
    if inverse:
        wired["inverse"] = settings["inverse"] = 3
    settings.update(changed)
    signals = [{"name": "level", "unit": "level", "initial": initial}]
    return SensorRig(drivers.contact, settings, "pins", wired, signals, 1, period_ms)


def test_the_active_level_is_1():
    for initial in (0, 1):
        for active in (0, 1):
            made = rig(initial, active=active)
            made.run_rows(3)
            assert set(made.values()) == {1 if initial == active else 0}
            assert made.statuses() == [OK]
            made.end()


def test_a_change_is_believed_when_it_has_been_read_twice():
    made = rig()
    made.run_rows(3)
    made.set("level", 1)
    began_ms = made.now_ms()
    while made.values()[-1] == 0:
        made.run_ms(10)
        assert made.now_ms() - began_ms <= 400
    values = made.values()
    assert values == sorted(values) and made.statuses() == [OK]
    made.set("level", 0)
    made.run_rows(3)
    assert made.values()[-1] == 0
    made.end()


def test_a_level_between_two_readings_and_one_that_is_read_once_are_overlooked():
    made = rig(debounce_ms=50)
    made.run_rows(2)
    for duration_ms in (30, 60, 95):
        made.set("level", 1)
        made.run_ms(duration_ms)
        made.set("level", 0)
        made.run_rows(3)
    assert set(made.values()) == {0}
    made.end()


def test_debouncing_takes_as_long_as_it_is_told():
    for debounce_ms in (0, 20, 250, 1000):
        made = rig(period_ms=20, debounce_ms=debounce_ms)
        made.run_rows(5)
        made.set("level", 1)
        before = len(made.values())
        made.run_ms(debounce_ms + 400)
        rows = made.values()[before:].index(1)
        assert debounce_ms / 20 - 6 <= rows <= debounce_ms / 20 + 7, (debounce_ms, rows)
        made.end()


def test_a_contact_that_chatters_is_not_ready():
    made = rig(debounce_ms=150)
    made.run_rows(3)
    for _ in range(15):
        made.set("level", 1)
        made.run_ms(100)
        made.set("level", 0)
        made.run_ms(100)
        made.set("level", 1)
        made.run_ms(100)
    assert NOT_READY in [new for _, _, _, new in made.sink.changes], made.sink.changes
    assert set(made.values()) == {0}, "the old level is given meanwhile"
    made.set("level", 0)
    made.run_rows(12)
    assert made.statuses() == [OK] and made.values()[-1] == 0
    made.end()


def test_bounce_after_a_change_shows_no_other_change():
    made = rig(period_ms=10)
    made.run_rows(5)
    made.fault("bounce", edges=6, us=900)
    changes = 0
    for _ in range(10):
        for level in (1, 0):
            made.set("level", level)
            made.run_ms(200)
            changes += 1
    values = made.values()
    seen = sum([values[at] != values[at - 1] for at in range(1, len(values))])
    assert abs(seen - changes) <= 1 and made.statuses() == [OK], (seen, changes)
    made.end()


def test_with_its_inverse_a_cut_wire_and_a_short_circuit_can_be_told():
    for initial in (0, 1):
        for word, status in (("open", OPEN), ("nack", OPEN), ("short", SHORT)):
            made = rig(initial, inverse=True)
            made.run_rows(3)
            made.shows(word, status, periods=2, has_value=True, cleared_ms=1000)
            made.end()


def test_without_it_they_are_levels_like_any_other():
    made = rig(1)
    made.run_rows(3)
    made.fault("short")
    made.run_rows(3)
    assert made.statuses() == [OK] and made.values()[-1] == 0
    made.end()


def test_after_the_cut_of_all_sensors_it_does_not_answer():
    made = rig()
    made.run_rows(3)
    made.end()
    assert made.statuses() == [NO_ANSWER]
