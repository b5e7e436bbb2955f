"""Each test of `on_board`, run by the real interpreter with a board's heap."""

import re
import subprocess
from pathlib import Path

import pytest

from simulators.board.layout import lay_out

HERE = Path(__file__).parent / "on_board"
FIRMWARE = Path(__file__).parents[2] / "firmware"
TESTS = [
    (module.stem, name)
    for module in sorted(HERE.glob("check_*.py"))
    for name in re.findall(r"^def (test_\w+)", module.read_text(encoding="utf-8"), re.M)
]
HEAP_BYTES = 8 * 1024 * 1024
"""Larger than a board's: the simulated chips and the test share it with the firmware."""


@pytest.fixture(scope="module")
def simulated_board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sim")
    lay_out(folder)
    (folder / "wiring.json").write_text('{"unique_id": "e66038b7132a5b2f"}', encoding="utf-8")
    return folder


@pytest.mark.parametrize(("module", "test"), TESTS)
def test_in_micropython(
    micropython: list[str], simulated_board: Path, tmp_path: Path, module: str, test: str
) -> None:
    done = subprocess.run(
        [
            *micropython,
            "-X",
            f"heapsize={HEAP_BYTES}",
            "-c",
            f"import {module}; {module}.{test}()",
        ],
        env={
            "MICROPYPATH": f"{HERE}:{FIRMWARE}:{simulated_board}:.frozen",
            "AXSIM_WIRING": str(simulated_board / "wiring.json"),
        },
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
