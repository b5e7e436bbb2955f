"""A board that does not know who it is, and the person who comes to tell it."""

import machine
from axnode import unprovisioned


class Watchdog:
    fed = 0

    def feed(self):
        self.fed += 1


class Timer:
    """One that is there as number 0 alone, as on ESP32."""

    PERIODIC = 1
    made = []

    def __init__(self, number, mode, period, callback):
        if number < 0:
            raise ValueError("no timer")
        assert mode == Timer.PERIODIC
        Timer.made.append((number, period, callback))


def test_it_blinks_and_is_fed_and_ctrl_c_gives_a_prompt_that_is_fed():
    watchdog = Watchdog()
    levels = []
    pauses = []

    def sleep_ms(ms):
        pauses.append(ms)
        if len(pauses) == 10:
            raise KeyboardInterrupt

    unprovisioned.sleep_ms = sleep_ms
    unprovisioned._led = lambda: levels.append
    machine.Timer = Timer
    try:
        unprovisioned.wait("as the test wants it", watchdog)
        raise AssertionError("ended")
    except KeyboardInterrupt:
        pass
    assert levels == [0, 1] * 5
    assert watchdog.fed == 10
    ((number, period, callback),) = Timer.made
    assert (number, period) == (0, 1000)
    callback(None)
    assert watchdog.fed == 11


def test_a_port_without_a_led_of_that_name_does_without():
    class Pin:
        OUT = 1

        def __init__(self, number, mode):
            raise ValueError("no such pin")

    machine.Pin = Pin
    assert unprovisioned._led() is None
