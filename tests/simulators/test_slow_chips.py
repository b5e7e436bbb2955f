"""The chips of thermocouples and bridges answer alike in both interpreters."""

import json
import os
import subprocess
import sys
from pathlib import Path

from simulators.board.layout import HEAP_EXTRA_BYTES, lay_out

HERE = Path(__file__).parent


def test_both_interpreters_run_the_models_alike(micropython: list[str], tmp_path: Path) -> None:
    """25 seconds of chip life, faults and noise in it, by the same clock."""
    lay_out(tmp_path)
    script = str(HERE / "run_slow_chips.py")
    on_the_board, here = (
        subprocess.run(
            command,
            cwd=HERE.parents[1],
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        for command, environ in (
            (
                [*micropython, "-X", f"heapsize={HEAP_EXTRA_BYTES}", script],
                {"MICROPYPATH": f"{tmp_path}:.frozen"},
            ),
            ([sys.executable, script], {"PYTHONPATH": "."}),
        )
    )
    assert on_the_board.returncode == 0, on_the_board.stdout
    assert on_the_board.stdout.splitlines() == here.stdout.splitlines()
    lines = here.stdout.splitlines()
    assert len(lines) > 2500
    taken = json.loads([line for line in lines if " taken " in line][-1].partition("taken")[2])
    assert min(taken) > 50, taken
