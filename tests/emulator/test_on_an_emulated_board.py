"""What the interpreter on this machine passes, an emulated RP2040 passes too, from the deployable.

The firmware is built for the Raspberry Pi Pico and put into the flash of the board; the golden
vectors and the checks that need no simulated chips run there through its USB console, and the node
itself starts. Without an image all this is left out, and the reason says what to do.
"""

import ast
import json
import random
import shutil
import subprocess
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest
from axwire import MESSAGE_CAP
from axwire.codes import NO_ANSWER
from axwire.cose import UP, MacKey, split
from axwire.framing import Deframer
from axwire.parse import Health, Hello, Readings, Up, parse_up
from emulated_board import EmulatedBoard, why_not

from hil.boards import load_board
from hil.firmware_build import MANIFEST, Compiler, build, find_compiler
from hil.firmware_files import MAIN
from hil.node_files import lay_out_node

TESTS = Path(__file__).parents[1]
ON_BOARD = TESTS / "firmware" / "on_board"
VECTORS = json.loads((TESTS / "wire" / "vectors.json").read_text(encoding="utf-8"))
LINES = [json.dumps(vector) for vector in VECTORS]
LINES_A_TIME = 20
LIMIT_S = 3600
"""Far beyond what any of it takes: the emulated board is some forty times slower than a real one,
and the machine that emulates it may be busy."""
FIRMWARE = TESTS.parent / "firmware"
CHECKS = (
    "check_block",
    "check_config",
    "check_mqtt",
    "check_outbox",
    "check_pt100",
    "check_ticks",
)
"""Of firmware/on_board those that need no simulated board, and no day of emulation."""

WINDOWS, SAMPLES, SEED = 12, 256, 20
KEY = bytes(range(32))
NODE = {
    "node": "emulated",
    "board": "pico",
    "spill_bytes": 0,
    "uart": {"id": 0, "baud": 921600, "tx": 0, "rx": 1},
    "i2c": [{"id": 0, "scl": 5, "sda": 4, "freq": 400000}],
    "chips": [
        {
            "name": "adc1",
            "kind": "ads1115",
            "i2c": 0,
            "address": 72,
            "range_mv": 4096,
            "rate": 860,
            "shunt_milliohm": 120000,
        }
    ],
    "groups": [
        {
            "period_ms": 100,
            "channels": [
                {
                    "quantity": "motor.current",
                    "place": "motor 1",
                    "chip": "adc1",
                    "scale": 976562,
                    "offset": -375000000000,
                }
            ],
        }
    ],
}

pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.timeout(4 * 3600),
    pytest.mark.filterwarnings("default"),
]


def names_in(check: str) -> list[str]:
    tree = ast.parse((ON_BOARD / f"{check}.py").read_text(encoding="utf-8"))
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


