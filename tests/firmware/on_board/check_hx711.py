"""The driver of the strain converter on two pins, with both clocks, beside loops."""

import sys

import drivers.hx711
import drivers.hx711_pins
import drivers.hx711_rp2
from axwire.codes import NO_ANSWER, NOT_READY, OK, OUT_OF_RANGE, SATURATED, STUCK
from simulators.board.pio import assemble

from chip_rig import ChipRig, shows

BRIDGE_NV = 5_000_000
LOWEST, HIGHEST = 500_000, 6_000_000
STATE_MACHINES = (3, None)
SCK, DOUT = 14, 15


def rig(sm, period_ms=100, ready=True, rate=80, **changed):
    chip = {"name": "chip", "kind": "hx711", "sck": SCK, "dout": DOUT}
    chip.update({"inputs": ["bridge", "other"], "rate": rate})
    wiring = {
        "signals": [
            {"name": "bridge", "unit": "nV", "initial": BRIDGE_NV},
            {"name": "other", "unit": "nV", "initial": 2 * BRIDGE_NV},
        ],
        "pins": [chip],
    }
    settings = {"sck": SCK, "dout": DOUT, "sm": sm, "gain": 128, "rate": rate}
    settings.update({"lowest": LOWEST, "highest": HIGHEST})
    settings.update(changed)
    module = drivers.hx711
    made = ChipRig(module, lambda board: module.make(settings, board), wiring, period_ms)
    if ready:
        made.run_until_good()
    return made


def code(gain=128):
    return round(0x800000 * gain * BRIDGE_NV / 2_500_000_000)


def test_it_starts_with_a_reset():
    for sm in STATE_MACHINES:
        for rate, limit_ms in ((80, 300), (10, 800)):
            made = rig(sm, ready=False, rate=rate, period_ms=200)
            took_ms = made.run_until_good()
            assert 4000 // rate <= took_ms <= limit_ms, (sm, rate, took_ms)
            assert abs(made.values()[0] - code()) <= 1 and made.sampler.errors == 0
            made.end()


def test_whatever_was_going_on_before():
    for sm in STATE_MACHINES:
        for pulses in (7, 24, 26, 27):
            made = rig(sm, ready=False)
            chip = made.board.hardware.chips["chip"]
            chip._fresh = True
            for _ in range(pulses):
                chip.clock(1)
                chip.clock(0)
            chip.inputs[0].taken = 0
            made.run_until_good()
            assert set([abs(value - code()) <= 1 for value in made.values()]) == {True}
            made.end()


def test_an_interrupt_does_not_stretch_a_pulse():
    for sm in STATE_MACHINES:
        made = rig(sm)
        chip = made.board.hardware.chips["chip"]
        clock = chip.clock

        def interrupted(level, made=made, clock=clock):
            clock(level)
            if level:
                made.ticks.advance(100)

        chip.clock = interrupted
        made.run_ms(500)
        assert made.status() == OK and made.sampler.errors == 0
        assert set([abs(value - code()) <= 1 for value in made.values()]) == {True}


def test_each_row_has_a_value_at_twice_its_rate():
    for sm in STATE_MACHINES:
        for rate, period_ms in ((80, 25), (10, 200), (80, 1000)):
            made = rig(sm, rate=rate, period_ms=period_ms)
            missed = made.sampler.missed
            made.run_ms(5000)
            assert made.sampler.missed == missed and made.sampler.errors == 0, (sm, rate)
            assert made.status() == OK and made.sink.changes == []
            assert set([abs(value - code()) <= 1 for value in made.values()]) == {True}
            made.end()


def test_negative_codes_and_ends():
    for sm in STATE_MACHINES:
        made = rig(sm, lowest=-0x800000, highest=0x7FFFFF)
        for nanovolts, status in (
            (-1_000, OK),
            (-7_000_000, OK),
            (19_531_240, OK),
            (19_531_249, SATURATED),
            (-19_531_250, SATURATED),
        ):
            made.set(nanovolts)
            made.run_ms(1000)
            expected = nanovolts * 0x800000 * 128 // 2_500_000_000
            expected = min(expected, 0x7FFFFF)
            assert abs(made.values()[-1] - expected) <= 1, (nanovolts, made.values()[-1])
            assert made.status() == status, (nanovolts, made.status())
        made.end()


def test_pulses_are_short_and_as_many_as_the_gain_needs():
    for sm in STATE_MACHINES:
        for gain, pulses in ((128, 25), (32, 26), (64, 27)):
            made = rig(sm, gain=gain, ready=False, lowest=-0x800000, highest=0x7FFFFF)
            made.run_ms(1000)
            edges = _edges_of_sck(made)
            made.run_ms(130)
            highs = [edge for edge in edges if edge[1]]
            assert highs and len(highs) % pulses == 0, (sm, gain, len(highs))
            for at in range(0, len(edges), 2):
                (rose_us, high), (fell_us, low) = edges[at], edges[at + 1]
                assert (high, low) == (1, 0)
                assert 0 <= fell_us - rose_us <= 3, (rose_us, fell_us)


