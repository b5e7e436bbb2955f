"""The sensors of motion on the real MicroPython: the same models, and what firmware imports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulators.board.layout import lay_out

HERE = Path(__file__).parent
HEAP_BYTES = 1024 * 1024


def on_the_board(micropython: list[str], folder: Path, script: str, port: str = "rp2") -> str:
    lay_out(folder, port=port)
    (folder / "wiring.json").write_text('{"unique_id": "00"}', encoding="utf-8")
    done = subprocess.run(
        [*micropython, "-X", f"heapsize={HEAP_BYTES}", "-c", script],
        env={
            "MICROPYPATH": f"{folder}:.frozen",
            "AXSIM_WIRING": str(folder / "wiring.json"),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_both_interpreters_run_the_models_alike(micropython: list[str], tmp_path: Path) -> None:
    """Four seconds of vibration, pulses and contacts, with faults, by the same clock."""
    path = HERE / "run_motion_transcript.py"
    lines = on_the_board(micropython, tmp_path, path.read_text(encoding="utf-8")).splitlines()
    here = subprocess.run(
        [sys.executable, str(path)],
        cwd=HERE.parent.parent,
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    assert lines == here.stdout.splitlines()
    assert len(lines) > 1500


IMPORTS = """
def has(module, name):
    try:
        return hasattr(__import__(module), name)
    except ImportError:
        return False
print([has("rp2", "StateMachine"), has("rp2", "asm_pio"), has("machine", "Counter")])
"""


@pytest.mark.parametrize(
    ("port", "expected"), [("rp2", [True, True, False]), ("esp32", [False, False, True])]
)
def test_a_board_has_what_its_port_has(
    micropython: list[str], tmp_path: Path, port: str, expected: list[bool]
) -> None:
    assert on_the_board(micropython, tmp_path, IMPORTS, port) == f"{expected}\n"


def test_a_port_that_is_not_simulated(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a port is rp2 or esp32, not 'samd'"):
        lay_out(tmp_path, port="samd")
