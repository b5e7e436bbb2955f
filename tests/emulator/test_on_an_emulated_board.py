"""What the interpreter on this machine passes, an emulated RP2040 passes too.

The firmware is compiled for the Raspberry Pi Pico and put into the flash of the board; the golden
vectors and the checks that need no simulated chips run there through its USB console. The
deployable is a node there, which starts by itself and speaks over its UART. Without an image all
this is left out, and the reason says what to do.
"""

import json
import random
import re
import shutil
import subprocess
from array import array
from binascii import crc32
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from axwire.codes import NO_ANSWER, NOT_READY, RESET_CAUSES
from axwire.parse import Event, Hello, Readings, Up
from emulated_board import EmulatedBoard, why_not
from lockstep_peer import LockstepPeer

from hil.boards import load_board
from hil.firmware_build import MANIFEST, Compiler, build, files_for, find_compiler
from hil.firmware_files import MAIN
from hil.node_files import encode, lay_out_node

TESTS = Path(__file__).parents[1]
ON_BOARD = TESTS / "firmware" / "on_board"
VECTORS = json.loads((TESTS / "wire" / "vectors.json").read_text(encoding="utf-8"))
LINES = [json.dumps(vector).encode() + b"\n" for vector in VECTORS]
LINES_A_TIME = 10
CHECK_S = 20
NODE_S = 15
"""Of the board's time. The longest check was seen to take some 2, the node 8.7."""

FIRMWARE = TESTS.parent / "firmware"
MODULES = (
    "check_block",
    "check_config",
    "check_mqtt",
    "check_outbox",
    "check_pt100",
    "check_rs485_link",
    "check_store",
    "check_ticks",
    "check_usb_link",
)
"""Of firmware/on_board those that need no simulated board and put nothing into `machine`."""

TOO_LONG = (
    "test_nothing_is_lost_uncounted_whatever_happens",
    "test_a_flipped_bit_anywhere_is_noticed",
    "test_what_is_cut_off_or_goes_on_is_noticed",
)
"""12,000 steps of an outbox; a file written anew for each of its bytes. Half an hour each."""

CHECKS = [
    (module, name)
    for module in MODULES
    for name in re.findall(
        r"^def (test_\w+)", (ON_BOARD / f"{module}.py").read_text("utf-8"), re.M
    )
    if name not in TOO_LONG
]
WINDOWS, SAMPLES, SEED = 12, 256, 20
NAME = "emulated"
KEY = bytes(range(32))
NODE = {
    "node": NAME,
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

WELL = {
    "dropped_messages": 0,
    "resent_messages": 0,
    "frames_refused": 0,
    "messages_refused": 0,
    "link_errors": 0,
    "safe_mode": 0,
    "early_resets": 0,
    "copies_repaired": 0,
}
"""In its HEALTH, when it heard and understood what acknowledges its messages, and nothing else."""

pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.timeout(3600),
    pytest.mark.filterwarnings("default"),
]


class Checks:
    """Boards with the checks: another one for each module, and after a check that hung."""

    def __init__(self, files: Path, folder: Callable[[], Path]) -> None:
        self._files = files
        self._folder = folder
        self._board: EmulatedBoard | None = None
        self._module = ""

    def run(self, module: str, code: str) -> str:
        """What the code prints, that module being imported."""
        if self._board is None or module != self._module:
            self.close()
            self._board = EmulatedBoard(self._files, self._folder())
            # A package is found where its folder was, seen from the folder of that moment.
            self._board.run("import gc, os, sys\nsys.path.insert(0, '/')", CHECK_S)
            self._board.run(f"import {module}", CHECK_S)
            self._module = module
        try:
            return self._board.run(f"gc.collect()\n{code}", CHECK_S)
        except TimeoutError:
            self.close()
            raise

    def close(self) -> None:
        """Switch off the board that is on."""
        if self._board is not None:
            self._board.close()
            self._board = None


@pytest.fixture(scope="module")
def deployable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is built for the board."""
    folder = tmp_path_factory.mktemp("tree") / "pico"
    return build(load_board("pico"), folder, find_compiler()).folder


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checks]:
    """A board with the firmware, all but what would start the node, and with the checks.

    Not stripped: the checks look into what a deployable has no names for.
    """
    files = tmp_path_factory.mktemp("files")
    sources = {name: path for name, path in files_for("rp2").items() if name != MAIN}
    sources["axwire/parse.py"] = FIRMWARE / "axwire" / "parse.py"
    for source in (
        TESTS / "wire" / "run_vectors.py",
        *(ON_BOARD / f"{name}.py" for name in ("run_features", "sealed", *MODULES)),
    ):
        sources[source.name] = source
    compiler = find_compiler()
    for name, source in sources.items():
        compile_for_the_board(compiler, source, files / name)
    (files / "vectors").write_bytes(b"".join(LINES))
    (files / "windows").write_bytes(windows())
    with closing(Checks(files, lambda: tmp_path_factory.mktemp("scratch"))) as made:
        yield made


def compile_for_the_board(compiler: Compiler, source: Path, path: Path) -> None:
    """As bytecode: to compile it on the board would take memory that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    output = str(path.with_suffix(".mpy"))
    command = [*compiler.command, "-march=armv6m", "-msmall-int-bits=31", "-o", output]
    subprocess.run([*command, "-s", source.name, str(source)], check=True, timeout=60)


