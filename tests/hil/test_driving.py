"""A person drives the simulated locomotive: keys move levers, levers move the train."""

import os
import pty

import numpy as np
import pytest

from gateway.errors import ConfigError
from gateway.profiles import load_profile
from hil.broker import wait_for
from hil.driving import FAULTS, Cab, Keyboard
from simulators.locomotive import Locomotive
from simulators.physics.driver import Hands


@pytest.fixture
def cab() -> tuple[Cab, Locomotive]:
    hands = Hands()
    locomotive = Locomotive(load_profile("te33a"), 5, hands=hands)
    return Cab(locomotive, hands), locomotive


def speed(locomotive: Locomotive, t_s: float) -> float:
    return float(locomotive.speed_kmh(np.array([t_s]))[0])


def test_keys_start_and_stop_the_train(cab: tuple[Cab, Locomotive]) -> None:
    keys, locomotive = cab
    assert speed(locomotive, 30) == 0, "it stands until somebody drives"
    for key in "rwwwwww":
        assert keys.press(key)
    assert "notch +6" in keys.text()
    running = speed(locomotive, 90)
    assert running > 20
    for key in "ssssssbbbb":
        keys.press(key)
    assert "notch +0   pipe -60 kPa" in keys.text()
    assert speed(locomotive, 240) < running - 15
    keys.press("h")
    assert speed(locomotive, 400) == 0


def test_notches_end_at_eight(cab: tuple[Cab, Locomotive]) -> None:
    keys, _ = cab
    for _ in range(20):
        keys.press("w")
    assert "notch +8" in keys.text()
    for _ in range(40):
        keys.press("s")
    assert "notch -8" in keys.text()


def test_a_figure_breaks_something_and_zero_mends_it(cab: tuple[Cab, Locomotive]) -> None:
    keys, locomotive = cab
    keys.press("r")
    for _ in range(6):
        keys.press("w")
    speed(locomotive, 30)
    keys.press("2")
    assert "broken: lost field motor 4" in keys.text()
    currents = [
        float(locomotive.values("motor.current", f"motor {n}", np.array([60.0]))[0])
        for n in (3, 4)
    ]
    assert currents[0] > 200
    assert abs(currents[1]) < 20
    keys.press("0")
    assert "broken: nothing" in keys.text()
    assert locomotive.values("motor.current", "motor 4", np.array([120.0]))[0] > 100


def test_every_key_of_a_fault_is_one_that_this_locomotive_can_have(
    cab: tuple[Cab, Locomotive],
) -> None:
    keys, locomotive = cab
    assert all(keys.press(key) for key in FAULTS)
    assert not keys.press("x")
    speed(locomotive, 5)


def test_keys_come_from_a_terminal_without_enter_and_it_is_left_as_it_was() -> None:
    controller, terminal = pty.openpty()
    pressed: list[str] = []
    keyboard = Keyboard(pressed.append, terminal)
    keyboard.start()
    try:
        os.write(controller, b"rw5")
        wait_for(lambda: len(pressed) == 3, "keys")
    finally:
        keyboard.stop()
        os.close(controller)
        os.close(terminal)
    assert pressed == ["r", "w", "5"]


def test_without_a_terminal_it_says_what_it_needs() -> None:
    readable, writable = os.pipe()
    with pytest.raises(ConfigError, match="--drive needs a terminal"):
        Keyboard(lambda key: None, readable)
    os.close(readable)
    os.close(writable)
