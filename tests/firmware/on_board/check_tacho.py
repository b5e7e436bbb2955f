"""The driver of a tacho, counted by PIO and by a pulse counter, beside loops."""

import sys

import drivers.tacho
import machine
from axwire.codes import NO_ANSWER, NOT_READY, OK, OPEN, OUT_OF_RANGE, SHORT, STUCK
from simulators.board.counter import Counter

from sensor_rig import MISSING, SensorRig

TEETH = 60
FULL_RPM = 4500
PORTS = ("rp2", "esp32")
machine.Counter = Counter


def rig(port="rp2", rpm=1500, period_ms=20, inverse=False, **changed):
    drivers.tacho._PORTS = ("drivers.pulses_" + port,)
    wired = {"kind": "tacho", "pin": 2, "signal": "rate"}
    settings = {"unit": 5, "pin": 2, "teeth": TEETH, "full_rpm": FULL_RPM}
    if inverse:
        wired["inverse"] = settings["inverse"] = 3
    settings.update(changed)
    signals = [{"name": "rate", "unit": "mHz", "initial": mhz(rpm, settings["teeth"])}]
    return SensorRig(drivers.tacho, settings, "pins", wired, signals, 1, period_ms)


def mhz(rpm, teeth=TEETH):
    return round(rpm * teeth / 60 * 1000)


def newest(made, count):
    return [value / 5 for value in made.values()[-count:]]


def complaints(made):
    """What the channel said, but that it was not ready at the start and then was."""
    return [change for change in made.sink.changes if change[2:] != (NOT_READY, OK)]


def test_the_speed_at_every_speed():
    """To 0.1 % with edges that are dated; without, to a thirtieth and the last pulse."""
    for port, share in (("rp2", 0.001), ("esp32", 0.035)):
        for rpm in (1, 7.5, 30, 99, 300, 1000, 1500, 3333, 4500):
            made = rig(port, rpm)
            made.run_ms(4000)
            for value in newest(made, 50):
                assert abs(value - rpm) <= share * rpm + 0.25, (port, rpm, value)
            assert made.statuses() == [OK], (port, rpm)
            made.end()


def test_wheels_of_few_and_of_many_teeth():
    for teeth, rpm in ((1, 600), (4, 3000), (120, 1200), (1000, 400)):
        made = rig(rpm=rpm, teeth=teeth)
        made.run_ms(3000)
        for value in newest(made, 20):
            assert abs(value - rpm) <= 0.001 * rpm + 0.25, (teeth, value)


def test_rows_from_a_millisecond_to_seconds():
    for period_ms in (1, 5, 100, 1000, 4000):
        made = rig(rpm=1500, period_ms=period_ms)
        made.run_ms(3500 + 3 * period_ms)
        for value in newest(made, 2):
            assert abs(value - 1500) <= 2 + 15 / period_ms, (period_ms, value)
        assert made.statuses() == [OK], period_ms
        made.end()


def accelerate(made, begin, end, duration_ms):
    """The wheel changes its speed evenly; how many rows late each speed of that time was shown."""
    before = len(made.sink.blocks)
    began_ms = made.now_ms()
    for ms in range(0, duration_ms, 20):
        made.set("rate", mhz(begin + (end - begin) * ms / duration_ms))
        made.run_ms(20)
    made.set("rate", mhz(end))
    made.run_ms(120)
    step = (end - begin) * 20 / duration_ms
    late = []
    for group, t_ms, rows, _ in made.sink.blocks[before:]:
        for at, row in enumerate(rows):
            passed = (t_ms - began_ms) / 20 + at
            if group == 1 and 2 <= passed <= duration_ms // 20:
                late.append(passed - (row[0] / 5 - begin) / step)
    assert len(late) >= duration_ms // 20 - 3
    return late