@pytest.fixture(scope="module")
def deployable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is built for the board."""
    folder = tmp_path_factory.mktemp("tree") / "pico"
    return build(load_board("pico"), folder, find_compiler()).folder


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, deployable: Path) -> Iterator[EmulatedBoard]:
    """A board with the deployable, all but what would start the node, and with the checks."""
    files = tmp_path_factory.mktemp("files")
    shutil.copytree(deployable, files, dirs_exist_ok=True)
    (files / MAIN).unlink()
    compiler = find_compiler()
    for source in (
        TESTS / "wire" / "run_vectors.py",
        ON_BOARD / "run_features.py",
        *(ON_BOARD / f"{check}.py" for check in CHECKS),
    ):
        compile_for_the_board(compiler, source, files)
    (files / "vectors").write_text("\n".join(LINES), encoding="utf-8")
    (files / "windows").write_bytes(windows())
    made = EmulatedBoard(files, tmp_path_factory.mktemp("scratch"))
    try:
        yield made
    finally:
        made.close()


def compile_for_the_board(compiler: Compiler, source: Path, folder: Path) -> None:
    """A check as bytecode: to compile it on the board would take memory that it needs."""
    output = folder / f"{source.stem}.mpy"
    command = [*compiler.command, "-march=armv6m", "-msmall-int-bits=31", "-o", str(output)]
    subprocess.run([*command, "-s", source.name, str(source)], check=True, timeout=60)


def windows() -> bytes:
    """Noise, each window louder than the one before."""
    generator = random.Random(SEED)
    samples = array("h")
    for at in range(WINDOWS):
        reach = 1 << at + 3
        samples.extend(generator.randrange(-reach, reach) for _ in range(SAMPLES))
    return samples.tobytes()


def test_it_is_an_rp2040_that_takes_what_is_built_for_it(board: EmulatedBoard) -> None:
    said = board.run("import sys; print(sys.platform, sys.implementation._mpy & 0xFF)")
    assert said == "rp2 6\n"


def test_the_bytes_in_its_flash_are_those_of_the_manifest(board: EmulatedBoard) -> None:
    said = board.run(
        "import hashlib, json, os\n"
        "from binascii import hexlify\n"
        f"files = json.load(open({MANIFEST!r}))['files']\n"
        f"del files[{MAIN!r}]\n"
        "for name in files:\n"
        "    digest = hashlib.sha256(open(name, 'rb').read()).digest()\n"
        "    assert hexlify(digest).decode() == files[name]['sha256'], name\n"
        "print(len(files))\n",
        limit_s=LIMIT_S,
    )
    assert int(said) > 30


@pytest.mark.parametrize("first", range(0, len(LINES), LINES_A_TIME))
def test_the_golden_vectors_of_the_wire(board: EmulatedBoard, first: int) -> None:
    lines = LINES[first : first + LINES_A_TIME]
    if not first:
        board.reset()
        board.run("import json, run_vectors\nlines = open('vectors')")
    said = board.run(
        f"for _ in range({len(lines)}):\n"
        "    vector = json.loads(lines.readline())\n"
        "    print(vector['id'], run_vectors.check(vector) or 'ok')\n",
        limit_s=LIMIT_S,
    )
    assert said.splitlines() == [f"{json.loads(line)['id']} ok" for line in lines]


@pytest.mark.parametrize("check", CHECKS)
def test_checks_of_the_firmware(board: EmulatedBoard, check: str) -> None:
    names = names_in(check)
    assert names
    board.reset()
    board.run(f"import {check}")
    for name in names:
        board.run(f"import gc\ngc.collect()\n{check}.{name}()", limit_s=LIMIT_S)


def test_machine_code_of_the_vibration_features_says_what_it_says_here(
    board: EmulatedBoard, tmp_path: Path, micropython: list[str]
) -> None:
    (tmp_path / "windows").write_bytes(windows())
    here = subprocess.run(
        [*micropython, str(ON_BOARD / "run_features.py"), "windows", str(SAMPLES)],
        env={"MICROPYPATH": f"{FIRMWARE}:.frozen"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    board.reset()
    there = board.run(
        f"import sys\nsys.argv[:] = ['', 'windows', '{SAMPLES}']\nimport run_features",
        limit_s=LIMIT_S,
    )
    assert len(here.stdout.splitlines()) == WINDOWS
    assert there == here.stdout


def test_the_node_starts_and_says_who_it_is(
    tmp_path_factory: pytest.TempPathFactory, deployable: Path
) -> None:
    """From its own main.py, over its UART. No chip is wired to it, and it says that too."""
    files = tmp_path_factory.mktemp("node")
    shutil.copytree(deployable, files, dirs_exist_ok=True)
    lay_out_node(files, NODE, KEY)
    board = EmulatedBoard(files, tmp_path_factory.mktemp("scratch"))
    deframer = Deframer(MESSAGE_CAP)
    key = MacKey(KEY)
    seen: list[Up] = []
    read = 0

    def done() -> bool:
        nonlocal read
        fresh, read = bytes(board.sent[read:]), len(board.sent)
        for message in deframer.feed(fresh):
            envelope = split(message)
            envelope.check(key, UP)
            seen.append(parse_up(envelope.payload))
        return any(isinstance(one, Health) for one in seen)

    try:
        board.go_on_until(done, limit_s=LIMIT_S)
    finally:
        board.close()
    hello = next(one for one in seen if isinstance(one, Hello))
    manifest = json.loads((deployable / MANIFEST).read_text(encoding="utf-8"))
    assert (hello.board, hello.firmware) == ("pico", manifest["firmware_version"])
    blocks = [block for one in seen if isinstance(one, Readings) for block in one.blocks]
    assert blocks
    assert {block.statuses for block in blocks} == {bytes([NO_ANSWER])}
