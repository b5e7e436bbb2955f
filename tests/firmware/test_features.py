"""Features of windows as the board computes them in integers, against numpy.

In the real interpreter, in machine code and in plain bytecode, which must agree to the last bit.
"""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from axwire.codes import OK, SATURATED, STUCK
from numpy.typing import NDArray

HERE = Path(__file__).parent / "on_board"
FIRMWARE = Path(__file__).parents[2] / "firmware"
SEED = 20_251_121

Window = NDArray[np.int16]


def windows(samples: int) -> list[Window]:
    """Of every kind that a sensor can see, over all amplitudes, from a fixed seed."""
    rng = np.random.default_rng(SEED)
    made: list[NDArray[np.float64]] = []
    at = np.arange(samples)
    for turn in range(240):
        amplitude = 10 ** rng.uniform(0.5, 4.5)
        phase = 2 * np.pi * at * rng.uniform(0.01, 0.45) + rng.uniform(0, 6)
        offset = rng.uniform(-1, 1) * amplitude
        impacts = rng.normal(0, amplitude / 60, samples)
        impacts[rng.integers(samples)] += amplitude
        made.append(
            (
                rng.normal(offset, amplitude / 3, samples),
                amplitude * np.sin(phase) + offset,
                impacts,
                rng.uniform(-amplitude, amplitude, samples),
                np.where(rng.random(samples) < 0.5, amplitude, -amplitude),
                rng.laplace(offset, amplitude / 8, samples),
            )[turn % 6]
        )
    edge = np.full(samples, -0x8000)
    one = edge.copy()
    one[0] = 0x7FFF
    alternating = edge.copy()
    alternating[::2] = 0x7FFF
    single = np.zeros(samples)
    single[-1] = 1
    made += [edge, one, alternating, single, np.full(samples, 1234), -edge - 1]
    return [np.clip(np.rint(each), -0x8000, 0x7FFF).astype(np.int16) for each in made]


def exact(window: Window) -> tuple[float, float, float, float, float]:
    """RMS, peak, crest x 1000, kurtosis x 50 and mean."""
    values = window.astype(np.float64)
    apart = values - values.mean()
    rms = float(np.sqrt((apart**2).mean()))
    peak = float(np.abs(apart).max())
    if not peak:
        return 0, 0, 0, 0, float(values.mean())
    kurtosis = float((apart**4).mean()) / rms**4
    return rms, peak, 1000 * peak / rms, 50 * kurtosis, float(values.mean())


def on_the_board(
    micropython: list[str], folder: Path, samples: int, firmware: Path = FIRMWARE
) -> list[list[int]]:
    path = folder / "windows"
    path.write_bytes(b"".join(window.astype("<i2").tobytes() for window in windows(samples)))
    done = subprocess.run(
        [*micropython, str(HERE / "run_features.py"), str(path), str(samples)],
        env={"MICROPYPATH": f"{firmware}:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
    return [[int(word) for word in line.split()] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("samples", [32, 64, 128, 256, 512])
def test_features_are_those_of_numpy(micropython: list[str], tmp_path: Path, samples: int) -> None:
    for window, (_, *got) in zip(
        windows(samples), on_the_board(micropython, tmp_path, samples), strict=True
    ):
        rms, peak, crest, kurtosis, mean = exact(window)
        assert abs(got[0] - min(rms, 0x7FFF)) <= max(1, 0.001 * rms)
        assert abs(got[1] - min(peak, 0x7FFF)) <= max(1, 0.001 * peak)
        assert abs(got[4] - max(mean, -0x7FFF)) <= 1
        assert abs(got[2] - crest) <= 1 + 0.002 * crest
        assert abs(got[3] - kurtosis) <= 1 + 0.005 * kurtosis


def test_the_status_of_a_window(micropython: list[str], tmp_path: Path) -> None:
    for window, (status, *_) in zip(
        windows(128), on_the_board(micropython, tmp_path, 128), strict=True
    ):
        if window.min() == -0x8000 or window.max() == 0x7FFF:
            assert status == SATURATED
        else:
            assert status == (OK if window.max() > window.min() else STUCK)


CHOSEN = """
from drivers import features, features_plain
print(features.gather is features_plain.gather, features.spread is features_plain.spread)
"""


@pytest.mark.parametrize(
    "damage",
    ["", "@micropython.nothing\ndef gather(): pass\n", "raise ValueError('incompatible .mpy')\n"],
    ids=["left out", "no emitter", "for another processor"],
)
def test_without_the_machine_code_the_plain_part_is_used(
    micropython: list[str], tmp_path: Path, damage: str
) -> None:
    shutil.copytree(FIRMWARE, tmp_path / "firmware")
    part = tmp_path / "firmware" / "drivers" / "features_viper.py"
    part.unlink()
    if damage:
        part.write_text(f"import micropython\n{damage}", encoding="utf-8")
    done = subprocess.run(
        [*micropython, "-c", CHOSEN],
        env={"MICROPYPATH": f"{tmp_path / 'firmware'}:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "True True\n", done.stderr