def test_it_follows_a_wheel_that_slips_and_one_that_brakes():
    made = rig(rpm=1000)
    made.run_ms(1000)
    for begin, end, duration_ms in ((1000, 3000, 400), (3000, 300, 800), (300, 0, 2000)):
        late = accelerate(made, begin, end, duration_ms)
        assert min(late) >= -1.5 and max(late) <= (10 if end == 0 else 3.5), (end, late)
    made.run_ms(3000)
    assert newest(made, 10) == [0] * 10 and made.statuses() == [OK]
    assert complaints(made) == []
    made.end()


def test_a_wheel_that_stops_falls_to_0_and_is_ok():
    for port in PORTS:
        made = rig(port, rpm=3000)
        made.run_ms(2000)
        accelerate(made, 3000, 0, 3000)
        made.run_ms(4000)
        assert made.statuses() == [OK] and newest(made, 10) == [0] * 10, port
        falling = made.values()[120:]
        for at in range(1, len(falling)):
            assert falling[at] <= 1.1 * falling[at - 1] + 20, falling[at - 1 : at + 1]
        made.set("rate", mhz(20))
        made.run_ms(2000)
        assert abs(newest(made, 1)[0] - 20) < 2 and made.statuses() == [OK]
        made.end()


def test_a_standstill_since_the_start_is_not_known_to_be_one():
    for port in PORTS:
        made = rig(port, rpm=0)
        made.run_ms(5000)
        assert made.statuses() == [NOT_READY] and set(made.values()) == {0}
        made.set("rate", mhz(60))
        made.run_ms(2000)
        assert made.statuses() == [OK] and abs(newest(made, 1)[0] - 60) <= 3
        made.end()


def test_with_its_inverse_a_standstill_is_known_to_be_one():
    made = rig(rpm=0, inverse=True)
    made.run_ms(1000)
    assert made.statuses() == [OK] and set(made.values()) == {0}
    for word, status in (("open", OPEN), ("nack", OPEN), ("short", SHORT)):
        made.shows(word, status, has_value=True, cleared_ms=2000)
    made.end()


def test_a_sensor_that_dies_at_speed_shows_within_two_periods():
    for port in PORTS:
        for word in ("open", "short", "stuck", "frozen", "nack", "saturated"):
            made = rig(port, rpm=1500)
            made.run_ms(2000)
            made.shows(word, STUCK, cleared_ms=3000)
            assert abs(newest(made, 1)[0] - 1500) <= 50
            made.end()


def test_with_its_inverse_it_is_told_what_is_wrong():
    for word, status in (("open", OPEN), ("short", SHORT), ("nack", OPEN), ("stuck", STUCK)):
        made = rig(rpm=1500, inverse=True)
        made.run_ms(2000)
        made.shows(word, status, cleared_ms=3000)
        made.end()


def test_a_dead_sensor_stays_dead_until_pulses_come():
    made = rig(rpm=1500)
    made.run_ms(1000)
    made.fault("stuck")
    made.run_ms(10_000)
    assert made.statuses() == [STUCK] and newest(made, 1) == [0]
    made.set("rate", mhz(10))
    made.fault("stuck", clear=True)
    made.run_ms(2000)
    assert made.statuses() == [OK] and abs(newest(made, 1)[0] - 10) < 1
    made.end()


