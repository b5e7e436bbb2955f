"""What an accelerometer's model makes of a signature, sample by sample, and its envelope."""

import math
from collections.abc import Sequence

import numpy as np
from board_parts import samples
from numpy.typing import NDArray

from simulators.board.inputs import Input
from simulators.board.motion import Motion
from simulators.board.shape import RECORD
from simulators.board.signals import LINEAR, Signal
from simulators.physics.vibration import Signature
from simulators.sensors import shape

RATE_HZ = 1e6 / 37.5
"""Of an IIS3DWB, by its data sheet's 26.667 kHz."""

G = 9.80665
RING_HZ = (2500.0, 4300.0)
"""The band in which a bearing rings when it is struck."""

_CODE_UG = 488
_LASTS_US = 500_000_000
Values = NDArray[np.float64]


def rendered(signatures: Sequence[Signature], stretch_s: float) -> Values:
    """m/s^2 of a chip at 16 g, of one stretch after the other."""
    level, shapes = Signal("level", "ug", 0, 2), Signal("shape", "shape", 0, RECORD)
    motion = Motion([Input("z", level, 1)], 0, 6_000, -0x8000, 0x7FFF, [shapes])
    stretch_us = round(stretch_s * 1e6)
    codes: list[int] = []
    for number, signature in enumerate(signatures):
        begin_us = number * stretch_us
        numbers = shape(signature)
        ug = round(math.sqrt(2) * signature.rms / G * 1e6)
        assert level.feed(begin_us, LINEAR, begin_us, stretch_us, samples([ug, ug]))
        assert shapes.feed(begin_us, 0, begin_us, _LASTS_US // len(numbers), samples(numbers))
        until = math.ceil((begin_us + stretch_us) / 37.5)
        codes += [motion.code(0, at * 75 >> 1, _CODE_UG * 256) for at in range(len(codes), until)]
    return np.array(codes) * _CODE_UG * 1e-6 * G


def envelope(signal: Values, band_hz: tuple[float, float] = RING_HZ) -> Values:
    """Of what is within the band, along the last axis: the size of its analytic signal."""
    spectrum = np.fft.fft(signal)
    hz = np.fft.fftfreq(signal.shape[-1], 1 / RATE_HZ)
    spectrum[..., (hz < band_hz[0]) | (hz > band_hz[1])] = 0
    size: Values = np.abs(np.fft.ifft(2 * spectrum))
    return size


def lines(signal: Values, fill: int = 1) -> tuple[Values, Values]:
    """Frequencies in Hz, and how strong each is, along the last axis; with zeros behind the
    signal, up to `fill` times its length."""
    count = fill * signal.shape[-1]
    changing = signal - signal.mean(axis=-1, keepdims=True)
    return np.fft.rfftfreq(count, 1 / RATE_HZ), np.abs(np.fft.rfft(changing, count))


def strongest_hz(signal: Values, low_hz: float, high_hz: float, fill: int = 1) -> float:
    """The strongest line between two frequencies; of several signals, in the mean."""
    hz, strength = lines(signal, fill)
    inside = (hz > low_hz) & (hz < high_hz)
    power = (strength.reshape(-1, len(hz)) ** 2).mean(axis=0)
    return float(hz[inside][np.argmax(power[inside])])


def kurtosis(signal: Values) -> float:
    apart = signal - signal.mean()
    return float(np.mean(apart**4) / np.mean(apart**2) ** 2)
