"""What the demo says when its gateway is killed, and what waits for such a gateway."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs import running

from hil.errors import BenchError
from hil.interpreter import find_interpreter

pytestmark = pytest.mark.timeout(120)

SEED = 71
LONG_S = 600
"""No test waits so long: what ends before ended by itself."""


@pytest.fixture
def demo() -> Iterator[subprocess.Popen[str]]:
    """It runs, and its page can be opened."""
    find_interpreter()
    started = subprocess.Popen(
        [
            *(sys.executable, "-m", "gateway", "demo", "--json", "--port", "0"),
            *("--seed", str(SEED), "--duration", str(LONG_S)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stderr is not None
    for line in started.stderr:
        print(line, end="")
        if line.startswith("page "):
            break
    yield started
    if started.poll() is None:
        started.terminate()
        started.communicate()


def gateway_of(demo: subprocess.Popen[str]) -> int:
    """The process id of its gateway."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        if parent == demo.pid and b"gateway" in command:
            return int(folder.name)
    raise AssertionError("the demo has no gateway")


def test_a_gateway_that_is_killed_ends_the_demo_with_what_to_do(
    demo: subprocess.Popen[str],
) -> None:
    os.kill(gateway_of(demo), signal.SIGKILL)
    out, told = demo.communicate()
    print(told)
    assert demo.returncode == 1
    assert out == ""
    found = re.search(
        r"error: the gateway was ended by signal 9 \(Killed\); its log ends:\n"
        r"(.+)\nThe demo ends with it, without an account: start it again\.",
        told,
        re.DOTALL,
    )
    assert found is not None
    assert "Traceback" not in told
    assert "neither stored nor counted" not in told


def test_a_gateway_that_was_killed_is_not_waited_for(tmp_path: Path) -> None:
    with running(tmp_path, SEED) as rig:
        os.kill(rig.gateway.pid, signal.SIGKILL)
        with pytest.raises(BenchError, match=r"ended by signal 9 \(Killed\); its log ends:"):
            rig.until(lambda: False, LONG_S)
        rig.settle(LONG_S)
