"""Runs a script of this folder in MicroPython, on a heap as small as a board's."""

import os
import subprocess
from pathlib import Path

_HERE = Path(__file__).parent
_PATH = f"{_HERE.parent}:{_HERE.parents[1] / 'firmware'}:.frozen"


def run_on_board(interpreter: list[str], script: str, *arguments: str) -> str:
    """What the script prints; it must end well. Imports are the firmware's, the heap is a board's
    and 64 KB for the script."""
    command = [*interpreter, "-X", "heapsize=192k", str(_HERE / script), *arguments]
    environment = {**os.environ, "MICROPYPATH": _PATH}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