def test_every_gain_and_the_first_value_after_a_reset():
    for sm in STATE_MACHINES:
        for gain, expected in ((64, code(64)), (32, 2 * code(32))):
            made = rig(sm, gain=gain, ready=False)
            made.run_ms(1600)
            assert made.status() == OK, made.sink.changes
            values = made.values()
            assert abs(values[0] - code(128)) <= 1
            assert set([abs(value - expected) <= 1 for value in values[1:]]) == {True}, values
            changes = [change[2:] for change in made.sink.changes if change[1] == 3]
            assert changes[-1] == (NOT_READY, OK)
            for number, _, rows, statuses in made.sink.blocks:
                for row in rows:
                    assert number == 0 or row[0] != values[0] or statuses == [NOT_READY]
            made.end()


def test_each_fault_shows_within_two_periods():
    for sm in STATE_MACHINES:
        for word, status, has_value, more in (
            ("open", SATURATED, True, {}),
            ("saturated", SATURATED, True, {}),
            ("saturated", SATURATED, True, {"args": {"low": True}}),
            ("short", OUT_OF_RANGE, True, {}),
            ("nack", NO_ANSWER, False, {}),
            ("frozen", STUCK, False, {}),
        ):
            made = rig(sm)
            shows(made, word, status, has_value, **more)
            made.end()
        made = rig(sm, rate=10, period_ms=250)
        shows(made, "slow_conversion", STUCK, False, args={"permille": 5000})
        made.end()


def test_a_brown_out_that_delays_a_row_shows_and_others_do_no_harm():
    for sm in STATE_MACHINES:
        made = rig(sm, rate=10, period_ms=250)
        made.run_to_row(100)
        began_ms = made.now_ms()
        made.fault("brown_out")
        made.run_ms(500)
        after_ms, old, new = made.first_change(began_ms)
        assert (old, new) == (OK, STUCK) and after_ms <= 500, (after_ms, old, new)
        made.run_ms(3000)
        assert made.status() == OK
        made.end()
        made = rig(sm, period_ms=1000)
        for after_ms in (5, 100, 500, 900, 940):
            made.run_to_row(after_ms)
            made.fault("brown_out")
            made.run_ms(1000)
        assert made.sink.changes == [] and made.status() == OK
        assert set([abs(value - code()) <= 1 for value in made.values()]) == {True}
        made.end()


def test_dout_that_is_held_low_is_no_result():
    for sm in STATE_MACHINES:
        made = rig(sm, ready=False)
        made.board.hardware.wire(DOUT).source = lambda: 0
        made.run_ms(3000)
        assert made.values() == [] and made.status() == NO_ANSWER
        assert made.sampler.errors < 12


def test_without_a_chip_there_is_no_answer_from_the_start():
    for sm in STATE_MACHINES:
        made = rig(sm, ready=False)
        made.board.hardware.wire(DOUT).source = None
        made.run_ms(3000)
        assert made.values() == [] and made.status() == NO_ANSWER
        assert made.sampler.missed == 0, "no row waited for it"


def test_a_chip_that_falls_silent_while_it_is_read_gives_no_value():
    made = rig(None)
    made.driver._clock.bits = lambda: 0x1FFFFFF
    made.run_ms(200)
    assert made.status() == OUT_OF_RANGE and made.values()[-1] == -1
    count = len(made.values())
    begin = made.driver._clock.begin
    made.driver._clock.begin = lambda extra: made.fault("nack")
    made.run_ms(200)
    assert made.status() == NO_ANSWER and len(made.values()) <= count + 1
    made.driver._clock.begin = begin


def test_a_clock_that_is_never_done_is_stuck_and_begun_anew():
    made = rig(3)
    clock = made.driver._clock
    done = clock.done
    clock.done = lambda: False
    made.run_ms(300)
    assert made.status() == STUCK
    clock.done = done
    made.run_ms(6000)
    assert made.status() == OK


def test_the_program_fits_beside_seven_others():
    """Two blocks of 32 instructions hold the programs of all eight state machines; one that is
    there already is not loaded twice."""
    assert len(assemble(drivers.hx711_rp2.clock_bits.function).words) == 12


def _edges_of_sck(made):
    """The list that (time on the wires, level) is appended to from now on."""
    edges = []
    clock = made.board.hardware.chips["chip"].clock

    def noted(level):
        edges.append((made.board.hardware.line_us(), level))
        clock(level)

    made.board.hardware.chips["chip"].clock = noted
    return edges


def test_a_port_without_state_machines_says_so():
    class Elsewhere:
        pass

    kept = sys.modules["rp2"], sys.modules.pop("drivers.hx711_rp2")
    sys.modules["rp2"] = Elsewhere()
    try:
        said = refusal_of_a_state_machine()
    finally:
        sys.modules["rp2"], sys.modules["drivers.hx711_rp2"] = kept
    assert "leave sm out" in said, said


def refusal_of_a_state_machine():
    try:
        rig(3, ready=False)
    except ValueError as error:
        return str(error)
    return "taken"