def windows() -> bytes:
    """Noise, each window louder than the one before."""
    generator = random.Random(SEED)
    samples = array("h")
    for at in range(WINDOWS):
        reach = 1 << at + 3
        samples.extend(generator.randrange(-reach, reach) for _ in range(SAMPLES))
    return samples.tobytes()


def test_what_is_built_for_it_is_in_its_flash_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, deployable: Path
) -> None:
    files = tmp_path_factory.mktemp("files")
    shutil.copytree(deployable, files, dirs_exist_ok=True)
    (files / MAIN).unlink()
    with closing(EmulatedBoard(files, tmp_path_factory.mktemp("scratch"))) as board:
        said = board.run(
            "import hashlib, json, sys\n"
            "from binascii import hexlify\n"
            "print(sys.platform, sys.implementation._mpy & 0xFF)\n"
            f"files = json.load(open({MANIFEST!r}))['files']\n"
            f"del files[{MAIN!r}]\n"
            "for name in files:\n"
            "    digest = hashlib.sha256(open(name, 'rb').read()).digest()\n"
            "    assert hexlify(digest).decode() == files[name]['sha256'], name\n"
            "print(len(files))\n",
            CHECK_S,
        )
    platform, count = said.splitlines()
    assert platform == "rp2 6"
    assert int(count) > 30


@pytest.mark.parametrize("first", range(0, len(LINES), LINES_A_TIME))
def test_the_golden_vectors_of_the_wire(checks: Checks, first: int) -> None:
    lines = LINES[first : first + LINES_A_TIME]
    said = checks.run(
        "run_vectors",
        "import json\n"
        "lines = open('vectors')\n"
        f"lines.seek({sum(map(len, LINES[:first]))})\n"
        f"for _ in range({len(lines)}):\n"
        "    gc.collect()\n"
        "    vector = json.loads(lines.readline())\n"
        "    print(vector['id'], run_vectors.check(vector) or 'ok')\n",
    )
    assert said.splitlines() == [f"{json.loads(line)['id']} ok" for line in lines]


@pytest.mark.parametrize(("module", "check"), CHECKS)
def test_checks_of_the_firmware(checks: Checks, module: str, check: str) -> None:
    """Each in a folder of its own, as on the interpreter."""
    checks.run(module, f"os.mkdir('/{check}')\nos.chdir('/{check}')\n{module}.{check}()")


def test_machine_code_of_the_vibration_features_says_what_it_says_here(
    checks: Checks, tmp_path: Path, micropython: list[str]
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
    there = checks.run("sys", f"sys.argv[:] = ['', 'windows', '{SAMPLES}']\nimport run_features")
    assert len(here.stdout.splitlines()) == WINDOWS
    assert there == here.stdout


def test_the_node_starts_and_speaks_with_a_gateway(
    tmp_path_factory: pytest.TempPathFactory, deployable: Path
) -> None:
    """From its own main.py, over its UART. No chip is wired to it, and it says that too."""
    files = tmp_path_factory.mktemp("node")
    shutil.copytree(deployable, files, dirs_exist_ok=True)
    lay_out_node(files, NODE, KEY)
    seen: list[Up] = []
    with closing(EmulatedBoard(files, tmp_path_factory.mktemp("scratch"))) as board:
        peer = LockstepPeer(NAME, KEY, board, board)
        peer.hear = seen.append
        board.go_on_until(lambda: len(peer.health) == 2, NODE_S)
        lost = board.lost()
    hello = seen[0]
    assert isinstance(hello, Hello)
    manifest = json.loads((deployable / MANIFEST).read_text(encoding="utf-8"))
    assert (hello.board, hello.firmware) == ("pico", manifest["firmware_version"])
    assert hello.reset_cause == RESET_CAUSES.index("power_on")
    assert hello.configuration == crc32(encode(NODE))
    assert [message.sequence for message in seen] == list(range(len(seen)))
    blocks = [block for one in seen if isinstance(one, Readings) for block in one.blocks]
    assert blocks
    assert {block.statuses for block in blocks} == {bytes([NO_ANSWER])}
    assert [one.arguments for one in seen if isinstance(one, Event)] == [[0, NOT_READY, NO_ANSWER]]
    health = peer.health[1]
    assert {name: health[name] for name in WELL} == WELL
    assert 3 <= (health["down_sequence"] or 0) <= NODE_S
    assert (health["outbox_messages"] or 0) < 20
    assert (health["chip_errors"] or 0) > 0
    assert lost == 0