def test_a_missing_tooth_disturbs_nothing_at_low_speed_and_little_at_speed():
    for rpm, share in ((20, 0.01), (100, 0.01), (1500, 0.06), (4500, 0.025)):
        made = rig(rpm=rpm)
        made.run_ms(2500)
        made.fault("missing_tooth", every=TEETH)
        before = len(made.values())
        made.run_ms(4 * 60_000 // rpm + 500)
        for value in newest(made, len(made.values()) - before):
            assert abs(value - rpm) <= share * rpm + 1, (rpm, value)
        assert made.statuses() == [OK] and complaints(made) == [], (rpm, made.sink.changes)
        assert (made.driver.gaps >= 3) == (rpm <= 100), (rpm, made.driver.gaps)
        made.end()


def test_bounce_within_the_filter_is_not_counted():
    for port, filter_us in (("rp2", 30), ("esp32", 12)):
        made = rig(port, rpm=1500, filter_us=filter_us)
        made.run_ms(1000)
        made.fault("bounce", edges=4, us=filter_us - 2)
        made.run_ms(2000)
        assert abs(newest(made, 1)[0] - 1500) <= 10 and complaints(made) == [], port
        made.end()


def test_bounce_beyond_the_filter_is_out_of_range():
    for port in PORTS:
        made = rig(port, rpm=1500)
        made.run_ms(2000)
        made.shows("bounce", OUT_OF_RANGE, edges=4, us=40, cleared_ms=3000)
        made.end()


def test_a_jump_that_no_wheel_makes_is_out_of_range_until_it_could_be_true():
    for port in PORTS:
        made = rig(port, rpm=1500, stop_ms=2000)
        made.run_ms(2000)
        began_ms = made.now_ms()
        made.fault("bounce", edges=1, us=40)
        made.run_rows(2)
        assert made.first_change(began_ms)[1:] == (OK, OUT_OF_RANGE), port
        assert made.first_change(began_ms)[0] <= 2 * made.period_ms + 1, port
        made.run_ms(300)
        assert made.statuses() == [OUT_OF_RANGE] and abs(newest(made, 1)[0] - 3000) < 60
        made.run_ms(3000)
        assert made.statuses() == [OK], "3000 1/min can be true by now"
        made.end()


def test_slow_rows_of_a_counter_without_dates_average_over_a_second_and_a_half():
    made = rig("esp32", rpm=13, period_ms=100)
    made.run_ms(4000)
    for value in newest(made, 25):
        assert abs(value - 13) <= 1.5, value
    made.set("rate", mhz(60))
    made.run_ms(2500)
    assert abs(newest(made, 1)[0] - 60) <= 6
    made.end()


def test_an_edge_between_two_looks_belongs_to_the_count_that_has_it():
    """Count and date are read twice; what a look gives when the edge comes before look 1 to 4."""

    class Machine:
        def __init__(self, edge_before):
            self.words = []
            self.looks = 0
            self.edge_before = edge_before

        def exec(self, instruction):
            if instruction == 0x8000:
                return
            self.looks += 1
            seen = self.looks >= self.edge_before
            of_count = instruction == 0x403E
            self.words.append(-(101 if seen else 100) if of_count else -(7007 if seen else 7000))

        def rx_fifo(self):
            return len(self.words)

        def get(self):
            return self.words.pop(0) & 0x3FFFFFFF

    made = rig()
    counts = made.driver._counts
    for edge_before in range(1, 6):
        counts._machine = Machine(edge_before)
        counts.read(0)
        assert (counts.count, counts.edge) in ((100, 7000), (101, 7007)), edge_before


def test_faster_than_the_wheel_can_turn_is_out_of_range():
    made = rig(rpm=5000)
    made.run_ms(1000)
    assert made.statuses() == [OUT_OF_RANGE] and abs(newest(made, 1)[0] - 5000) < 10


def test_a_board_that_starts_on_a_rolling_locomotive_believes_the_first_speed():
    made = rig(rpm=3000)
    made.run_ms(1000)
    assert made.statuses() == [OK] and abs(newest(made, 1)[0] - 3000) < 5
    assert complaints(made) == []


def test_a_filter_that_the_port_does_not_have_is_refused():
    for port, filter_us in (("esp32", 13), ("rp2", 1)):
        refusal = "accepted"
        try:
            rig(port, filter_us=filter_us)
        except ValueError as error:
            refusal = str(error)
        assert "filter_us must be" in refusal, (port, refusal)


def test_a_port_that_counts_no_pulses_says_so():
    drivers.tacho._PORTS = ("drivers.pulses_of_none",)
    refusal = "accepted"
    try:
        drivers.tacho._port()
    except ValueError as error:
        refusal = str(error)
    assert refusal == "this port counts no pulses"
    assert "drivers.pulses_of_none" not in sys.modules


def test_after_the_cut_of_all_sensors_it_does_not_answer():
    for port in PORTS:
        made = rig(port)
        made.run_rows(20)
        made.end()
        assert made.statuses() == [NO_ANSWER] and made.rows()[-1][0] == MISSING
