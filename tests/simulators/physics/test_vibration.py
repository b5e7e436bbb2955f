"""A sensor's model feels what the physics say, with its signatures where the formulae put them."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from beside import beside
from shaken import envelope, kurtosis, lines, rendered, strongest_hz

from gateway.profiles import load_profile
from simulators.faults import HotBearing, WheelFlat
from simulators.locomotive import Locomotive
from simulators.physics.vibration import (
    AXLE_BEARING,
    MOTOR_BEARING,
    Bearing,
    Damage,
    axlebox,
    features,
    motor,
)
from simulators.sensors import shape

TURN_HZ = 60 / 3.6 / (math.pi * 1.067)
GEAR = 4.0
SECONDS = 4.0
SEED = 7


def shaken(damage: Damage, seed: int = SEED) -> np.ndarray:
    """An axlebox at 60 km/h for four seconds."""
    return rendered([axlebox(12.3, TURN_HZ, 60, damage, seed)], SECONDS)


def test_frequencies_by_hand() -> None:
    """N 8, d 8 mm, D 40 mm, no angle, 10 turns a second: the textbook's arithmetic."""
    small = Bearing(rollers=8, roller_mm=8, pitch_mm=40, contact_deg=0)
    beside("BPFO", small.outer_hz(10), 32, "Hz", 1e-9)
    beside("BPFI", small.inner_hz(10), 48, "Hz", 1e-9)
    beside("BSF", small.roller_hz(10), 24, "Hz", 1e-9)
    beside("FTF", small.cage_hz(10), 4, "Hz", 1e-9)
    beside("BPFO + BPFI = N f", small.outer_hz(10) + small.inner_hz(10), 80, "Hz", 1e-9)


@pytest.mark.parametrize(
    ("damage", "hz"),
    [
        (Damage(outer=0.5), AXLE_BEARING.outer_hz(TURN_HZ)),
        (Damage(inner=0.5), AXLE_BEARING.inner_hz(TURN_HZ)),
        (Damage(roller=0.5), 2 * AXLE_BEARING.roller_hz(TURN_HZ)),
    ],
    ids=["BPFO", "BPFI", "2 BSF"],
)
def test_a_damaged_bearing_shows_at_its_frequency(damage: Damage, hz: float) -> None:
    broken, sound = envelope(shaken(damage)), envelope(shaken(Damage()))
    beside("peak of the envelope", strongest_hz(broken, 30, 75), hz, "Hz", 0.005)
    at, strength = lines(np.array([broken, sound]))
    near = np.abs(at - hz) < 0.01 * hz
    assert strength[0, near].max() > 8 * strength[1, near].max()


@pytest.mark.parametrize(
    ("damage", "hz"),
    [
        (Damage(outer=0.5), MOTOR_BEARING.outer_hz(GEAR * TURN_HZ)),
        (Damage(inner=0.5), MOTOR_BEARING.inner_hz(GEAR * TURN_HZ)),
    ],
    ids=["BPFO", "BPFI"],
)
def test_a_motors_bearing_turns_with_its_shaft(damage: Damage, hz: float) -> None:
    signal = rendered([motor(1.5, TURN_HZ, 60, damage, SEED, GEAR)], SECONDS)
    beside("peak of the envelope", strongest_hz(envelope(signal), 100, 250), hz, "Hz", 0.005)


def test_gear_mesh_is_a_line_at_teeth_times_turns() -> None:
    beside("gear mesh", strongest_hz(shaken(Damage()), 1, 13_000), 83 * TURN_HZ, "Hz", 1e-3)


def test_a_flat_strikes_once_a_turn_and_raises_peak_and_kurtosis() -> None:
    flat, sound = shaken(Damage(flat_mm=1.0)), shaken(Damage())
    print(f"kurtosis {kurtosis(sound):.2f} sound, {kurtosis(flat):.2f} with a flat")
    assert kurtosis(flat) > kurtosis(sound) + 1
    assert np.abs(flat).max() > 1.5 * np.abs(sound).max()
    thuds = envelope(flat, (380, 420)) + envelope(flat, (480, 600))
    beside("blows a second", strongest_hz(thuds, 3, 9), TURN_HZ, "Hz", 0.02)


def test_features_and_signature_have_the_same_level() -> None:
    damage = Damage(outer=0.4, flat_mm=0.5)
    for kmh in (0.0, 60.0, 100.0):
        for one in (Damage(), damage):
            speed = np.array([kmh])
            rms, _, _ = features(speed, [np.array([one.outer])], np.array([one.flat_mm]))
            signal = rendered([axlebox(0, TURN_HZ * kmh / 60, kmh, one, SEED)], SECONDS)
            beside(f"RMS at {kmh} km/h", float(signal.std()), float(rms[0]), "m/s2", 0.05)
    _, crest, kurtosis = features(np.array([60.0]), [np.zeros(1)], np.zeros(1))
    assert (crest[0], kurtosis[0]) == (3.5, 3.0)


def test_a_waveform_repeats_from_its_seed() -> None:
    first = shaken(Damage(inner=0.5))
    assert np.array_equal(first, shaken(Damage(inner=0.5)))
    assert not np.array_equal(first, shaken(Damage(inner=0.5), SEED + 1))


def test_standing_still_nothing_strikes() -> None:
    still = axlebox(3.0, 0.0, 0.0, Damage(outer=1, flat_mm=2), SEED)
    assert (still.blows, still.mesh, still.harmonic) == ((), 0, 0)
    assert len(shape(still)) == 5


def test_a_locomotives_waveform_goes_on_from_stretch_to_stretch() -> None:
    """At rising speed: blows against the turns of the wheel, not against time, are even."""
    faults = (HotBearing("axle 2 left"), WheelFlat("axle 2"))
    locomotive = Locomotive(load_profile("te33a"), SEED, faults=[(0, None, one) for one in faults])
    begin_s, stretch_s = 40.0, 0.5
    signatures = [
        locomotive.signature("axle.acceleration", "axle 2 left", at_s, at_s + stretch_s)
        for at_s in np.arange(begin_s, begin_s + SECONDS, stretch_s).tolist()
    ]
    speeds = [one.turn_hz for one in signatures]
    print(f"{speeds[0]:.3f} to {speeds[-1]:.3f} turns a second")
    assert speeds[-1] > 1.02 * speeds[0]
    for one, following in pairwise(signatures):
        turns = one.turns + one.turn_hz * stretch_s
        assert following.turns == pytest.approx(turns, abs=1e-9)
    bearing_only = [replace(one, blows=one.blows[:1]) for one in signatures]
    signal = envelope(rendered(bearing_only, stretch_s))
    t_s = np.arange(len(signal)) / len(signal) * SECONDS
    turned = np.interp(
        t_s,
        np.arange(len(signatures) + 1) * stretch_s,
        [*(one.turns for one in signatures), turns + following.turn_hz * stretch_s],
    )
    even = np.linspace(turned[0], turned[-1], len(signal))
    per_turn = np.interp(even, turned, signal)
    found = strongest_hz(per_turn, 15, 37) * SECONDS / (turned[-1] - turned[0])
    beside("blows a turn", found, AXLE_BEARING.outer_hz(1), "", 0.003)


def test_only_an_acceleration_has_a_waveform() -> None:
    locomotive = Locomotive(load_profile("te33a"), SEED)
    assert locomotive.signature("motor.acceleration", "motor 3", 0, 1).blows == ()
    for quantity, place in (("axle.speed", "axle 1"), ("axle.acceleration", "axle 7 left")):
        with pytest.raises(KeyError):
            locomotive.signature(quantity, place, 0, 1)
