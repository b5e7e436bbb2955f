"""What a pass of the sampling loop calls, MicroPython keeps the state of on its stack.

The state of a call, which is the local names, the deepest expression and what each `try` needs, is
taken from the heap where it has more than eleven words (VM_MAX_STATE_ON_STACK in MicroPython's
py/objfun.c), and given back at the return. No counter of bytes shows it, but each time the
interpreter looks for room.
"""

import re
import subprocess
from pathlib import Path

import pytest

from simulators.board.layout import lay_out

FIRMWARE = Path(__file__).parents[2] / "firmware"
MOST_WORDS = 11
EXCEPTION_WORDS = 3
SELDOM = {
    "axnode.block": {"__init__", "grow", "write"},
    "axnode.sampler": {"__init__", "begin", "_burst", "tell_temperature"},
    "axnode.ticks": set[str](),
    "drivers.ads1115": {"make"},
    "drivers.features": {"_prepare", "_kurtosis"},
    "drivers.iis3dwb": {"__init__"},
    "drivers.max31865": {"make", "__init__"},
    "drivers.pulses_rp2": {"__init__", "check"},
    "drivers.tacho": {"make", "_port", "__init__"},
}
"""The modules of a pass in the busiest role, and what of each is called once a start or command, a
flush, or a window of the vibration sensor."""


@pytest.fixture(scope="module")
def states(micropython: list[str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the interpreter prints of each file that it compiles."""
    folder = tmp_path_factory.mktemp("sim")
    lay_out(folder)
    (folder / "wiring.json").write_text('{"unique_id": "e66038b7132a5b2f"}', encoding="utf-8")
    imports = "; ".join(f"import {module}" for module in SELDOM)
    done = subprocess.run(
        [*micropython, "-X", "heapsize=8M", "-v", "-v", "-c", f"import machine; {imports}"],
        env={
            "MICROPYPATH": f"{FIRMWARE}:{folder}:.frozen",
            "AXSIM_WIRING": str(folder / "wiring.json"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("module", SELDOM)
def test_no_call_of_a_pass_takes_its_state_from_the_heap(states: str, module: str) -> None:
    path = re.escape(str(FIRMWARE / module.replace(".", "/")) + ".py")
    found = re.findall(
        rf"File {path}, code block '([^']+)'.*?\(N_STATE (\d+)\)\s*\(N_EXC_STACK (\d+)\)",
        states,
        re.S,
    )
    words = {name: int(state) + EXCEPTION_WORDS * int(tries) for name, state, tries in found}
    assert len(words) > 3
    seldom = SELDOM[module] | {"<module>", "<listcomp>"}
    large = {name for name, count in words.items() if count > MOST_WORDS and name not in seldom}
    assert large == set()
