"""The waveform carries its signatures where the formulae put them."""

import math

import numpy as np
import pytest
from beside import beside
from numpy.typing import NDArray

from simulators.physics.vibration import RATE_HZ, Bearing, Damage, features, waveform

BEARING = Bearing()
TURN_HZ = 60 / 3.6 / (math.pi * 1.067)
SAMPLES = 1 << 17
Values = NDArray[np.float64]


def envelope_spectrum(signal: Values) -> tuple[Values, Values]:
    """Frequencies and lines of the envelope around the bearing's resonance, by FFT."""
    spectrum = np.fft.fft(signal)
    hz = np.fft.fftfreq(len(signal), 1 / RATE_HZ)
    spectrum[(hz < 2500) | (hz > 4300)] = 0
    envelope = np.abs(np.fft.ifft(2 * spectrum))
    lines = np.abs(np.fft.rfft(envelope - envelope.mean()))
    return np.fft.rfftfreq(len(signal), 1 / RATE_HZ), lines


def envelope_peak_hz(signal: Values, low: float, high: float) -> float:
    at, lines = envelope_spectrum(signal)
    inside = (at > low) & (at < high)
    return float(at[inside][np.argmax(lines[inside])])


def envelope_line(signal: Values, hz: float) -> float:
    """The strongest line within 1 % of a frequency."""
    at, lines = envelope_spectrum(signal)
    return float(lines[np.abs(at - hz) < 0.01 * hz].max())


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
        (Damage(outer=1), BEARING.outer_hz(TURN_HZ)),
        (Damage(inner=1), BEARING.inner_hz(TURN_HZ)),
        (Damage(roller=1), 2 * BEARING.roller_hz(TURN_HZ)),
    ],
    ids=["BPFO", "BPFI", "2 BSF"],
)
def test_a_damaged_bearing_shows_at_its_frequency(damage: Damage, hz: float) -> None:
    signal = waveform(TURN_HZ, 60, SAMPLES, 7, damage)
    peak = envelope_peak_hz(signal, 0.85 * hz, 1.15 * hz)
    beside("peak of the envelope", peak, hz, "Hz", 0.01)
    sound = waveform(TURN_HZ, 60, SAMPLES, 7)
    assert envelope_line(signal, hz) > 4 * envelope_line(sound, hz)


def test_gear_mesh_is_a_line_at_teeth_times_turns() -> None:
    signal = waveform(TURN_HZ, 60, SAMPLES, 8)
    found = np.abs(np.fft.rfft(signal))
    peak = np.fft.rfftfreq(SAMPLES, 1 / RATE_HZ)[np.argmax(found)]
    beside("gear mesh", float(peak), 83 * TURN_HZ, "Hz", 1e-3)


def test_a_flat_strikes_once_a_turn_and_raises_the_kurtosis() -> None:
    flat = waveform(TURN_HZ, 60, SAMPLES, 9, Damage(flat_mm=1.5))
    sound = waveform(TURN_HZ, 60, SAMPLES, 9)

    def kurtosis(signal: Values) -> float:
        return float(np.mean(signal**4) / np.mean(signal**2) ** 2)

    print(f"kurtosis {kurtosis(sound):.2f} sound, {kurtosis(flat):.2f} with a flat")
    beside("kurtosis of noise with a little gear mesh", kurtosis(sound), 3, "", 0.05)
    assert kurtosis(flat) > 3.2
    power = np.abs(np.fft.rfft(flat**2 - np.mean(flat**2), 2 * SAMPLES)) ** 2
    blow = np.fft.irfft(power)[:SAMPLES]
    lags = np.arange(len(blow)) / RATE_HZ
    near = (lags > 0.6 / TURN_HZ) & (lags < 1.4 / TURN_HZ)
    period = float(lags[near][np.argmax(blow[near])])
    beside("blows a second", 1 / period, TURN_HZ, "Hz", 0.02)


def test_features_and_waveform_have_the_same_level() -> None:
    speeds, none = np.array([0.0, 60.0, 100.0]), np.zeros(3)
    rms, crest, kurtosis = features(speeds, none, none)
    signal = waveform(TURN_HZ, 60, SAMPLES, 10)
    beside("RMS at 60 km/h", float(np.sqrt(np.mean(signal**2))), float(rms[1]), "m/s2", 0.05)
    assert (np.diff(rms) > 0).all()
    assert set(crest) == {3.5}
    assert set(kurtosis) == {3.0}


def test_a_waveform_repeats_from_its_seed() -> None:
    first = waveform(TURN_HZ, 60, 4096, 11, Damage(inner=0.5))
    assert np.array_equal(first, waveform(TURN_HZ, 60, 4096, 11, Damage(inner=0.5)))
    assert not np.array_equal(first, waveform(TURN_HZ, 60, 4096, 12, Damage(inner=0.5)))
